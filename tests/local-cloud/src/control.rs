//! The local cloud's own requests: what was called, and whether it is there.

use http_body_util::{Either, Full};
use hyper::{Method, Response, StatusCode, header::CONTENT_TYPE};

use crate::{recorder::Recorder, router::Body};

/// Paths that begin so are answered here and never forwarded. No bucket can have such a name.
pub const PREFIX: &str = "/_local-cloud/";

/// Answers a request for what follows the prefix.
#[must_use]
pub fn answer(recorder: &Recorder, method: &Method, what: &str) -> Response<Body> {
    match (method.as_str(), what) {
        ("GET", "health") => json(br#"{"status":"ok"}"#.to_vec()),
        ("GET", "calls") => match recorder.to_json() {
            Ok(calls) => json(calls),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        ("DELETE", "calls") => {
            recorder.clear();
            text(StatusCode::NO_CONTENT, String::new())
        }
        _ => text(StatusCode::NOT_FOUND, format!("{PREFIX} has no {what}\n")),
    }
}

/// An answer of the router itself, as plain text.
#[must_use]
pub fn text(status: StatusCode, sentence: String) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(sentence)));
    *response.status_mut() = status;
    response
}

fn json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(body)));
    let kind = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
