//! Responses that the local cloud itself creates, in the services' protocols.

use http_body_util::{Either, Full};
use hyper::{Response, StatusCode, header};
use serde_json::Value;

use crate::router::Body;

/// A response of the query protocols: an XML document.
#[must_use]
pub fn xml(status: StatusCode, document: &str) -> Response<Body> {
    of(status, "text/xml", document.to_owned())
}

/// A response of the JSON 1.1 protocol: a JSON document.
#[must_use]
pub fn json(status: StatusCode, document: &Value) -> Response<Body> {
    of(status, "application/x-amz-json-1.1", document.to_string())
}

fn of(status: StatusCode, kind: &'static str, document: String) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(document)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
