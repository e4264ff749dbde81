//! The properties of rollouts: their values, their record, and the facts that they depend on.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use crate::common::{facts, names, read, spec};
use environment::rollout::{RolloutAlarm, RolloutAlarmState, RolloutMode, RolloutSettings, RolloutWait};
use environment::{CheckedFacts, Defaults, Facts, Spec, check_facts};
use serde_json::{Value, json};

/// The violations of a request with these properties.
fn violations(properties: Value) -> Vec<String> {
    let mut all = json!({ "EnvironmentSuffix": "dev" });
    all.as_object_mut().expect("an object").extend(properties.as_object().expect("an object").clone());
    read(all).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn others() -> Value {
    json!({
        "Rollout": "None", "MinHealthyPercentage": "50", "MaxHealthyPercentage": 150, "CanaryPercentage": "25",
        "BakeSeconds": "0", "InstanceWarmupSeconds": "90", "RolloutAlarms": ["web errors", "web-latency"],
        "RolloutWait": "Canary",
    })
}

#[test]
fn the_settings_of_a_rollout_are_the_values_of_the_properties() {
    assert_eq!(spec(json!({})).rollout, RolloutSettings::default());
    let expected = RolloutSettings {
        mode: RolloutMode::None,
        min_healthy_percentage: 50,
        max_healthy_percentage: 150,
        canary_percentage: 25,
        bake_seconds: 0,
        instance_warmup_seconds: 90,
        alarms: vec!["web errors".into(), "web-latency".into()],
        wait: RolloutWait::Canary,
    };
    assert_eq!(spec(others()).rollout, expected);
}

#[test]
fn the_settings_are_read_from_a_record_and_an_older_record_has_the_defaults() {
    let defaults = Defaults::from_vars(|_| None);
    let record = |spec: &Spec| serde_json::to_value(spec).expect("JSON");
    let given = spec(others());
    assert_eq!(Spec::recorded(&record(&given), &defaults), Some(given.clone()));
    let mut older = record(&given);
    for name in others().as_object().expect("an object").keys() {
        assert!(older.as_object_mut().expect("an object").remove(name).is_some(), "{name}");
    }
    let older = Spec::recorded(&older, &defaults).expect("a readable record");
    assert_eq!(older.rollout, RolloutSettings::default());
}

#[test]
fn percentages_and_seconds_have_the_bounds_of_auto_scaling_and_of_a_request() {
    for (name, least, most) in [("CanaryPercentage", 1, 99), ("BakeSeconds", 0, 1_800)] {
        for value in [least, most] {
            assert_eq!(violations(json!({ name: value })), [""; 0], "{name} {value}");
        }
        for value in [least - 1, most + 1] {
            let expected = format!("a whole number from {least} to {most}");
            let found = violations(json!({ name: value.to_string() }));
            assert!(found.len() == 1 && found[0].ends_with(&expected), "{found:?}");
        }
    }
    let both = |min: u32, max: u32| violations(json!({ "MinHealthyPercentage": min, "MaxHealthyPercentage": max }));
    for (min, max) in [(0, 100), (100, 100), (100, 200), (50, 150), (90, 110)] {
        assert_eq!(both(min, max), [""; 0], "{min} {max}");
    }
    assert_eq!(both(101, 110), ["MinHealthyPercentage is \"101\": a whole number from 0 to 100"]);
    assert_eq!(both(100, 99), ["MaxHealthyPercentage is \"99\": a whole number from 100 to 200"]);
    assert_eq!(both(100, 201), ["MaxHealthyPercentage is \"201\": a whole number from 100 to 200"]);
    let apart = "MinHealthyPercentage is 49: at least 50, since MaxHealthyPercentage is 150 and Auto Scaling accepts a \
                 difference of 100";
    assert_eq!(both(49, 150), [apart]);
    let with_default = violations(json!({ "MinHealthyPercentage": "0" }));
    assert!(with_default[0].starts_with("MinHealthyPercentage is 0: at least 10"), "{with_default:?}");
    for (name, valid) in [("Rollout", "one of Rolling, None"), ("RolloutWait", "one of Complete, Canary")] {
        assert!(violations(json!({ name: "rolling" }))[0].ends_with(valid), "{name}");
    }
}

#[test]
fn rollout_alarms_are_at_most_ten_names_without_the_environments_cpu_alarms() {
    let of = |alarms: Value| violations(json!({ "RolloutAlarms": alarms }));
    let numbered = |count: usize| (0..count).map(|it| format!("alarm {it}")).collect::<Vec<_>>();
    let longest = "😀".repeat(255);
    for good in [json!("errors, latency"), json!(numbered(10)), json!([longest]), json!(["cpu-high", "ALARM: a/b"])] {
        assert_eq!(of(good.clone()), [""; 0], "{good}");
    }
    let valid = "1 to 10 different names of alarms of 1 to 255 characters, as a list or separated by commas, without control \
                 characters";
    for (bad, value) in [
        (json!(numbered(11)), "a list of 11 items"),
        (json!(["a", "a"]), "a list of 2 items"),
        (json!([format!("{longest}x")]), "a list of 1 item, of which number 1 is a string of 256 characters"),
        (json!(["a", "b\nc"]), "a list of 2 items, of which number 2 is a string of 3 characters"),
        (json!(""), "a list of 1 item, of which number 1 is a string of 0 characters"),
        (json!({ "a": 1 }), "an object of 1 member"),
    ] {
        assert_eq!(of(bad), [format!("RolloutAlarms is {value}: {valid}")]);
    }
    let own = [names().cpu_high_alarm().name, names().cpu_low_alarm().name, names().rollout_failed_alarm().name];
    let found = of(json!([own[0], "web", own[1], own[2]]));
    let expected = own.map(|name| {
        format!(
            "RolloutAlarms is {name:?}: an alarm other than cpu-high, cpu-low and rollout-failed of the environment, since \
             a rollout itself changes their states"
        )
    });
    assert_eq!(found, expected);
}

#[test]
fn alarms_are_read_where_their_list_or_a_rolling_input_changes() {
    let with = |more: Value| {
        let mut all = json!({ "RolloutAlarms": ["web"] });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        spec(all)
    };
    let reads = |before: Option<&Spec>, after: &Spec| CheckedFacts::of(before, after).rollout_alarms;
    let before = with(json!({}));
    assert!(reads(None, &before), "a create");
    assert!(!reads(Some(&before), &before));
    assert!(!reads(None, &spec(json!({}))), "no alarms");
    for (more, is_read) in [
        (json!({ "RolloutAlarms": ["web", "api"] }), true),
        (json!({ "InstanceType": "t3.small" }), true),
        (json!({ "UserDataScript": "echo hi" }), true),
        (json!({ "ImageId": "ami-12345678" }), true),
        (json!({ "KmsKeyArn": "arn:aws:kms:us-west-2:123456789012:key/1" }), true),
        (json!({ "Tags": { "team": "web" } }), false),
        (json!({ "MaxSize": "9" }), false),
        (json!({ "LaunchGateSeconds": "120" }), false),
        (json!({ "InstanceType": "t3.small", "Rollout": "None" }), false),
    ] {
        assert_eq!(reads(Some(&before), &with(more.clone())), is_read, "{more}");
    }
    let off = with(json!({ "Rollout": "None" }));
    assert!(reads(Some(&off), &before), "rollouts begin");
}

#[test]
fn an_alarm_that_would_end_or_block_a_rollout_is_rejected_by_name() {
    let with = |more: Value| {
        let mut all = json!({ "RolloutAlarms": "web" });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        spec(all)
    };
    let check = |before: Option<&Spec>, after: &Spec, state: RolloutAlarmState| -> Vec<String> {
        let alarm = RolloutAlarm { name: "web".into(), state };
        let facts = Facts { rollout_alarms: vec![alarm], ..facts() };
        check_facts(before, after, &names(), &facts).iter().map(ToString::to_string).collect()
    };
    let before = with(json!({}));
    let rolled = with(json!({ "UserDataScript": "echo hi" }));
    let relisted = with(json!({ "RolloutAlarms": "web,api" }));
    let missing = "RolloutAlarms is \"web\": it does not exist; valid is an alarm that exists before the request";
    let breaching = "RolloutAlarms is \"web\": it treats missing data as neither notBreaching nor ignore; valid is an alarm with \
                     TreatMissingData notBreaching or ignore, since the metrics of replaced instances end";
    for after in [&rolled, &relisted] {
        assert_eq!(check(Some(&before), after, RolloutAlarmState::Ok), [""; 0]);
        assert_eq!(check(Some(&before), after, RolloutAlarmState::Missing), [missing]);
        assert_eq!(check(Some(&before), after, RolloutAlarmState::BreachesOnMissingData), [breaching]);
    }
    for (state, text) in
        [(RolloutAlarmState::Alarm, "ALARM"), (RolloutAlarmState::InsufficientData, "INSUFFICIENT_DATA")]
    {
        let expected = format!(
            "RolloutAlarms is \"web\": it is in {text}; valid is an alarm in OK, since this update replaces running instances. \
             Wait, or remove the alarm"
        );
        assert_eq!(check(Some(&before), &rolled, state), [expected]);
        assert_eq!(check(Some(&before), &relisted, state), [""; 0], "no instance is replaced");
    }
}
