use crate::field::Field;

/// A public IPv4 address that stays the same: what a NAT gateway speaks from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address;

impl Address {
    #[expect(clippy::unused_self, reason = "every kind answers this")]
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![]
    }
}
