//! The effect of a change of each property, as its column of the table states it.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

use crate::common::{OWNER, facts, names, plan_now, read, resources, settled, spec};
use environment::property::{ALL, Change, Property, Reach};
use environment::{
    Action, AutoScalingGroupSetting, CallKind, DesiredState, Plan, Setting, Spec, TemplateChange, Transition,
    check_change, desired, property,
};
use serde_json::{Value, json};

/// A value that is not the default, for each property.
fn other_value(property: &Property) -> Value {
    match property.name {
        "EnvironmentSuffix" => json!("other"),
        "Environment" => json!("staging"),
        "VpcCidr" => json!("10.9.0.0/16"),
        "ZoneCount" | "DesiredCapacity" => json!("3"),
        "Egress" => json!("PublicIp"),
        "InstanceType" => json!("t3.small"),
        "ImageId" => json!("ami-00000000000000001"),
        "ImageParameter" => json!("/another/image"),
        "RootVolumeGiB" => json!("20"),
        "ParameterPaths" => json!("/team/app,/shared/name"),
        "UserDataScript" => json!("echo hello"),
        "MinSize" | "AlarmEvaluationPeriods" | "ScaleUpAdjustment" | "ScaleDownAdjustment" => json!("2"),
        "MaxSize" => json!("9"),
        "HealthCheckGraceSeconds" | "CooldownSeconds" => json!("60"),
        "TargetGroupArns" => {
            json!(["arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"])
        }
        "Rollout" => json!("None"),
        "MinHealthyPercentage" | "CanaryPercentage" => json!("50"),
        "MaxHealthyPercentage" => json!("150"),
        "BakeSeconds" => json!("300"),
        "RolloutAlarms" => json!(["web-errors", "web-latency"]),
        "RolloutWait" => json!("Canary"),
        "WaitForInstances" | "LaunchGate" | "TerminateDrain" => json!("false"),
        "LaunchGateOnTimeout" => json!("Continue"),
        "DrainServices" => json!("nginx,worker@2.service"),
        "DrainScript" => json!("echo bye"),
        "ScaleUpCpuThreshold" => json!("80"),
        "ScaleDownCpuThreshold" => json!("10"),
        "LaunchGateSeconds" | "DrainSeconds" | "InstanceWarmupSeconds" => json!("120"),
        // Beyond 300 s, the instances need no detailed monitoring.
        "AlarmPeriodSeconds" => json!("600"),
        "AlarmTopicArn" => json!("arn:aws:sns:us-west-2:123456789012:alarms"),
        "LogRetentionDays" => json!("7"),
        "KmsKeyArn" => json!("arn:aws:kms:us-west-2:123456789012:key/0f0f0f0f-0000-4000-8000-000000000000"),
        "PermissionsBoundaryArn" => json!("arn:aws:iam::123456789012:policy/boundary"),
        "BucketOnDelete" => json!("Retain"),
        "DeletionProtection" => json!("true"),
        "AlarmActions" => json!([{ "Alarm": "healthy-low", "Action": "ScaleBy", "Amount": "1" }]),
        "Tags" => json!({ "team": "web" }),
        name => panic!("{name} has no other value in this test yet"),
    }
}

fn operations(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().flat_map(|step| &step.calls).map(environment::Call::operation).collect()
}

#[test]
fn a_change_of_each_property_has_the_effect_in_its_column() {
    let before = spec(json!({}));
    let account = settled(&resources(&before));
    // An environment never changes to an existing network: its network is managed or existing from the start.
    for property in ALL.iter().filter(|it| !["VpcId", "SubnetIds"].contains(&it.name)) {
        let name = property.name;
        let after = spec(json!({ name: other_value(property) }));
        let rejected = check_change(&before, &after);
        let plan = plan_now(&account, &resources(&after));
        let new_version = operations(&plan).contains(&"ec2:CreateLaunchTemplateVersion");
        match property.change {
            Change::Rejected => assert_eq!(rejected.first().map(|it| it.property.as_str()), Some(name)),
            Change::AtCreation | Change::Own => assert!(plan.is_settled() && plan.rollout.is_none(), "{name}: {plan}"),
            Change::NewVersion => assert!(new_version && plan.rollout.is_some(), "{name}: {plan}"),
            Change::InPlace => assert!(!plan.is_settled() && plan.rejected.is_empty(), "{name}: {plan}"),
        }
        if property.change != Change::Rejected {
            assert!(rejected.is_empty(), "{name}: {rejected:?}");
            assert!(plan.steps.iter().all(|it| it.action != Action::Delete), "{name}: {plan}");
        }
    }
}

