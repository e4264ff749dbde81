//! The HTTP client for the local cloud's requests to the emulators.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{REGION, form};

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
    /// Sends a call of the query protocol to an emulator. Returns the status and the body.
    ///
    /// # Errors
    /// The request is invalid, the connection failed, or there was no response.
    pub async fn call(
        &self,
        at: SocketAddr,
        service: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(StatusCode, String), String> {
        let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
        let request = Request::post(format!("http://{at}/"))
            .header("content-type", "application/x-www-form-urlencoded")
            // The signature is not valid: the emulators only read service and region from the scope.
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
            .body(Full::from(form::write(parameters)))
            .map_err(|error| error.to_string())?;
        let (head, body) = self.send(request).await.map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends a request with an absolute URI.
    ///
    /// # Errors
    /// The connection failed, or there was no response.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}
