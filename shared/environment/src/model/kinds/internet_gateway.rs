use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// The VPC's internet gateway. The gateway has no effect until it is attached.
#[derive(Clone, Debug, PartialEq)]
pub struct InternetGateway {
    /// The VPC, which has at most one gateway (the VPC user guide). `None` while the gateway is detached.
    pub attached_to: Option<Ref>,
}

impl InternetGateway {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.attached_to.iter().map(|vpc| Field::After(Setting::Attachment(vpc.clone()))).collect()
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::Attachment(vpc) = setting {
            self.attached_to = Some(vpc.clone());
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::Attachment(_) = setting {
            self.attached_to = None;
        }
    }
}
