use crate::model::digest;
use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::key::{Ref, Tags};
use crate::model::kind::KindFacts;
use crate::model::script::Script;
use similar::{ChangeTag, TextDiff};

/// A launch template with all versions that Envkeeper created, the oldest first. A desired template has one version.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchTemplate {
    /// The versions that Envkeeper created, and those whose description has the same form. Only a version whose digest is
    /// desired is used.
    pub versions: Vec<TemplateVersion>,
}

/// One version. AWS numbers versions; Envkeeper identifies a version by the digest of its whole data, the image included.
/// The same data is always the same version, also after a rollback. The digest of an observed version is computed from
/// its data: any principal that may create versions can write any description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// The digest of content and image: 32 hexadecimal digits. A principal that may create versions and writes properties could find two
    /// versions with the same digest of 64 bits. The digest of an [altered](TemplateVersion::altered) version is never
    /// desired.
    pub digest: String,
    /// The image id. The id is pinned when its source is first used. A newer image in the same parameter does not change
    /// the version.
    pub image: String,
    /// The content, without the image.
    pub content: TemplateContent,
}

/// The requested content of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateContent {
    /// The source of the image, as in the property: an image id, or the name of an SSM parameter.
    pub image_source: String,
    /// The digest of the [rolling inputs](crate::rolling_inputs), whose values the version's data does not show. `None`: the
    /// version is older than rollouts.
    pub rolling_inputs: Option<String>,
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
    pub user_data: Script,
    /// The tags of the instances and of the volumes and network interfaces that are created with them. The group's tags
    /// replace those of the same key on an instance, and Auto Scaling sets none on a volume or an interface. A policy of the
    /// organization that requires tags is checked against these tags (terraform-aws-eks, pull request 822).
    pub tags: Tags,
}

impl TemplateContent {
    /// The parts by name, in the order of a plan's text.
    fn parts(&self) -> [(&'static str, String); 9] {
        let groups: Vec<String> = self.security_groups.iter().map(ToString::to_string).collect();
        // JSON's quotes keep two different sets of tags apart, whatever their keys and values contain.
        let quoted = |text: &String| serde_json::Value::from(text.as_str());
        let tags: Vec<String> =
            self.tags.iter().map(|(key, value)| format!("{}={}", quoted(key), quoted(value))).collect();
        [
            ("image-source", self.image_source.clone()),
            ("instance-type", self.instance_type.clone()),
            ("instance-profile", self.instance_profile.to_string()),
            ("security-groups", groups.join(", ")),
            ("root-volume-gib", self.root_volume_gib.to_string()),
            ("volume-key", self.volume_key.clone().unwrap_or_default()),
            ("detailed-monitoring", self.detailed_monitoring.to_string()),
            (USER_DATA, self.user_data.to_string()),
            (TAGS, tags.join("\n")),
        ]
    }

    /// The digest of the parts, the image and the rolling inputs. Two versions with the same data and different rolling inputs
    /// are different versions: one of them replaces running instances.
    fn digest(&self, image: &str) -> String {
        let parts = self.parts();
        let parts = parts.iter().map(|(_, part)| part.as_str()).chain([image]);
        digest::long_digest(parts.chain(self.rolling_inputs.as_deref()))
    }

    /// Whether the parts differ only in the user data.
    fn differs_in_user_data_alone(&self, other: &TemplateContent) -> bool {
        let pairs = self.parts().into_iter().zip(other.parts());
        let different: Vec<&str> = pairs.filter(|(one, other)| one != other).map(|((name, _), _)| name).collect();
        different == [USER_DATA]
    }

    /// A line for each part that is not empty.
    pub(crate) fn summary(&self) -> Vec<String> {
        let present = self.parts().into_iter().filter(|(_, part)| !part.is_empty());
        present.map(|(name, part)| format!("{name}: {}", part_summary(name, &part))).collect()
    }

    /// A line for each part that differs from `old`, and the changed lines of the user data. They may contain a secret of the
    /// stack author, so a plan is shown to its operator, and no log has it.
    pub(crate) fn differences(&self, old: &TemplateContent) -> Vec<String> {
        let pairs = self.parts().into_iter().zip(old.parts());
        let mut lines = Vec::new();
        for ((name, new), (_, old)) in pairs.filter(|(new, old)| new != old) {
            lines.push(match name {
                TAGS => format!("{name}: {} → {}", lines_without(&old, &new), lines_without(&new, &old)),
                _ => format!("{name}: {} → {}", part_summary(name, &old), part_summary(name, &new)),
            });
            if name == USER_DATA {
                lines.extend(changed_lines(&old, &new));
            }
        }
        lines
    }
}

/// The part with the user data.
const USER_DATA: &str = "user-data";

/// The part with a line for each tag.
const TAGS: &str = "tags";

/// The text of a part in a plan. A script is described by its size, and tags by their number: each resource lists them.
fn part_summary(name: &str, part: &str) -> String {
    match name {
        USER_DATA => format!("{} bytes", part.len()),
        TAGS => part.lines().count().to_string(),
        _ => part.to_owned(),
    }
}

/// The lines of a part that the other part lacks.
fn lines_without(part: &str, other: &str) -> String {
    let lines: Vec<&str> = part.lines().filter(|line| !other.lines().any(|it| it == *line)).collect();
    if lines.is_empty() { "none".into() } else { lines.join(", ") }
}

/// The most changed lines of user data in a plan, and the most characters of one: two screens. User data has 16 KB at most.
const MAX_CHANGED_LINES: usize = 50;
const MAX_LINE_LENGTH: usize = 200;

/// The lines that were removed and added, in their order, with a sign in front.
fn changed_lines(old: &str, new: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let changed = diff.iter_all_changes().filter(|it| it.tag() != ChangeTag::Equal);
    let mut lines: Vec<String> = changed
        .map(|it| format!("  {} {}", it.tag(), it.value().trim_end()).chars().take(MAX_LINE_LENGTH).collect())
        .collect();
    let more = lines.len().saturating_sub(MAX_CHANGED_LINES);
    if more > 0 {
        lines.truncate(MAX_CHANGED_LINES);
        lines.push(format!("  … and {more} more changed lines"));
    }
    lines
}

/// The start of the digest of an altered version, which no desired version has.
const ALTERED: &str = "altered-";

impl TemplateVersion {
    /// The version with this content and its digest, for instances of `image`, an image id.
    #[must_use]
    pub fn of(content: TemplateContent, image: String) -> Self {
        TemplateVersion { digest: content.digest(&image), image, content }
    }

