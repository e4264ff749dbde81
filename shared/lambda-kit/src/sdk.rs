//! The configuration of all AWS clients.

use crate::vars::env_var;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::Error;
use std::io::ErrorKind;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The time limit for opening a connection: 3 s. Every AWS endpoint of the same region answers in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The time limit for one attempt of a call: 10 s. The SDK itself sets no limit, and a response that never arrives
/// would consume the rest of the invocation.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for a call with all its attempts: 25 s, enough for two attempts without a response and part of a
/// third. After one such call every function still has time to report the failure and to be retried: the shortest
/// timeout of a function is 60 s.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(25);

/// The attempts of a call: 5, in standard mode. Measured under constant throttling: 3 attempts are exhausted after 0.4
/// s, 8 after 47 s, and 8 in adaptive mode after 140 s, which is longer than an invocation.
const MAX_ATTEMPTS: u32 = 5;

/// Loads region and credentials from the environment, as every AWS program does, with this project's timeouts and
/// retries. Call it once, at start-up, and create all clients from the result.
///
/// All clients share one HTTP client. Otherwise each client would read the machine's trusted roots, and that is most of
/// a start. If the environment has credentials, as on Lambda, no other credentials provider is prepared: that takes
/// longer than the rest. `TRUSTED_ROOTS` may name a file of certificates that replace the machine's roots: AWS has
/// five, and the machine some 140. If that file does not exist, as in a package that was built without it, the
/// machine's roots are trusted, and a log line reports the missing file.
///
/// # Errors
///
/// Fails if the file exists and can't be read.
pub async fn sdk_config() -> Result<SdkConfig, Error> {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let trusted = match env_var("TRUSTED_ROOTS").filter(|path| !path.is_empty()) {
        Some(path) => trust_store(&path)?,
        None => None,
    };
    let https = match trusted {
        Some(trusted) => https.tls_context(trusted),
        None => https,
    };
    let loader = loader().http_client(https.build_https());
    let loader = match env_var("AWS_ACCESS_KEY_ID") {
        Some(_) => loader.credentials_provider(EnvironmentVariableCredentialsProvider::new()),
        None => loader,
    };
    Ok(loader.load().await)
}

/// A TLS context that trusts only the certificates of this file. `None` if the file does not exist: a function that
/// does not start would answer no request.
fn trust_store(path: &str) -> Result<Option<TlsContext>, Error> {
    let roots = match std::fs::read(path) {
        Ok(roots) => roots,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            tracing::warn!(path, "TRUSTED_ROOTS names a missing file; using the machine's roots");
            return Ok(None);
        }
        Err(error) => return Err(format!("TRUSTED_ROOTS is {path}, which can't be read: {error}").into()),
    };
    Ok(Some(TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(roots)).build()?))
}

/// A value that is created at its first use, so that a client that a request does not need adds nothing to the start.
/// Clones share the value.
pub struct Lazy<T>(Arc<LazyLock<T, Init<T>>>);

type Init<T> = Box<dyn FnOnce() -> T + Send>;

impl<T: 'static> Lazy<T> {
    /// The value that `init` creates.
    pub fn new(init: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
        Lazy(Arc::new(LazyLock::new(Box::new(init))))
    }

    /// A client with this configuration, which its constructor `new` creates.
    pub fn client(config: &SdkConfig, new: fn(&SdkConfig) -> T) -> Lazy<T> {
        let config = config.clone();
        Lazy::new(move || new(&config))
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Lazy<T> {
    fn clone(&self) -> Self {
        Lazy(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

/// The error's code and the service's message; without a code, the error with its causes.
pub(crate) fn describe_cause<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    }
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::Region;
    use aws_config::retry::RetryMode;

    #[test]
    fn an_unused_value_is_not_created() {
        let created = Arc::new(std::sync::Mutex::new(0));
        let counter = Arc::clone(&created);
        let lazy = Lazy::new(move || {
            *counter.lock().unwrap() += 1;
            "created"
        });
        let clone = lazy.clone();
        assert_eq!(*created.lock().unwrap(), 0);
        assert_eq!((*lazy, *clone), ("created", "created"));
        assert_eq!(*created.lock().unwrap(), 1);
    }

    #[test]
    fn every_functions_timeout_is_longer_than_two_calls() {
        let template = include_str!("../../../infra/template.yaml");
        let timeouts = template.lines().filter_map(|line| line.trim().strip_prefix("Timeout: ")?.parse().ok());
        let timeouts: Vec<Duration> = timeouts.map(Duration::from_secs).collect();
        assert!(timeouts.len() >= 6 && timeouts.iter().all(|it| *it > OPERATION_TIMEOUT * 2), "{timeouts:?}");
    }

    #[test]
    fn a_missing_file_of_roots_selects_the_machines_roots() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert!(trust_store(&format!("{here}/../../infra/amazon-roots.pem")).unwrap().is_some());
        assert!(trust_store(&format!("{here}/nowhere.pem")).unwrap().is_none());
        let error = trust_store(here).unwrap_err().to_string();
        assert!(error.starts_with("TRUSTED_ROOTS is ") && error.contains("can't be read"), "{error}");
    }

    #[tokio::test]
    async fn every_call_has_a_time_limit() {
        // With a given region and no credentials, the loader searches neither this machine nor the network.
        let sdk = loader().region(Region::new("us-west-2")).no_credentials().load().await;
        let timeouts = sdk.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT_TIMEOUT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION_TIMEOUT));
        let retries = sdk.retry_config().unwrap();
        assert_eq!((retries.mode(), retries.max_attempts()), (RetryMode::Standard, 5));
    }
}
