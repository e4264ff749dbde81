use crate::model::field::{Field, NoSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::{Kind, KindFacts};

/// A NAT gateway: the egress of the private subnets, without ingress.
#[derive(Clone, Debug, PartialEq)]
pub struct NatGateway {
    /// The public subnet of the gateway.
    pub subnet: Ref,
    /// The [`Address`](crate::Address) that is the source address.
    pub address: Ref,
}

impl ResourceKind for NatGateway {
    type Setting = NoSetting;

    const FACTS: KindFacts = KindFacts {
        completes_asynchronously: true,
        depends_on: &[(Kind::InternetGateway, "its traffic leaves through an attached gateway")],
        ..KindFacts::named_by_tag("nat-gateway", "ec2:CreateNatGateway", "ec2:DeleteNatGateway")
    };

    fn fields(&self) -> Vec<Field<NoSetting>> {
        vec![
            Field::Fixed("subnet", Value::Ref(self.subnet.clone())),
            Field::Fixed("address", Value::Ref(self.address.clone())),
        ]
    }

    fn set(&mut self, setting: &NoSetting) {
        match *setting {}
    }
}
