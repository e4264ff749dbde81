//! The content of messages, and that no message fails another.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use environment::Transition;
use ledger::envelope::{PoisonMessage, open};
use lifecycle_hook::Notification;
use proptest::prelude::*;
use serde_json::{Value, json};
use test_support::hooks::{GROUP, Harness, SeededRng, gate, settings};
use test_support::{sample, with};

fn read_body(body: &str) -> Result<Notification, PoisonMessage> {
    Notification::read(&open(body)?)
}

fn read(value: &Value) -> Result<Notification, String> {
    read_body(&value.to_string()).map_err(|poison| poison.to_string())
}

fn body(name: &str, at: usize) -> String {
    sample("lifecycle-hook", name)["Records"][at]["body"].as_str().expect("a body").to_owned()
}

#[test]
fn every_shape_has_the_same_content() {
    let action_of = |body: &str| match read_body(body) {
        Ok(Notification::LifecycleAction(action)) => action,
        other => panic!("{other:?}: {body}"),
    };
    let launch = action_of(&sample("lifecycle-hook", "launch.json").to_string());
    assert_eq!((launch.group.as_str(), launch.on), (GROUP, Transition::Launch));
    assert_eq!(launch.token.as_deref(), Some("5f0d8f0e-6d1c-4c1b-8d5e-2a9b7c3e1f04"));
    let direct = action_of(&body("queue-by-auto-scaling.json", 0));
    assert_eq!(direct.on, Transition::Terminate);
    let by_topic = action_of(&body("queue-by-topic.json", 0));
    assert_eq!(by_topic, direct, "JSON in an envelope of SNS");
    let in_lines = action_of(&body("queue-by-topic.json", 1));
    assert_eq!((in_lines.hook, in_lines.on), (direct.hook, direct.on), "a line for each field");
}

#[test]
fn events_without_an_action_are_described_and_not_poison() {
    let other = |notification| match notification {
        Ok(Notification::Other(event)) => event,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        other(read_body(&body("queue-test-notification.json", 0)).map_err(|it| it.to_string())),
        "a test notification"
    );
    let newer = with(
        sample("lifecycle-hook", "launch.json"),
        json!({ "detail": { "LifecycleTransition": "autoscaling:NEW" } }),
    );
    assert_eq!(other(read(&newer)), "the transition autoscaling:NEW");
    assert_eq!(other(read(&json!({ "detail-type": "EC2 Something New", "detail": null }))), "EC2 Something New");
    assert_eq!(read(&sample("lifecycle-hook", "sweep.json")), Ok(Notification::Sweep));
}

#[test]
fn a_poison_message_names_the_missing_field() {
    let launch = sample("lifecycle-hook", "launch.json");
    let reason_of = |value: &Value| read(value).expect_err("poison");
    let without = with(launch.clone(), json!({ "detail": { "EC2InstanceId": null, "LifecycleActionToken": 7 } }));
    assert_eq!(reason_of(&without), "missing, or not a string: detail.EC2InstanceId, detail.LifecycleActionToken");
    assert!(reason_of(&with(launch, json!({ "detail": null }))).contains("detail.AutoScalingGroupName"));
    assert!(reason_of(&json!({ "DETAIL-TYPE": "x" })).contains("it has DETAIL-TYPE"));
    assert_eq!(reason_of(&json!(["a list"])), "the event is not a JSON object");
    assert_eq!(
        read_body("no { JSON").expect_err("poison").to_string(),
        "neither JSON nor a notification of Auto Scaling"
    );
    let mut nested = String::from("{}");
    for _ in 0..9 {
        nested = json!({ "Message": nested }).to_string();
    }
    assert!(read_body(&nested).expect_err("poison").to_string().contains("envelopes"));
}

/// EC2's filters accept wildcards, and an id that matches more would spoil the observation of all instances of its
/// batch.
#[test]
fn an_invalid_instance_id_is_poison() {
    let with_id = |name: &str, field: &str, id: &str| {
        read(&with(sample("lifecycle-hook", name), json!({ "detail": { field: id } }))).map(|_| ())
    };
    let poison = |field: &str| Err(format!("detail.{field} is not an instance id"));
    for id in
        ["i-0a1b2c3d4e5f607180", "*", "i-?", "i-1 ", "mi-1", "i-", "i-1*", "I-1", "i-0A", "i-1,i-2", " i-1", "i-é"]
    {
        for name in ["launch.json", "terminate.json", "found-waiting.json"] {
            assert_eq!(with_id(name, "EC2InstanceId", id), poison("EC2InstanceId"), "{id}");
        }
        assert_eq!(with_id("spot-interruption.json", "instance-id", id), poison("instance-id"), "{id}");
    }
    for id in ["i-1", "i-1a2b3c4d", "i-0a1b2c3d4e5f60718", "i-abc"] {
        assert_eq!(with_id("launch.json", "EC2InstanceId", id), Ok(()), "{id}");
        assert_eq!(with_id("spot-interruption.json", "instance-id", id), Ok(()), "{id}");
    }
}

