//! Digests of texts.

use sha2::{Digest, Sha256};

/// The first 8 bytes of SHA-256 over the parts: 16 hexadecimal digits. The length precedes each part, so that two different
/// lists of parts never have the same input.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut whole = long_digest(parts);
    whole.truncate(DIGITS);
    whole
}

/// The first 16 bytes of the same hash: 32 hexadecimal digits, of which the first 16 are the [`digest`]. For parts that an
/// attacker may choose: among 2^32 of them two have the same digest of 8 bytes.
pub(crate) fn long_digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let first = hash.finalize().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    format!("{first:032x}")
}

/// The hexadecimal digits of a [`digest`].
pub(crate) const DIGITS: usize = 16;

/// Whether a text has the form of a [`digest`].
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}
