use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::kind::KindFacts;

/// A log group with its retention time.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup {
    /// The retention time in days. `None` retains the logs forever, the default of a new log group.
    pub retention_days: Option<u32>,
    /// The ARN of the key that encrypts the logs. `None` means the service's own key.
    pub kms_key: Option<String>,
}

/// The attributes of a log group that calls change.
#[derive(Clone, Debug, PartialEq)]
pub enum LogGroupSetting {
    /// The retention time in days.
    Retention(u32),
    /// The ARN of the key that encrypts the logs.
    Key(String),
}

impl ResourceKind for LogGroup {
    type Setting = LogGroupSetting;

    const FACTS: KindFacts = KindFacts {
        tagging: Some(("logs:TagResource", "logs:UntagResource")),
        ..KindFacts::of("log-group", "logs:CreateLogGroup", "logs:DeleteLogGroup")
    };

    fn fields(&self) -> Vec<Field<LogGroupSetting>> {
        let key = self.kms_key.iter().map(|arn| Field::Created(LogGroupSetting::Key(arn.clone())));
        key.chain(self.retention_days.iter().map(|days| Field::After(LogGroupSetting::Retention(*days)))).collect()
    }

    fn set(&mut self, setting: &LogGroupSetting) {
        match setting {
            LogGroupSetting::Retention(days) => self.retention_days = Some(*days),
            LogGroupSetting::Key(arn) => self.kms_key = Some(arn.clone()),
        }
    }

    fn clear(&mut self, setting: &LogGroupSetting) {
        match setting {
            LogGroupSetting::Retention(_) => self.retention_days = None,
            LogGroupSetting::Key(_) => self.kms_key = None,
        }
    }
}

impl KindSetting for LogGroupSetting {
    fn slot(&self) -> (&'static str, String) {
        let name = match self {
            LogGroupSetting::Retention(_) => "retention-days",
            LogGroupSetting::Key(_) => "kms-key",
        };
        (name, String::new())
    }

    fn value(&self) -> String {
        match self {
            LogGroupSetting::Retention(days) => days.to_string(),
            LogGroupSetting::Key(arn) => arn.clone(),
        }
    }

    fn set_operation(&self) -> &'static str {
        match self {
            LogGroupSetting::Retention(_) => "logs:PutRetentionPolicy",
            LogGroupSetting::Key(_) => "logs:AssociateKmsKey",
        }
    }

    fn clear_operation(&self) -> &'static str {
        match self {
            LogGroupSetting::Retention(_) => "logs:DeleteRetentionPolicy",
            LogGroupSetting::Key(_) => "logs:DisassociateKmsKey",
        }
    }
}