/// The instances that the calls of an update, and the rollout after them, reach.
fn reach(plan: &Plan) -> Reach {
    let change = plan.rollout.as_ref().map_or(TemplateChange::None, |it| it.change);
    let calls = plan.steps.iter().flat_map(|step| &step.calls);
    let settings: Vec<&Setting> = calls
        .flat_map(|call| match &call.kind {
            CallKind::Set(settings) | CallKind::Clear(settings) => settings.as_slice(),
            _ => &[],
        })
        .collect();
    let any = |is: fn(&Setting) -> bool| settings.iter().any(|it| is(it));
    let running = any(|it| match it {
        Setting::Role(_) => true,
        Setting::AutoScalingGroup(it) => match it {
            AutoScalingGroupSetting::HealthCheck(_)
            | AutoScalingGroupSetting::TargetGroup(_)
            | AutoScalingGroupSetting::DetailedMonitoring { .. } => true,
            AutoScalingGroupSetting::Hook(hook) => hook.on == Transition::Terminate,
            _ => false,
        },
        _ => false,
    });
    let launched = any(|it| match it {
        Setting::AutoScalingGroup(it) => matches!(it, AutoScalingGroupSetting::Subnets(_)),
        _ => false,
    });
    let gated = any(
        |it| matches!(it, Setting::AutoScalingGroup(AutoScalingGroupSetting::Hook(hook)) if hook.on == Transition::Launch),
    );
    match change {
        TemplateChange::Rolling => Reach::Rolls,
        _ if running => Reach::Running,
        TemplateChange::NewInstances => Reach::New,
        TemplateChange::None | TemplateChange::Revision if launched || gated => Reach::New,
        TemplateChange::None | TemplateChange::Revision => Reach::None,
    }
}

/// The desired state of a spec whose image is another one where its source is.
fn with_image(spec: &Spec) -> DesiredState {
    let mut facts = facts();
    if spec.image_source() != self::spec(json!({})).image_source() {
        facts.image = Some(spec.image_id.clone().unwrap_or_else(|| "ami-00000000000000002".into()));
    }
    DesiredState { resources: desired(spec, &names(), OWNER, &facts), ..DesiredState::default() }
}

#[test]
fn a_change_of_each_property_reaches_the_instances_in_its_column() {
    let before = spec(json!({}));
    let account = settled(&resources(&before));
    for property in ALL.iter().filter(|it| !["VpcId", "SubnetIds"].contains(&it.name)) {
        let after = spec(json!({ property.name: other_value(property) }));
        let expected = match property.change {
            Change::Rejected => Reach::None,
            _ => reach(&plan_now(&account, &with_image(&after))),
        };
        assert_eq!(property.reach, expected, "{}", property.name);
    }
    let network = |subnets: &str| spec(json!({ "VpcId": "vpc-11111111", "SubnetIds": subnets }));
    let account = settled(&resources(&network("subnet-11111111")));
    let plan = plan_now(&account, &resources(&network("subnet-11111111,subnet-22222222")));
    assert_eq!((property::SUBNET_IDS.reach, property::VPC_ID.reach), (reach(&plan), Reach::None));
}

#[test]
fn existing_subnets_change_in_place_and_an_existing_vpc_does_not() {
    let of = |vpc: &str, subnets: &str| spec(json!({ "VpcId": vpc, "SubnetIds": subnets }));
    let before = of("vpc-11111111", "subnet-11111111");
    let account = settled(&resources(&before));
    let plan = plan_now(&account, &resources(&of("vpc-11111111", "subnet-11111111, subnet-22222222")));
    assert_eq!(operations(&plan), ["autoscaling:UpdateAutoScalingGroup"]);
    let moved = of("vpc-22222222", "subnet-33333333");
    assert_eq!(check_change(&before, &moved)[0].property, "VpcId");
}

#[test]
fn a_change_and_its_rollback_restore_the_initial_state() {
    let before = resources(&spec(json!({})));
    for property in ALL.iter().filter(|it| matches!(it.change, Change::InPlace | Change::NewVersion)) {
        if property.name == "SubnetIds" {
            continue;
        }
        let account = settled(&before);
        let mut after = resources(&spec(json!({ property.name: other_value(property) })));
        crate::common::run(&account, "update", &after, None);
        assert!(plan_now(&account, &after).is_settled(), "{}", property.name);
        after = before.clone();
        after.retired_tags.insert("team".into());
        crate::common::run(&account, "rollback", &after, None);
        assert!(plan_now(&account, &after).is_settled(), "{}", property.name);
        crate::common::assert_converged(&account, &before, property.name);
    }
}

