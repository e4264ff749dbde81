//! Outcomes of an attempt to deliver a response.

use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::fmt;

/// The response arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The number of attempts, from 1.
    pub attempts: u32,
    /// The status of the last attempt, 200 to 299.
    pub status: u16,
}

/// The response is not known to have arrived: after [`DeliveryFailure::NoResponse`] it may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response was not delivered in {attempts} attempts: {failure}")]
pub struct DeliveryError {
    /// The number of attempts, from 1.
    pub attempts: u32,
    /// The failure of the last attempt.
    pub failure: DeliveryFailure,
}

impl DeliveryError {
    /// Whether a later attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.failure.is_retryable()
    }
}

/// The failure of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryFailure {
    /// A status other than 2xx and 3xx.
    Status(u16),
    /// A redirect, which is not followed.
    Redirected(u16),
    /// No connection, or a connection that broke; the innermost cause.
    Connection(String),
    /// No response within 5 s, or the given time.
    NoResponse,
    /// The request could not be built.
    Unsendable(String),
}

impl DeliveryFailure {
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            DeliveryFailure::Connection(_)
            | DeliveryFailure::NoResponse
            | DeliveryFailure::Status(408 | 429 | 500..=599) => true,
            DeliveryFailure::Status(_) | DeliveryFailure::Redirected(_) | DeliveryFailure::Unsendable(_) => false,
        }
    }
}

impl fmt::Display for DeliveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeliveryFailure::Status(403) => {
                f.write_str("status 403: the ResponseURL has expired, or its signature does not match")
            }
            DeliveryFailure::Status(status) => write!(f, "status {status}"),
            DeliveryFailure::Redirected(status) => write!(f, "status {status}: redirects are never followed"),
            DeliveryFailure::Connection(cause) => write!(f, "no connection: {cause}"),
            DeliveryFailure::NoResponse => f.write_str("no response in time"),
            DeliveryFailure::Unsendable(cause) => write!(f, "the request can't be built: {cause}"),
        }
    }
}

/// Classifies the status of an attempt: only a 2xx has delivered the response.
pub(super) fn classify_status(status: u16) -> Result<u16, DeliveryFailure> {
    match status {
        200..=299 => Ok(status),
        300..=399 => Err(DeliveryFailure::Redirected(status)),
        _ => Err(DeliveryFailure::Status(status)),
    }
}

pub(super) fn classify_error(error: &ConnectorError) -> DeliveryFailure {
    let cause = innermost(error);
    if error.is_user() {
        DeliveryFailure::Unsendable(cause)
    } else if error.is_timeout() {
        DeliveryFailure::NoResponse
    } else {
        DeliveryFailure::Connection(cause)
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
