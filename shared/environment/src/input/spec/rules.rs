//! The rules between properties. A rule is checked when each of its properties can be read, whatever else is invalid, so that
//! one response names everything that has to change.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::tag_is_valid;
use super::scripts::{script_forms, script_sizes};
use super::{Spec, Violation};
use crate::input::alarm_action::{ActionKind, AlarmAction};
use crate::input::forms::shown;
use crate::input::property::{self, Property};
use crate::input::rollout_settings::{MAX_HEALTHY_DIFFERENCE, RolloutSettings};
use crate::model::names::Deployment;
use crate::model::partition::Partition;

/// The values outside of the properties that a rule depends on.
pub(super) struct Surroundings<'a> {
    pub deployment: &'a Deployment,
    /// The spec that the environment already has.
    pub before: Option<&'a Spec>,
}

/// A rule between properties, or between a property and the deployment.
struct Rule {
    /// The properties that the rule reads. Optional ones that are absent where they are invalid can be left out.
    properties: &'static [&'static Property],
    check: fn(&Spec, &Surroundings<'_>) -> Vec<Violation>,
}

/// Every rule, in the order of their violations.
static RULES: [Rule; 15] = [
    Rule { properties: &[&property::MIN_SIZE, &property::MAX_SIZE], check: bounds_of_the_group },
    Rule {
        properties: &[&property::MIN_SIZE, &property::MAX_SIZE, &property::DESIRED_CAPACITY],
        check: desired_capacity_within_bounds,
    },
    Rule { properties: &[&property::VPC_ID, &property::SUBNET_IDS], check: network_and_subnets },
    Rule {
        properties: &[&property::MIN_HEALTHY_PERCENTAGE, &property::MAX_HEALTHY_PERCENTAGE],
        check: rollout_percentages,
    },
    Rule { properties: &[&property::ROLLOUT_ALARMS, &property::ENVIRONMENT_SUFFIX], check: own_rollout_alarms },
    Rule { properties: &[&property::SCALE_UP_CPU, &property::SCALE_DOWN_CPU], check: cpu_thresholds },
    Rule { properties: &[&property::ALARM_PERIOD_SECONDS, &property::ALARM_EVALUATION_PERIODS], check: evaluated_time },
    Rule {
        properties: &[&property::ALARM_ACTIONS, &property::MIN_SIZE, &property::MAX_SIZE],
        check: capacities_of_alarm_actions,
    },
    Rule { properties: &[&property::ALARM_ACTIONS], check: topics_of_alarm_actions },
    Rule { properties: &[&property::ALARM_ACTIONS, &property::ENVIRONMENT_SUFFIX], check: duplicate_alarm_actions },
    Rule { properties: &[&property::ENVIRONMENT_SUFFIX], check: longest_suffix },
    Rule { properties: &[], check: arns_of_other_regions },
    Rule { properties: &[&property::USER_DATA_SCRIPT, &property::DRAIN_SCRIPT], check: script_forms },
    Rule {
        properties: &[
            &property::USER_DATA_SCRIPT,
            &property::DRAIN_SCRIPT,
            &property::DRAIN_SERVICES,
            &property::ENVIRONMENT_SUFFIX,
            &property::LAUNCH_GATE_SECONDS,
        ],
        check: script_sizes,
    },
    Rule { properties: &[&property::TAGS], check: duplicate_tag_keys },
];

/// The violations of all rules whose properties are valid.
pub(super) fn violations(spec: &Spec, invalid: &BTreeSet<&str>, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let is_readable = |rule: &&Rule| !rule.properties.iter().any(|it| invalid.contains(it.name));
    RULES.iter().filter(is_readable).flat_map(|rule| (rule.check)(spec, surroundings)).collect()
}

fn bounds_of_the_group(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    if spec.min_size <= spec.max_size {
        return vec![];
    }
    let valid = format!("at most MaxSize, which is {}", spec.max_size);
    vec![Violation::of(&property::MIN_SIZE, &spec.min_size, valid)]
}

fn desired_capacity_within_bounds(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    if spec.min_size > spec.max_size || (spec.min_size..=spec.max_size).contains(&spec.desired_capacity) {
        return vec![];
    }
    let valid = format!("from MinSize to MaxSize, {} to {}", spec.min_size, spec.max_size);
    vec![Violation::of(&property::DESIRED_CAPACITY, &spec.desired_capacity, valid)]
}

