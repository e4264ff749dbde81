use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// A bucket with its whole configuration, except for AWS's defaults for new buckets (owner-enforced objects, AWS's own
/// encryption).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Whether all four public access blocks are on.
    pub public_access_blocked: bool,
    /// Whether old versions are retained.
    pub versioning: bool,
    /// The encryption of new objects. Existing objects keep their encryption.
    pub encryption: Encryption,
    /// The bucket policy: JSON as `serde_json` writes it.
    pub policy: Option<String>,
    /// Days after which objects are deleted.
    pub expiry_days: Option<u32>,
    /// The access logs. `None` disables access logging.
    pub access_logs: Option<AccessLogs>,
    /// Whether the bucket contains objects, old versions or delete markers. Only observed, never desired.
    pub contains_objects: bool,
}

/// The encryption of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// S3's own keys (SSE-S3), the default of every new bucket.
    #[default]
    S3,
    /// KMS with the key of this ARN, through a bucket key.
    Kms(String),
}

/// The destination of the access logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogs {
    /// The bucket for the logs. Its policy has to allow the log delivery service first.
    pub to: Ref,
    /// The key prefix of the logs.
    pub prefix: String,
}

impl Bucket {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::After(Setting::PublicAccessBlocked(self.public_access_blocked)),
            // A default of new buckets does not need a call.
            Field::after_create_unless(Setting::Versioning(self.versioning), !self.versioning),
            Field::after_create_unless(
                Setting::BucketEncryption(self.encryption.clone()),
                self.encryption == Encryption::default(),
            ),
        ];
        fields.extend(self.policy.iter().map(|it| Field::After(Setting::BucketPolicy(it.clone()))));
        fields.extend(self.expiry_days.iter().map(|it| Field::After(Setting::Expiry(*it))));
        fields.extend(self.access_logs.iter().map(|it| Field::After(Setting::AccessLogs(it.clone()))));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::PublicAccessBlocked(on) => self.public_access_blocked = *on,
            Setting::Versioning(on) => self.versioning = *on,
            Setting::BucketEncryption(encryption) => self.encryption = encryption.clone(),
            Setting::BucketPolicy(policy) => self.policy = Some(policy.clone()),
            Setting::Expiry(days) => self.expiry_days = Some(*days),
            Setting::AccessLogs(logs) => self.access_logs = Some(logs.clone()),
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::PublicAccessBlocked(_) => self.public_access_blocked = false,
            Setting::Versioning(_) => self.versioning = false,
            Setting::BucketEncryption(_) => self.encryption = Encryption::default(),
            Setting::BucketPolicy(_) => self.policy = None,
            Setting::Expiry(_) => self.expiry_days = None,
            Setting::AccessLogs(_) => self.access_logs = None,
            _ => {}
        }
    }
}
