//! Every property at both of its bounds, odd tags, the longest names, and another region. `make judge` compares the
//! recorded calls with AWS's API models: this file sends what other tests do not.

use environment::{
    AutoScalingGroupSetting, BucketSetting, Call, CallKind, Cloud, Deployment, DesiredState, Facts, Kind,
    LogGroupSetting, Partition, Setting, desired,
};
use local_cloud::REGION;
use local_cloud::emulators::ACCOUNT;
use serde_json::{Map, Value, json};

use crate::harness::{Harness, OWNER, spec_in};

/// The longest name of a deployment, and the longest suffix for which the buckets' names have at most 63 characters.
const LONGEST: (&str, &str) = ("a-project-of-20-char", "a-suffix-of13");

fn deployment(project: &str, region: &str) -> Deployment {
    Deployment { project: project.into(), region: region.into(), account: ACCOUNT.into() }
}

fn arn(service: &str, region: &str, resource: &str) -> String {
    let region = if service == "iam" { "" } else { region };
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// Tags with every character that all services accept, and of the longest key and value.
fn tags() -> Value {
    let mut tags = Map::from_iter([
        ("Kostenstelle Zürich".to_owned(), json!("ÄÖÜ äöü ß é 東京 Ω")),
        ("a/b:c=d+e-f@g_h.i".to_owned(), json!("x/y:z=1+2-3@4_5.6")),
        ("empty".to_owned(), json!("")),
        ("k".repeat(127), json!("v".repeat(256))),
    ]);
    for number in tags.len()..40 {
        tags.insert(format!("tag {number}"), json!(format!("value {number}")));
    }
    Value::Object(tags)
}

/// Every optional property, at its upper bound if it has one. No instance is launched.
fn upper(egress: &str) -> Value {
    let targets: Vec<String> = (1..=20)
        .map(|it| arn("elasticloadbalancing", REGION, &format!("targetgroup/{}/{it:016x}", "a".repeat(32))))
        .collect();
    json!({
        "EnvironmentSuffix": LONGEST.1, "Environment": "p".repeat(128), "Tags": tags(),
        "Egress": egress, "ZoneCount": "3", "VpcCidr": "172.31.255.128/25",
        "InstanceType": "m5.large", "RootVolumeGiB": "16384", "UserDataScript": format!("# {}\n", "東".repeat(3_000)),
        "ParameterPaths": (1..=20).map(|it| format!("/team/{it}")).collect::<Vec<_>>(),
        "MinSize": "0", "MaxSize": "1000", "DesiredCapacity": "0", "HealthCheckGraceSeconds": "7200",
        "TargetGroupArns": targets,
        "ScaleUpCpuThreshold": "100", "ScaleDownCpuThreshold": "99", "AlarmPeriodSeconds": "3600", "AlarmEvaluationPeriods": "100",
        "ScaleUpAdjustment": "100", "ScaleDownAdjustment": "100", "CooldownSeconds": "86400",
        "LaunchGateSeconds": "7200", "LaunchGateOnTimeout": "Continue", "DrainSeconds": "28800",
        "DrainServices": "nginx,worker@2.service", "DrainScript": "echo drain",
        "LogRetentionDays": "3653", "KmsKeyArn": arn("kms", REGION, "key/mrk-1234abcd12ab34cd56ef1234567890ab"),
        "AlarmTopicArn": arn("sns", REGION, "on-call"),
        "AlarmActions": [{ "Alarm": "healthy-low", "Action": "ReplaceUnhealthy" }],
        "PermissionsBoundaryArn": arn("iam", REGION, "policy/teams/platform/the-boundary+of=all,@once"),
        "BucketOnDelete": "Empty", "DeletionProtection": "true",
    })
}

/// The lower bounds of the same environment, without the properties that are optional and can be removed.
fn lower(egress: &str) -> Value {
    json!({
        "EnvironmentSuffix": LONGEST.1, "Environment": "p", "Tags": { "empty": "x" },
        "Egress": egress, "ZoneCount": "1", "VpcCidr": "172.31.255.128/25",
        "InstanceType": "t3.micro", "RootVolumeGiB": "8", "MinSize": "0", "MaxSize": "0", "HealthCheckGraceSeconds": "0",
        "ScaleUpCpuThreshold": "1", "ScaleDownCpuThreshold": "0", "AlarmPeriodSeconds": "60", "AlarmEvaluationPeriods": "1",
        "ScaleUpAdjustment": "1", "ScaleDownAdjustment": "1", "CooldownSeconds": "0",
        "LaunchGate": "false", "TerminateDrain": "false",
        "LogRetentionDays": "1", "KmsKeyArn": arn("kms", REGION, "key/mrk-1234abcd12ab34cd56ef1234567890ab"),
        "PermissionsBoundaryArn": arn("iam", REGION, "policy/b"), "BucketOnDelete": "Empty", "DeletionProtection": "false",
    })
}

async fn life(egress: &str) {
    let harness = Harness::start_in(deployment(LONGEST.0, REGION), LONGEST.1).await;
    for properties in [lower(egress), upper(egress)] {
        let desired = harness.desired_with_hooks(&properties, true).await;
        harness.settle(&desired).await;
        assert_eq!(harness.settle(&desired).await.1, [""; 0], "{properties}");
    }
    // Two zones are removed. moto keeps the association of a route table with a deleted subnet, so that a second run would
    // have calls.
    harness.settle(&harness.desired_with_hooks(&lower(egress), true).await).await;
    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}

#[tokio::test]
async fn every_property_at_its_bounds_is_settled_with_a_nat_gateway_in_each_zone() {
    life("NatGatewayPerZone").await;
}

#[tokio::test]
async fn every_property_at_its_bounds_is_settled_with_endpoints() {
    life("VpcEndpoints").await;
}

/// moto has no images and offerings in other partitions, so that the test states these facts, and does not know the European
/// Sovereign Cloud (`wire: buckets`). The group is left out: the local cloud simulates Auto Scaling in one region.
async fn life_in(region: &str) {
    let deployment = deployment("envkeeper", region);
    let harness = Harness::start_in(deployment.clone(), "dev").await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints", "BucketOnDelete": "Empty" });
    let facts = Facts {
        zones: ["a", "b"].map(|zone| format!("{region}{zone}")).into(),
        partition: Partition::of(region).expect("a known region").id.to_owned(),
        image: Some("ami-12345678".into()),
        ..Facts::default()
    };
    let mut resources = desired(&spec_in(&deployment, &properties), harness.names(), OWNER, &facts);
    let is_simulated = |kind| matches!(kind, Kind::AutoScalingGroup | Kind::ScalingPolicy | Kind::Alarm);
    resources.retain(|it| !is_simulated(it.kind()));
    let desired = DesiredState { resources, ..DesiredState::default() };
    harness.settle(&desired).await;
    assert_eq!(harness.settle(&desired).await.1, [""; 0], "{region}");
    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, [], "{region}");
}

