//! What became of a try.

use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::fmt;

/// The reply arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The number of tries, from 1.
    pub attempts: u32,
    /// The status of the last one, 200 to 299.
    pub status: u16,
}

/// The reply did not arrive, as far as we know: after [`Why::NoResponse`] it may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply was not delivered in {attempts} tries: {reason}")]
pub struct NotDelivered {
    /// The number of tries, from 1.
    pub attempts: u32,
    /// What the last try met.
    pub reason: Why,
}

impl NotDelivered {
    /// Whether a later try could meet something else.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.reason.is_retryable()
    }
}

/// What a try met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A status other than 2xx and 3xx.
    Status(u16),
    /// A redirect, which is not followed.
    Redirected(u16),
    /// No connection, or one that broke; the innermost cause.
    Connection(String),
    /// No answer within 5 s, or the time given.
    NoResponse,
    /// The request could not be made.
    Unsendable(String),
}

impl Why {
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Why::Connection(_) | Why::NoResponse | Why::Status(408 | 429 | 500..=599) => true,
            Why::Status(_) | Why::Redirected(_) | Why::Unsendable(_) => false,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Status(403) => f.write_str("status 403: the ResponseURL has expired, or its signature does not fit"),
            Why::Status(status) => write!(f, "status {status}"),
            Why::Redirected(status) => write!(f, "status {status}: a redirect, which is never followed"),
            Why::Connection(cause) => write!(f, "no connection: {cause}"),
            Why::NoResponse => f.write_str("no answer in time"),
            Why::Unsendable(cause) => write!(f, "the request can't be made: {cause}"),
        }
    }
}

/// What a status says of a try: only a 2xx has delivered.
pub(super) fn of_status(status: u16) -> Result<u16, Why> {
    match status {
        200..=299 => Ok(status),
        300..=399 => Err(Why::Redirected(status)),
        _ => Err(Why::Status(status)),
    }
}

pub(super) fn of_error(error: &ConnectorError) -> Why {
    let cause = innermost(error);
    if error.is_user() {
        Why::Unsendable(cause)
    } else if error.is_timeout() {
        Why::NoResponse
    } else {
        Why::Connection(cause)
    }
}

/// The innermost cause: "Connection refused". The outer errors name the place, and could name the URL.
fn innermost(error: &ConnectorError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
