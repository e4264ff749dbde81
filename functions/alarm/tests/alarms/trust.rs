//! What is believed of what others may have written.

use environment::ObservedAlarm;
use serde_json::{Value, json};
use test_support::{Now as _, sample};

use crate::{SINCE, describe, function, only, remediations, rule};

/// Who may publish to a topic that the function listens to may write there what he likes.
#[test]
fn what_a_message_says_of_an_alarms_instance_and_environment_is_not_believed() {
    let about = |alarm: &str| json!([{ "Alarm": alarm, "Action": "ReplaceUnhealthy" }]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let of = |group: &str| {
        let dimensions = vec![pair("AutoScalingGroupName", group), pair("InstanceId", "i-the-sick-one")];
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
    assert_eq!(remediations(&function)[0].1.instance.as_deref(), Some("i-the-sick-one"));

    let other = crate::function(about("memory-full"));
    *other.cloud.alarm.borrow_mut() = Some(of("scalable-ec2-asg-uswest2-prod"));
    let reason = "the alarm itself is not of this environment, whatever told of it";
    assert_eq!(only(&other, "direct-of-an-instance"), ("skipped".into(), reason.into()));
    assert!(remediations(&other).is_empty());
}

/// The same topic is how it hears of alarms of one's own, of which nobody else tells the ledger.
#[test]
fn the_ledger_is_told_of_no_alarm_that_there_is_not_or_that_is_of_another_environment() {
    let rules = [json!([]), json!([rule()])];
    for rules in rules {
        let none = function(rules.clone());
        *none.cloud.alarm.borrow_mut() = None;
        assert_eq!(only(&none, "direct-of-an-instance").0, "skipped");
        assert_eq!(*none.cloud.published.borrow(), [Value::Null; 0], "there is no such alarm");

        let other = function(rules);
        if let Some(alarm) = other.cloud.alarm.borrow_mut().as_mut() {
            alarm.dimensions = vec![("AutoScalingGroupName".into(), "scalable-ec2-asg-uswest2-prod".into())];
        }
        assert_eq!(only(&other, "direct-of-an-instance").0, "skipped");
        assert_eq!(*other.cloud.published.borrow(), [Value::Null; 0], "it is of another environment");
    }
}

/// A bus may be given the events of other accounts, which have groups of the same names.
#[test]
fn an_alarm_of_another_account_is_ignored() {
    for shape in ["direct", "topic", "event-bridge", "direct-of-an-instance"] {
        let function = function(json!([rule()]));
        let event = sample("alarm", &format!("{shape}.json"));
        describe(&function, &event);
        let theirs = event.to_string().replace("123456789012", "999999999999");
        let response = function.handle(serde_json::from_str(&theirs).expect("JSON")).await_now();
        assert_eq!(response, json!({ "Ignored": "it is of the account 999999999999" }), "{shape}");
        assert!(remediations(&function).is_empty() && function.cloud.published.borrow().is_empty());
    }
}
