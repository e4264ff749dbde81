//! Sending the reply.
//!
//! # Guarantees
//!
//! - Only a 2xx counts as delivered. Peers that took a 403 or a 307 for success left stacks waiting for an hour.
//! - No redirect is followed: the list of hosts would be worth nothing if the first of them could name another.
//! - What can pass is tried again, within the time given: no answer, a broken connection, 5xx, 429 and 408.
//! - Nothing of the URL but its host is logged or in an error.
//!
//! # Assumptions
//!
//! A second PUT of the same body after a lost answer does no harm: it writes the same object again. A 403 is not tried
//! again: the URL has expired or its signature is wrong, and the next try has the same URL.

mod outcome;

pub use outcome::{Delivered, NotDelivered, Why};

use crate::{AllowedHosts, ResponseAddress, ResponseUrl};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long one try may take. S3 answers a PUT of 4 KB in well under a second.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How often a reply is tried at most. With the pauses between (0.2, 0.4, 0.8, 1.6, 3.2 s) this bridges 6 s of a host that
/// fails at once; a host that does not answer at all gets 36 s, or the time given.
const TRIES: u32 = 6;

/// The pause after the first try; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Sends replies. Its connector is built with the first one: that reads the machine's trusted roots, some milliseconds.
#[derive(Clone, Debug)]
pub struct ResponseSender {
    connector: Arc<OnceLock<SharedHttpConnector>>,
    tries: u32,
}

impl Default for ResponseSender {
    fn default() -> Self {
        ResponseSender::new()
    }
}

impl ResponseSender {
    /// One over the SDK's own HTTP client, with all of the machine's trusted roots and without a proxy. It follows no
    /// redirects.
    #[must_use]
    pub fn new() -> ResponseSender {
        ResponseSender { connector: Arc::default(), tries: TRIES }
    }

    /// One over another connector, for tests.
    pub fn over(connector: impl HttpConnector + 'static) -> ResponseSender {
        ResponseSender { connector: Arc::new(OnceLock::from(SharedHttpConnector::new(connector))), tries: TRIES }
    }

    /// The same, which tries no more often than this: for tests whose time is not the runtime's.
    #[must_use]
    pub fn with_tries(self, tries: u32) -> ResponseSender {
        ResponseSender { tries, ..self }
    }

    /// Sends a reply's body with a PUT, and tries again while that makes sense, for `within` at most.
    ///
    /// # Errors
    ///
    /// [`NotDelivered`] with the number of tries and what the last one met. CloudFormation then still waits.
    pub async fn deliver(&self, body: &str, to: &ResponseUrl, within: Duration) -> Result<Delivered, NotDelivered> {
        let result = self.tries(body, to, Instant::now() + within).await;
        let host = to.host();
        match &result {
            Ok(Delivered { attempts, status }) => {
                tracing::info!(host, status, attempts, "the reply is delivered");
            }
            Err(NotDelivered { attempts, reason }) => {
                tracing::error!(host, attempts, %reason, "the reply is not delivered");
            }
        }
        result
    }

    /// Sends a reply's body to where its request says, if that is an allowed host. Without an address there is nobody to tell.
    ///
    /// # Errors
    ///
    /// [`NotDelivered`], if somebody real still waits.
    pub async fn response(
        &self,
        body: &str,
        to: &ResponseAddress,
        hosts: &AllowedHosts,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        let Some(url) = &to.response_url else { return Ok(()) };
        match ResponseUrl::parse(url, hosts) {
            Ok(url) => self.deliver(body, &url, within).await.map(|_| ()),
            // Nobody real waits there, and trying again would change nothing.
            Err(rejected) => {
                tracing::error!(%rejected, "not answered");
                Ok(())
            }
        }
    }

    async fn tries(&self, body: &str, to: &ResponseUrl, until: Instant) -> Result<Delivered, NotDelivered> {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let reason = match self.attempt(body, to, until).await {
                Ok(status) => return Ok(Delivered { attempts, status }),
                Err(reason) => reason,
            };
            if !reason.is_retryable() || attempts >= self.tries || Instant::now() + pause >= until {
                return Err(NotDelivered { attempts, reason });
            }
            tracing::warn!(host = to.host(), attempts, %reason, "the reply is sent again");
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn attempt(&self, body: &str, to: &ResponseUrl, until: Instant) -> Result<u16, Why> {
        let request = match put(body, to) {
            Ok(request) => request,
            Err(error) => return Err(Why::Unsendable(error.to_string())),
        };
        let end = until.min(Instant::now() + ATTEMPT);
        match timeout_at(end, self.connector.get_or_init(over_tls).call(request)).await {
            Ok(Ok(response)) => outcome::of_status(response.status().as_u16()),
            Ok(Err(error)) => Err(outcome::of_error(&error)),
            Err(_) => Err(Why::NoResponse),
        }
    }
}

/// The request. The content type has to be there and empty: the URL is signed for that, as CloudFormation's own helper
/// sends it.
fn put(body: &str, to: &ResponseUrl) -> Result<HttpRequest, HttpError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("PUT")?;
    request.set_uri(to.uri().clone()).unwrap_or_else(|never| match never {});
    request.headers_mut().try_insert("content-type", "")?;
    request.headers_mut().try_insert("content-length", body.len().to_string())?;
    Ok(request)
}

fn over_tls() -> SharedHttpConnector {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    SharedHttpConnector::new(Connector::builder().tls_provider(tls).build())
}

#[cfg(test)]
mod tests;
