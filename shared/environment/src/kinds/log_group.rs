use crate::field::{Field, Setting};

/// A log group, and how long it keeps what is written to it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup {
    /// Days; nothing means for ever, which is what a new log group has.
    pub retention_days: Option<u32>,
    /// The ARN of the key that encrypts it; nothing means the service's own.
    pub kms_key: Option<String>,
}

impl LogGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let key = self.kms_key.iter().map(|arn| Field::Created(Setting::LogKey(arn.clone())));
        key.chain(self.retention_days.iter().map(|days| Field::After(Setting::Retention(*days)))).collect()
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::Retention(days) => self.retention_days = Some(*days),
            Setting::LogKey(arn) => self.kms_key = Some(arn.clone()),
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::Retention(_) => self.retention_days = None,
            Setting::LogKey(_) => self.kms_key = None,
            _ => {}
        }
    }
}
