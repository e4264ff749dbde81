use crate::model::field::{Field, NoSetting, ResourceKind};
use crate::model::kind::KindFacts;

/// A static public IPv4 address (Elastic IP): the source address of a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address;

impl ResourceKind for Address {
    type Setting = NoSetting;

    const FACTS: KindFacts = KindFacts {
        create_can_be_repeated: false,
        ..KindFacts::named_by_tag("address", "ec2:AllocateAddress", "ec2:ReleaseAddress")
    };

    fn fields(&self) -> Vec<Field<NoSetting>> {
        vec![]
    }

    fn set(&mut self, setting: &NoSetting) {
        match *setting {}
    }
}
