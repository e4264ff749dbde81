//! The errors of failed invocations, under names that operators can filter by.

use std::any::Any;
use std::fmt;

use lambda_runtime::{Diagnostic, Error};

/// Why an invocation failed. The crate's documentation lists the kinds with their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The function does not accept the event.
    InvalidEvent,
    /// A call to the records table failed.
    RecordsUnavailable,
    /// A message could not be sent to a queue.
    QueueUnavailable,
    /// The response URL did not accept the response.
    ResponseNotDelivered,
    /// Another call to AWS failed.
    AwsCallFailed,
    /// AWS returned an older state than the event reported.
    StaleObservation,
    /// The handler panicked.
    Panic,
    /// Any other error.
    Unhandled,
}

impl FailureKind {
    /// The `errorType` of the invocation's error. The names are stable: alarms and queries may depend on them.
    #[must_use]
    pub fn error_type(self) -> &'static str {
        match self {
            FailureKind::InvalidEvent => "Envkeeper.InvalidEvent",
            FailureKind::RecordsUnavailable => "Envkeeper.RecordsUnavailable",
            FailureKind::QueueUnavailable => "Envkeeper.QueueUnavailable",
            FailureKind::ResponseNotDelivered => "Envkeeper.ResponseNotDelivered",
            FailureKind::AwsCallFailed => "Envkeeper.AwsCallFailed",
            FailureKind::StaleObservation => "Envkeeper.StaleObservation",
            FailureKind::Panic => "Envkeeper.Panic",
            FailureKind::Unhandled => "Envkeeper.Unhandled",
        }
    }
}

/// The error of a failed invocation, as Lambda receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind, which Lambda receives as `errorType`.
    pub kind: FailureKind,
    /// The `errorMessage`.
    pub message: String,
}

impl Failure {
    /// A failure of this kind. A handler returns it as its [`Error`].
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }

    /// A handler's error: unchanged if it is a [`Failure`], [`FailureKind::InvalidEvent`] if `serde_json` rejected the
    /// event, otherwise [`FailureKind::Unhandled`].
    pub(crate) fn from_error(error: Error) -> Failure {
        let error = match error.downcast::<Failure>() {
            Ok(failure) => return *failure,
            Err(error) => error,
        };
        let kind = if error.is::<serde_json::Error>() { FailureKind::InvalidEvent } else { FailureKind::Unhandled };
        Failure::new(kind, error.to_string())
    }

    /// The payload of a handler's panic, which is a text unless the handler called `panic_any`.
    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Failure {
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        Failure::new(FailureKind::Panic, format!("the handler panicked: {}", text.unwrap_or("no message")))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: failure.kind.error_type().to_owned(), error_message: failure.message }
    }
}

/// Classifies a handler's error by its type. Error types that this crate does not know are listed in a function's
/// `main.rs`: `handle(event).await.report_as::<QueueError>(FailureKind::QueueUnavailable)`.
pub trait ReportAs: Sized {
    /// Reports an error of the type `E` as a [`Failure`] of this kind. Every other result is unchanged.
    #[must_use]
    fn report_as<E: std::error::Error + 'static>(self, kind: FailureKind) -> Self;
}

impl<T> ReportAs for Result<T, Error> {
    fn report_as<E: std::error::Error + 'static>(self, kind: FailureKind) -> Self {
        self.map_err(|error| if error.is::<E>() { Failure::new(kind, error.to_string()).into() } else { error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error: impl Into<Error>) -> Result<(), Error> {
        Err(error.into())
    }

    #[test]
    fn an_error_is_classified_by_its_type() {
        let reported = failed(fmt::Error).report_as::<fmt::Error>(FailureKind::QueueUnavailable);
        let failure = Failure::from_error(reported.unwrap_err());
        assert_eq!(failure, Failure::new(FailureKind::QueueUnavailable, fmt::Error.to_string()));

        let other = failed("throttled").report_as::<fmt::Error>(FailureKind::QueueUnavailable);
        let failure = Failure::from_error(other.unwrap_err());
        assert_eq!(failure, Failure::new(FailureKind::Unhandled, "throttled"));
    }

    #[test]
    fn the_first_classification_of_an_error_is_final() {
        let reported = failed(Failure::new(FailureKind::AwsCallFailed, "throttled"))
            .report_as::<fmt::Error>(FailureKind::QueueUnavailable);
        assert_eq!(Failure::from_error(reported.unwrap_err()).kind, FailureKind::AwsCallFailed);
    }

    #[test]
    fn json_of_an_unexpected_shape_is_an_invalid_event() {
        let error = serde_json::from_str::<u8>("\"text\"").unwrap_err();
        let Diagnostic { error_type, error_message, .. } = Failure::from_error(error.into()).into();
        assert_eq!(error_type, "Envkeeper.InvalidEvent");
        assert!(error_message.contains("expected u8"), "{error_message}");
    }

    #[test]
    fn a_panic_without_a_text_has_a_message() {
        assert_eq!(Failure::from_panic(&7).message, "the handler panicked: no message");
        assert_eq!(Failure::from_panic(&String::from("index")).message, "the handler panicked: index");
    }
}
