//! The versions of the launch template, by their numbers.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::LaunchTemplateVersion;
use environment::rollout::{NumberedVersion, Version};

use crate::ec2::launch_template;
use crate::ids::Observation;

/// The versions of the environment's launch template.
#[derive(Debug, Default)]
pub(super) struct Versions {
    template: Option<String>,
    /// The versions with Envkeeper's form of description, the oldest first.
    pub(super) described: Vec<NumberedVersion>,
    /// The number of the default version.
    pub(super) default: Option<u64>,
    /// The image of every version, by the version's number.
    pub(super) images: BTreeMap<u64, String>,
}

impl Versions {
    /// Of all listed versions of one template.
    pub(super) fn of(listed: &[LaunchTemplateVersion], observation: &Observation<'_>) -> Versions {
        let number = |it: &LaunchTemplateVersion| u64::try_from(it.version_number()?).ok();
        let image = |it: &LaunchTemplateVersion| it.launch_template_data()?.image_id().map(str::to_owned);
        let described = listed.iter().filter_map(|it| {
            Some(NumberedVersion { number: number(it)?, version: launch_template::version(it, observation)? })
        });
        let mut described: Vec<NumberedVersion> = described.collect();
        described.sort_by_key(|it| it.number);
        Versions {
            default: listed.iter().find(|it| it.default_version() == Some(true)).and_then(number),
            template: listed.first().and_then(|it| it.launch_template_id().map(str::to_owned)),
            described,
            images: listed.iter().filter_map(|it| Some((number(it)?, image(it)?))).collect(),
        }
    }

    /// The template's id; `None` if it has no versions, and so does not exist.
    pub(super) fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The version of a specification; `None` for another template, and for `$Latest` and `$Default`.
    pub(super) fn specified(&self, found: Option<&LaunchTemplateSpecification>) -> Option<Version> {
        self.version(found?.launch_template_id()?, found?.version()?)
    }

    /// The version with this text as its number, of the template with this id. A version that another principal added, or that
    /// is deleted, is older than rollouts.
    pub(super) fn version(&self, template: &str, number: &str) -> Option<Version> {
        let number = Some(number).filter(|_| self.template() == Some(template))?.parse().ok()?;
        let found = self.described.iter().find(|it| it.number == number);
        Some(found.map_or(Version { number, rolling: None }, |it| Version::of(number, &it.version)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use environment::{Ref, TemplateContent, TemplateVersion};

    /// Versions 1 to 3 of lt-1: the first is older than rollouts, the third is another principal's.
    pub(in crate::rollout) fn versions() -> Versions {
        let version = |image: &str, rolling: Option<&str>| {
            let content = TemplateContent {
                image_source: "/image".into(),
                rolling_inputs: rolling.map(str::to_owned),
                instance_type: "t3.micro".into(),
                instance_profile: Ref::Foreign("profile".into()),
                security_groups: vec![],
                root_volume_gib: 8,
                volume_key: None,
                detailed_monitoring: false,
                user_data: String::new().into(),
                tags: environment::Tags::new(),
            };
            TemplateVersion::of(content, image.into())
        };
        Versions {
            template: Some("lt-1".into()),
            default: Some(1),
            described: vec![
                NumberedVersion { number: 1, version: version("ami-1", None) },
                NumberedVersion { number: 2, version: version("ami-2", Some("fedcba9876543210")) },
            ],
            images: [(1, "ami-1".into()), (2, "ami-2".into()), (3, "ami-2".into())].into(),
        }
    }

    pub(in crate::rollout) fn specification(template: &str, version: &str) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder().launch_template_id(template).version(version).build()
    }

    #[test]
    fn only_a_number_of_the_environments_template_is_a_version() {
        let versions = versions();
        let found = |template: &str, version: &str| versions.specified(Some(&specification(template, version)));
        assert_eq!(found("lt-1", "2"), Some(Version::of(2, &versions.described[1].version)));
        assert!(found("lt-1", "2").is_some_and(|it| it.rolling.is_some()));
        for number in [1, 3, 9] {
            assert_eq!(found("lt-1", &number.to_string()), Some(Version { number, rolling: None }));
        }
        assert_eq!([found("lt-2", "2"), found("lt-1", "$Latest"), found("lt-1", "$Default")], [None, None, None]);
        assert_eq!(versions.specified(None), None);
        assert_eq!(Versions::default().specified(Some(&specification("lt-1", "2"))), None);
    }
}
