//! The check of a `ResponseURL`.
//!
//! The `ResponseURL` comes with the event, and every principal that may invoke the function can choose one: unchecked, the
//! function is a proxy into every network that it can reach. This module checks the parsed URL, and the connection uses the
//! same parsed URL: no second parser can read another host from the same characters.

mod allowed;

pub use allowed::{AllowedHosts, BadHost};

use http::Uri;
use http::uri::Scheme;
use std::fmt;

/// The longest accepted URL, in bytes. Captured URLs have up to about 1,500.
pub(crate) const MAX_LENGTH: usize = 8_192;

/// A URL to which a response may be sent.
///
/// Path and query are preserved to the byte, since the signature is over them; they are a bearer secret, so `Debug` and
/// `Display` show scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Uri);

/// The reason for rejecting a URL. Never shows the URL's path, query or user information.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseUrlError {
    /// Empty, over 8,192 bytes, with characters that are invalid in a URL (spaces, line breaks, backslashes, non-ASCII),
    /// with a fragment, or without a scheme, a host or a path.
    #[error("the ResponseURL is not a plain URL: {0}")]
    NotPlain(&'static str),
    /// A scheme other than https.
    #[error("the ResponseURL at host {host} is not https")]
    NotHttps {
        /// The host as parsed.
        host: String,
    },
    /// A user name or password before the host, or a port after the host.
    #[error("the ResponseURL at host {host} has user information or a port")]
    UserInfoOrPort {
        /// The host as parsed.
        host: String,
    },
    /// A host that does not belong to CloudFormation.
    #[error(
        "the ResponseURL's host {host} is neither a bucket of CloudFormation for custom resource responses nor a host allowed \
         by configuration"
    )]
    ForeignHost {
        /// The host as parsed.
        host: String,
    },
}

impl ResponseUrl {
    /// Checks a `ResponseURL`.
    ///
    /// # Errors
    ///
    /// [`ResponseUrlError`], which is safe to log and to show: it contains no part of the URL but the host.
    pub fn parse(url: &str, allowed: &AllowedHosts) -> Result<ResponseUrl, ResponseUrlError> {
        let uri = plain(url)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ResponseUrlError::NotPlain("it has no scheme or no host"));
        };
        if allowed.is_configured(authority.as_str()) {
            return Ok(ResponseUrl(uri));
        }
        let host = authority.host().to_owned();
        if *scheme != Scheme::HTTPS {
            return Err(ResponseUrlError::NotHttps { host });
        }
        // The authority is user information, host and port; an authority that equals its host has neither of the others.
        if authority.as_str() != host {
            return Err(ResponseUrlError::UserInfoOrPort { host });
        }
        if !allowed.is_cloudformation(&host) {
            return Err(ResponseUrlError::ForeignHost { host });
        }
        Ok(ResponseUrl(uri))
    }

    /// The host, with the port where configuration allows one: the loggable part.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.authority().map_or("", http::uri::Authority::as_str)
    }

    /// The whole checked URL, for the connection.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }
}

/// Parses a URL, and rejects every part that the parser would drop, change, or read differently from other parsers.
fn plain(url: &str) -> Result<Uri, ResponseUrlError> {
    if url.len() > MAX_LENGTH {
        return Err(ResponseUrlError::NotPlain("it is longer than 8192 bytes"));
    }
    let invalid = |b: u8| !b.is_ascii_graphic() || b == b'\\';
    if url.bytes().any(invalid) {
        return Err(ResponseUrlError::NotPlain("it has characters that are invalid in a URL"));
    }
    let uri: Uri = url.parse().map_err(|_| ResponseUrlError::NotPlain("it can't be parsed"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let path = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    if !matches!(scheme, "http" | "https") {
        return Err(ResponseUrlError::NotPlain("its scheme is neither https nor http"));
    }
    // This also rejects a fragment, which the parser drops.
    if !path.starts_with('/') || format!("{scheme}://{authority}{path}") != url {
        return Err(ResponseUrlError::NotPlain("its parsed parts do not reproduce it"));
    }
    Ok(uri)
}

impl fmt::Display for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme_str().unwrap_or_default(), self.host())
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseUrl({self})")
    }
}

#[cfg(test)]
mod tests;
