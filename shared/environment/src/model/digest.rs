//! Digests of texts.

use sha2::{Digest, Sha256};

/// The first 8 bytes of SHA-256 over the parts: 16 hexadecimal digits. The length precedes each part, so that two different
/// lists of parts never have the same input.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{first:016x}")
}

/// Whether a text has the form of a [`digest`].
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}
