use crate::field::{Field, Value};
use crate::resource::Ref;

/// The way out of the private subnets: nothing comes in through it.
#[derive(Clone, Debug, PartialEq)]
pub struct NatGateway {
    /// A public one.
    pub subnet: Ref,
    /// The [`Address`](crate::Address) that it speaks from.
    pub address: Ref,
}

impl NatGateway {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("subnet", Value::Ref(self.subnet.clone())),
            Field::Fixed("address", Value::Ref(self.address.clone())),
        ]
    }
}
