//! Trust in content that others may have written.

use environment::ObservedAlarm;
use serde_json::{Value, json};
use test_support::{BlockOn as _, sample};

use crate::{SINCE, describe, function, only, remediations, rule};

/// A principal that may publish to a topic of the function can write any content there.
#[test]
fn the_alarm_of_a_message_is_not_trusted_for_its_instance_and_environment() {
    let about = |alarm: &str| json!([{ "Alarm": alarm, "Action": "ReplaceUnhealthy" }]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let of = |group: &str| {
        let dimensions = vec![pair("AutoScalingGroupName", group), pair("InstanceId", "i-unhealthy")];
        ObservedAlarm {
            state: "ALARM".into(),
            since_ms: SINCE,
            updated_ms: SINCE,
            actions_enabled: true,
            dimensions,
            ..ObservedAlarm::default()
        }
    };
    let function = function(about("memory-full"));
    *function.cloud.alarm.borrow_mut() = Some(of("scalable-ec2-asg-uswest2-dev"));
    assert_eq!(only(&function, "direct-of-an-instance").0, "requested");
    assert_eq!(remediations(&function)[0].1.instance.as_deref(), Some("i-unhealthy"));

    let other = crate::function(about("memory-full"));
    *other.cloud.alarm.borrow_mut() = Some(of("scalable-ec2-asg-uswest2-prod"));
    let reason = "the observed alarm does not belong to the environment in the message";
    assert_eq!(only(&other, "direct-of-an-instance"), ("skipped".into(), reason.into()));
    assert!(remediations(&other).is_empty());
}

/// The function also learns of user alarms from that topic, and no other part of Envkeeper publishes these to the
/// ledger.
#[test]
fn an_alarm_that_is_missing_or_of_another_environment_is_not_published() {
    let rules = [json!([]), json!([rule()])];
    for rules in rules {
        let none = function(rules.clone());
        *none.cloud.alarm.borrow_mut() = None;
        assert_eq!(only(&none, "direct-of-an-instance").0, "skipped");
        assert_eq!(*none.cloud.published.borrow(), [Value::Null; 0], "the alarm does not exist");

        let other = function(rules);
        if let Some(alarm) = other.cloud.alarm.borrow_mut().as_mut() {
            alarm.dimensions = vec![("AutoScalingGroupName".into(), "scalable-ec2-asg-uswest2-prod".into())];
        }
        assert_eq!(only(&other, "direct-of-an-instance").0, "skipped");
        assert_eq!(*other.cloud.published.borrow(), [Value::Null; 0], "the alarm belongs to another environment");
    }
}

/// An event bus may receive the events of other accounts, which have groups of the same names.
#[test]
fn an_alarm_of_another_account_is_ignored() {
    for shape in ["direct", "topic", "event-bridge", "direct-of-an-instance"] {
        let function = function(json!([rule()]));
        let event = sample("alarm", &format!("{shape}.json"));
        describe(&function, &event);
        let foreign = event.to_string().replace("123456789012", "999999999999");
        let response = function.handle(serde_json::from_str(&foreign).expect("JSON")).block_on();
        assert_eq!(response, json!({ "Ignored": "the event is from the account 999999999999" }), "{shape}");
        assert!(remediations(&function).is_empty() && function.cloud.published.borrow().is_empty());
    }
}
