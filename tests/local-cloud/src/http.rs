//! The HTTP client for the local cloud's requests to the emulators.

use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A client for plain HTTP on the loopback interface.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    /// Every request uses a new connection: on loopback that costs little, and the emulator can close a pooled
    /// connection just when a request reuses that connection.
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http())
    }
}

impl Http {
    /// Sends a request with an absolute URI.
    ///
    /// # Errors
    /// The connection failed, or there was no response.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}
