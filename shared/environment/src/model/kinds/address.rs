use crate::model::field::Field;

/// A static public IPv4 address (Elastic IP): the source address of a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address;

impl Address {
    #[expect(clippy::unused_self, reason = "every kind has this method")]
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![]
    }
}
