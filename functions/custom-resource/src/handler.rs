//! Handles events: every request of CloudFormation gets exactly one valid response.

use lambda_kit::{Error, Failure, FailureKind};
use request_pass::{CloudFactory, RequestHandler};
use requests::{Records, RequestQueue, enveloped_requests, member, read_event};
use serde_json::{Value, json};

/// The error for records of SNS or SQS without a request.
const NO_REQUEST: &str = "Records has no request of CloudFormation: valid are records of SNS or SQS, each with a request that has a ResponseURL";

/// Handles one invocation, which Lambda ends at `deadline_ms`.
///
/// The result is the response's body, or the fact that the request is queued; for requests in the records of SNS or SQS, a
/// list of these. An event that no [`Value`] can hold gets a FAILED; such a Delete is processed by the ids in the event
/// ([`requests::UnreadableEvent::into_delete`]). An operator request writes nothing: its result names the function that
/// takes it.
///
/// # Errors
/// If the request could not be queued, or the response not be delivered, or if a record of SNS or SQS has no request
/// with an address for a response. Lambda then retries the same event, and after the last attempt sends it to the
/// queue of failed invocations. The watchdog responds from there.
pub async fn handle<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    event: &str,
    deadline_ms: u64,
) -> Result<Value, Error> {
    let Some(requests) = enveloped_requests(event) else { return handle_text(handler, event, deadline_ms).await };
    if requests.is_empty() {
        return Err(Failure::new(FailureKind::InvalidEvent, NO_REQUEST).into());
    }
    let (mut results, mut first_error) = (Vec::new(), None);
    for request in &requests {
        match handle_enveloped(handler, request, deadline_ms).await {
            Ok(result) => results.push(result),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(Value::Array(results)), Err)
}

/// Handles a request in a record of SNS or SQS. The invocation's result has no reader, so the request needs an
/// address for its response.
async fn handle_enveloped<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    request: &str,
    deadline_ms: u64,
) -> Result<Value, Error> {
    let address = member(request, "ResponseURL").and_then(|url| serde_json::from_str::<String>(url).ok());
    // A principal that may publish to a topic is not an operator.
    let is_operators = member(request, "RequestType").is_none();
    if is_operators || address.is_none_or(|url| url.is_empty()) {
        return Err(Failure::new(FailureKind::InvalidEvent, NO_REQUEST).into());
    }
    handle_text(handler, request, deadline_ms).await
}

/// Handles one event.
async fn handle_text<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    event: &str,
    deadline_ms: u64,
) -> Result<Value, Error> {
    match read_event(event).or_else(|unreadable| unreadable.into_delete(handler.cloud_factory.now().0)) {
        Ok(event) if is_operator_request(&event) => {
            let operator = handler.settings.as_ref().map_or("operator", |it| &it.operator_function);
            tracing::warn!("operator request refused");
            Ok(json!({ "Error": format!(
                "Request is given: the function {} takes only the events of CloudFormation. Send the request to the function {operator}.",
                handler.function_name
            ) }))
        }
        Ok(event) => handler.handle_request(&event, deadline_ms).await,
        Err(unreadable) => handler.reject(&unreadable.readable_fields, unreadable.to_string(), deadline_ms).await,
    }
}

/// Whether an event has the field `Request` of operator requests, in any case. No event of CloudFormation has it.
fn is_operator_request(event: &Value) -> bool {
    let fields = event.as_object().filter(|it| !it.contains_key("RequestType"));
    fields.is_some_and(|it| it.keys().any(|key| key.eq_ignore_ascii_case("Request")))
}
