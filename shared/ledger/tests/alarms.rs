//! Alarms in all their shapes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first unexpected value")]

use environment::Deployment;
use ledger::Alarm;
use serde_json::{Value, json};

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

fn read(event: &Value) -> Alarm {
    Alarm::read(event).unwrap().unwrap()
}

#[test]
fn all_three_shapes_of_a_state_change_are_equal() {
    let body = json!({
        "alarmName": "web", "state": { "value": "ALARM", "reason": "reason", "timestamp": "2026-01-02T03:04:01.120+0000" },
        "configuration": {
            "description": "text",
            "metrics": [{ "metricStat": { "metric": { "dimensions": { "AutoScalingGroupName": "g" } }, "period": 86_400 } }],
        },
    });
    let direct = read(&json!({ "source": "aws.cloudwatch", "alarmData": body }));
    let bus = read(&json!({ "detail-type": "CloudWatch Alarm State Change", "detail": body }));
    let topic = read(&json!({
        "AlarmName": "web", "NewStateValue": "ALARM", "NewStateReason": "reason", "AlarmDescription": "text",
        "StateChangeTime": "2026-01-02T03:04:01.120+0000",
        "Trigger": { "Dimensions": [{ "name": "AutoScalingGroupName", "value": "g" }] },
    }));
    assert_eq!(direct, bus);
    assert_eq!(direct, topic);
    assert_eq!(direct.since_ms, Some(1_767_323_041_120));
}

#[test]
fn any_other_event_is_ignored_and_an_alarm_without_a_name_or_a_state_is_poison() {
    for event in [json!({}), json!({ "detail-type": "Scheduled Event", "detail": {} }), json!([]), json!("text")] {
        assert_eq!(Alarm::read(&event), Ok(None), "{event}");
    }
    for (event, missing) in [
        (json!({ "alarmData": null }), "alarmName"),
        (json!({ "alarmData": { "alarmName": "a" } }), "state.value"),
        (json!({ "alarmData": { "alarmName": 3, "state": { "value": "OK" } } }), "alarmName"),
        (json!({ "detail-type": "CloudWatch Alarm State Change" }), "alarmName"),
        (json!({ "AlarmName": "a" }), "NewStateValue"),
        (json!({ "AlarmName": null, "NewStateValue": "OK" }), "AlarmName"),
    ] {
        let poison = Alarm::read(&event).unwrap_err().to_string();
        assert_eq!(poison, format!("alarm: {missing} is missing, or not a string"), "{event}");
    }
}

#[test]
fn an_alarms_environment_is_found_by_an_owned_group_or_by_its_mark() {
    let alarm = |group: &str, description: &str| Alarm {
        name: "a".into(),
        state: "ALARM".into(),
        since_ms: None,
        reason: String::new(),
        dimensions: vec![("AutoScalingGroupName".into(), group.into())],
        description: description.into(),
    };
    for (group, description, suffix) in [
        ("scalable-ec2-asg-uswest2-dev", "", Some("dev")),
        ("scalable-ec2-asg-uswest2-dev2", "", Some("dev2")),
        ("scalable-ec2-asg-uswest2-", "", None),
        ("scalable-ec2-asg-useast1-dev", "", None),
        ("foreign", "envkeeper:environment=scalable-ec2-us-west-2-dev", Some("dev")),
        ("foreign", "text envkeeper:environment=scalable-ec2-us-west-2-dev2, more text", Some("dev2")),
        ("foreign", "envkeeper:environment=scalable-ec2-us-west-2-", None),
        ("foreign", "envkeeper:environment=another-us-west-2-dev", None),
        ("foreign", "envkeeper:environment", None),
        ("foreign", "", None),
    ] {
        assert_eq!(alarm(group, description).suffix(&deployment()).as_deref(), suffix, "{group} {description}");
    }
}

/// Metric math over several instances or groups identifies none of them.
#[test]
fn an_instance_or_a_group_is_used_if_it_is_the_only_one() {
    let alarm = |pairs: &[(&str, &str)], description: &str| Alarm {
        name: "a".into(),
        state: "ALARM".into(),
        since_ms: None,
        reason: String::new(),
        dimensions: pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        description: description.into(),
    };
    let (dev, prod) = ("scalable-ec2-asg-uswest2-dev", "scalable-ec2-asg-uswest2-prod");
    let instances = |ids: &[&'static str]| ids.iter().map(|id| ("InstanceId", *id)).collect::<Vec<_>>();
    for (ids, instance) in
        [(&["i-a"][..], Some("i-a")), (&["i-a", "i-a"], Some("i-a")), (&["i-a", "i-b"], None), (&[], None)]
    {
        let ids = instances(ids);
        assert_eq!(alarm(&ids, "").instance(), instance, "{ids:?}");
        assert_eq!(
            read(&ledger::events::alarm_state_event(&alarm(&ids, ""), 1)).instance(),
            instance,
            "in Envkeeper's own event"
        );
    }
    let mark = "envkeeper:environment=scalable-ec2-us-west-2-prod";
    for (groups, description, suffix) in [
        (&[dev, dev][..], "", Some("dev")),
        (&["foreign", dev], "", Some("dev")),
        (&[dev, prod], "", None),
        (&[dev, prod], mark, Some("prod")),
    ] {
        let pairs: Vec<_> = groups.iter().map(|group| ("AutoScalingGroupName", *group)).collect();
        assert_eq!(alarm(&pairs, description).suffix(&deployment()).as_deref(), suffix, "{groups:?} {description}");
    }
}
