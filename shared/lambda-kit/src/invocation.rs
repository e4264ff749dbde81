//! Running a handler, and how long it may take.

use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
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
/// The event comes as a plain [`Value`]: one that does not fit a type could not be answered any more.
///
/// # Errors
///
/// Fails if the runtime API of Lambda can't be reached.
///
/// # Panics
///
/// Outside of Lambda and `cargo lambda`, whose environment variables it needs.
pub async fn run<H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    tracing::info!(function = name, version = env!("CARGO_PKG_VERSION"), "started");
    let serve = |event: LambdaEvent<Value>| handler(event.payload, Invocation::of(&event.context, now_ms()));
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
pub fn sent_ms(attributes: &HashMap<String, String>) -> Option<u64> {
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
