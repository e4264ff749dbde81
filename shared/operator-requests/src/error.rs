//! The errors of operator requests, as sentences for the operator.

use environment::property::form;
use environment::{CallError, Violation};
use request_pass::{RepairRefusal, describe_violations};
use requests::{Malformed, RecordsError, UnreadableEvent};
use serde_json::Value;

use crate::table::RequestRow;

/// The reason why an operator request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    #[error("Request is {}: valid is {}", form(.request), RequestRow::names())]
    UnknownRequest { request: Value },
    #[error(
        "Request is \"{request}\": it changes environments, and this function only reads. Send it to the function {operator}."
    )]
    Changes { request: &'static str, operator: String },
    #[error(
        "RequestType is given: this function takes operator requests alone, such as {{\"Request\": \"doctor\"}}. Nothing was \
         changed. The ServiceToken of a stack is the function custom-resource."
    )]
    OfCloudFormation,
    #[error(
        "Records is given: this function takes operator requests alone, such as {{\"Request\": \"doctor\"}}, by direct \
         invocation, and no messages of SNS or SQS. Nothing was changed."
    )]
    Enveloped,
    #[error("Caller is {}: valid is a text of 1 to 256 printable ASCII characters", form(.value))]
    InvalidCaller { value: Value },
    #[error("ResourceProperties is {form}: valid is an object with the properties of a template")]
    InvalidResourceProperties { form: String },
    #[error("Unresolved is {form}: valid is a list of names of properties")]
    InvalidUnresolved { form: String },
    #[error("{0}")]
    InvalidSettings(String),
    #[error("The request could not be queued or recorded: {0}. Send the same request again.")]
    NotQueued(String),
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    #[error(
        "{field} is not a field of a request; valid is \"Request\", with a capital letter, such as {{\"Request\": \"status\"}}"
    )]
    MiswrittenField { field: String },
    #[error(
        "Environment is {}: valid is the id of an environment of this deployment, such as \"scalable-ec2-us-west-2-dev\"",
        form(.value)
    )]
    InvalidEnvironment { value: Value },
    #[error("Hours is {}: valid is a whole number from 1 to 168, which is seven days; without it, 8", form(.value))]
    InvalidHours { value: Value },
    #[error(
        "Environment is {environment:?}: no environment has this name, or it was deleted; valid is the id of an \
         environment, such as \"scalable-ec2-us-west-2-dev\""
    )]
    UnknownEnvironment { environment: String },
    #[error(
        "Owner is {value}: valid is the owner that the reason of the refused create names, 20 hexadecimal digits in lower \
         case"
    )]
    InvalidOwner { value: Value },
    #[error(
        "Environment is {environment:?}: it belongs to another stack's resource. Delete that environment, or choose \
         another EnvironmentSuffix"
    )]
    AdoptedElsewhere { environment: String },
    #[error(
        "Environment is {environment:?}: no bucket of it is retained without an owner; valid is a deleted environment \
         that retained its buckets"
    )]
    NothingRetained { environment: String },
    #[error("{}", describe_violations(.0))]
    InvalidProperties(Vec<Violation>),
    #[error("Confirm is {value}: valid is true, which carries the repair out; without it the result is the plan")]
    InvalidConfirm { value: String },
    #[error(
        "After is {value}: valid is the text Next in the result of the page before, unchanged; without it the result is the first page"
    )]
    InvalidPage { value: String },
    #[error("The repair of {environment} is refused: {refusal}.")]
    RepairRefused { environment: String, refusal: RepairRefusal },
    #[error("The record of {environment} is lost. Update its stack to write the record again.")]
    RecordLost { environment: String },
    #[error("This version can't read the record of {environment}. Update its stack to write the record again.")]
    RecordUnreadable { environment: String },
    #[error(
        "StackId and LogicalResourceId: {environment} belongs to another stack's resource; omit both, its record names \
         the stack"
    )]
    OtherOwner { environment: String },
    #[error("{error} Name its former owner by StackId and LogicalResourceId.")]
    FormerOwnerUnknown { error: Box<OperatorError> },
    #[error("The record of {environment} names no stack. Name its former owner by StackId and LogicalResourceId.")]
    NoStackRecorded { environment: String },
    #[error(
        "Environment is {environment:?}: its stack {stack_id} still exists. Delete that stack, or remove the resource \
         {logical_id} from it; valid is an environment whose stack no longer exists"
    )]
    StackExists { environment: String, stack_id: String, logical_id: String },
    #[error("The state of the stack {stack_id} is unknown: {error}. Send the same request again.")]
    StackUnknown { stack_id: String, error: Box<CallError> },
    #[error("The {request} of {environment} is refused: {reason}")]
    RolloutRefused { request: &'static str, environment: String, reason: String },
    #[error("The state of the rollout of {environment} is unknown: {error}. Send the same request again.")]
    RolloutUnknown { environment: String, error: String },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    CallFailed(#[from] CallError),
}
