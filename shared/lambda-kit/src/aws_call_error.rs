//! The error of a call to AWS.

use std::fmt::Display;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::sdk::describe_cause;

/// A call to AWS that did not succeed, classified by its possible effect: by the kind of the SDK's error and the HTTP
/// status, never by a text. The SDK has sent a retryable call again before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsCallError {
    /// The last attempt had no effect: AWS rejected the request, or the request could not be built.
    #[error("{operation}: {cause}")]
    Rejected {
        /// As `service:Operation`.
        operation: &'static str,
        /// The service's code and message.
        cause: String,
    },
    /// The call may have taken effect: no response arrived, or the service itself failed.
    #[error("{operation}: {cause}")]
    Indeterminate {
        /// As `service:Operation`.
        operation: &'static str,
        /// The service's code and message, or the failure of the connection.
        cause: String,
    },
    /// The response arrived, and does not have the expected content.
    #[error("{operation}: {cause}")]
    UnexpectedResponse {
        /// As `service:Operation`.
        operation: &'static str,
        /// The difference, and the response.
        cause: String,
    },
}

impl AwsCallError {
    /// Classifies the SDK's error of a call.
    pub fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> AwsCallError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let cause = describe_cause(error);
        match error {
            SdkError::ConstructionFailure(_) => AwsCallError::Rejected { operation, cause },
            SdkError::ServiceError(response) if !response.raw().status().is_server_error() => {
                AwsCallError::Rejected { operation, cause }
            }
            _ => AwsCallError::Indeterminate { operation, cause },
        }
    }

    /// A request that could not be built.
    pub fn not_built(operation: &'static str, error: impl Display) -> AwsCallError {
        AwsCallError::Rejected { operation, cause: error.to_string() }
    }

    /// A response without the expected content.
    pub fn unexpected(operation: &'static str, difference: impl Display) -> AwsCallError {
        AwsCallError::UnexpectedResponse { operation, cause: difference.to_string() }
    }

    /// Whether it is unknown if the call took effect.
    #[must_use]
    pub fn is_indeterminate(&self) -> bool {
        matches!(self, AwsCallError::Indeterminate { .. })
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const OPERATION: &str = "autoscaling:CompleteLifecycleAction";

    fn service_error(status: u16) -> AwsCallError {
        let error = ErrorMetadata::builder().code("Code").message("message").build();
        let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        AwsCallError::of(OPERATION, &SdkError::service_error(error, response))
    }

    #[test]
    fn a_call_without_a_clear_response_is_indeterminate() {
        let cause = String::from("Code: message");
        assert_eq!(service_error(400), AwsCallError::Rejected { operation: OPERATION, cause: cause.clone() });
        assert_eq!(service_error(500), AwsCallError::Indeterminate { operation: OPERATION, cause });
        let lost = SdkError::<ErrorMetadata, HttpResponse>::timeout_error("no response");
        assert!(AwsCallError::of(OPERATION, &lost).is_indeterminate());
        let unsent = SdkError::<ErrorMetadata, HttpResponse>::construction_failure("no region");
        assert!(!AwsCallError::of(OPERATION, &unsent).is_indeterminate());
    }

    #[test]
    fn the_text_names_the_operation_and_the_cause() {
        assert_eq!(service_error(400).to_string(), "autoscaling:CompleteLifecycleAction: Code: message");
        assert_eq!(AwsCallError::unexpected("ssm:SendCommand", "no id").to_string(), "ssm:SendCommand: no id");
    }
}
