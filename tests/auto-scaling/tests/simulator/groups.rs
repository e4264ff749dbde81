//! Settings: bounds, names, and that reads return all of them.

use std::time::Duration;

use auto_scaling::{
    DeletionProtection, Latency, LaunchTemplate, LifecycleActionResult, METRICS, PutHook, Settings, Tag, Transition,
};

use crate::host::{Host, START, error_text, group, subnet};

fn tag(key: &str, value: &str, propagate_at_launch: bool) -> Tag {
    Tag { key: key.into(), value: value.into(), propagate_at_launch }
}

fn hook(name: &str) -> PutHook {
    PutHook { name: name.into(), transition: Some(Transition::Launching), ..PutHook::default() }
}

#[test]
fn a_group_is_read_with_all_its_settings() {
    let mut host = Host::new();
    let settings = Settings {
        launch_template: LaunchTemplate { id: "lt-9".into(), name: "nine".into(), version: "$Latest".into() },
        min_size: 1,
        max_size: 4,
        subnets: vec![subnet('b'), subnet('a')],
        default_cooldown: Duration::from_secs(7),
        health_check_type: "ELB".into(),
        health_check_grace_period: Duration::from_secs(9),
        default_instance_warmup: Some(Duration::ZERO),
        max_instance_lifetime: Some(Duration::from_hours(48)),
        termination_policies: vec!["OldestInstance".into()],
        capacity_rebalance: true,
        new_instances_protected: true,
        deletion_protection: DeletionProtection::PreventForceDeletion,
    };
    let mut new = group(0, 0, 0);
    new.settings = settings.clone();
    new.desired_capacity = None;
    new.tags = vec![tag("b", "2", false), tag("a", "1", true)];
    new.hooks = vec![hook("ready")];
    new.target_group_arns = vec!["arn:tg".into()];
    host.sim.create_group(new, host.now).unwrap();
    let web = host.web();
    assert_eq!(web.settings, settings);
    assert_eq!((web.desired_capacity, web.created, web.status()), (1, START, None));
    assert_eq!(web.tags.values().cloned().collect::<Vec<_>>(), [tag("a", "1", true), tag("b", "2", false)]);
    assert_eq!(web.hooks.keys().collect::<Vec<_>>(), ["ready"]);
    assert_eq!(web.target_group_arns, ["arn:tg"]);
    assert!(web.arn.starts_with("arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:"));
    assert!(web.arn.ends_with(":autoScalingGroupName/web"));
}

#[test]
fn a_taken_name_is_rejected_and_the_group_is_unchanged() {
    let mut host = Host::with(1, 1, 2);
    let error = error_text(host.sim.create_group(group(0, 0, 0), host.now));
    assert!(error.starts_with("AlreadyExists: "), "{error}");
    assert_eq!(host.web().settings.max_size, 2);
    assert_eq!(host.in_service(), ["i-1"]);
}

#[test]
fn min_desired_and_max_keep_their_order() {
    let mut host = Host::new();
    let now = host.now;
    let mut create =
        |min, desired_capacity, max| error_text(host.sim.create_group(group(min, desired_capacity, max), now));
    assert_eq!(create(3, 3, 2), "ValidationError: Max bound, 2, must be greater than or equal to min bound, 3");
    let bounds = "must be between the specified min size:1 and max size:2";
    assert_eq!(create(1, 0, 2), format!("ValidationError: Desired capacity:0 {bounds}"));
    assert_eq!(create(1, 3, 2), format!("ValidationError: Desired capacity:3 {bounds}"));

    let mut host = Host::with(1, 2, 3);
    assert!(error_text(host.update(|it| it.min_size = 4)).contains("Max bound, 3"));
    let settings = host.web().settings.clone();
    let error = error_text(host.sim.update_group("web", settings, Some(4), now));
    assert!(error.starts_with("ValidationError: Desired capacity:4"), "{error}");
    let error = error_text(host.sim.set_desired_capacity("web", 4, false, now));
    assert_eq!(error, "ValidationError: New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup.");
    let error = error_text(host.sim.set_desired_capacity("web", 0, false, now));
    assert_eq!(error, "ValidationError: New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup.");
    assert_eq!(host.web().desired_capacity, 2);
}

