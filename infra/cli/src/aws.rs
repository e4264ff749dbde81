//! The seam on AWS: the clients of Lambda and CloudWatch Logs.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudwatchlogs as logs;
use aws_sdk_lambda as lambda;
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;

use crate::service::{LogEvent, LogPage, LogQuery, Service, ServiceError};

/// The time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time limit for one attempt of a call. The functions that operators invoke end after 60 s (`Timeout` in
/// infra/template.yaml).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(75);

/// The attempts of a call. An operator request that is repeated has no further effect, or is refused.
const MAX_ATTEMPTS: u32 = 3;

/// The clients, with the caller's configuration.
pub struct Aws {
    config: SdkConfig,
    lambda: lambda::Client,
    logs: logs::Client,
}

impl Aws {
    /// Loads the configuration as every AWS program does: environment variables, profiles, SSO, credential processes,
    /// the machine's role. `AWS_ENDPOINT_URL` replaces the endpoints.
    pub async fn load(region: Option<String>, profile: Option<String>) -> Aws {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS));
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region));
        }
        let config = loader.load().await;
        Aws { lambda: lambda::Client::new(&config), logs: logs::Client::new(&config), config }
    }

    /// The region of the configuration.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    fn error<E, R>(&self, name: &str, error: &SdkError<E, R>) -> ServiceError
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let region = self.region().unwrap_or_default();
        let Some(metadata) = error.as_service_error().map(ProvideErrorMetadata::meta) else {
            let reason = chain_text(error);
            let is_of_credentials = chain(error).any(|it| it.is::<CredentialsError>());
            return if is_of_credentials {
                ServiceError::NoCredentials { reason }
            } else {
                ServiceError::NoAnswer { reason }
            };
        };
        classified(metadata.code().unwrap_or_default(), metadata.message().unwrap_or_default(), name, region)
    }
}

/// An error and its sources.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it| it.source())
}

/// An error with its sources as one line: the SDK's providers list each attempt on a line of its own.
fn chain_text(error: &(dyn Error + 'static)) -> String {
    let first_line = |it: &(dyn Error + 'static)| it.to_string().lines().next().unwrap_or_default().to_owned();
    let mut texts: Vec<String> = chain(error).map(first_line).collect();
    texts.dedup();
    texts.join(": ")
}

/// The class of an error by its code. `name` is the function or the log group of the call, with its noun.
fn classified(code: &str, message: &str, name: &str, region: &str) -> ServiceError {
    let reason = if message.is_empty() { code.to_owned() } else { format!("{message} ({code})") };
    match code {
        "ResourceNotFoundException" => ServiceError::NotFound { name: name.to_owned(), region: region.to_owned() },
        "AccessDeniedException" => ServiceError::Denied { reason },
        "ExpiredTokenException" | "InvalidSignatureException" | "UnrecognizedClientException" => {
            ServiceError::NoCredentials { reason }
        }
        "ServiceException" | "ServiceUnavailableException" | "ThrottlingException" | "TooManyRequestsException" => {
            ServiceError::NoAnswer { reason }
        }
        _ => ServiceError::Other { reason },
    }
}

impl Service for Aws {
    async fn invoke(&self, function: &str, request: &Value) -> Result<Value, ServiceError> {
        let call = self.lambda.invoke().function_name(function).payload(Blob::new(request.to_string()));
        let output = call.send().await.map_err(|error| self.error(&format!("the function {function}"), &error))?;
        let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
        let result: Result<Value, _> = serde_json::from_slice(payload);
        let failed = |reason: String| ServiceError::FunctionFailed { function: function.to_owned(), reason };
        match (output.function_error(), result) {
            (None, Ok(result)) => Ok(result),
            (None, Err(_)) => Err(failed(String::from("its result is not JSON"))),
            (Some(kind), Ok(error)) => {
                let text = |name: &str| error[name].as_str().map(str::to_owned);
                let kind = text("errorType").unwrap_or_else(|| kind.to_owned());
                Err(failed(format!("{kind}: {}", text("errorMessage").unwrap_or_default())))
            }
            (Some(kind), Err(_)) => Err(failed(kind.to_owned())),
        }
    }

    async fn log_events(&self, query: &LogQuery) -> Result<LogPage, ServiceError> {
        let call = self
            .logs
            .filter_log_events()
            .log_group_name(&query.group)
            .set_log_stream_name_prefix(query.stream_prefix.clone())
            .set_filter_pattern(query.filter.clone())
            .set_next_token(query.token.clone())
            .start_time(i64::try_from(query.from_ms).unwrap_or(i64::MAX));
        let name = format!("the log group {}", query.group);
        let output = call.send().await.map_err(|error| self.error(&name, &error))?;
        let event = |it: &logs::types::FilteredLogEvent| LogEvent {
            at_ms: it.timestamp().and_then(|at| u64::try_from(at).ok()).unwrap_or_default(),
            stream: it.log_stream_name().unwrap_or_default().to_owned(),
            text: it.message().unwrap_or_default().to_owned(),
        };
        Ok(LogPage {
            events: output.events().iter().map(event).collect(),
            next: output.next_token().map(str::to_owned),
        })
    }

    async fn credentials(&self) -> Result<String, ServiceError> {
        let none = |reason: String| ServiceError::NoCredentials { reason };
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| none(String::from("no provider of credentials is configured")))?;
        let found = provider.provide_credentials().await;
        let found = found.map_err(|error| none(chain_text(&error)))?;
        let id = found.access_key_id();
        // The end of an access key is enough to recognize it, as in `aws configure list`.
        let shown = id.get(id.len().saturating_sub(4)..).unwrap_or_default();
        Ok(format!("access key ending in {shown}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn errors_are_classified_by_their_codes() {
        let exit = |code| classified(code, "text", "the function x", "us-west-2").exit();
        assert_eq!(exit("TooManyRequestsException"), Exit::NoAnswer);
        assert_eq!(exit("AccessDeniedException"), Exit::Error);
        let missing = classified("ResourceNotFoundException", "text", "the function x", "us-west-2");
        assert_eq!(missing.to_string(), "the function x does not exist in us-west-2");
        assert!(matches!(classified("ExpiredTokenException", "", "x", "y"), ServiceError::NoCredentials { .. }));
    }
}
