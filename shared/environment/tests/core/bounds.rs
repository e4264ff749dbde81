//! The longest input: every string of the desired state stays within the limit of its service, and a longer input is
//! rejected with its field.
#![allow(clippy::expect_used, clippy::needless_pass_by_value, reason = "a test fails on an unexpected value")]

use std::collections::BTreeMap;

use crate::common::{OWNER, facts, read};
use environment::{Defaults, Deployment, Facts, Fields, Key, Resource, Spec, desired};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The longest regions of the partitions that Envkeeper knows, with their partitions.
const REGIONS: [(&str, &str); 5] = [
    ("ap-southeast-1", "aws"),
    ("cn-northwest-1", "aws-cn"),
    ("us-gov-west-1", "aws-us-gov"),
    ("eusc-de-east-1", "aws-eusc"),
    ("us-west-2", "aws"),
];

/// How long the parts of an input are.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Characters, 1 to 20 (the setting `PROJECT_NAME`).
    project: usize,
    /// Characters of a target group's name, 1 to 32.
    target_group: usize,
    /// Elements of the lists, 1 to 20.
    list: usize,
    /// Tags, 0 to 40.
    tags: usize,
    /// Characters of a tag's key beside its number, 0 to 124.
    key: usize,
    /// Characters of a tag's value, 0 to 256.
    value: usize,
    /// Characters of a unit's name beside its number, 1 to 252.
    unit: usize,
}

const LONGEST: Lengths = Lengths { project: 20, target_group: 32, list: 20, tags: 40, key: 124, value: 256, unit: 252 };

fn deployment(lengths: Lengths, region: &str) -> Deployment {
    Deployment { project: "p".repeat(lengths.project), region: region.into(), account: "123456789012".into() }
}

/// The longest input with these lengths: every list and every string of a bounded length.
fn longest_input(lengths: Lengths, region: &str, partition: &str, script_bytes: usize) -> (Deployment, Value) {
    let deployment = deployment(lengths, region);
    let suffix = "s".repeat(deployment.names("").longest_suffix().0);
    let target_groups: Vec<String> = (0..lengths.list)
        .map(|at| {
            let name = "n".repeat(lengths.target_group);
            format!("arn:{partition}:elasticloadbalancing:{region}:123456789012:targetgroup/{name}/{at:016x}")
        })
        .collect();
    // Three bytes for a UTF-16 code unit, the most that UTF-8 has for one.
    let tags: BTreeMap<String, String> = (0..lengths.tags)
        .map(|at| (format!("{at:03}{}", "字".repeat(lengths.key)), "字".repeat(lengths.value)))
        .collect();
    let units: Vec<String> = (0..lengths.list).map(|at| format!("u{at:02}{}", "u".repeat(lengths.unit))).collect();
    let rules: Vec<Value> = (0..lengths.list)
        .map(|at| {
            let topic = format!("arn:{partition}:sns:{region}:123456789012:{}", "t".repeat(256));
            json!({ "Alarm": format!("{at:03}{}", "😀".repeat(252)), "Action": "Notify", "TopicArn": topic, "CooldownSeconds": "86400" })
        })
        .collect();
    let rollout_alarms: Vec<String> = (0..10).map(|at| format!("{at}{}", "😀".repeat(254))).collect();
    let subnets: Vec<String> = (0..lengths.list).map(|at| format!("subnet-{at:017x}")).collect();
    let mut properties = json!({
        "EnvironmentSuffix": suffix, "Environment": "字".repeat(128),
        "VpcId": "vpc-0123456789abcdef0", "SubnetIds": subnets,
        "InstanceType": format!("{}.{}", "f".repeat(31), "s".repeat(32)),
        "ImageParameter": format!("/{}", "p".repeat(199)), "RootVolumeGiB": "16384",
        "MinSize": "1000", "MaxSize": "1000", "DesiredCapacity": "1000", "HealthCheckGraceSeconds": "7200",
        "TargetGroupArns": target_groups, "LaunchGate": "true", "LaunchGateSeconds": "7200",
        "LaunchGateOnTimeout": "Continue", "TerminateDrain": "true", "DrainSeconds": "28800", "DrainServices": units,
        "DrainScript": "d".repeat(100), "UserDataScript": "u".repeat(script_bytes),
        "ScaleUpCpuThreshold": "100", "ScaleDownCpuThreshold": "99", "AlarmPeriodSeconds": "3600",
        "AlarmEvaluationPeriods": "100", "CooldownSeconds": "86400", "InstanceWarmupSeconds": "3600", "ScaleUpAdjustment": "100",
        "AlarmTopicArn": format!("arn:{partition}:sns:{region}:123456789012:{}", "t".repeat(256)),
        "AlarmActions": rules, "LogRetentionDays": "3653",
        "KmsKeyArn": format!("arn:{partition}:kms:{region}:123456789012:key/{}", "k".repeat(36)),
        "PermissionsBoundaryArn": format!("arn:{partition}:iam::123456789012:policy/{}", "b".repeat(639)),
        "BucketOnDelete": "FailIfNotEmpty", "DeletionProtection": "true", "Tags": tags,
    });
    let rollout = json!({
        "Rollout": "Rolling", "MinHealthyPercentage": "100", "MaxHealthyPercentage": "200", "CanaryPercentage": "99",
        "BakeSeconds": "1800", "RolloutAlarms": rollout_alarms, "RolloutWait": "Complete",
    });
    properties.as_object_mut().expect("an object").extend(rollout.as_object().expect("an object").clone());
    (deployment, properties)
}

