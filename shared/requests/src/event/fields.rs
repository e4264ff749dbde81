//! Reading single fields, and collecting their faults.

use super::{Kind, Violation};
use serde_json::{Map, Value};

/// The longest time that CloudFormation waits for any custom resource, in seconds (`ServiceTimeout`, 1 to 3,600).
const LONGEST_TIMEOUT: u64 = 3_600;

/// A field of the event, and its maximum length.
pub(super) struct Bound {
    field: &'static str,
    bytes: usize,
    valid: &'static str,
}

/// A stack's ARN has at most about 250 characters, with a name of 128 (the CloudFormation API reference, `StackName`).
pub(super) const STACK_ID: Bound =
    Bound { field: "StackId", bytes: 600, valid: "a string of 1 to 600 bytes without control characters" };

/// The CloudFormation API reference, `LogicalResourceId`.
pub(super) const LOGICAL_ID: Bound =
    Bound { field: "LogicalResourceId", bytes: 255, valid: "a string of 1 to 255 bytes without control characters" };

/// A UUID of 36 characters in all captured events.
pub(super) const REQUEST_ID: Bound = Bound { field: "RequestId", bytes: 128, valid: "a string of at most 128 bytes" };

/// The longest physical id, in bytes (the CloudFormation user guide, "Custom resource response objects"). The id of the
/// environment replaces a longer one.
pub(super) const MAX_PHYSICAL_ID: usize = 1_024;

/// The longest type name of the CloudFormation API reference, `ResourceType`.
pub(super) const RESOURCE_TYPE: Bound =
    Bound { field: "ResourceType", bytes: 256, valid: "a string of at most 256 bytes" };

/// The bound of [`crate::ResponseUrl`].
pub(super) const RESPONSE_URL: Bound =
    Bound { field: "ResponseURL", bytes: crate::response_url::MAX_LENGTH, valid: "a URL of at most 8192 bytes" };

/// The kinds that a reader of events accepts.
#[derive(Clone, Copy)]
pub(super) struct Kinds {
    all: &'static [Kind],
    valid: &'static str,
}

/// The kinds of CloudFormation.
pub(super) const OF_CLOUDFORMATION: Kinds =
    Kinds { all: &[Kind::Create, Kind::Update, Kind::Delete], valid: "Create, Update or Delete" };

/// The kinds of the requests in records and in the request queue.
pub(super) const RECORDED: Kinds =
    Kinds { all: &[Kind::Create, Kind::Update, Kind::Delete, Kind::Repair], valid: "Create, Update, Delete or Repair" };

/// An event being read, and the faults found so far.
pub(super) struct Fields<'a> {
    event: &'a Value,
    pub faults: Vec<Violation>,
}

impl<'a> Fields<'a> {
    pub fn of(event: &'a Value) -> Self {
        Fields { event, faults: Vec::new() }
    }

    pub fn kind(&mut self, Kinds { all, valid }: Kinds) -> Option<Kind> {
        let value = self.event.get("RequestType");
        let kind = value.and_then(Value::as_str).and_then(Kind::parse).filter(|kind| all.contains(kind));
        if kind.is_none() {
            self.fault("RequestType", value, valid);
        }
        kind
    }

    /// A required id. A control character is rejected too: the owner is a hash over two ids with a line break between
    /// them, which must be unambiguous.
    pub fn id(&mut self, Bound { field, bytes, valid }: Bound) -> String {
        let value = self.event.get(field);
        match value.and_then(Value::as_str) {
            Some(id) if (1..=bytes).contains(&id.len()) && !id.contains(char::is_control) => id.to_owned(),
            _ => {
                self.fault(field, value, valid);
                String::new()
            }
        }
    }

    /// An optional string; `None` if the field is missing or not a string, and a fault if it is too long.
    pub fn optional(&mut self, Bound { field, bytes, valid }: Bound) -> Option<String> {
        let value = self.event.get(field);
        let text = value.and_then(Value::as_str)?;
        if text.len() > bytes {
            self.fault(field, value, valid);
            return None;
        }
        Some(text.to_owned())
    }

    /// The properties; a fault if a Create or Update has none. For an unknown kind, the kind is already a fault.
    pub fn properties(&mut self, kind: Option<Kind>) -> Map<String, Value> {
        let value = self.event.get("ResourceProperties");
        match (value.and_then(Value::as_object), kind) {
            (Some(properties), _) => properties.clone(),
            (None, None | Some(Kind::Delete | Kind::Repair)) => Map::new(),
            (None, Some(Kind::Create | Kind::Update)) => {
                self.fault("ResourceProperties", value, "an object");
                Map::new()
            }
        }
    }

    /// `ServiceTimeout` was observed at the top level and, on Update and Delete, among the properties.
    pub fn service_timeout(&mut self, kind: Option<Kind>, properties: &Map<String, Value>) -> Option<u32> {
        let top = self.event.get("ServiceTimeout").map(|value| ("ServiceTimeout", value));
        let among_properties = || {
            let value = properties.get("ServiceTimeout")?;
            Some(("ResourceProperties.ServiceTimeout", value))
        };
        let (field, value) = top.or_else(among_properties)?;
        let timeout = seconds(value);
        if timeout.is_none() && kind != Some(Kind::Delete) {
            self.fault(field, Some(value), "a whole number of seconds from 1 to 3600");
        }
        timeout
    }

    fn fault(&mut self, field: &'static str, value: Option<&Value>, valid: &'static str) {
        self.faults.push(Violation::new(field, value, valid));
    }
}

/// A string field, or the empty string.
pub(super) fn text(event: &Value, field: &str) -> String {
    present(event, field).unwrap_or_default()
}

/// A field, if it is present and a string.
pub(super) fn present(event: &Value, field: &str) -> Option<String> {
    event.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// CloudFormation sends scalars as strings; operators and emulators send numbers.
fn seconds(value: &Value) -> Option<u32> {
    let number = match value {
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<u64>().ok()?,
        other => other.as_u64()?,
    };
    u32::try_from(number).ok().filter(|_| (1..=LONGEST_TIMEOUT).contains(&number))
}
