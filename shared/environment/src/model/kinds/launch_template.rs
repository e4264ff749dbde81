use sha2::{Digest, Sha256};

use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// A launch template with all versions that Envkeeper created, the oldest first. A desired template has one version.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchTemplate {
    /// The owned versions. Versions without Envkeeper's digest in their description are foreign and not included.
    pub versions: Vec<TemplateVersion>,
}

/// One version. AWS numbers versions; Envkeeper identifies a version by the digest of its requested content, which is
/// in the version's description. The same content is always the same version, also after a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// The digest of the content: 16 hexadecimal digits. With 64 bits, a collision between two contents of one
    /// environment is out of the question.
    pub digest: String,
    /// The image id, which is not part of the content. The id is pinned when its source is first used. A newer image in
    /// the same parameter does not change the version.
    pub image: String,
    /// The content, from which the digest is computed.
    pub content: TemplateContent,
}

/// The requested content of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateContent {
    /// The source of the image, as in the property: an image id, or the name of an SSM parameter.
    pub image_source: String,
    /// The instance type, such as `t3.micro`. It has to match the image's architecture.
    pub instance_type: String,
    /// The instance profile, which assigns the role to the instances.
    pub instance_profile: Ref,
    /// The security groups of the instances' network interface.
    pub security_groups: Vec<Ref>,
    /// The size of the root volume in GiB. The volume is always encrypted.
    pub root_volume_gib: u32,
    /// The ARN of the key that encrypts the volume. The default is the account's own key for EBS.
    pub volume_key: Option<String>,
    /// Whether EC2 publishes metrics each minute rather than every five minutes.
    pub detailed_monitoring: bool,
    /// The plain-text script. Only the code of the call encodes it.
    pub user_data: String,
}

impl TemplateContent {
    /// The parts by name, in the order of a plan's text.
    fn parts(&self) -> [(&'static str, String); 8] {
        let groups: Vec<String> = self.security_groups.iter().map(ToString::to_string).collect();
        [
            ("image-source", self.image_source.clone()),
            ("instance-type", self.instance_type.clone()),
            ("instance-profile", self.instance_profile.to_string()),
            ("security-groups", groups.join(", ")),
            ("root-volume-gib", self.root_volume_gib.to_string()),
            ("volume-key", self.volume_key.clone().unwrap_or_default()),
            ("detailed-monitoring", self.detailed_monitoring.to_string()),
            ("user-data", self.user_data.clone()),
        ]
    }

    /// The first 8 bytes of SHA-256 over the parts. The length precedes each part, so that two different contents never
    /// have the same input.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (_, part) in self.parts() {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{first:016x}")
    }

    /// A line for each part that is not empty.
    pub(crate) fn summary(&self) -> Vec<String> {
        let present = self.parts().into_iter().filter(|(_, part)| !part.is_empty());
        present.map(|(name, part)| format!("{name}: {}", part_summary(name, &part))).collect()
    }

    /// A line for each part that differs from `old`.
    pub(crate) fn differences(&self, old: &TemplateContent) -> Vec<String> {
        let pairs = self.parts().into_iter().zip(old.parts());
        pairs
            .filter(|(new, old)| new != old)
            .map(|((name, new), (_, old))| {
                format!("{name}: {} → {}", part_summary(name, &old), part_summary(name, &new))
            })
            .collect()
    }
}

/// The text of a part in a plan. A script is described by its size.
fn part_summary(name: &str, part: &str) -> String {
    if name == "user-data" { format!("{} bytes", part.len()) } else { part.to_owned() }
}

impl TemplateVersion {
    /// The version with this content and its digest, for instances of `image`, an image id.
    #[must_use]
    pub fn of(content: TemplateContent, image: String) -> Self {
        TemplateVersion { digest: content.digest(), image, content }
    }

    pub(crate) fn references(&self) -> Vec<&Ref> {
        std::iter::once(&self.content.instance_profile).chain(&self.content.security_groups).collect()
    }
}

impl LaunchTemplate {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.versions.iter().map(|version| Field::Created(Setting::TemplateVersion(version.clone()))).collect()
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::TemplateVersion(version) = setting {
            self.versions.push(version.clone());
        }
    }

    /// Keeps the image of the latest observed version with the same source: the image changes only when its property
    /// changes.
    pub(crate) fn pin_image(&mut self, observed: &LaunchTemplate) {
        for desired in &mut self.versions {
            let same_source =
                observed.versions.iter().rev().find(|it| it.content.image_source == desired.content.image_source);
            if let Some(known) = same_source {
                desired.image.clone_from(&known.image);
            }
        }
    }
}