fn read_in(deployment: &Deployment, properties: &Value) -> Result<Spec, Vec<String>> {
    let given = properties.as_object().expect("an object");
    let read = Spec::read(given, &Defaults::from_vars(|_| None), deployment);
    read.map_err(|all| all.iter().map(ToString::to_string).collect())
}

/// The spec of the longest input, with the longest script that fits beside the other parts of the user data.
fn longest_spec(lengths: Lengths, region: &str, partition: &str) -> (Deployment, Spec) {
    let (deployment, properties) = longest_input(lengths, region, partition, 16_384);
    let rejected = read_in(&deployment, &properties).expect_err("the script leaves no room for the other parts");
    let [text] = rejected.as_slice() else { panic!("{rejected:#?}") };
    let room = text.split("at most ").nth(1).and_then(|it| it.split(' ').next()?.parse().ok()).expect("a number");
    let (deployment, properties) = longest_input(lengths, region, partition, room);
    let spec = read_in(&deployment, &properties).expect("every part is at its bound");
    (deployment, spec)
}

/// 50 tags on a resource (the EC2 user guide, "Tag restrictions"); keys of 127 (the EC2 API reference, Tag) and values of 256
/// UTF-16 code units, which S3 counts.
fn within_limits_of_tags(tags: &BTreeMap<String, String>, within: &dyn Fn(&str, usize, usize)) {
    within("the tags", tags.len(), 50);
    for (name, value) in tags {
        within("a tag's key", name.encode_utf16().count(), 127);
        within("a tag's value", value.encode_utf16().count(), 256);
    }
}

