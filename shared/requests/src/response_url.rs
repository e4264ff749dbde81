//! Which hosts may be sent an answer.
//!
//! The `ResponseURL` comes with the event, and whoever may invoke the function may write one: unchecked, the function
//! is a proxy into whatever it can reach. What is checked here is the parsed URL, and the parsed URL is what the
//! connection is made with: there is no second parser that could see another host in the same characters.

mod allowed;

pub use allowed::{AllowedHosts, BadHost};

use http::Uri;
use http::uri::Scheme;
use std::fmt;

/// The longest URL that is read, in bytes. Captured ones have up to about 1,500.
const MAX_LENGTH: usize = 8_192;

/// A URL that may be sent an answer.
///
/// Path and query are kept to the byte, since the signature is over them; they are a bearer secret, so `Debug` and
/// `Display` show scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Uri);

/// Why a URL is sent nothing. Never shows its path, query or user information.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseUrlError {
    /// Empty, over 8,192 bytes, with characters that no URL has (spaces, line breaks, backslashes, non-ASCII), with a
    /// fragment, or without a scheme, a host or a path.
    #[error("the ResponseURL is not a plain URL: {0}")]
    NotPlain(&'static str),
    /// A scheme other than https.
    #[error("the ResponseURL at host {host} is not https")]
    NotHttps {
        /// The host as parsed.
        host: String,
    },
    /// A user name or password before the host, or a port behind it.
    #[error("the ResponseURL at host {host} has user information or a port")]
    Decorated {
        /// The host as parsed.
        host: String,
    },
    /// A host that is not CloudFormation's.
    #[error(
        "the ResponseURL's host {host} is not a bucket in which CloudFormation awaits answers, nor among the hosts allowed \
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
    /// [`ResponseUrlError`], which is safe to log and to show: it has the host at most.
    pub fn parse(url: &str, allowed: &AllowedHosts) -> Result<ResponseUrl, ResponseUrlError> {
        let uri = plain(url)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ResponseUrlError::NotPlain("it has no scheme or no host"));
        };
        if allowed.by_configuration(authority.as_str()) {
            return Ok(ResponseUrl(uri));
        }
        let host = authority.host().to_owned();
        if *scheme != Scheme::HTTPS {
            return Err(ResponseUrlError::NotHttps { host });
        }
        // The authority is user information, host and port; what equals its host has neither of the others.
        if authority.as_str() != host {
            return Err(ResponseUrlError::Decorated { host });
        }
        if !allowed.is_cloudformation(&host) {
            return Err(ResponseUrlError::ForeignHost { host });
        }
        Ok(ResponseUrl(uri))
    }

    /// The host, with the port where configuration allows one: what may be logged.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.authority().map_or("", http::uri::Authority::as_str)
    }

    /// The whole URL as it was checked, for the one who connects.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }
}

/// Parses, and refuses whatever the parser would drop, change, or read differently from others.
fn plain(url: &str) -> Result<Uri, ResponseUrlError> {
    if url.len() > MAX_LENGTH {
        return Err(ResponseUrlError::NotPlain("it is longer than 8192 bytes"));
    }
    let odd = |b: u8| !b.is_ascii_graphic() || b == b'\\';
    if url.bytes().any(odd) {
        return Err(ResponseUrlError::NotPlain("it has characters that don't belong there"));
    }
    let uri: Uri = url.parse().map_err(|_| ResponseUrlError::NotPlain("it can't be parsed"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let path = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    if !matches!(scheme, "http" | "https") {
        return Err(ResponseUrlError::NotPlain("its scheme is neither https nor http"));
    }
    // A fragment, which the parser drops, is caught here too.
    if !path.starts_with('/') || format!("{scheme}://{authority}{path}") != url {
        return Err(ResponseUrlError::NotPlain("its parts don't add up to it again"));
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
        write!(f, "ReplyUrl({self})")
    }
}

#[cfg(test)]
mod tests;