#[test]
fn new_bounds_move_the_desired_capacity_into_them() {
    let mut host = Host::with(1, 2, 3);
    host.update(|it| it.min_size = 3).unwrap();
    assert_eq!(host.web().desired_capacity, 3);
    host.update(|it| (it.min_size, it.max_size) = (0, 1)).unwrap();
    assert_eq!(host.web().desired_capacity, 1);
    host.settle();
    assert_eq!(host.in_service().len(), 1);
}

#[test]
fn settings_that_aws_rejects_are_rejected() {
    let mut host = Host::with(0, 0, 1);
    let error = error_text(host.update(|it| it.subnets.clear()));
    assert_eq!(error, "ValidationError: At least one Availability Zone or VPC Subnet is required.");
    let error = error_text(host.update(|it| it.max_instance_lifetime = Some(Duration::from_secs(86_399))));
    assert!(error.contains("MaxInstanceLifetime is 86399 s"), "{error}");
    let error = error_text(host.update(|it| it.termination_policies = vec!["Youngest".into()]));
    assert!(error.contains("Youngest"), "{error}");
    let mut new = group(0, 0, 0);
    new.name = "a:b".into();
    assert!(error_text(host.sim.create_group(new, host.now)).contains("AutoScalingGroupName is 'a:b'"));
}

#[test]
fn an_unknown_group_is_a_validation_error() {
    let mut host = Host::new();
    let now = host.now;
    let unknown = "ValidationError: AutoScalingGroup name not found - AutoScalingGroup 'no' not found";
    assert_eq!(error_text(host.sim.group("no")), unknown);
    assert_eq!(error_text(host.sim.update_group("no", Settings::default(), None, now)), unknown);
    assert_eq!(error_text(host.sim.delete_group("no", true, now)), unknown);
    assert_eq!(error_text(host.sim.enable_metrics("no", &[])), unknown);
    assert_eq!(error_text(host.sim.put_hook("no", hook("ready"), host.now)), unknown);
    // Without quotes (recorded on AWS, September 2026: stackd 9dc356f5, activity_filters_native).
    assert_eq!(error_text(host.sim.activities("no", false)), unknown.replace('\'', ""));
}

#[test]
fn tags_are_overwritten_removed_and_limited() {
    let mut host = Host::with(0, 0, 1);
    host.sim.set_tags("web", vec![tag("a", "1", true), tag("b", "1", true)]).unwrap();
    host.sim.set_tags("web", vec![tag("a", "2", false)]).unwrap();
    host.sim.delete_tags("web", &["b".into(), "c".into()]).unwrap();
    assert_eq!(host.web().tags.values().cloned().collect::<Vec<_>>(), [tag("a", "2", false)]);
    assert!(error_text(host.sim.set_tags("web", vec![tag("aws:x", "1", true)])).contains("reserved"));
    assert!(error_text(host.sim.set_tags("web", vec![tag("", "1", true)])).contains("1 to 128"));
    let many = (0..50).map(|number| tag(&format!("k{number}"), "", true)).collect();
    assert!(error_text(host.sim.set_tags("web", many)).starts_with("LimitExceeded: 51 tags"));
    assert_eq!(host.web().tags.len(), 1);
}

#[test]
fn an_empty_list_of_metrics_means_all_metrics() {
    let mut host = Host::with(0, 0, 1);
    host.sim.enable_metrics("web", &["GroupMaxSize".into()]).unwrap();
    assert_eq!(host.web().enabled_metrics.iter().collect::<Vec<_>>(), [&"GroupMaxSize"]);
    host.sim.enable_metrics("web", &[]).unwrap();
    assert_eq!(host.web().enabled_metrics.len(), METRICS.len());
    // Not in AWS's reference, and recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
    for metric in ["GroupTerminatingRetainedInstances", "WarmPoolTerminatingRetainedCapacity"] {
        assert!(METRICS.contains(&metric), "{metric}");
    }
    host.sim.disable_metrics("web", &["GroupMaxSize".into()]).unwrap();
    assert_eq!(host.web().enabled_metrics.len(), METRICS.len() - 1);
    host.sim.disable_metrics("web", &[]).unwrap();
    assert!(host.web().enabled_metrics.is_empty());
    assert!(error_text(host.sim.enable_metrics("web", &["Load".into()])).contains("Metrics has Load"));
}

