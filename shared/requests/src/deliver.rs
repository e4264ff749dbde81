//! Delivery of the response.
//!
//! # Guarantees
//!
//! - Only a 2xx counts as delivered. Comparable projects treated a 403 or a 307 as success and left stacks waiting for an
//!   hour.
//! - Redirects are not followed: the list of hosts would be worthless if an allowed host could name another one.
//! - Transient failures are retried within the given time: no response, a broken connection, 5xx, 429 and 408.
//! - Logs and errors contain the host of the URL and no other part.
//!
//! # Assumptions
//!
//! A second PUT of the same body after a lost response is harmless: S3 writes the same object again. A 403 is not retried:
//! the URL has expired or its signature is wrong, and the next attempt has the same URL.

mod outcome;

pub use outcome::{Delivery, DeliveryError, DeliveryFailure};

use crate::{AllowedHosts, CfnResponse, ResponseAddress, ResponseUrl};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The time limit of one attempt. S3 responds to a PUT of 4 KB in well under a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of attempts for one response. With the pauses between them (0.2, 0.4, 0.8, 1.6, 3.2 s) this bridges
/// 6 s of a host that fails at once; a host that does not respond at all gets 36 s, or the given time.
const MAX_ATTEMPTS: u32 = 6;

/// The pause after the first attempt; each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Sends responses. The first one builds the connector, which reads the machine's trusted roots: some milliseconds.
#[derive(Clone, Debug)]
pub struct ResponseSender {
    connector: Arc<OnceLock<SharedHttpConnector>>,
    max_attempts: u32,
}

impl Default for ResponseSender {
    fn default() -> Self {
        ResponseSender::new()
    }
}

impl ResponseSender {
    /// A sender over the SDK's own HTTP client, with all of the machine's trusted roots and without a proxy. The client
    /// does not follow redirects.
    #[must_use]
    pub fn new() -> ResponseSender {
        ResponseSender { connector: Arc::default(), max_attempts: MAX_ATTEMPTS }
    }

    /// A sender over another connector, for tests.
    pub fn with_connector(connector: impl HttpConnector + 'static) -> ResponseSender {
        let connector = Arc::new(OnceLock::from(SharedHttpConnector::new(connector)));
        ResponseSender { connector, max_attempts: MAX_ATTEMPTS }
    }

    /// The same sender with at most `max_attempts` attempts: for tests whose clock is not the runtime's.
    #[must_use]
    pub fn with_max_attempts(self, max_attempts: u32) -> ResponseSender {
        ResponseSender { max_attempts, ..self }
    }

    /// Puts a response to an allowed URL, and retries transient failures for at most `within`.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`] with the number of attempts and the failure of the last one. CloudFormation is then still waiting.
    pub async fn put(
        &self,
        response: &CfnResponse,
        to: &ResponseUrl,
        within: Duration,
    ) -> Result<Delivery, DeliveryError> {
        let result = self.attempts(&response.body(), to, Instant::now() + within).await;
        let host = to.host();
        match &result {
            Ok(Delivery { attempts, status }) => {
                tracing::info!(host, status, attempts, "response delivered");
            }
            Err(DeliveryError { attempts, failure }) => {
                tracing::error!(host, attempts, %failure, "response not delivered");
            }
        }
        result
    }

    /// Sends a response to the URL in its request, if the host is allowed. A request without a URL gets no response, and a
    /// URL with another host gets none: CloudFormation does not wait there, and a retry would not change that.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`], if CloudFormation is still waiting.
    pub async fn send(
        &self,
        response: &CfnResponse,
        to: &ResponseAddress,
        hosts: &AllowedHosts,
        within: Duration,
    ) -> Result<(), DeliveryError> {
        let Some(url) = &to.response_url else { return Ok(()) };
        match ResponseUrl::parse(url, hosts) {
            Ok(url) => self.put(response, &url, within).await.map(|_| ()),
            Err(rejected) => {
                tracing::error!(%rejected, "ResponseURL rejected");
                Ok(())
            }
        }
    }

    async fn attempts(&self, body: &str, to: &ResponseUrl, until: Instant) -> Result<Delivery, DeliveryError> {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let failure = match self.attempt(body, to, until).await {
                Ok(status) => return Ok(Delivery { attempts, status }),
                Err(failure) => failure,
            };
            if !failure.is_retryable() || attempts >= self.max_attempts || Instant::now() + pause >= until {
                return Err(DeliveryError { attempts, failure });
            }
            tracing::warn!(host = to.host(), attempts, %failure, "response delivery retried");
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn attempt(&self, body: &str, to: &ResponseUrl, until: Instant) -> Result<u16, DeliveryFailure> {
        let request = match put_request(body, to) {
            Ok(request) => request,
            Err(error) => return Err(DeliveryFailure::Unsendable(error.to_string())),
        };
        let end = until.min(Instant::now() + ATTEMPT_TIMEOUT);
        match timeout_at(end, self.connector.get_or_init(tls_connector).call(request)).await {
            Ok(Ok(response)) => outcome::classify_status(response.status().as_u16()),
            Ok(Err(error)) => Err(outcome::classify_error(&error)),
            Err(_) => Err(DeliveryFailure::NoResponse),
        }
    }
}

/// The PUT request. The content type has to be present and empty: the URL is signed for an empty one, which is also what
/// CloudFormation's own helper sends.
fn put_request(body: &str, to: &ResponseUrl) -> Result<HttpRequest, HttpError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT")?;
    request.set_uri(to.uri().clone()).unwrap_or_else(|never| match never {});
    request.headers_mut().try_insert("content-type", "")?;
    request.headers_mut().try_insert("content-length", body.len().to_string())?;
    Ok(request)
}

fn tls_connector() -> SharedHttpConnector {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    SharedHttpConnector::new(Connector::builder().tls_provider(tls).build())
}

#[cfg(test)]
mod tests;
