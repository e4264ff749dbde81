//! Events for EventBridge and notifications for a hook's target.

use std::time::Duration;

use auto_scaling::{Detail, Event, PutHook, Transition};
use serde_json::{Value, json};

use crate::{
    hooked::{ABANDON, CONTINUE, hook, hooked, launching},
    host::{Host, LAUNCH, TERMINATE, group},
};

impl Host {
    fn event_types(&self) -> Vec<&'static str> {
        self.events.iter().map(Event::detail_type).collect()
    }

    fn last_event(&self) -> Value {
        serde_json::from_str(&self.events.last().unwrap().to_json()).unwrap()
    }
}

#[test]
fn the_event_of_a_wait_has_all_fields_of_the_real_one() {
    let mut host = Host::new();
    let gate = PutHook { metadata: Some(r#"{"a":"b"}"#.into()), ..hook("gate", Transition::Launching, ABANDON) };
    host.sim.create_group(hooked(1, vec![gate]), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    let event = host.last_event();
    let token = host.token("i-1", "gate");
    assert_eq!(
        event,
        json!({
            "version": "0",
            "id": event["id"],
            "detail-type": "EC2 Instance-launch Lifecycle Action",
            "source": "aws.autoscaling",
            "account": "123456789012",
            "time": "2026-11-23T08:00:40Z",
            "region": "us-west-2",
            "resources": [host.web().arn],
            "detail": {
                "LifecycleActionToken": token,
                "AutoScalingGroupName": "web",
                "LifecycleHookName": "gate",
                "EC2InstanceId": "i-1",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "NotificationMetadata": r#"{"a":"b"}"#,
                "Origin": "EC2",
                "Destination": "AutoScalingGroup",
                "Action": "Launch",
            },
        })
    );
    assert_eq!(event["id"].as_str().unwrap().len(), 36);
}

#[test]
fn launch_and_termination_publish_an_event_for_each_wait_and_result() {
    let mut host = Host::new();
    let hooks = vec![hook("gate", Transition::Launching, ABANDON), hook("drain", Transition::Terminating, CONTINUE)];
    host.sim.create_group(hooked(1, hooks), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    host.complete("i-1", "gate", CONTINUE).unwrap();
    assert_eq!(host.event_types(), ["EC2 Instance-launch Lifecycle Action", "EC2 Instance Launch Successful"]);
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    let wait = host.last_event();
    assert_eq!(wait["detail"]["LifecycleTransition"], "autoscaling:EC2_INSTANCE_TERMINATING");
    assert_eq!(
        (&wait["detail"]["Origin"], &wait["detail"]["Destination"]),
        (&json!("AutoScalingGroup"), &json!("EC2"))
    );
    assert_eq!(wait["detail"].get("NotificationMetadata"), None, "absent if the hook has no metadata");
    host.complete("i-1", "drain", CONTINUE).unwrap();
    host.advance(TERMINATE);
    assert_eq!(
        host.event_types()[2..],
        ["EC2 Instance-terminate Lifecycle Action", "EC2 Instance Terminate Successful"]
    );
    let mut ids: Vec<&str> = host.events.iter().map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn the_event_of_a_launch_contains_its_activity() {
    let host = Host::with(0, 1, 1);
    let event = host.last_event();
    let activity = host.sim.activities("web", false).unwrap()[0];
    let arn = "arn:aws:ec2:us-west-2:123456789012:instance/i-1";
    assert_eq!(event["resources"], json!([host.web().arn, arn]));
    assert_eq!(
        event["detail"],
        json!({
            "StatusCode": "InProgress",
            "Description": "Launching a new EC2 instance: i-1",
            "AutoScalingGroupName": "web",
            "ActivityId": activity.id,
            "Details": {
                "Availability Zone ID": "usw2-az1", "Subnet ID": "subnet-a", "Availability Zone": "us-west-2a",
            },
            "RequestId": activity.id,
            "StatusMessage": "",
            "EndTime": "2026-11-23T08:00:40.000Z",
            "EC2InstanceId": "i-1",
            "StartTime": "2026-11-23T08:00:00.000Z",
            "Cause": activity.cause,
            "Origin": "EC2",
            "Destination": "AutoScalingGroup",
            "Action": "Launch",
        })
    );
}

/// The order in the text, too, is recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
#[test]
fn the_fields_of_events_have_the_recorded_order() {
    let mut host = launching(1, &["gate"]);
    let keys = |host: &Host| {
        let text = host.events.last().unwrap().detail.to_json();
        let order = |key: &str| text.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {text}"));
        let mut keys = vec![
            "LifecycleActionToken",
            "AutoScalingGroupName",
            "LifecycleHookName",
            "EC2InstanceId",
            "LifecycleTransition",
            "Origin",
            "Destination",
            "Action",
            "Description",
            "EndTime",
            "RequestId",
            "ActivityId",
            "StartTime",
            "StatusCode",
            "StatusMessage",
            "Details",
            "Availability Zone ID",
            "Subnet ID",
            "Availability Zone",
            "Cause",
        ];
        keys.retain(|key| text.contains(&format!("\"{key}\":")));
        keys.sort_by_key(|key| order(key));
        keys.join(", ")
    };
    let action = "LifecycleActionToken, AutoScalingGroupName, LifecycleHookName, EC2InstanceId, LifecycleTransition, \
                  Origin, Destination, Action";
    assert_eq!(keys(&host), action);
    host.complete("i-1", "gate", CONTINUE).unwrap();
    let ended = "Origin, Destination, Action, Description, EndTime, RequestId, ActivityId, StartTime, EC2InstanceId, \
                 StatusCode, StatusMessage, Details, Availability Zone ID, Subnet ID, Availability Zone, Cause, \
                 AutoScalingGroupName";
    assert_eq!(keys(&host), ended);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native): a launch says InProgress, hooked or not.
#[test]
fn the_event_of_a_hooked_termination_keeps_the_status_of_its_wait() {
    let mut host = Host::new();
    let hooks = vec![hook("gate", Transition::Launching, CONTINUE), hook("drain", Transition::Terminating, CONTINUE)];
    host.sim.create_group(hooked(1, hooks), host.now).unwrap();
    host.settle();
    assert_eq!(host.last_event()["detail"]["StatusCode"], "InProgress");
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    let terminated = host.last_event();
    assert_eq!(terminated["detail-type"], "EC2 Instance Terminate Successful");
    assert_eq!(terminated["detail"]["StatusCode"], "MidTerminatingLifecycleAction");
    assert_eq!(terminated["detail"]["Action"], "Terminate");
}

#[test]
fn a_failed_or_abandoned_launch_publishes_an_unsuccessful_event() {
    let mut host = Host::new();
    host.launch_error = Some("no capacity");
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(Duration::ZERO);
    let failed = host.last_event();
    assert_eq!(failed["detail-type"], "EC2 Instance Launch Unsuccessful");
    assert_eq!((&failed["detail"]["StatusCode"], &failed["detail"]["EC2InstanceId"]), (&json!("Failed"), &json!("")));
    assert_eq!(failed["detail"]["StatusMessage"], "no capacity. Launching EC2 instance failed.");

    let mut host = launching(1, &["gate"]);
    host.complete("i-1", "gate", ABANDON).unwrap();
    let abandoned = host.last_event();
    assert_eq!(abandoned["detail-type"], "EC2 Instance Launch Unsuccessful");
    assert_eq!(
        (&abandoned["detail"]["StatusCode"], &abandoned["detail"]["EC2InstanceId"]),
        (&json!("Cancelled"), &json!("i-1"))
    );
    assert!(abandoned["detail"]["StatusMessage"].as_str().unwrap().contains("was abandoned"));
}

#[test]
fn a_hooks_target_is_notified_in_json_if_it_is_a_queue_and_in_text_if_it_is_a_topic() {
    let to = |name: &str, arn: &str| PutHook {
        target_arn: Some(arn.into()),
        metadata: Some("m".into()),
        ..hook(name, Transition::Launching, ABANDON)
    };
    let mut host = Host::new();
    let queue = to("a", "arn:aws:sqs:us-west-2:123456789012:q");
    host.sim.create_group(hooked(1, vec![queue]), host.now).unwrap();
    host.sim.put_hook("web", to("b", "arn:aws:sns:us-west-2:123456789012:t"), host.now).unwrap();
    host.advance(Duration::ZERO);
    let tests: Vec<Value> = host
        .notifications
        .iter()
        .map(|it| it.fields.iter().map(|(name, value)| (*name, value.clone())).collect())
        .collect();
    assert_eq!(tests[0]["Event"], "autoscaling:TEST_NOTIFICATION");
    assert_eq!((tests.len(), &tests[1]["AutoScalingGroupARN"]), (2, &json!(host.web().arn)));

    host.advance(LAUNCH);
    let wait_events = host.events.iter().filter(|it| matches!(it.detail, Detail::LifecycleAction { .. })).count();
    assert_eq!((wait_events, host.notifications.len()), (2, 4), "EventBridge receives the events in any case");
    let message: Value = serde_json::from_str(&host.notifications[2].body()).unwrap();
    assert_eq!(
        message,
        json!({
            "Origin": "EC2",
            "LifecycleHookName": "a",
            "Destination": "AutoScalingGroup",
            "AccountId": "123456789012",
            "RequestId": message["RequestId"],
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "AutoScalingGroupName": "web",
            "Service": "AWS Auto Scaling",
            "Time": "2026-11-23T08:00:40.000Z",
            "EC2InstanceId": "i-1",
            "NotificationMetadata": "m",
            "LifecycleActionToken": host.token("i-1", "a"),
        })
    );
    let text = host.notifications[3].body();
    assert!(text.starts_with("Origin: EC2\nLifecycleHookName: b\n"), "{text}");
}
