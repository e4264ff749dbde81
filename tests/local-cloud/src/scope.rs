//! The caller and the service of a request, from the credential scope of the signature (SigV4).
//!
//! The signature itself is not verified: the local cloud holds no data that need protection.

use hyper::{HeaderMap, header::AUTHORIZATION};

/// The part of a signature that the local cloud needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The caller's access key id.
    pub access_key: String,
    /// The region; empty for SigV4A, which omits it.
    pub region: String,
    /// The signing name of the service, such as `ec2` or `monitoring`.
    pub service: String,
}

/// The scope of a request: from the `Authorization` header, or from a presigned query.
/// `None` if the request is unsigned, or if the signature's form is not valid on AWS.
#[must_use]
pub fn of(headers: &HeaderMap, query: Option<&str>) -> Option<Scope> {
    header_credential(headers)
        .map(str::to_owned)
        .or_else(|| query_credential(query?))
        .and_then(|credential| parse(&credential))
}

fn header_credential(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, rest) = value.split_once("Credential=")?;
    rest.split([',', ' ']).next()
}

fn query_credential(query: &str) -> Option<String> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("X-Amz-Credential="))
        .map(|value| value.replace("%2F", "/").replace("%2f", "/"))
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`. Parsed from the end, since SigV4A omits the region.
fn parse(credential: &str) -> Option<Scope> {
    let parts: Vec<&str> = credential.split('/').collect();
    match parts[..] {
        [access_key, _, ref region @ .., service, "aws4_request"] if !access_key.is_empty() => {
            let region = region.first().copied().unwrap_or_default().to_owned();
            Some(Scope { access_key: access_key.to_owned(), region, service: service.to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    fn scope(access_key: &str, region: &str, service: &str) -> Scope {
        Scope { access_key: access_key.to_owned(), region: region.to_owned(), service: service.to_owned() }
    }

    #[test]
    fn the_authorization_header_contains_key_and_service() {
        let headers = signed(
            "AWS4-HMAC-SHA256 Credential=test/20261122/us-west-2/ec2/aws4_request, \
             SignedHeaders=host, Signature=0",
        );
        assert_eq!(of(&headers, None), Some(scope("test", "us-west-2", "ec2")));
    }

    #[test]
    fn a_presigned_query_contains_key_and_service() {
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
                     &X-Amz-Credential=test%2F20261122%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Expires=60";
        assert_eq!(of(&HeaderMap::new(), Some(query)), Some(scope("test", "us-west-2", "s3")));
    }

    #[test]
    fn a_signature_without_a_region_is_parsed_from_the_end() {
        let headers = signed("AWS4-ECDSA-P256-SHA256 Credential=test/20261122/s3/aws4_request, Signature=0");
        assert_eq!(of(&headers, None), Some(scope("test", "", "s3")));
    }

    #[test]
    fn an_invalid_signature_has_no_scope() {
        for value in [
            "Basic abc",
            "AWS4-HMAC-SHA256 Credential=test",
            "AWS4-HMAC-SHA256 Credential=/20261122/us-west-2/ec2/aws4_request",
            "AWS4-HMAC-SHA256 Credential=test/20261122/us-west-2/ec2/aws3_request",
            "AWS4-HMAC-SHA256 Credential=test/aws4_request",
        ] {
            assert_eq!(of(&signed(value), None), None, "{value}");
        }
        assert_eq!(of(&HeaderMap::new(), Some("list-type=2")), None);
        assert_eq!(of(&HeaderMap::new(), None), None);
    }
}
