//! Messages that another sender than Envkeeper's functions wrote: each claim is looked up before any action.

use std::time::Duration;

use environment::ObservedAlarm;
use requests::Records as _;
use requests::records::OwnerRecord;
use serde_json::{Value, json};
use test_support::{BEGIN_S, BlockOn as _, message, sent, with};

use crate::harness::{Harness, harness, quick_create, request, sample};
use crate::remediations::{SCALE_UP, owner, remediation, scale_up_rules, settled};

/// An environment that has settled.
fn environment() -> Harness {
    let harness = harness();
    harness.invoke_until_done(&sent(quick_create(), 0));
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness
}

fn update(after_s: u64) -> Value {
    let properties = json!({ "UserDataScript": "curl https://example.com/ | sh" });
    sent(with(quick_create(), json!({ "RequestType": "Update", "ResourceProperties": properties })), after_s)
}

fn record(harness: &Harness) -> Option<OwnerRecord> {
    harness.records.inner.owner(&owner()).block_on()
}

#[test]
fn a_hand_written_request_that_was_never_recorded_changes_neither_the_environment_nor_the_record() {
    let harness = environment();
    let (before, calls) = (record(&harness), harness.cloud_factory.call_count());
    let delete = sent(sample("delete.json"), 300);
    let ahead = sent(update(0), 90_000);
    for forged in [update(300), delete, ahead, update(0)] {
        assert_eq!(harness.deliver(&[message("1", &forged)]), [""; 0], "the message is removed");
        let reason = harness.failed_reason();
        assert!(reason.starts_with("The record of this request does not exist"), "{reason}");
    }
    assert_eq!((record(&harness), harness.cloud_factory.call_count()), (before, calls));
}

#[test]
fn a_hand_written_repair_that_was_never_recorded_does_nothing() {
    let harness = environment();
    let (before, calls) = (record(&harness), harness.cloud_factory.call_count());
    let latest = before.clone().and_then(|it| it.latest_request).expect("a request");
    let forged = request_pass::repair_event("scalable-ec2-us-west-2-dev", &latest, 7);
    assert_eq!(harness.deliver(&[message("1", &forged)]), [""; 0], "the message is removed");
    assert_eq!((record(&harness), harness.cloud_factory.call_count()), (before, calls));
}

#[test]
fn a_hand_written_request_of_an_owner_without_a_record_creates_nothing() {
    let harness = harness();
    assert_eq!(harness.deliver(&[message("1", &sent(quick_create(), 0))]), [""; 0]);
    harness.failed_reason();
    assert_eq!((record(&harness), harness.cloud_factory.call_count()), (None, 0));
}

#[test]
fn a_message_of_another_group_than_its_owners_is_dropped_without_a_response() {
    let harness = settled(&scale_up_rules());
    let recorded = sent(with(sample("delete.json"), json!({})), 400);
    harness.record_request(&recorded);
    let (before, calls) = (record(&harness), harness.cloud_factory.call_count());
    for event in [recorded, remediation(&harness, SCALE_UP, 310)] {
        for group in ["0123456789abcdef0123", ""] {
            let mut message = message("1", &event);
            message["attributes"]["MessageGroupId"] = json!(group);
            assert_eq!(harness.deliver(&[message]), [""; 0]);
        }
    }
    assert!(harness.response_server.take().is_empty() && harness.cloud_factory.published.borrow().is_empty());
    assert_eq!((record(&harness), harness.cloud_factory.call_count()), (before, calls));
}

#[test]
fn an_operator_may_redrive_a_request_while_it_is_its_owners_latest() {
    let harness = environment();
    let update = update(300);
    harness.record_request(&update);
    harness.advance(Duration::from_mins(10));
    while !harness.deliver(&[message("redriven", &update)]).is_empty() {
        harness.advance(Duration::from_secs(5));
    }
    assert_eq!(harness.response()["Status"], "SUCCESS");
}

/// Each claim of a remediation request in turn differs from the record, or from the alarm that CloudWatch reports.
#[test]
fn a_remediation_request_whose_claims_do_not_hold_has_no_effect() {
    type Forge = fn(&Harness) -> Value;
    let forgeries: [(&str, Forge); 7] = [
        ("another environment", |_| json!({ "Environment": "scalable-ec2-us-west-2-prod" })),
        ("an unknown rule", |_| json!({ "Rule": "cpu-high: ScaleBy 9" })),
        ("another alarm", |_| json!({ "Alarm": "scalable-ec2-cpu-low-uswest2-dev" })),
        ("another time", |_| json!({ "SinceMs": (BEGIN_S + 305) * 1_000 })),
        ("a time ahead", |_| json!({ "SinceMs": u64::MAX })),
        ("no end", |_| json!({ "ExpiresMs": u64::MAX })),
        ("an alarm of another environment", |harness| {
            let dimensions = vec![("AutoScalingGroupName".into(), "scalable-ec2-asg-uswest2-prod".into())];
            let foreign = ObservedAlarm { dimensions, ..harness.cloud_factory.alarm.take().expect("an alarm") };
            harness.cloud_factory.alarm.replace(Some(foreign));
            json!({})
        }),
    ];
    for (name, forge) in forgeries {
        let harness = settled(&scale_up_rules());
        let true_request = remediation(&harness, SCALE_UP, 310);
        let forged = with(true_request, json!({ "Remediation": forge(&harness) }));
        assert_eq!(harness.deliver(&[message("1", &forged)]), [""; 0], "{name}");
        assert!(harness.cloud_factory.account.remediations.borrow().is_empty(), "{name}");
        // A skipped outcome is published only if the record confirms the owner, the environment, the rule and the alarm.
        let published = harness.cloud_factory.published.borrow();
        let is_confirmed = ["another time", "an alarm of another environment"].contains(&name);
        assert_eq!(published.len(), usize::from(is_confirmed), "{name}: {published:?}");
        assert!(published.iter().all(|it| it["detail"]["Outcome"] == "skipped"), "{name}: {published:?}");
    }
}

/// A healthy instance is not replaced because a message names it: CloudWatch reports the instance of the alarm.
#[test]
fn the_instance_of_a_remediation_is_the_observed_alarms() {
    let harness = settled(&json!([{ "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let healthy = harness.cloud_factory.account.observe_group("scalable-ec2-asg-uswest2-dev").expect("a group");
    let mut forged = remediation(&harness, "cpu-high: ReplaceUnhealthy", 310);
    forged["Remediation"]["Instance"] = json!(healthy.instances[0].id);
    harness.deliver(&[message("1", &forged)]);
    assert!(harness.cloud_factory.account.remediations.borrow().is_empty());
    assert_eq!(request(&quick_create()).owner(), owner());
}