proptest! {
    #[test]
    fn no_body_causes_a_panic(body in ".{0,400}") {
        let _ = read_body(&body);
    }

    #[test]
    fn no_field_of_any_type_causes_a_panic(field in "[A-Za-z0-9-]{1,24}", value in ".{0,40}", which in 0_usize..4) {
        let name = ["launch.json", "terminate.json", "spot-interruption.json", "sweep.json"][which];
        for value in [json!(value), json!(7), json!(null), json!([value]), json!({ "a": value })] {
            let _ = read(&with(sample("lifecycle-hook", name), json!({ field.as_str(): value })));
            let _ = read(&with(sample("lifecycle-hook", name), json!({ "detail": { field.as_str(): value } })));
        }
    }
}

/// One record of a batch: its body, and whether it is a poison message.
fn any_record(rng: &mut SeededRng, poison: bool) -> String {
    let launch = sample("lifecycle-hook", "launch.json");
    let id = format!("i-{:017x}", rng.below(1 << 40));
    if poison {
        let field = [
            "AutoScalingGroupName",
            "EC2InstanceId",
            "LifecycleHookName",
            "LifecycleTransition",
            "LifecycleActionToken",
        ][usize::try_from(rng.below(5)).expect("small")];
        return match rng.below(6) {
            0 => String::from_utf8_lossy(&[b'{', u8::try_from(rng.below(127)).expect("small"), b'"']).into_owned(),
            1 => json!([id]).to_string(),
            2 => with(launch, json!({ "detail": { field: null } })).to_string(),
            3 => with(launch, json!({ "detail": { field: { "nested": id } } })).to_string(),
            4 => json!({ "detail-type": rng.below(9) }).to_string(),
            _ => String::new(),
        };
    }
    match rng.below(6) {
        0 => with(launch, json!({ "detail": { "EC2InstanceId": id } })).to_string(),
        1 => with(sample("lifecycle-hook", "terminate.json"), json!({ "detail": { "EC2InstanceId": id } })).to_string(),
        2 => with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": id } }))
            .to_string(),
        3 => json!({ "detail-type": format!("Something {id}"), "detail": { "x": id } }).to_string(),
        4 => with(launch, json!({ "detail": { "NotificationMetadata": id } })).to_string(),
        _ => body("queue-test-notification.json", 0),
    }
}

#[test]
fn of_ten_thousand_records_exactly_the_poison_is_dead_lettered_and_its_neighbours_are_handled() {
    let harness = Harness::with(1, &settings(gate(600)), &settings(gate(600)));
    let mut rng = SeededRng::new(5);
    let mut poisoned = 0;
    for batch in 0..1_000 {
        let records: Vec<(String, bool)> = (0..10)
            .map(|_| {
                let poison = rng.below(10) == 0;
                (any_record(&mut rng, poison), poison)
            })
            .collect();
        let messages: Vec<Value> = records
            .iter()
            .enumerate()
            .map(|(id, (body, _))| json!({ "messageId": id.to_string(), "receiptHandle": id.to_string(), "body": body, "attributes": {} }))
            .collect();
        let response = harness.invoke(json!({ "Records": messages })).expect("the invocation is not killed");
        let failed = response["batchItemFailures"].as_array().expect("a list");
        // Of the readable messages, exactly the lifecycle actions are requeued: a read may miss a wait that has just begun.
        let at = |it: &Value| it["itemIdentifier"].as_str().expect("text").parse().expect("a number");
        let requeued: Vec<usize> = failed.iter().map(at).collect();
        let of = |kind: &str| -> Vec<usize> {
            let has = |(body, poison): &(String, bool)| !poison && body.contains(kind);
            records.iter().enumerate().filter(|(_, it)| has(it)).map(|(at, _)| at).collect()
        };
        let actions = of("Lifecycle Action");
        assert_eq!(requeued, actions, "batch {batch}");
        // The neighbours had exactly the call that they need: their instances, which are in no group, are looked up.
        let spots = of("Interruption Warning");
        let calls = std::mem::take(&mut *harness.calls.borrow_mut());
        let of = |name: &str| calls.iter().filter(|it| **it == name).count();
        let lookups = usize::from(actions.len() + spots.len() > 0);
        let poison = records.iter().filter(|(_, poison)| *poison).count();
        assert_eq!(
            (of("members"), of("requeue"), of("dead_letter")),
            (lookups, actions.len(), poison),
            "batch {batch}"
        );
        assert_eq!(calls.len(), lookups + actions.len() + poison, "no other call: {calls:?}");
        poisoned += records.iter().filter(|(_, poison)| *poison).count();
        assert_eq!(harness.dead_lettered.borrow().len(), poisoned, "batch {batch}");
        let dead_lettered = harness.dead_lettered.borrow();
        assert!(dead_lettered.iter().all(|(_, reason)| !reason.is_empty()));
        let bodies: Vec<&String> = records.iter().filter(|(_, poison)| *poison).map(|(body, _)| body).collect();
        let latest: Vec<&String> = dead_lettered[poisoned - bodies.len()..].iter().map(|(body, _)| body).collect();
        assert_eq!(latest, bodies, "batch {batch}");
    }
    assert!(poisoned > 900, "{poisoned}");
}
