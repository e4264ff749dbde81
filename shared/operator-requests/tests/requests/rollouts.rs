//! Rollouts in the results of operator requests, and the alarms of rollouts in requests.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use crate::common::{InlineHandler, failed, handler, handler_with, sample, send, succeeded, with, writes};
use environment::rollout::{RolloutAlarm, RolloutAlarmState};
use serde_json::{Value, json};

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// The properties of the sample Create with these.
fn properties(more: Value) -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": more }))["ResourceProperties"].clone()
}

fn create(handler: &InlineHandler, more: Value) {
    succeeded(handler, with(sample("create.json"), json!({ "ResourceProperties": more })));
}

/// An Update of the environment from the sample Create's properties with `from` to those with `to`.
fn update(id: &str, from: Value, to: Value) -> Value {
    let mut event = sample("update.json");
    event["RequestId"] = json!(id);
    event["ResourceProperties"] = properties(to);
    event["OldResourceProperties"] = properties(from);
    event
}

fn plan(handler: &InlineHandler, more: Value) -> Value {
    let result = send(handler, json!({ "Request": "plan", "ResourceProperties": properties(more) }));
    assert!(result["Error"].is_null(), "{result}");
    result
}

fn text(result: &Value) -> &str {
    result["Text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

/// Protects the only instance of the group from scale-in, and returns its id.
fn protect_the_instance(handler: &InlineHandler) -> String {
    handler.cloud_factory.account.operate(|simulator, _| {
        let ids: Vec<String> =
            simulator.group(GROUP).expect("the group").instances.iter().map(|it| it.id.clone()).collect();
        simulator.set_instance_protection(GROUP, &ids, true).expect("the instance can be protected");
        ids[0].clone()
    })
}

#[test]
fn the_status_shows_the_rollout_and_the_instances_by_version() {
    let handler = handler();
    create(&handler, json!({}));
    let status = send(&handler, sample("status.json"));
    let rollout = &status["Rollout"];
    assert_eq!((&rollout["State"], &rollout["Launched"]), (&json!("complete"), &json!("1")), "{rollout}");
    assert_eq!(rollout["InstancesByVersion"], json!({ "1": { "Total": 1, "InService": 1 } }), "{rollout}");
    assert_eq!(rollout["InstancesByRollingInputs"].as_object().map(serde_json::Map::len), Some(1), "{rollout}");
    assert_eq!((&rollout["NewerRevision"], &rollout["FailedVersions"]), (&json!(false), &json!([])), "{rollout}");
    let text = text(&status);
    assert!(text.contains("\nRollout: complete. The group launches version 1.\nInstances: version 1: 1."), "{text}");
}

#[test]
fn a_plan_forecasts_the_rollout_of_a_rolling_input_alone() {
    let handler = handler_with(&[("MAX_INSTANCES", "3")]);
    create(&handler, json!({}));
    let before = writes(&handler);
    let rolled = plan(&handler, json!({ "UserDataScript": "echo hi" }));
    let rollout = &rolled["Rollout"];
    let counts = ["Instances", "First", "AtATime", "Surge"].map(|name| rollout[name].clone());
    assert_eq!((&rollout["Mode"], counts), (&json!("Rolling"), [1, 1, 1, 1].map(Value::from)), "{rollout}");
    assert!(rollout["Minutes"].as_u64().is_some_and(|it| it > 0), "a launch was observed: {rollout}");
    assert_eq!(rollout["Warnings"].as_array().map(Vec::len), Some(1), "{rollout}");
    for line in [
        ": its instances are replaced\n",
        "\nRollout: 1 instance, 1 first, 1 at a time, about ",
        "\nwarning: MaxSize 3 and 1 more during a rollout exceed MaxInstances of this deployment, which is 3",
    ] {
        assert!(text(&rolled).contains(line), "{line}\n{}", text(&rolled));
    }

    let none = plan(&handler, json!({ "UserDataScript": "echo hi", "Rollout": "None" }));
    assert_eq!(none["Rollout"], json!({ "Mode": "None" }));
    assert!(text(&none).ends_with("Rollout is None: running instances keep their version."), "{}", text(&none));
    for more in [json!({ "Tags": { "Team": "web" } }), json!({ "MaxSize": "2" }), json!({ "BakeSeconds": "0" })] {
        assert_eq!(plan(&handler, more.clone())["Rollout"], Value::Null, "{more}");
    }
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_plan_says_that_there_is_no_way_back_where_the_image_is_gone() {
    let handler = handler();
    create(&handler, json!({}));
    handler.cloud_factory.account.gone_images.borrow_mut().insert("ami-0123456789abcdef0".into());
    let planned = plan(&handler, json!({ "UserDataScript": "echo hi" }));
    assert!(text(&planned).contains("\nwarning: no way back: "), "{}", text(&planned));
}

#[test]
fn instances_that_no_rollout_replaces_are_named_by_plan_status_and_drift() {
    let handler = handler();
    create(&handler, json!({}));
    let id = protect_the_instance(&handler);
    let script = json!({ "UserDataScript": "echo hi" });
    let planned = plan(&handler, script.clone());
    assert_eq!((&planned["Rollout"]["Instances"], &planned["Rollout"]["Ignored"]), (&json!(0), &json!([id])));
    assert!(
        text(&planned).contains(&format!("not replaced, since they are in Standby or protected from scale-in: {id}"))
    );

    succeeded(&handler, update("script", json!({}), script));
    let status = send(&handler, sample("status.json"));
    assert!(text(&status).contains(&format!("in Standby or protected from scale-in: {id}.")), "{}", text(&status));
    let drift = send(&handler, sample("drift.json"));
    let expected = format!("instance {id} is version 1, desired is version 2");
    assert!(text(&drift).ends_with(&expected), "{}", text(&drift));
}

fn set_alarm(handler: &mut InlineHandler, state: RolloutAlarmState) {
    handler.cloud_factory.facts.rollout_alarms = vec![RolloutAlarm { name: "web".into(), state }];
}

#[test]
fn an_alarm_that_cannot_guard_a_rollout_rejects_the_request_before_any_write() {
    let mut handler = handler();
    let alarms = json!({ "RolloutAlarms": ["web"] });
    set_alarm(&mut handler, RolloutAlarmState::Missing);
    let create = with(sample("create.json"), json!({ "ResourceProperties": alarms }));
    let reason = failed(&handler, create.clone());
    assert!(reason.contains("RolloutAlarms is \"web\": it does not exist; valid is an alarm that exists"), "{reason}");
    assert_eq!(writes(&handler), 0);

    // A create replaces no instance, so any state will do.
    set_alarm(&mut handler, RolloutAlarmState::InsufficientData);
    succeeded(&handler, with(create, json!({ "RequestId": "again" })));
    let before = writes(&handler);
    set_alarm(&mut handler, RolloutAlarmState::Alarm);
    let rolled = json!({ "RolloutAlarms": ["web"], "UserDataScript": "echo hi" });
    let reason = failed(&handler, update("script", alarms.clone(), rolled.clone()));
    assert!(reason.contains("RolloutAlarms is \"web\": it is in ALARM; valid is an alarm in OK"), "{reason}");
    assert_eq!(writes(&handler), before);
    // The rollback of the stack is not rejected for it.
    succeeded(&handler, update("rollback", rolled, alarms));
}