    /// An observed version whose data has more than this content and image, such as a key pair or another network
    /// interface. No desired version has its digest, so it is never used, and drift names it where the group launches it.
    #[must_use]
    pub fn altered(content: TemplateContent, image: String) -> Self {
        TemplateVersion { digest: format!("{ALTERED}{}", content.digest(&image)), image, content }
    }

    /// Whether the data of the observed version has more than its content and image.
    #[must_use]
    pub fn is_altered(&self) -> bool {
        self.digest.starts_with(ALTERED)
    }

    /// The digest of everything whose change replaces running instances: the image and the rolling inputs. An altered version
    /// has its own. `None`: the version is older than rollouts.
    #[must_use]
    pub fn rolling(&self) -> Option<String> {
        if self.is_altered() {
            return Some(self.digest.clone());
        }
        let inputs = self.content.rolling_inputs.as_deref()?;
        Some(digest::digest([inputs, self.image.as_str()]))
    }
}

/// The effect of a desired version, compared with the version that the group launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    /// The same version.
    None,
    /// Another release of Envkeeper wrote its own part of the user data. The running version is kept: it is the desired
    /// version of the rollout, and `status` names the newer revision.
    Revision,
    /// Tags, metadata options or detailed monitoring: new instances only. The monitoring of running instances is a setting of
    /// the group.
    NewInstances,
    /// A rolling input: running instances follow.
    Rolling,
}

impl TemplateChange {
    /// Compares a desired version with an observed one.
    ///
    /// `LaunchGateSeconds` also limits the retries of Envkeeper's own part of the user data. That limit alone is a
    /// [revision](TemplateChange::Revision): the gate itself follows the property at once.
    #[must_use]
    pub fn of(desired: &TemplateVersion, observed: &TemplateVersion) -> TemplateChange {
        if desired.digest == observed.digest {
            return TemplateChange::None;
        }
        match observed.rolling() {
            None => TemplateChange::NewInstances,
            observed_rolling if observed_rolling != desired.rolling() => TemplateChange::Rolling,
            Some(_) if desired.content.differs_in_user_data_alone(&observed.content) => TemplateChange::Revision,
            Some(_) => TemplateChange::NewInstances,
        }
    }
}

/// The versions of a launch template.
#[derive(Clone, Debug, PartialEq)]
pub enum LaunchTemplateSetting {
    /// A version. Versions are added, never changed.
    Version(TemplateVersion),
}

impl ResourceKind for LaunchTemplate {
    type Setting = LaunchTemplateSetting;

    const FACTS: KindFacts =
        KindFacts::of_ec2("launch-template", "ec2:CreateLaunchTemplate", "ec2:DeleteLaunchTemplate");

    fn fields(&self) -> Vec<Field<LaunchTemplateSetting>> {
        self.versions.iter().map(|version| Field::Created(LaunchTemplateSetting::Version(version.clone()))).collect()
    }

    fn set(&mut self, setting: &LaunchTemplateSetting) {
        let LaunchTemplateSetting::Version(version) = setting;
        self.versions.push(version.clone());
    }
}

impl KindSetting for LaunchTemplateSetting {
    fn slot(&self) -> (&'static str, String) {
        let LaunchTemplateSetting::Version(version) = self;
        ("version", version.digest.clone())
    }

    fn value(&self) -> String {
        String::new()
    }

    fn references(&self) -> Vec<&Ref> {
        let LaunchTemplateSetting::Version(version) = self;
        std::iter::once(&version.content.instance_profile).chain(&version.content.security_groups).collect()
    }

    fn set_operation(&self) -> &'static str {
        "ec2:CreateLaunchTemplateVersion"
    }

    /// Old versions are retained, so that a rollback finds them again.
    fn is_retained_when_not_desired(&self) -> bool {
        true
    }
}
