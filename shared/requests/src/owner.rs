//! The owner of an environment.

use crate::hex::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// The number of hexadecimal digits of the SHA-256 that identify an owner: 20, which is 80 bits.
///
/// Short enough for a tag, a description and a queue's group id that contain other words as well. A collision would let
/// one stack's resource act for another's: with a million resources in one account and region its probability is about
/// 4 in 10^13 (n²/2^81). Provoking one is not cheap either: CloudFormation chooses the UUID in a `StackId`.
const DIGITS: usize = 20;

/// The owner of an environment: the resource `LogicalResourceId` of the stack `StackId`.
///
/// Both are in every event, unlike the physical id. A stack that is deleted and created again under the same name has
/// another `StackId`, so a late Delete of the old stack can't affect the new stack's environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

impl Owner {
    /// The owner with these two ids. The hash is over both with a line break between them, which neither contains
    /// ([`crate::Event::parse`] rejects a line break).
    #[must_use]
    pub fn of(stack_id: &str, logical_id: &str) -> Owner {
        let mut digits = hex(&Sha256::digest(format!("{stack_id}\n{logical_id}")));
        digits.truncate(DIGITS);
        Owner(digits)
    }

    /// Reads an owner from a tag or a record; `None` unless the text is 20 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Owner> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == DIGITS && text.bytes().all(hex)).then(|| Owner(text.to_owned()))
    }

    /// The 20 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws:cloudformation:us-west-2:111122223333:stack/web/0a1b2c3d";

    #[test]
    fn the_digits_of_an_owner_never_change() {
        // The digits are written on resources in the cloud: another value here orphans every existing environment.
        assert_eq!(Owner::of(STACK, "Web").as_str(), "9c5056c23245de345e8f");
    }

    #[test]
    fn another_stack_or_another_logical_id_is_another_owner() {
        let owner = Owner::of(STACK, "Web");
        assert_ne!(owner, Owner::of(STACK, "Web2"));
        assert_ne!(owner, Owner::of(&format!("{STACK}9"), "Web"));
        assert_ne!(Owner::of("ab", "c"), Owner::of("a", "bc"));
    }

    #[test]
    fn parse_accepts_the_digits_of_an_owner_and_no_other_text() {
        let owner = Owner::of(STACK, "Web");
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
        for other in ["", "0123456789abcdef012", "0123456789ABCDEF0123", "0123456789abcdefg123"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }
}