/// Asserts the limits of the services, in characters unless another unit is named. The names are in `names.rs`.
fn assert_within_limits(resource: &Resource, context: &str) {
    let key = resource.key();
    let within = |what: &str, length: usize, limit: usize| {
        assert!(length <= limit, "{context}: {key}: {what} has {length} of {limit}");
    };
    let chars = |text: &str| text.chars().count();
    within_limits_of_tags(&resource.tags, &within);
    match &resource.fields {
        // The API references of the calls that create the kinds.
        Fields::SecurityGroup(group) => within("the description", chars(&group.description), 255),
        Fields::Alarm(alarm) => {
            within("the description", chars(&alarm.rule.description), 1_024);
            within("the actions", alarm.rule.actions.len(), 5);
        }
        Fields::Role(role) => {
            within("the boundary", role.boundary.as_deref().map_or(0, chars), 2_048);
            within("the policies", role.inline_policies.values().map(|it| chars(it)).sum(), 10_240);
        }
        // Bytes: 20 KB (the S3 user guide).
        Fields::Bucket(bucket) => within("the policy", bucket.policy.as_deref().map_or(0, str::len), 20_480),
        Fields::SavedQuery(saved) => within("the query", chars(&saved.query.text), 10_000),
        Fields::LaunchTemplate(template) => {
            let [version] = template.versions.as_slice() else { panic!("one version") };
            within_limits_of_tags(&version.content.tags, &within);
            // Bytes before the encoding: 16 KB (the EC2 user guide).
            within("the user data", version.content.user_data.len(), 16_384);
            let description = environment::VersionDescription {
                content: version.digest[..16].to_owned(),
                rolling: Some(version.digest[..16].to_owned()),
                image_source: version.content.image_source.clone(),
            };
            within("the description", description.to_string().len(), 255);
        }
        Fields::AutoScalingGroup(group) => {
            for hook in &group.hooks {
                within("the metadata", chars(&hook.metadata), 4_000);
                assert!(hook.metadata.bytes().all(|it| (b' '..=b'~').contains(&it)), "{context}: {}", hook.metadata);
                within("the hook's name", hook.name.len(), 255);
            }
            // `VPCZoneIdentifier` is one text, the ids with commas (the Auto Scaling API reference).
            within("the subnets", group.subnets.len() * 25, 5_000);
        }
        _ => {}
    }
}

fn resources(deployment: &Deployment, spec: &Spec, partition: &str) -> Vec<Resource> {
    let facts = Facts { partition: partition.into(), ..facts() };
    desired(spec, &spec.names(deployment), OWNER, &facts)
}

#[test]
fn the_longest_input_fits_in_every_partition() {
    for (region, partition) in REGIONS {
        let (deployment, spec) = longest_spec(LONGEST, region, partition);
        let resources = resources(&deployment, &spec, partition);
        for resource in &resources {
            assert_within_limits(resource, region);
        }
        let key: Key = spec.names(&deployment).group();
        let group = resources.iter().find(|it| it.key() == key).expect("a group");
        let Fields::AutoScalingGroup(group) = &group.fields else { panic!("a group") };
        assert_eq!((group.hooks.len(), group.target_groups.len()), (2, 20), "{region}");
    }
}

/// The record contains the spec twice and its frozen defaults once: `MAX_SPEC_BYTES`, 137,000, of the crate `requests`.
#[test]
fn the_longest_spec_fits_into_its_record() {
    let (_, spec) = longest_spec(LONGEST, "ap-southeast-1", "aws");
    let bytes = serde_json::to_string(&spec).expect("JSON").len();
    assert!((85_000..=137_000).contains(&bytes), "{bytes}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_input_within_the_bounds_fits(
        at in 0_usize..REGIONS.len(),
        project in 1_usize..=20,
        target_group in 1_usize..=32,
        list in 1_usize..=20,
        tags in 0_usize..=40,
        key in 0_usize..=124,
        value in 0_usize..=256,
        unit in 1_usize..=252,
    ) {
        let (region, partition) = REGIONS[at];
        let lengths = Lengths { project, target_group, list, tags, key, value, unit };
        let (deployment, spec) = longest_spec(lengths, region, partition);
        for resource in resources(&deployment, &spec, partition) {
            assert_within_limits(&resource, &format!("{lengths:?}"));
        }
    }
}

