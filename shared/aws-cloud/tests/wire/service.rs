//! Clients of a service with the responses that a test sets.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_cloud::Clients;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
pub use test_support::Request;
use test_support::service;

/// Starts the service, and returns its clients. A response is a status and a body; `None` is a lost response.
pub fn start(response: impl Fn(Request) -> Option<(u16, String)> + Send + Sync + 'static) -> Clients {
    Clients::new(&service(response))
}

/// The requests that an in-process service received, as "METHOD path-and-query body".
pub type Requests = Arc<Mutex<Vec<String>>>;

/// A service in the test's own process, for S3, whose client puts the bucket into the host of an address with a port.
/// Returns its clients and the requests that it receives.
pub fn in_process(response: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Clients, Requests) {
    in_region("eu-west-1", response)
}

/// The same service in another region.
pub fn in_region(
    region: &'static str,
    response: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
) -> (Clients, Requests) {
    let requests = Requests::default();
    let connector =
        SharedHttpConnector::new(InProcess { response: Response(Arc::new(response)), requests: Arc::clone(&requests) });
    let credentials = Credentials::new("key", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url("http://service")
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client_fn(move |_, _| connector.clone()));
    (Clients::new(&config.build()), requests)
}

#[derive(Debug)]
struct InProcess {
    response: Response,
    requests: Requests,
}

/// The status and the body for the text of a request.
type Respond = dyn Fn(&str) -> (u16, String) + Send + Sync;

/// The responses of a test.
struct Response(Arc<Respond>);

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let path = request.uri().trim_start_matches("http://service");
        let text = format!("{} {path} {body}", request.method());
        let (status, body) = (self.response.0)(&text);
        self.requests.lock().expect("requests").push(text);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))))
    }
}
