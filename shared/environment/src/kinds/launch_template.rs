use sha2::{Digest, Sha256};

use crate::field::{Field, Setting};
use crate::resource::Ref;

/// A launch template: all its versions that we made, the oldest first. What is wanted has one.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchTemplate {
    /// Versions without our digest in their description are somebody else's, and are not here.
    pub versions: Vec<TemplateVersion>,
}

/// One version. AWS numbers versions; we know them by the digest of what was asked for, which stands in the version's
/// description: the same content is the same version, whenever it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// 16 hexadecimal digits that stand for the content. 64 bits: two contents of one environment that meet by chance
    /// are out of the question.
    pub digest: String,
    /// The image's id. Not part of the content: it is pinned when its source is first used, and a newer image behind
    /// the same parameter changes nothing.
    pub image: String,
    /// What the digest stands for.
    pub content: TemplateContent,
}

/// What a version was asked to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateContent {
    /// Where the image comes from, as the property says it: an image id, or the name of an SSM parameter.
    pub image_source: String,
    /// Such as `t3.micro`. It has to fit the image's architecture.
    pub instance_type: String,
    /// What carries the role to the instances.
    pub instance_profile: Ref,
    /// Of the instances' network interface.
    pub security_groups: Vec<Ref>,
    /// GiB; the root volume is always encrypted.
    pub root_volume_gib: u32,
    /// The ARN of the key that encrypts it; nothing means the account's own for EBS.
    pub volume_key: Option<String>,
    /// A value each minute rather than every five.
    pub detailed_monitoring: bool,
    /// The plain script; it is encoded where the call is made, and nowhere else.
    pub user_data: String,
}

impl TemplateContent {
    /// The parts by name, in the order of plans.
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

    /// The first 8 bytes of SHA-256 over the parts, each led by its length so that no two contents read alike.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (_, part) in self.parts() {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{first:016x}")
    }

    /// The parts, a line each.
    pub(crate) fn summary(&self) -> Vec<String> {
        let said = self.parts().into_iter().filter(|(_, part)| !part.is_empty());
        said.map(|(name, part)| format!("{name}: {}", tell(name, &part))).collect()
    }

    /// What is different here, a line each.
    pub(crate) fn differences(&self, old: &TemplateContent) -> Vec<String> {
        let pairs = self.parts().into_iter().zip(old.parts());
        pairs
            .filter(|(new, old)| new != old)
            .map(|((name, new), (_, old))| format!("{name}: {} → {}", tell(name, &old), tell(name, &new)))
            .collect()
    }
}

/// A part as people read it: a script by its size.
fn tell(name: &str, part: &str) -> String {
    if name == "user-data" { format!("{} bytes", part.len()) } else { part.to_owned() }
}

impl TemplateVersion {
    /// The version of this content, with its digest, that starts instances of `image`, an image's id.
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

    /// Keeps the image of the newest live version that has the same source: the image moves only when its property
    /// does.
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
