//! The lifecycle hooks of an environment's Auto Scaling group.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use crate::common::{resources, spec};
use environment::hook_settings::HookSettings;
use environment::{AutoScalingGroup, Fields};
use serde_json::{Value, json};

fn group(properties: Value) -> AutoScalingGroup {
    let desired = resources(&spec(properties));
    let groups = desired.resources.into_iter().find_map(|it| match it.fields {
        Fields::AutoScalingGroup(group) => Some(group),
        _ => None,
    });
    groups.expect("a group")
}

/// If the function `lifecycle-hook` is unavailable for the whole heartbeat, the hook's default result decides.
#[test]
fn an_expired_launch_hook_follows_the_property_and_an_expired_termination_hook_continues() {
    for (on_timeout, abandons) in [("Abandon", true), ("Continue", false)] {
        let hooks = group(json!({ "LaunchGateOnTimeout": on_timeout })).hooks;
        let abandon: Vec<bool> = hooks.iter().map(|it| it.abandon).collect();
        assert_eq!(abandon, [abandons, false], "{on_timeout}");
    }
}

/// Twenty target groups with the longest names, in the region with the longest name.
#[test]
fn the_settings_of_a_hook_fit_into_its_metadata() {
    let arn = |number: usize| {
        let name = "n".repeat(32);
        format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/{name}/{number:016}")
    };
    let arns: Vec<String> = (0..20).map(arn).collect();
    for hook in group(json!({ "TargetGroupArns": arns, "LaunchGateSeconds": "7200", "DrainSeconds": "28800" })).hooks {
        let settings = HookSettings::read(&hook.metadata).expect("metadata of Envkeeper");
        assert_eq!(settings.target_groups, arns);
        // A region's name has at most 14 letters, as ap-northeast-1. The properties limit the names of a project and a suffix.
        let reserve = 22 * ("ap-northeast-1".len() - "us-west-2".len()) + 2 * 64;
        assert!(hook.metadata.len() + reserve <= 4_000, "{}: {}", hook.name, hook.metadata.len());
        assert!(hook.metadata.bytes().all(|it| (b' '..=b'~').contains(&it)));
    }
}
