//! The local cloud's own calls to ministack: JSON, form and REST protocols.

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use serde_json::Value;

use crate::{REGION, form, http::Http};

/// A client of ministack.
#[derive(Clone)]
pub struct Ministack {
    http: Http,
    address: SocketAddr,
}

impl Ministack {
    /// A client of the ministack at this address.
    #[must_use]
    pub fn new(http: Http, address: SocketAddr) -> Self {
        Self { http, address }
    }

    /// Calls an operation of a JSON service, such as `dynamodb` and `DynamoDB_20120810.CreateTable`.
    ///
    /// # Errors
    /// The operation, and ministack's error or the failed connection.
    pub async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, String> {
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
        let body = self.send(service, target, &headers, "/", input.to_string()).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|error| format!("{target}: {error}"))
    }

    /// Calls an action of a query service, such as `sns` and `Publish`.
    ///
    /// # Errors
    /// The operation, and ministack's error or the failed connection.
    pub async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Result<(), String> {
        let named = [("Action", action)].into_iter().chain(parameters.iter().copied());
        let values: BTreeMap<String, String> = named.map(|(name, value)| (name.into(), value.into())).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(service, action, &headers, "/", form::write(&values)).await.map(drop)
    }

    /// Invokes a function asynchronously (type Event), without waiting for the result.
    ///
    /// # Errors
    /// The function does not exist.
    pub async fn invoke(&self, function: &str, event: String) -> Result<(), String> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let headers = [("x-amz-invocation-type", "Event")];
        self.send("lambda", "Invoke", &headers, &path, event).await.map(drop)
    }

    /// The configuration of a function.
    ///
    /// # Errors
    /// The function does not exist.
    pub async fn function_configuration(&self, function: &str) -> Result<Value, String> {
        let body = self.get("lambda", &format!("/2015-03-31/functions/{function}/configuration")).await?;
        serde_json::from_str(&body).map_err(|error| format!("the configuration of {function}: {error}"))
    }

    /// The response to a GET request.
    ///
    /// # Errors
    /// The path, and ministack's error or the failed connection.
    pub async fn get(&self, service: &str, path: &str) -> Result<String, String> {
        self.request(Method::GET, service, path, &[], path, String::new()).await
    }

    async fn send(
        &self,
        service: &str,
        operation: &str,
        headers: &[(&str, &str)],
        path: &str,
        body: String,
    ) -> Result<String, String> {
        self.request(Method::POST, service, operation, headers, path, body).await
    }

    async fn request(
        &self,
        method: Method,
        service: &str,
        operation: &str,
        headers: &[(&str, &str)],
        path: &str,
        body: String,
    ) -> Result<String, String> {
        let failed = |error: &dyn fmt::Display| format!("{operation}: {error}");
        let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
        // The signature is not valid: ministack only reads service and region from the scope.
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers.iter().copied().chain([("authorization", signature.as_str())]) {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(body)).map_err(|error| failed(&error))?;
        let (head, body) = self.http.send(request).await.map_err(|error| failed(&error))?.into_parts();
        let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        if head.status.is_success() { Ok(body) } else { Err(failed(&body)) }
    }
}
