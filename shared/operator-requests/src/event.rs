//! The event of an invocation as an operator request.

use environment::property::form;
use requests::{enveloped_requests, read_event};
use serde_json::{Map, Value, json};

use crate::error::OperatorError;
use crate::table::{RequestKind, RequestRow};

/// The most characters of a `Caller`: an ARN of an assumed role, with the longest names, has fewer.
const MAX_CALLER: usize = 256;

/// An operator request: its name is known, and no field shows that another kind of event was meant.
#[derive(Debug)]
pub(crate) struct OperatorEvent {
    /// The name of the request.
    pub name: &'static str,
    /// The request.
    pub kind: RequestKind,
    /// All fields.
    pub fields: Value,
    /// Who sends the request, by its own statement. A tool sets it, so that the log names the person; nothing is decided by it.
    pub claimed_caller: Option<String>,
}

impl OperatorEvent {
    /// Reads the text of an event.
    ///
    /// # Errors
    /// The first field that no operator request has, or that has another form.
    pub fn read(text: &str) -> Result<OperatorEvent, OperatorError> {
        if enveloped_requests(text).is_some() {
            return Err(OperatorError::Enveloped);
        }
        let fields = read_event(text)?;
        if fields.get("RequestType").is_some() {
            return Err(OperatorError::OfCloudFormation);
        }
        let request = fields.get("Request").unwrap_or(&Value::Null);
        if request.is_null()
            && let Some(field) = miswritten_request(&fields)
        {
            return Err(OperatorError::MiswrittenField { field: field.to_owned() });
        }
        let row = request.as_str().and_then(RequestRow::named);
        let row = row.ok_or_else(|| OperatorError::UnknownRequest { request: request.clone() })?;
        let claimed_caller = match fields.get("Caller") {
            None => None,
            Some(value) => {
                let valid = value.as_str().filter(|it| is_caller(it));
                Some(valid.ok_or_else(|| OperatorError::InvalidCaller { value: value.clone() })?.to_owned())
            }
        };
        Ok(OperatorEvent { name: row.name, kind: row.kind, fields, claimed_caller })
    }

    /// Logs the request before it is performed.
    pub fn log(&self) {
        let claimed_caller = self.claimed_caller.as_deref().unwrap_or_default();
        tracing::info!(request = self.name, claimed_caller, "operator request received");
    }

    /// The invocation's result: of the request, or its error.
    pub fn result(&self, performed: Result<Value, OperatorError>) -> Value {
        let mut result = performed.unwrap_or_else(|error| error_result(&error));
        if let (Some(caller), Some(members)) = (&self.claimed_caller, result.as_object_mut()) {
            members.insert(String::from("ClaimedCaller"), caller.as_str().into());
        }
        result
    }

    /// The field `ResourceProperties`; none if it is missing.
    ///
    /// # Errors
    /// If it is not an object.
    pub fn properties(fields: &Value) -> Result<Option<&Map<String, Value>>, OperatorError> {
        let Some(value) = fields.get("ResourceProperties") else { return Ok(None) };
        let properties = value.as_object();
        properties.map(Some).ok_or_else(|| OperatorError::InvalidResourceProperties { form: form(value) })
    }
}

/// The result of a request that fails.
pub(crate) fn error_result(error: &OperatorError) -> Value {
    let text = error.to_string();
    json!({ "Error": text, "Text": text })
}

fn is_caller(text: &str) -> bool {
    (1..=MAX_CALLER).contains(&text.len()) && text.chars().all(|it| matches!(it, ' '..='~'))
}

/// The field `Request` in another case, such as `request`.
fn miswritten_request(fields: &Value) -> Option<&str> {
    fields.as_object()?.keys().map(String::as_str).find(|it| it.eq_ignore_ascii_case("Request"))
}