/// One step beyond each bound, and 450 KB of it: one violation, which names the field and its valid form.
#[test]
fn an_input_beyond_a_bound_is_rejected_with_its_field() {
    let arn = |service: &str, rest: String| json!(format!("arn:aws:{service}:us-west-2:123456789012:{rest}"));
    let huge = 450_000;
    let target_group = |name: usize, id: usize| {
        arn("elasticloadbalancing", format!("targetgroup/{}/{}", "n".repeat(name), "0".repeat(id)))
    };
    let tag = |key: String, value: String| json!({ key: value });
    let cases: Vec<(&str, Value)> = vec![
        ("Environment", json!("e".repeat(129))),
        ("Environment", json!(" e")),
        ("Environment", json!("e ")),
        ("VpcCidr", json!(format!("10.0.0.0/16{}", " ".repeat(huge)))),
        ("ZoneCount", json!(format!("{}2", "0".repeat(huge)))),
        ("InstanceType", json!(format!("t3.{}", "m".repeat(62)))),
        ("InstanceType", json!(format!("t3.{}", "m".repeat(huge)))),
        ("ImageId", json!(format!("ami-{}", "0".repeat(huge)))),
        ("ImageParameter", json!(format!("/{}", "p".repeat(200)))),
        ("UserDataScript", json!("u".repeat(huge))),
        ("DrainScript", json!("u".repeat(16_385))),
        ("DrainServices", json!("u".repeat(256))),
        ("DrainServices", json!((0..21).map(|at| format!("u{at}")).collect::<Vec<_>>())),
        ("TargetGroupArns", target_group(33, 16)),
        ("TargetGroupArns", target_group(0, 16)),
        ("TargetGroupArns", target_group(32, 17)),
        ("TargetGroupArns", target_group(huge, 16)),
        ("TargetGroupArns", arn("elasticloadbalancing", "targetgroup/web".into())),
        (
            "TargetGroupArns",
            json!(format!(
                "arn:aws:elasticloadbalancing:{}:123456789012:targetgroup/web/0123456789abcdef",
                "r".repeat(huge)
            )),
        ),
        ("AlarmTopicArn", arn("sns", "t".repeat(257))),
        ("AlarmTopicArn", arn("sns", "t".repeat(huge))),
        ("AlarmTopicArn", json!(format!("arn:aws{}:sns:us-west-2:123456789012:t", "x".repeat(huge)))),
        ("KmsKeyArn", arn("kms", format!("key/{}", "0".repeat(37)))),
        ("KmsKeyArn", arn("kms", format!("key/{}", "0".repeat(huge)))),
        ("PermissionsBoundaryArn", json!(format!("arn:aws:iam::123456789012:policy/{}", "b".repeat(640)))),
        ("Tags", tag("k".repeat(128), "v".into())),
        ("Tags", tag("k".into(), "v".repeat(257))),
        ("Tags", tag(" k".into(), "v".into())),
        ("Tags", tag("k ".into(), "v".into())),
        ("Tags", tag("k".into(), " v".into())),
        ("Tags", tag("k".into(), "v ".into())),
        ("Tags", tag("k".repeat(huge), "v".repeat(huge))),
        ("AlarmActions", json!([{ "Alarm": "a".repeat(256), "Action": "ReplaceUnhealthy" }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "a".repeat(huge) }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "ScaleBy", "Amount": "1".repeat(huge) }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "ScaleBy", "Amount": format!("-{}1", "0".repeat(huge)) }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "ScaleTo", "Capacity": "-1" }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "ScaleTo", "Capacity": "1001" }])),
        ("AlarmActions", json!([{ "Alarm": "a", "Action": "ReplaceUnhealthy", "CooldownSeconds": "-1" }])),
        (
            "AlarmActions",
            json!([{ "Alarm": "a", "Action": "Notify", "TopicArn": format!("arn:aws:sns:us-west-2:123456789012:{}", "t".repeat(257)) }]),
        ),
        ("AlarmActions", json!(vec![json!({ "Alarm": "a", "Action": "ReplaceUnhealthy" }); 21])),
    ];
    for (name, value) in cases {
        let mut all = json!({ "EnvironmentSuffix": "dev" });
        all[name] = value;
        let violations = read(all.clone()).expect_err(name);
        let [violation] = violations.as_slice() else { panic!("{name}: {violations:#?}") };
        assert!(violation.property.starts_with(name), "{violation}");
        assert!(violation.to_string().chars().count() < 1_000, "{violation}");
    }
    let violations = read(json!({ "EnvironmentSuffix": "s".repeat(huge) })).expect_err("a suffix of 450 KB");
    assert!(violations[0].to_string().starts_with("EnvironmentSuffix is a string of 450,000 characters: 1 to 63"));
}
