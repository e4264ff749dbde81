//! Runs a handler, and gives it the deadline of the invocation.

use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, FailureKind};

/// Any error. An error that a handler returns fails the invocation, and Lambda may retry the event.
pub use lambda_runtime::Error;

/// The metadata of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's id of the invocation, which the function's log lines also contain. CloudFormation's `RequestId` is a
    /// different id.
    pub request_id: String,
    /// The time at which Lambda ends the invocation, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
}

/// The maximum duration of an invocation: 15 minutes (Lambda's quotas).
const MAX_DURATION_MS: u64 = 900_000;

impl Invocation {
    /// `cargo lambda watch` sends the same deadline with every invocation, ten minutes into 1970. A deadline that has
    /// passed before the handler starts is ignored, and Lambda's maximum duration replaces it.
    fn from_context(context: &Context, now_ms: u64) -> Invocation {
        let deadline_ms = if context.deadline > now_ms { context.deadline } else { now_ms + MAX_DURATION_MS };
        Invocation { request_id: context.request_id.clone(), deadline_ms }
    }
}

/// Serves invocations until Lambda ends the process. An error or a panic of the handler becomes an error response with
/// an `errorType` of [`FailureKind`].
///
/// The event is a [`Value`]. An event that a [`Value`] cannot represent (nested too deeply, a number too large, half of
/// a surrogate pair) becomes an error response that gives the reason. A function whose caller waits for more than that
/// takes the text of the event: [`run_text`].
///
/// # Errors
///
/// The same as [`run_text`].
///
/// # Panics
///
/// The same as [`run_text`].
pub async fn run<H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    let handler = &handler;
    run_text(name, async move |text: String, invocation| {
        let invalid = |error| Failure::new(FailureKind::InvalidEvent, format!("the event can't be read: {error}"));
        let event = serde_json::from_str(&text).map_err(invalid)?;
        handler(event, invocation).await
    })
    .await
}

/// Serves invocations like [`run`], but the handler receives the text of the event and therefore every event.
///
/// # Errors
///
/// Fails if the process can't reach Lambda's runtime API.
///
/// # Panics
///
/// Outside Lambda and `cargo lambda`, because their environment variables are missing.
pub async fn run_text<H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    H: Fn(String, Invocation) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    tracing::info!(function = name, version = env!("CARGO_PKG_VERSION"), "function started");
    let handler = &handler;
    let serve = |event: LambdaEvent<Box<RawValue>>| {
        let text: Box<str> = event.payload.into();
        let invocation = Invocation::from_context(&event.context, now_ms());
        report(async { handler(text.into_string(), invocation).await })
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// The handler's result, with its error or panic as a [`Failure`]. `lambda_runtime` would report the path of a Rust
/// type.
async fn report(handling: impl Future<Output = Result<Value, Error>>) -> Result<Value, Failure> {
    let mut handling = pin!(handling);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
        Ok(poll) => poll.map_err(Failure::from_error),
        Err(payload) => Poll::Ready(Err(Failure::from_panic(payload.as_ref()))),
    })
    .await
}

/// The time, in milliseconds since the Unix epoch. Only this function reads the clock; all other code takes the time as
/// an argument.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Checks that an event is a batch of a queue's messages.
///
/// # Errors
/// [`FailureKind::InvalidEvent`], if `Records` is not a list of at least one message: SQS triggers no function without a
/// message, and a success would hide that the event is another one.
pub fn check_batch(event: &Value) -> Result<(), Failure> {
    let reason = match event.get("Records").map(Value::as_array) {
        Some(Some(records)) if !records.is_empty() => return Ok(()),
        Some(Some(_)) => "Records is empty",
        Some(None) => "Records is not a list",
        None => "Records is missing",
    };
    let message = format!("the event is not a batch of a queue: {reason}; valid is a list of messages");
    Err(Failure::new(FailureKind::InvalidEvent, message))
}

/// The time at which a message was sent to its queue, from SQS's attribute `SentTimestamp`, in ms since 1970. `None` if
/// the attribute is missing or not a number, as in a sample event.
#[must_use]
pub fn sent_ms(attributes: &HashMap<String, String, impl BuildHasher>) -> Option<u64> {
    attributes.get("SentTimestamp")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messages_send_time_is_read_from_its_attribute() {
        let attributes = |value: &str| HashMap::from([("SentTimestamp".to_owned(), value.to_owned())]);
        assert_eq!(sent_ms(&attributes("1767323000000")), Some(1_767_323_000_000));
        assert_eq!((sent_ms(&attributes("soon")), sent_ms(&HashMap::new())), (None, None));
    }

    /// Events that other products took for batches (aws-powertools/powertools-lambda-python #8273, #2394).
    #[test]
    fn a_batch_has_at_least_one_message() {
        let check = |event: &str| check_batch(&serde_json::from_str(event).unwrap());
        assert_eq!(check(r#"{ "Records": [{}] }"#), Ok(()));
        for (event, reason) in [
            (r#"{ "foo": 1 }"#, "Records is missing"),
            (r#"{ "Records": null }"#, "Records is not a list"),
            (r#"{ "Records": {} }"#, "Records is not a list"),
            (r#"{ "Records": [] }"#, "Records is empty"),
        ] {
            let failure = check(event).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidEvent);
            assert!(failure.message.contains(reason), "{event}: {}", failure.message);
        }
    }

    #[test]
    fn an_invocation_is_read_from_its_context() {
        let mut context = Context::default();
        context.request_id = "8476a536".to_owned();
        context.deadline = 1_767_323_045_000;
        let read = Invocation::from_context(&context, 1_767_323_000_000);
        assert_eq!(read, Invocation { request_id: "8476a536".to_owned(), deadline_ms: 1_767_323_045_000 });
    }

    #[test]
    fn a_deadline_that_has_passed_before_the_handler_starts_is_replaced() {
        let mut context = Context::default();
        context.deadline = 600_000;
        let read = Invocation::from_context(&context, 1_767_323_000_000);
        assert_eq!(read.deadline_ms, 1_767_323_000_000 + 900_000);
    }
}
