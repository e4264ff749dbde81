//! Client tokens: a second attempt at a request has the same token, and another request has another token.

use std::fmt::Write as _;

use environment::Key;
use sha2::{Digest, Sha256};

use crate::errors::Problem;

/// The token of a create within the request that `seed` identifies; `content` distinguishes creates of one resource. 64
/// hexadecimal digits, which is the longest token that `CreateRouteTable` accepts (ARCHITECTURE, Facts).
pub(crate) fn client_token(seed: &str, key: &Key, content: &str) -> String {
    let mut hash = Sha256::new();
    for part in [seed, key.kind.facts().name, &key.name, content] {
        // The length comes first, so that no two lists of parts hash alike.
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut token, byte| {
        // Writing to a String cannot fail.
        let _ = write!(token, "{byte:02x}");
        token
    })
}

/// Sends a create with its client token; if nothing that the token created is left, once more with another token.
///
/// EC2 rejects a token with the code `IdempotentParameterMismatch` also where the resource that it created was deleted, with
/// the same parameters (recorded on AWS, September 2026: stackd 9dc356f5, `launch_template_edges:replay-after-delete`). The
/// token stands for the request, so the create could not succeed until the next request. `exists` is a fresh look-up of
/// the name: a launch template's is unique, so a list that lags behind results in no second resource.
pub(crate) async fn with_token<T>(
    seed: &str,
    key: &Key,
    content: &str,
    create: impl AsyncFn(String) -> Result<T, Problem>,
    exists: impl AsyncFnOnce() -> Result<bool, Problem>,
) -> Result<T, Problem> {
    match create(client_token(seed, key, content)).await {
        Err(problem) if problem.code == "IdempotentParameterMismatch" && !exists().await? => {
            create(client_token(seed, key, &format!("{content} after a delete"))).await
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::client_token;
    use environment::{Key, Kind};

    #[test]
    fn the_same_request_has_the_same_token_and_another_request_another_token() {
        let key = |kind, name: &str| Key::new(kind, name);
        let token = client_token("request-1", &key(Kind::RouteTable, "a"), "");
        assert_eq!(token, client_token("request-1", &key(Kind::RouteTable, "a"), ""));
        let others = [
            client_token("request-2", &key(Kind::RouteTable, "a"), ""),
            client_token("request-1", &key(Kind::LaunchTemplate, "a"), ""),
            client_token("request-1", &key(Kind::RouteTable, "b"), ""),
            client_token("request-1", &key(Kind::RouteTable, "a"), "digest"),
            client_token("request-1", &key(Kind::RouteTable, "adig"), "est"),
        ];
        for other in others {
            assert_ne!(token, other);
        }
    }

    #[test]
    fn a_token_is_64_ascii_characters() {
        let token = client_token(&"é".repeat(500), &Key::new(Kind::RouteTable, "x".repeat(300)), "digest");
        assert_eq!(token.len(), 64);
        assert!(token.chars().all(|c| c.is_ascii_hexdigit()));
    }
}
