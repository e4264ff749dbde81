//! A Repair: an operator's request for the recorded properties once more, so that drift is corrected without a change of the
//! stack.
//!
//! It is recorded, queued and passed like a request of CloudFormation, and responds to no address. Its pass is the pass of an
//! Update with unchanged properties.

use environment::{Defaults, Spec};
use requests::records::{LatestRequest, OwnerRecord};
use requests::{Kind, time_text};
use serde_json::{Value, json};

use crate::recorded::{frozen_defaults, recorded_spec};
use crate::settings::Settings;

/// Why a Repair is refused. Nothing is written for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepairRefusal {
    /// The owner has no environment.
    #[error(
        "there is nothing to repair: the environment does not exist, or its record is lost. Update its stack, which writes the record again, or create the environment by a stack"
    )]
    NoEnvironment,
    /// Another request waits for its response.
    #[error("its {kind} has been in progress since {since}. Wait for the response, and then send the request again")]
    InProgress {
        /// The kind of that request.
        kind: Kind,
        /// When it was sent, as a text.
        since: String,
    },
    /// No request reached its desired state.
    #[error(
        "it has never settled, so it has no state to return to. Delete its stack and create it again, or update a stack in CREATE_FAILED to continue"
    )]
    NeverSettled,
    /// This version cannot read the properties in the record.
    #[error("this version can't read its recorded properties. Update its stack, which writes the record again")]
    Unreadable,
}

/// The recorded properties that a Repair applies, with the frozen defaults of their environment.
///
/// `request` is the hash of the Repair, if it is recorded already: it does not wait for itself.
///
/// # Errors
/// Why the Repair is refused.
pub fn repairable(
    settings: &Settings,
    record: Option<&OwnerRecord>,
    request: Option<&str>,
) -> Result<(Spec, Defaults), RepairRefusal> {
    let exists = |it: &&OwnerRecord| it.desired.is_some() && !it.deleted;
    let record = record.filter(exists).ok_or(RepairRefusal::NoEnvironment)?;
    let pending = record.latest_request.as_ref().filter(|_| record.response_due_ms.is_some());
    if let Some(latest) = pending.filter(|latest| request != Some(latest.request_hash.as_str())) {
        return Err(RepairRefusal::InProgress { kind: latest.kind, since: time_text(latest.began_ms()) });
    }
    if record.settled_spec.is_none() {
        return Err(RepairRefusal::NeverSettled);
    }
    let spec = recorded_spec(Some(record), |it| it.desired.as_ref(), settings).ok_or(RepairRefusal::Unreadable)?;
    Ok((spec, frozen_defaults(Some(record), &settings.defaults)))
}

/// The event of a Repair that an operator asks for at `now_ms`, in the name of the resource whose latest request is `latest`.
/// The time in its id makes a second Repair a separate request.
#[must_use]
pub fn repair_event(environment: &str, latest: &LatestRequest, now_ms: u64) -> Value {
    event(environment, latest, &format!("operator-{now_ms}"))
}

/// The event and the hash of the Repair that waits for its response, as it was recorded. The function that recorded it may
/// have died before the Repair was queued, and nothing else delivers it again.
#[must_use]
pub fn pending_repair(environment: &str, record: &OwnerRecord) -> Option<(Value, String)> {
    let is_pending = |it: &&LatestRequest| it.kind == Kind::Repair && record.response_due_ms.is_some();
    let latest = record.latest_request.as_ref().filter(is_pending)?;
    Some((event(environment, latest, &latest.response_address.request_id), latest.request_hash.clone()))
}

fn event(environment: &str, latest: &LatestRequest, request_id: &str) -> Value {
    let address = &latest.response_address;
    json!({
        "RequestType": Kind::Repair, "RequestId": request_id, "StackId": address.stack_id,
        "LogicalResourceId": address.logical_id, "PhysicalResourceId": latest.physical_id.as_deref().unwrap_or(environment),
        "ResourceProperties": {},
    })
}