/// The region that no bucket names.
#[tokio::test]
async fn an_environment_is_created_and_deleted_in_us_east_1() {
    life_in("us-east-1").await;
}

#[tokio::test]
async fn an_environment_is_created_and_deleted_in_china() {
    life_in("cn-north-1").await;
}

#[tokio::test]
async fn an_environment_is_created_and_deleted_in_govcloud() {
    life_in("us-gov-west-1").await;
}

/// Calls that no test of an environment reaches: ministack implements no key of an existing log group, no property turns off a
/// group's metrics or removes a retention, a policy of a bucket or the expiry of objects, and moto deletes a network although it
/// has interfaces.
#[tokio::test]
async fn a_key_and_group_metrics_are_changed_and_a_blocked_delete_is_explained_by_calls_of_their_own() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0" })).await;
    harness.settle(&desired).await;
    let key = arn("kms", REGION, "key/1234abcd-12ab-34cd-56ef-1234567890ab");
    let encryption = Setting::LogGroup(LogGroupSetting::Key(key));
    let metrics = Setting::AutoScalingGroup(AutoScalingGroupSetting::Metrics(false));
    let (log_group, logs) = (harness.names().scaling_log_group(), harness.names().log_bucket());
    let bucket = |setting| CallKind::Clear(vec![Setting::Bucket(setting)]);
    harness.local.forget_calls();
    for (key, kind) in [
        (log_group.clone(), CallKind::Set(vec![encryption.clone()])),
        (log_group.clone(), CallKind::Clear(vec![encryption])),
        (log_group, CallKind::Clear(vec![Setting::LogGroup(LogGroupSetting::Retention(30))])),
        (logs.clone(), bucket(BucketSetting::Policy("{}".into()))),
        (logs, bucket(BucketSetting::Expiry(30))),
        (harness.names().group(), CallKind::Set(vec![metrics])),
        (harness.names().vpc(), CallKind::Delete),
    ] {
        let id = harness.id(key.clone()).await;
        let cloud = harness.cloud();
        cloud.observe(&harness.scope()).await.expect("an observation");
        // The result is the emulator's.
        let _ = cloud.call(&Call { id: Some(id), key, kind }).await;
    }
    let calls = harness.local.calls();
    for expected in [
        "logs:AssociateKmsKey",
        "logs:DisassociateKmsKey",
        "logs:DeleteRetentionPolicy",
        "s3:DeleteBucketPolicy",
        "s3:DeleteBucketLifecycle",
        "autoscaling:DisableMetricsCollection",
        "ec2:DescribeNetworkInterfaces",
    ] {
        assert!(calls.iter().any(|call| call == expected), "{expected}: {calls:?}");
    }
}
