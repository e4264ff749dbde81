use crate::field::{Field, Setting};
use crate::resource::Ref;

/// A bucket with all its configuration. What a new bucket has by itself (owner-enforced objects, AWS's own encryption)
/// is not said again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Whether all four public access blocks are on.
    pub public_access_blocked: bool,
    /// Whether old versions are kept.
    pub versioning: bool,
    /// By what new objects are encrypted; those that are there keep theirs.
    pub encryption: Encryption,
    /// JSON as `serde_json` writes it.
    pub policy: Option<String>,
    /// Days after which objects go.
    pub expiry_days: Option<u32>,
    /// Nothing means that accesses are not logged.
    pub access_logs: Option<AccessLogs>,
    /// Whether there is anything in it, old versions and delete markers included. Seen, never wanted.
    pub holds_objects: bool,
}

/// Who encrypts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// S3 with keys of its own (SSE-S3), as every new bucket has it.
    #[default]
    S3,
    /// KMS with this key, through a bucket key.
    Kms(String),
}

/// Where accesses are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLogs {
    /// The bucket that gets the logs. Its policy has to let the log delivery service in first.
    pub to: Ref,
    /// What the logs' names begin with.
    pub prefix: String,
}

impl Bucket {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::After(Setting::PublicAccessBlocked(self.public_access_blocked)),
            // What a new bucket has already needs no call.
            Field::unless_new(Setting::Versioning(self.versioning), !self.versioning),
            Field::unless_new(
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
            Setting::BucketEncryption(by) => self.encryption = by.clone(),
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