fn network_and_subnets(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    let valid = |other: &str| format!("set {other} too, or neither");
    match (&spec.network.vpc_id, spec.network.subnet_ids.is_empty()) {
        (Some(vpc), true) => vec![Violation::of(&property::VPC_ID, &shown(vpc), valid("SubnetIds"))],
        (None, false) => {
            let subnets = shown(&spec.network.subnet_ids.join(","));
            vec![Violation::of(&property::SUBNET_IDS, &subnets, valid("VpcId"))]
        }
        _ => vec![],
    }
}

/// A minimum that is too low for the maximum.
fn rollout_percentages(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    let RolloutSettings { min_healthy_percentage: min, max_healthy_percentage: max, .. } = spec.rollout;
    let least = max.saturating_sub(MAX_HEALTHY_DIFFERENCE);
    if min >= least {
        return vec![];
    }
    let valid =
        format!("at least {least}, since MaxHealthyPercentage is {max} and Auto Scaling accepts a difference of 100");
    vec![Violation::of(&property::MIN_HEALTHY_PERCENTAGE, &min, valid)]
}

/// Rollout alarms that a rollout itself changes: new instances start with a high CPU utilization, and more instances than
/// usual lower it.
fn own_rollout_alarms(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let names = spec.names(surroundings.deployment);
    let own = [names.cpu_high_alarm().name, names.cpu_low_alarm().name, names.rollout_failed_alarm().name];
    let invalid = spec.rollout.alarms.iter().filter(|it| own.contains(it));
    let valid = "an alarm other than cpu-high, cpu-low and rollout-failed of the environment, since a rollout itself changes their states";
    invalid.map(|it| Violation::of(&property::ROLLOUT_ALARMS, &shown(it), valid.into())).collect()
}

fn cpu_thresholds(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    let scaling = &spec.scaling;
    if scaling.scale_down_cpu_threshold < scaling.scale_up_cpu_threshold {
        return vec![];
    }
    let valid = format!("less than ScaleUpCpuThreshold, which is {}", scaling.scale_up_cpu_threshold);
    vec![Violation::of(&property::SCALE_DOWN_CPU, &scaling.scale_down_cpu_threshold, valid)]
}

/// Seconds. Evaluation periods of less than an hour may together span a day, longer periods a week (the API reference
/// of `PutMetricAlarm`).
const DAY: u32 = 86_400;

fn evaluated_time(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    let (period, periods) = (spec.scaling.alarm_period_seconds, spec.scaling.alarm_evaluation_periods);
    let longest = if period < 3600 { DAY } else { 7 * DAY };
    if period * periods <= longest {
        return vec![];
    }
    let valid = format!(
        "at most {}, since CloudWatch evaluates at most {longest} s and AlarmPeriodSeconds is {period}",
        longest / period
    );
    vec![Violation::of(&property::ALARM_EVALUATION_PERIODS, &periods, valid)]
}

/// Rules that scale beyond the group's bounds.
fn capacities_of_alarm_actions(spec: &Spec, _: &Surroundings<'_>) -> Vec<Violation> {
    let sizes = spec.min_size..=spec.max_size;
    let invalid = spec.alarm_actions.iter().enumerate().filter_map(|(at, rule)| match rule.action {
        ActionKind::ScaleTo(capacity) if !sizes.contains(&capacity) => {
            let valid = format!("from MinSize to MaxSize, {} to {}", spec.min_size, spec.max_size);
            Some(Violation { property: format!("AlarmActions[{at}].Capacity"), value: capacity.to_string(), valid })
        }
        _ => None,
    });
    invalid.collect()
}

/// Rules that notify a topic to which Envkeeper cannot publish.
fn topics_of_alarm_actions(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let Deployment { region, account, .. } = surroundings.deployment;
    let invalid = spec.alarm_actions.iter().enumerate().filter_map(|(at, rule)| match &rule.action {
        ActionKind::Notify(topic) if !is_own_topic(topic, surroundings.deployment) => {
            let valid = format!("a standard topic in the environment's region {region} and account {account}");
            Some(Violation { property: format!("AlarmActions[{at}].TopicArn"), value: shown(topic), valid })
        }
        _ => None,
    });
    invalid.collect()
}

