//! The HTTP client with which the local cloud talks to its emulators.

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
    /// Every request gets a connection of its own: on loopback that costs little, and a kept one
    /// can be closed by the emulator in the moment of its next use.
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http())
    }
}

impl Http {
    /// Sends a request whose URI is absolute.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}
