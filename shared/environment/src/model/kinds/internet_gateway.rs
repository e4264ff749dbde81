use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

/// The VPC's internet gateway. The gateway has no effect until it is attached.
#[derive(Clone, Debug, PartialEq)]
pub struct InternetGateway {
    /// The VPC, which has at most one gateway (the VPC user guide). `None` while the gateway is detached.
    pub attached_to: Option<Ref>,
}

/// The connection of an internet gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum InternetGatewaySetting {
    /// The gateway's VPC.
    Attachment(Ref),
}

impl ResourceKind for InternetGateway {
    type Setting = InternetGatewaySetting;

    const FACTS: KindFacts = KindFacts {
        create_can_be_repeated: false,
        ..KindFacts::named_by_tag("internet-gateway", "ec2:CreateInternetGateway", "ec2:DeleteInternetGateway")
    };

    fn fields(&self) -> Vec<Field<InternetGatewaySetting>> {
        self.attached_to.iter().map(|vpc| Field::After(InternetGatewaySetting::Attachment(vpc.clone()))).collect()
    }

    fn set(&mut self, setting: &InternetGatewaySetting) {
        let InternetGatewaySetting::Attachment(vpc) = setting;
        self.attached_to = Some(vpc.clone());
    }

    fn clear(&mut self, _: &InternetGatewaySetting) {
        self.attached_to = None;
    }
}

impl KindSetting for InternetGatewaySetting {
    fn slot(&self) -> (&'static str, String) {
        let InternetGatewaySetting::Attachment(vpc) = self;
        ("attached-to", vpc.to_string())
    }

    fn value(&self) -> String {
        String::new()
    }

    fn references(&self) -> Vec<&Ref> {
        let InternetGatewaySetting::Attachment(vpc) = self;
        vec![vpc]
    }

    fn set_operation(&self) -> &'static str {
        "ec2:AttachInternetGateway"
    }

    fn clear_operation(&self) -> &'static str {
        "ec2:DetachInternetGateway"
    }

    fn blocks_deletion(&self) -> bool {
        true
    }
}