#[test]
fn hooks_are_created_with_the_group_and_only_where_hooks_are_handled() {
    let mut facts = crate::common::facts();
    let desired = |spec: &environment::Spec, facts: &environment::Facts| {
        environment::desired(spec, &crate::common::names(), crate::common::OWNER, facts)
    };
    let hooks = |facts: &environment::Facts| {
        let all = desired(&spec(json!({})), facts);
        all.into_iter()
            .flat_map(|it| it.settings())
            .filter(|it| {
                matches!(it, environment::Setting::AutoScalingGroup(environment::AutoScalingGroupSetting::Hook(_)))
            })
            .count()
    };
    assert_eq!(hooks(&facts), 2);
    facts.hooks_are_handled = false;
    assert_eq!(hooks(&facts), 0);
    let requested = spec(json!({ "LaunchGate": "true" }));
    let rejected = environment::check_hooks_are_handled(&requested, false);
    assert_eq!(rejected.len(), 1, "the drain is as the deployment has it: {rejected:?}");
    assert!(rejected[0].to_string().starts_with("LaunchGate is true: this deployment"), "{rejected:?}");

    let account = settled(&resources(&spec(json!({}))));
    assert!(account.calls.borrow().iter().all(|call| call.operation() != "autoscaling:PutLifecycleHook"));
}

#[test]
fn all_violations_of_the_new_properties_are_reported_at_once() {
    let rejected = read(json!({
        "EnvironmentSuffix": "dev", "Egress": "Nat", "RootVolumeGiB": "4", "ScaleUpCpuThreshold": "101",
        "AlarmPeriodSeconds": "61", "WaitForInstances": "maybe", "KmsKeyArn": "my-key", "BucketOnDelete": "retain",
        "DeletionProtection": "True", "TargetGroupArns": ["arn:aws:s3:::bucket"], "LogRetentionDays": "31"
    }));
    let violations: Vec<String> =
        rejected.expect_err("every property is wrong").iter().map(ToString::to_string).collect();
    assert_eq!(violations.len(), 10, "{violations:#?}");
    assert!(violations.iter().any(|it| it.contains("one of NatGateway, NatGatewayPerZone, VpcEndpoints, PublicIp")));
    assert!(
        violations.iter().any(|it| it.contains("such as arn:aws:kms:us-west-2:123456789012:key/...")),
        "{violations:#?}"
    );
}

#[test]
fn contradictory_properties_are_rejected_with_both_names() {
    let violations = |properties: Value| {
        let mut all = json!({ "EnvironmentSuffix": "dev" });
        all.as_object_mut().expect("an object").extend(properties.as_object().expect("an object").clone());
        let rejected = read(all).expect_err("it contradicts itself");
        rejected.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let crossed = violations(json!({ "ScaleUpCpuThreshold": "40", "ScaleDownCpuThreshold": "40" }));
    assert_eq!(crossed, ["ScaleDownCpuThreshold is 40: less than ScaleUpCpuThreshold, which is 40"]);
    let long = violations(json!({ "AlarmPeriodSeconds": "1800", "AlarmEvaluationPeriods": "49" }));
    assert!(long[0].starts_with("AlarmEvaluationPeriods is 49: at most 48"), "{long:?}");
    let half = violations(json!({ "VpcId": "vpc-11111111" }));
    assert_eq!(half, ["VpcId is \"vpc-11111111\": set SubnetIds too, or neither"]);
    let half = violations(json!({ "SubnetIds": "subnet-11111111" }));
    assert_eq!(half, ["SubnetIds is \"subnet-11111111\": set VpcId too, or neither"]);
    let both = violations(json!({ "VpcId": "vpc-11111111", "SubnetIds": "subnet-11111111", "Egress": "PublicIp" }));
    assert!(both[0].contains("it cannot be set together with VpcId"), "{both:?}");
    let elsewhere = violations(json!({ "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms" }));
    assert!(elsewhere[0].ends_with("an ARN of the environment's region us-west-2"), "{elsewhere:?}");
    let twice = violations(json!({ "VpcId": "vpc-11111111", "SubnetIds": "subnet-11111111,subnet-11111111" }));
    assert!(twice[0].starts_with("SubnetIds is") && twice[0].contains("different ids"), "{twice:?}");
}
