//! Whose environment it is.

use crate::event::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// How many hexadecimal digits of the SHA-256 name an owner: 20, which is 80 bits.
///
/// Short enough to sit in a tag, a description and a queue's group id beside other words. A collision would let one
/// stack's resource speak for another's: with a million resources in one account and region its probability is about
/// 4 in 10^13 (n²/2^81). It can't be provoked cheaply either: CloudFormation makes the UUID in a `StackId`.
const DIGITS: usize = 20;

/// The owner of an environment: the resource `LogicalResourceId` of the stack `StackId`.
///
/// Both are in every event, which can't be said of the physical id. A stack that is deleted and created again under the
/// same name has another `StackId`, so a late Delete of the old one can't touch the new one's environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

impl Owner {
    /// The owner with these two ids. They are hashed with a line break between them, which neither contains
    /// ([`crate::Event::parse`] refuses it).
    #[must_use]
    pub fn of(stack_id: &str, logical_id: &str) -> Owner {
        let mut digits = hex(&Sha256::digest(format!("{stack_id}\n{logical_id}")));
        digits.truncate(DIGITS);
        Owner(digits)
    }

    /// Reads an owner back from a tag or a record; `None` unless it is 20 lower-case hexadecimal digits.
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
    fn an_owner_stays_the_same_for_ever() {
        // Written on resources in the cloud: another answer here orphans every environment that exists.
        assert_eq!(Owner::of(STACK, "Web").as_str(), "9c5056c23245de345e8f");
    }

    #[test]
    fn an_owner_is_told_apart_by_the_stack_and_by_the_name() {
        let own = Owner::of(STACK, "Web");
        assert_ne!(own, Owner::of(STACK, "Web2"));
        assert_ne!(own, Owner::of(&format!("{STACK}9"), "Web"));
        assert_ne!(Owner::of("ab", "c"), Owner::of("a", "bc"));
    }

    #[test]
    fn an_owner_is_read_back_and_anything_else_is_not() {
        let own = Owner::of(STACK, "Web");
        assert_eq!(Owner::parse(&own.to_string()), Some(own));
        for other in ["", "0123456789abcdef012", "0123456789ABCDEF0123", "0123456789abcdefg123"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }
}
