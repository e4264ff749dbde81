use crate::model::field::{Field, Setting};

/// A log group with its retention time.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup {
    /// The retention time in days. `None` retains the logs forever, the default of a new log group.
    pub retention_days: Option<u32>,
    /// The ARN of the key that encrypts the logs. `None` means the service's own key.
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
