//! The local cloud's own requests: what was called, whether it is there, and what is to go wrong.

use http_body_util::{Either, Full};
use hyper::{Method, Response, StatusCode, body::Bytes, header::CONTENT_TYPE};

use crate::{
    form,
    router::{Body, Router},
};

/// Paths that begin so are answered here and never forwarded. No bucket can have such a name.
pub const PREFIX: &str = "/_local-cloud/";

/// Answers a request for what follows the prefix.
#[must_use]
pub fn answer(router: &Router, method: &Method, what: &str, query: &str, body: &Bytes) -> Response<Body> {
    match (method.as_str(), what) {
        ("GET", "health") => json(br#"{"status":"ok"}"#.to_vec()),
        ("GET", "calls") => json_or_not(router.recorder.to_json()),
        ("DELETE", "calls") => {
            router.recorder.clear();
            text(StatusCode::NO_CONTENT, String::new())
        }
        ("GET", "faults") => json_or_not(router.faults.to_json()),
        ("POST", "faults") => match router.faults.set(body) {
            Ok(()) => text(StatusCode::NO_CONTENT, String::new()),
            Err(wrong) => text(StatusCode::BAD_REQUEST, wrong + "\n"),
        },
        ("DELETE", "faults") => {
            router.faults.clear();
            text(StatusCode::NO_CONTENT, String::new())
        }
        ("POST", "auto-scaling/fail-launches") => match failing_launches(query) {
            Ok((count, reason)) => {
                router.auto_scaling.fail_launches(count, &reason);
                text(StatusCode::NO_CONTENT, String::new())
            }
            Err(wrong) => text(StatusCode::BAD_REQUEST, wrong + "\n"),
        },
        _ => text(StatusCode::NOT_FOUND, format!("{PREFIX} has no {method} {what}\n")),
    }
}

/// How many launches are to fail, and why: `count=2&reason=InsufficientInstanceCapacity`.
fn failing_launches(query: &str) -> Result<(u64, String), String> {
    let mut given = form::read(query);
    let count = given.remove("count").ok_or("count is missing: how many launches are to fail, 0 for no more")?;
    let count = count.parse().map_err(|_| format!("count is '{count}': a whole number"))?;
    let reason = given.remove("reason").filter(|reason| !reason.is_empty());
    let reason = reason.ok_or("reason is missing: what the failed activities are to say")?;
    match given.keys().next() {
        Some(name) => Err(format!("{name} is unknown: count and reason are all there is")),
        None => Ok((count, reason)),
    }
}

/// An answer of the router itself, as plain text.
#[must_use]
pub fn text(status: StatusCode, sentence: String) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(sentence)));
    *response.status_mut() = status;
    response
}

fn json_or_not(body: serde_json::Result<Vec<u8>>) -> Response<Body> {
    match body {
        Ok(body) => json(body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(body)));
    let kind = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_that_are_to_fail_have_a_count_and_a_reason() {
        assert_eq!(failing_launches("count=2&reason=no+room"), Ok((2, "no room".to_owned())));
        for (query, told) in [
            ("reason=x", "count is missing"),
            ("count=-1&reason=x", "count is '-1': a whole number"),
            ("count=1", "reason is missing"),
            ("count=1&reason=x&group=web", "group is unknown"),
        ] {
            let answer = failing_launches(query).unwrap_err();
            assert!(answer.contains(told), "{answer}");
        }
    }
}
