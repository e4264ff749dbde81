use crate::field::{Field, Setting};

/// A log group, and how long it keeps what is written to it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup {
    /// Days; nothing means for ever, which is what a new log group has.
    pub retention_days: Option<u32>,
}

impl LogGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.retention_days.iter().map(|days| Field::After(Setting::Retention(*days))).collect()
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::Retention(days) = setting {
            self.retention_days = Some(*days);
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::Retention(_) = setting {
            self.retention_days = None;
        }
    }
}
