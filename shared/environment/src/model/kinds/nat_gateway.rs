use crate::model::field::{Field, Value};
use crate::model::resource::Ref;

/// A NAT gateway: the egress of the private subnets, without ingress.
#[derive(Clone, Debug, PartialEq)]
pub struct NatGateway {
    /// The public subnet of the gateway.
    pub subnet: Ref,
    /// The [`Address`](crate::Address) that is the source address.
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
