//! Running a handler, and how long it may take.

use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::future::Future;
use std::hash::BuildHasher;
use std::time::{SystemTime, UNIX_EPOCH};

/// Any error; what a handler returns makes the invocation fail, and Lambda may try it again.
pub use lambda_runtime::Error;

/// What Lambda tells about an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's id of it: also in the function's log lines. Not CloudFormation's `RequestId`.
    pub request_id: String,
    /// When Lambda ends it, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
}

/// The longest that Lambda lets a function run: 15 minutes (Lambda's quotas).
const LONGEST_MS: u64 = 900_000;

impl Invocation {
    /// `cargo lambda watch` tells every invocation the same deadline, ten minutes into 1970. One that has passed before
    /// the work begins is no deadline, and Lambda's longest time takes its place.
    fn of(context: &Context, now_ms: u64) -> Invocation {
        let told = context.deadline;
        let deadline_ms = if told > now_ms { told } else { now_ms + LONGEST_MS };
        Invocation { request_id: context.request_id.clone(), deadline_ms }
    }
}

/// Serves invocations until Lambda ends the process. A panic in the handler becomes an error answer.
///
/// The event comes as a plain [`Value`]. One that none can hold (nested too deep, a number too large, half of a surrogate
/// pair) becomes an error answer that says so; a function whose sender waits for more than that takes the text:
/// [`run_text`].
///
/// # Errors
///
/// As of [`run_text`].
///
/// # Panics
///
/// As [`run_text`].
pub async fn run<H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    let handler = &handler;
    run_text(name, async move |text: String, invocation| {
        let event = serde_json::from_str(&text).map_err(|error| format!("the event can't be read: {error}"))?;
        handler(event, invocation).await
    })
    .await
}

/// As [`run`], and the event comes as the text that it is: whatever it holds, the handler hears of it.
///
/// # Errors
///
/// Fails if the runtime API of Lambda can't be reached.
///
/// # Panics
///
/// Outside of Lambda and `cargo lambda`, whose environment variables it needs.
pub async fn run_text<H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    H: Fn(String, Invocation) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    tracing::info!(function = name, version = env!("CARGO_PKG_VERSION"), "started");
    let serve = |event: LambdaEvent<Box<RawValue>>| {
        let text: Box<str> = event.payload.into();
        handler(text.into_string(), Invocation::of(&event.context, now_ms()))
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// The time, in milliseconds since the Unix epoch: the one clock of the functions. Everything below takes it as an
/// argument.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// When a message of a queue was sent, by SQS's own attribute `SentTimestamp`, in ms since 1970. None if it does not say:
/// a person's sample, say.
#[must_use]
pub fn sent_ms(attributes: &HashMap<String, String, impl BuildHasher>) -> Option<u64> {
    attributes.get("SentTimestamp")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_message_was_sent_is_its_attribute() {
        let of = |value: &str| HashMap::from([("SentTimestamp".to_owned(), value.to_owned())]);
        assert_eq!(sent_ms(&of("1767323000000")), Some(1_767_323_000_000));
        assert_eq!((sent_ms(&of("soon")), sent_ms(&HashMap::new())), (None, None));
    }

    #[test]
    fn an_invocation_is_read_from_its_context() {
        let mut context = Context::default();
        context.request_id = "8476a536".to_owned();
        context.deadline = 1_767_323_045_000;
        let read = Invocation::of(&context, 1_767_323_000_000);
        assert_eq!(read, Invocation { request_id: "8476a536".to_owned(), deadline_ms: 1_767_323_045_000 });
    }

    #[test]
    fn a_deadline_that_has_passed_before_the_work_began_is_none() {
        let mut context = Context::default();
        context.deadline = 600_000;
        let read = Invocation::of(&context, 1_767_323_000_000);
        assert_eq!(read.deadline_ms, 1_767_323_000_000 + 900_000);
    }
}
