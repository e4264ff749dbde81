use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

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

/// The configuration of a bucket, each part by a call of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum BucketSetting {
    /// Whether all four public access blocks are on.
    PublicAccessBlocked(bool),
    /// Whether the bucket keeps old versions; off is `Suspended` where it was once on.
    Versioning(bool),
    /// The encryption of new objects.
    Encryption(Encryption),
    /// The bucket policy: JSON as `serde_json` writes it.
    Policy(String),
    /// Days after which the objects expire.
    Expiry(u32),
    /// The destination of the access logs.
    AccessLogs(AccessLogs),
}

impl ResourceKind for Bucket {
    type Setting = BucketSetting;

    const FACTS: KindFacts = KindFacts {
        // One call sets all tags of a bucket.
        tagging: Some(("s3:PutBucketTagging", "s3:PutBucketTagging")),
        // In the European Sovereign Cloud, CreateBucket takes no tags (terraform-provider-aws, issue 45684).
        mark_may_follow: true,
        ..KindFacts::of("bucket", "s3:CreateBucket", "s3:DeleteBucket")
    };

    fn fields(&self) -> Vec<Field<BucketSetting>> {
        let encryption = BucketSetting::Encryption(self.encryption.clone());
        let mut fields = vec![
            Field::After(BucketSetting::PublicAccessBlocked(self.public_access_blocked)),
            // A default of new buckets does not need a call.
            Field::after_create_unless(BucketSetting::Versioning(self.versioning), !self.versioning),
            Field::after_create_unless(encryption, self.encryption == Encryption::default()),
        ];
        fields.extend(self.policy.iter().map(|it| Field::After(BucketSetting::Policy(it.clone()))));
        fields.extend(self.expiry_days.iter().map(|it| Field::After(BucketSetting::Expiry(*it))));
        fields.extend(self.access_logs.iter().map(|it| Field::After(BucketSetting::AccessLogs(it.clone()))));
        fields
    }

    fn set(&mut self, setting: &BucketSetting) {
        match setting {
            BucketSetting::PublicAccessBlocked(on) => self.public_access_blocked = *on,
            BucketSetting::Versioning(on) => self.versioning = *on,
            BucketSetting::Encryption(encryption) => self.encryption = encryption.clone(),
            BucketSetting::Policy(policy) => self.policy = Some(policy.clone()),
            BucketSetting::Expiry(days) => self.expiry_days = Some(*days),
            BucketSetting::AccessLogs(logs) => self.access_logs = Some(logs.clone()),
        }
    }

    fn clear(&mut self, setting: &BucketSetting) {
        match setting {
            BucketSetting::PublicAccessBlocked(_) => self.public_access_blocked = false,
            BucketSetting::Versioning(_) => self.versioning = false,
            BucketSetting::Encryption(_) => self.encryption = Encryption::default(),
            BucketSetting::Policy(_) => self.policy = None,
            BucketSetting::Expiry(_) => self.expiry_days = None,
            BucketSetting::AccessLogs(_) => self.access_logs = None,
        }
    }

    fn copy_observed_only_fields(&mut self, observed: &Bucket) {
        self.contains_objects = observed.contains_objects;
    }
}

impl KindSetting for BucketSetting {
    fn slot(&self) -> (&'static str, String) {
        let name = match self {
            BucketSetting::PublicAccessBlocked(_) => "public-access-blocked",
            BucketSetting::Versioning(_) => "versioning",
            BucketSetting::Encryption(_) => "encryption",
            BucketSetting::Policy(_) => "policy",
            BucketSetting::Expiry(_) => "objects-expire-after-days",
            BucketSetting::AccessLogs(_) => "access-logs",
        };
        (name, String::new())
    }

    fn value(&self) -> String {
        match self {
            BucketSetting::PublicAccessBlocked(on) | BucketSetting::Versioning(on) => on.to_string(),
            BucketSetting::Encryption(Encryption::S3) => String::from("S3's own keys"),
            BucketSetting::Encryption(Encryption::Kms(arn)) => arn.clone(),
            BucketSetting::Policy(policy) => policy.clone(),
            BucketSetting::Expiry(days) => days.to_string(),
            BucketSetting::AccessLogs(logs) => format!("{}/{}", logs.to, logs.prefix),
        }
    }

    fn references(&self) -> Vec<&Ref> {
        match self {
            BucketSetting::AccessLogs(logs) => vec![&logs.to],
            _ => vec![],
        }
    }

    fn set_operation(&self) -> &'static str {
        match self {
            BucketSetting::PublicAccessBlocked(_) => "s3:PutPublicAccessBlock",
            BucketSetting::Versioning(_) => "s3:PutBucketVersioning",
            BucketSetting::Encryption(_) => "s3:PutBucketEncryption",
            BucketSetting::Policy(_) => "s3:PutBucketPolicy",
            BucketSetting::Expiry(_) => "s3:PutBucketLifecycleConfiguration",
            BucketSetting::AccessLogs(_) => "s3:PutBucketLogging",
        }
    }

    fn clear_operation(&self) -> &'static str {
        match self {
            BucketSetting::Policy(_) => "s3:DeleteBucketPolicy",
            BucketSetting::Expiry(_) => "s3:DeleteBucketLifecycle",
            other => other.set_operation(),
        }
    }

    /// An expiry that Envkeeper does not set is the stack author's.
    fn is_retained_when_not_desired(&self) -> bool {
        matches!(self, BucketSetting::Expiry(_))
    }
}