#[test]
fn target_groups_are_attached_once_and_detached() {
    let mut host = Host::with(0, 0, 1);
    host.sim.attach_target_groups("web", &["arn:a".into(), "arn:b".into()], host.now).unwrap();
    host.sim.attach_target_groups("web", &["arn:b".into()], host.now).unwrap();
    assert_eq!(host.web().target_group_arns, ["arn:a", "arn:b"]);
    assert!(error_text(host.sim.detach_target_groups("web", &["arn:a".into(), "arn:c".into()])).ends_with("arn:c"));
    host.sim.detach_target_groups("web", &["arn:a".into()]).unwrap();
    assert_eq!(host.web().target_group_arns, ["arn:b"]);
}

#[test]
fn at_most_ten_target_groups_are_added_or_removed_at_a_time_also_by_several_calls() {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, 0, 1), host.now).unwrap();
    let arns = |from: u32, count: u32| (from..from + count).map(|number| format!("arn:{number}")).collect::<Vec<_>>();
    let limit = "ValidationError: Trying to update too many Load Balancers/Target Groups at once. The limit is 10";
    assert_eq!(error_text(host.sim.attach_target_groups("web", &arns(0, 11), host.now)), limit);
    host.sim.attach_target_groups("web", &arns(0, 6), host.now).unwrap();
    assert!(host.web().is_adding("arn:0", host.now));
    assert_eq!(error_text(host.sim.attach_target_groups("web", &arns(6, 5), host.now)), limit, "six are being added");
    host.sim.attach_target_groups("web", &arns(2, 8), host.now).unwrap();
    assert_eq!(host.web().target_group_arns.len(), 10, "those that are attached do not count");
    host.advance(Latency::RECORDED.attachment);
    assert!(!host.web().is_adding("arn:0", host.now));
    host.sim.attach_target_groups("web", &arns(10, 10), host.now).unwrap();
    assert_eq!(error_text(host.sim.detach_target_groups("web", &arns(0, 11))), limit);
    host.sim.detach_target_groups("web", &arns(0, 10)).unwrap();
    assert_eq!(host.web().target_group_arns.len(), 10);
}

#[test]
fn a_hook_has_awss_defaults_and_a_second_put_changes_only_its_parameters() {
    let mut host = Host::with(0, 0, 1);
    host.sim.put_hook("web", PutHook { target_arn: Some("arn:q".into()), ..hook("ready") }, host.now).unwrap();
    let ready = &host.web().hooks["ready"];
    assert_eq!((ready.heartbeat.as_secs(), ready.default_result), (3600, LifecycleActionResult::Abandon));
    assert_eq!((ready.transition, ready.global_timeout().as_secs()), (Transition::Launching, 172_800));
    let change = PutHook {
        name: "ready".into(),
        heartbeat: Some(Duration::from_secs(30)),
        target_arn: Some(String::new()),
        ..PutHook::default()
    };
    host.sim.put_hook("web", change, host.now).unwrap();
    let ready = &host.web().hooks["ready"];
    assert_eq!((ready.transition, ready.global_timeout().as_secs()), (Transition::Launching, 3000));
    assert_eq!(ready.target_arn, None);
    host.sim.delete_hook("web", "ready", host.now).unwrap();
    assert!(
        error_text(host.sim.delete_hook("web", "ready", host.now)).contains("No Lifecycle Hook found with name: ready")
    );
}

#[test]
fn hooks_that_aws_rejects_are_rejected() {
    let mut host = Host::with(0, 0, 1);
    let now = host.now;
    let mut put = |hook: PutHook| error_text(host.sim.put_hook("web", hook, now));
    let heartbeat = |seconds| PutHook { heartbeat: Some(Duration::from_secs(seconds)), ..hook("h") };
    assert!(put(heartbeat(29)).contains("HeartbeatTimeout is 29: 30 to 7200"));
    assert!(put(heartbeat(7201)).contains("HeartbeatTimeout is 7201"));
    assert!(put(PutHook { transition: None, ..hook("h") }).contains("LifecycleTransition is missing"));
    assert!(put(hook("two words")).contains("LifecycleHookName is 'two words'"));
    let metadata = |text: &str| PutHook { metadata: Some(text.into()), ..hook("h") };
    assert!(put(metadata("é")).contains("NotificationMetadata"));
    assert!(put(metadata(&"x".repeat(4001))).contains("NotificationMetadata"));
    for number in 0..50 {
        host.sim.put_hook("web", hook(&format!("h{number}")), host.now).unwrap();
    }
    assert!(error_text(host.sim.put_hook("web", hook("h50"), host.now)).starts_with("LimitExceeded"));
    host.sim.put_hook("web", hook("h49"), host.now).unwrap();
}
