//! The configuration of all AWS clients.

use crate::vars::environment;
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

/// How long a connection may take to open: 3 s. Every AWS endpoint of the own region answers in milliseconds.
const CONNECT: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take: 10 s. The SDK itself sets no limit, and an answer that never comes would take
/// the rest of the invocation with it.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long a call may take with all its attempts: 25 s, which is two that get no answer and some of a third. So one such call
/// leaves every function time to say so, and to be tried again: the shortest time-out of one is 60 s.
const OPERATION: Duration = Duration::from_secs(25);

/// How often a call is tried: 5 times, in standard mode. Measured under constant throttling: 3 attempts give up after 0.4 s,
/// 8 after 47 s, and 8 in adaptive mode after 140 s, which is longer than an invocation.
const ATTEMPTS: u32 = 5;

/// Loads region and credentials from the environment, as every AWS program does, with this project's time-outs and
/// retries. Call it once, at start-up, and make all clients from it.
///
/// All clients share one HTTP client: each would else read the machine's trusted roots for itself, and that is most of a
/// start. Where the environment has credentials, as on Lambda, no other place is looked at: preparing those takes longer
/// than the rest. `TRUSTED_ROOTS` may name a file of certificates that are trusted instead of the machine's: AWS has five,
/// and the machine some 140. Where that file is not there, as in a package that was built without it, the machine's are
/// trusted, and a line of the log says so.
///
/// # Errors
///
/// That file is there and can't be read.
pub async fn sdk_config() -> Result<SdkConfig, Error> {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let trusted = match environment("TRUSTED_ROOTS").filter(|path| !path.is_empty()) {
        Some(path) => trust(&path)?,
        None => None,
    };
    let https = match trusted {
        Some(trusted) => https.tls_context(trusted),
        None => https,
    };
    let loader = loader().http_client(https.build_https());
    let loader = match environment("AWS_ACCESS_KEY_ID") {
        Some(_) => loader.credentials_provider(EnvironmentVariableCredentialsProvider::new()),
        None => loader,
    };
    Ok(loader.load().await)
}

/// What trusts the certificates of this file alone; nothing if there is no such file: a function that does not start answers
/// nobody.
fn trust(path: &str) -> Result<Option<TlsContext>, Error> {
    let roots = match std::fs::read(path) {
        Ok(roots) => roots,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            tracing::warn!(path, "TRUSTED_ROOTS names a file that is not there; trusting the machine's roots");
            return Ok(None);
        }
        Err(error) => return Err(format!("TRUSTED_ROOTS is {path}, which can't be read: {error}").into()),
    };
    Ok(Some(TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(roots)).build()?))
}

/// Something that is made when it is first used: a client that a request does not need costs its start nothing. A clone is
/// the same one.
pub struct Lazy<T>(Arc<LazyLock<T, Make<T>>>);

type Make<T> = Box<dyn FnOnce() -> T + Send>;

impl<T: 'static> Lazy<T> {
    /// What `make` makes.
    pub fn new(make: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
        Lazy(Arc::new(LazyLock::new(Box::new(make))))
    }

    /// A client of this configuration, by its constructor.
    pub fn client(config: &SdkConfig, make: fn(&SdkConfig) -> T) -> Lazy<T> {
        let config = config.clone();
        Lazy::new(move || make(&config))
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

/// What a call of AWS answered, for people: its name (`service:Operation`), the error's code, and what was said.
pub fn describe_error<E, R>(operation: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{operation}: {code}: {message}"),
        (Some(code), None) => format!("{operation}: {code}"),
        _ => format!("{operation}: {}", DisplayErrorContext(error)),
    }
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::Region;
    use aws_config::retry::RetryMode;

    #[test]
    fn what_nobody_uses_is_not_made() {
        let made = Arc::new(std::sync::Mutex::new(0));
        let counter = Arc::clone(&made);
        let lazy = Lazy::new(move || {
            *counter.lock().unwrap() += 1;
            "made"
        });
        let same = lazy.clone();
        assert_eq!(*made.lock().unwrap(), 0);
        assert_eq!((*lazy, *same), ("made", "made"));
        assert_eq!(*made.lock().unwrap(), 1);
    }

    #[test]
    fn no_function_ends_before_a_call_does_and_another_after_it() {
        let template = include_str!("../../../infra/template.yaml");
        let timeouts = template.lines().filter_map(|line| line.trim().strip_prefix("Timeout: ")?.parse().ok());
        let timeouts: Vec<Duration> = timeouts.map(Duration::from_secs).collect();
        assert!(timeouts.len() >= 6 && timeouts.iter().all(|it| *it > OPERATION * 2), "{timeouts:?}");
    }

    #[test]
    fn where_the_file_of_roots_is_missing_the_machines_are_taken() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert!(trust(&format!("{here}/../../infra/amazon-roots.pem")).unwrap().is_some());
        assert!(trust(&format!("{here}/nowhere.pem")).unwrap().is_none());
        let told = trust(here).unwrap_err().to_string();
        assert!(told.starts_with("TRUSTED_ROOTS is ") && told.contains("can't be read"), "{told}");
    }

    #[tokio::test]
    async fn every_call_ends() {
        // Region and credentials are given, so that nothing is looked for on this machine or its network.
        let sdk = loader().region(Region::new("us-west-2")).no_credentials().load().await;
        let timeouts = sdk.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION));
        let retries = sdk.retry_config().unwrap();
        assert_eq!((retries.mode(), retries.max_attempts()), (RetryMode::Standard, 5));
    }
}
