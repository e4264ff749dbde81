//! The limits that a deployment sets for the properties of stack authors.

use super::alarm_action::ActionKind;
use super::forms::{is_account, shown, whole};
use super::property::{self, Property, ValueType};
use super::spec::{Spec, Violation};

/// The owners of images that have a name instead of an account id in [`AllowLists::image_owners`].
const AMAZON: &str = "amazon";

/// The values that stack authors may use. An empty list allows every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowLists {
    /// Ids of the existing VPCs that `VpcId` may name. A managed network is always allowed.
    pub vpcs: Vec<String>,
    /// Instance types such as `t3.micro`, and families such as `t3.*`.
    pub instance_types: Vec<String>,
    /// Account ids of the owners of images, and `amazon`.
    pub image_owners: Vec<String>,
    /// ARNs of target groups.
    pub target_groups: Vec<String>,
    /// ARNs of the topics of `AlarmTopicArn` and of rules that notify.
    pub topics: Vec<String>,
    /// The largest `MaxSize`, 1 to 1,000. `None`: the table's bound.
    pub max_instances: Option<u32>,
}

/// The owner of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageOwner {
    /// The account id.
    pub account: String,
    /// AWS's name for the account, such as `amazon`, if it has one.
    pub alias: Option<String>,
}

impl AllowLists {
    /// Reads a list, separated by commas, whose elements all satisfy `admits`.
    #[must_use]
    pub fn list(text: &str, admits: fn(&str) -> bool) -> Option<Vec<String>> {
        let all: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
        all.iter().all(|it| admits(it)).then_some(all)
    }

    /// Whether the text is an element of [`AllowLists::vpcs`].
    #[must_use]
    pub fn is_vpc(text: &str) -> bool {
        property::VPC_ID.value_type.admits(text)
    }

    /// Whether the text is an element of [`AllowLists::instance_types`].
    #[must_use]
    pub fn is_instance_type(text: &str) -> bool {
        // A family is checked as its smallest type would be.
        let type_of_family = text.strip_suffix(".*").map(|family| format!("{family}.nano"));
        ValueType::InstanceType.admits(type_of_family.as_deref().unwrap_or(text))
    }

    /// Whether the text is an element of [`AllowLists::image_owners`].
    #[must_use]
    pub fn is_image_owner(text: &str) -> bool {
        text == AMAZON || is_account(text)
    }

    /// Whether the text is an element of [`AllowLists::target_groups`].
    #[must_use]
    pub fn is_target_group(text: &str) -> bool {
        ValueType::Arn("elasticloadbalancing", "targetgroup/").admits(text)
    }

    /// Whether the text is an element of [`AllowLists::topics`].
    #[must_use]
    pub fn is_topic(text: &str) -> bool {
        super::forms::is_topic(text)
    }

    /// The value of [`AllowLists::max_instances`] in a text.
    #[must_use]
    pub fn max_instances(text: &str) -> Option<u32> {
        whole(text).filter(|it| (1..=1000).contains(it))
    }

    /// The values of `spec` that the lists do not allow. Values that an environment with the spec `before` has already
    /// are allowed: a list that becomes shorter blocks neither an update of other properties nor a rollback, and a
    /// `MaxSize` above the limit may decrease.
    #[must_use]
    pub fn violations(&self, before: Option<&Spec>, spec: &Spec) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut check = |property: &Property, path: String, value: &str, list: &[String], name: &str| {
            let allowed = list.is_empty() || list.iter().any(|it| matches(it, value));
            if !allowed {
                let valid = format!("one of {name} of this deployment: {}", list.join(", "));
                violations.push(Violation { property: format!("{}{path}", property.name), value: shown(value), valid });
            }
        };
        let none = String::new;
        if let Some(vpc) = &spec.network.vpc_id
            && before.is_none_or(|it| it.network.vpc_id.as_ref() != Some(vpc))
        {
            check(&property::VPC_ID, none(), vpc, &self.vpcs, "AllowedVpcs");
        }
        if before.is_none_or(|it| it.instance_type != spec.instance_type) {
            let (value, list) = (&spec.instance_type, &self.instance_types);
            check(&property::INSTANCE_TYPE, none(), value, list, "AllowedInstanceTypes");
        }
        for arn in &spec.target_group_arns {
            if !before.is_some_and(|it| it.target_group_arns.contains(arn)) {
                check(&property::TARGET_GROUP_ARNS, none(), arn, &self.target_groups, "AllowedTargetGroups");
            }
        }
        let known_topics: Vec<&str> = before.into_iter().flat_map(topics).map(|(_, _, topic)| topic).collect();
        for (property, path, topic) in topics(spec).filter(|(_, _, topic)| !known_topics.contains(topic)) {
            check(property, path, topic, &self.topics, "AllowedTopics");
        }
        if let Some(most) = self.max_instances
            && spec.max_size > most
            && before.is_none_or(|it| spec.max_size > it.max_size)
        {
            let valid = format!("at most MaxInstances of this deployment, which is {most}");
            violations.push(Violation::of(&property::MAX_SIZE, &spec.max_size, valid));
        }
        violations
    }

    /// Whether the owner of the image has to be known.
    #[must_use]
    pub fn needs_image_owner(&self, before: Option<&Spec>, spec: &Spec) -> bool {
        !self.image_owners.is_empty() && before.is_none_or(|it| it.image_source() != spec.image_source())
    }

    /// The violation of the image with this owner; `None` for an allowed owner.
    #[must_use]
    pub fn image_violation(&self, spec: &Spec, owner: &ImageOwner) -> Option<Violation> {
        if self.image_owners.iter().any(|it| *it == owner.account || owner.alias.as_ref() == Some(it)) {
            return None;
        }
        let found = match owner {
            ImageOwner { account, alias: Some(alias) } => format!("its image belongs to {account} ({alias})"),
            ImageOwner { account, alias: None } => format!("its image belongs to {account}"),
        };
        let property = if spec.image_id.is_some() { &property::IMAGE_ID } else { &property::IMAGE_PARAMETER };
        let valid = format!(
            "{found}; valid is an image of one of AllowedImageOwners of this deployment: {}",
            self.image_owners.join(", ")
        );
        Some(Violation::of(property, &shown(spec.image_source()), valid))
    }
}

/// Whether the element of a list allows the value.
fn matches(element: &str, value: &str) -> bool {
    match element.strip_suffix(".*") {
        Some(family) => value.split_once('.').is_some_and(|(of, _)| of == family),
        None => element == value,
    }
}

/// The topics that the environment notifies, with their properties and the paths within them.
fn topics(spec: &Spec) -> impl Iterator<Item = (&'static Property, String, &str)> {
    let of_alarms = spec.scaling.alarm_topic_arn.iter();
    let of_alarms = of_alarms.map(|topic| (&property::ALARM_TOPIC_ARN, String::new(), topic.as_str()));
    let of_rules = spec.alarm_actions.iter().enumerate().filter_map(|(at, rule)| match &rule.action {
        ActionKind::Notify(topic) => Some((&property::ALARM_ACTIONS, format!("[{at}].TopicArn"), topic.as_str())),
        _ => None,
    });
    of_alarms.chain(of_rules)
}