/// Rules that repeat another one. A rule that names the same alarm by its other name is a duplicate, too.
fn duplicate_alarm_actions(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let (names, rules) = (spec.names(surroundings.deployment), &spec.alarm_actions);
    let first_of = |at: usize, rule: &AlarmAction| {
        let same = |it: &AlarmAction| it.action == rule.action && it.alarm_name(&names) == rule.alarm_name(&names);
        rules[..at].iter().position(same)
    };
    let invalid = rules.iter().enumerate().filter_map(|(at, rule)| {
        let first = first_of(at, rule)?;
        let valid = format!("another alarm or another action, since AlarmActions[{first}] is the same rule");
        Some(Violation { property: format!("AlarmActions[{at}].Alarm"), value: shown(&rule.alarm), valid })
    });
    invalid.collect()
}

/// Whether the function's role can publish to the topic: a topic of its own region and account. A FIFO topic needs more
/// than a message, so it is not accepted.
fn is_own_topic(topic: &str, deployment: &Deployment) -> bool {
    let parts: Vec<&str> = topic.splitn(6, ':').collect();
    let is_own = |partition: &str| Partition::of(&deployment.region).is_none_or(|own| own.id == partition);
    matches!(parts[..], [_, partition, _, region, account, name]
        if is_own(partition) && region == deployment.region && account == deployment.account
            && name.strip_suffix(".fifo").is_none())
}

fn longest_suffix(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let (longest, tightest) = spec.names(surroundings.deployment).longest_suffix();
    if spec.environment_suffix.len() <= longest {
        return vec![];
    }
    let valid = format!("at most {longest} characters, so that {tightest} is within the limit of its service");
    vec![Violation::of(&property::ENVIRONMENT_SUFFIX, &shown(&spec.environment_suffix), valid)]
}

/// ARNs of another region or partition. A resource with a region works only with instances, alarms and logs of the same
/// region. A policy has no region, and belongs to its partition.
fn arns_of_other_regions(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let single = [
        (&property::KMS_KEY_ARN, &spec.kms_key_arn),
        (&property::ALARM_TOPIC_ARN, &spec.scaling.alarm_topic_arn),
        (&property::PERMISSIONS_BOUNDARY_ARN, &spec.permissions_boundary_arn),
    ];
    let single = single.into_iter().filter_map(|(property, arn)| Some((property, arn.as_ref()?)));
    let parameter = spec.image_parameter.iter().filter(|it| it.starts_with("arn:"));
    let single = single.chain(parameter.map(|arn| (&property::IMAGE_PARAMETER, arn)));
    let all = single.chain(spec.target_group_arns.iter().map(|arn| (&property::TARGET_GROUP_ARNS, arn)));
    let invalid = all.filter_map(|(property, arn)| {
        Some(Violation::of(property, &shown(arn), form_of_local_arn(arn, surroundings.deployment)?))
    });
    invalid.collect()
}

/// The valid form of an ARN that is of another region or partition; `None` for any other ARN.
fn form_of_local_arn(arn: &str, Deployment { region: own, .. }: &Deployment) -> Option<String> {
    let mut parts = arn.split(':').skip(1);
    let (partition, region) = (parts.next()?, parts.nth(1)?);
    if !region.is_empty() && region != own {
        return Some(format!("an ARN of the environment's region {own}"));
    }
    let own = Partition::of(own)?.id;
    (partition != own).then(|| format!("an ARN of the environment's partition {own}"))
}

/// Tag keys that differ only by case. IAM ignores the case of tag keys: it would reject the role when half of the
/// environment already exists.
fn duplicate_tag_keys(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    if surroundings.before.is_some_and(|before| before.tags == spec.tags) {
        return vec![];
    }
    let mut keys = BTreeMap::new();
    let valid_keys = spec.tags.keys().filter(|key| tag_is_valid(key, ""));
    let duplicates = valid_keys.filter_map(|key| Some((keys.insert(key.to_lowercase(), key)?, key)));
    let valid = "keys that differ by more than their case, since IAM treats these as the same key";
    let violation = |(one, other): (&String, &String)| {
        Violation::of(&property::TAGS, &format!("{} and {}", shown(one), shown(other)), valid.into())
    };
    duplicates.map(violation).collect()
}
