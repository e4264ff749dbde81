//! Remediations of alarm rules, from the request queue.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use environment::{CallError, ObservedAlarm, RemediationAction, RemediationRequest};
use request_pass::CloudFactory as _;
use requests::records::{DesiredRecord, LatestRequest, RuleExecution};
use requests::{Kind, Owner, Records as _, ResponseAddress};
use serde_json::{Value, json};
use test_support::{BEGIN_S, BlockOn as _, message, sent, with};

use crate::harness::{Harness, harness, quick_create};

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// The body of a remediation request for a rule, about an alarm that entered ALARM `since_s` seconds after the tests
/// began.
pub fn remediation(harness: &Harness, rule: &str, since_s: u64) -> Value {
    let changed_ms = (BEGIN_S + since_s) * 1_000;
    // The alarm in ALARM changed at that time.
    if let Some(alarm) = harness.cloud_factory.alarm.borrow_mut().as_mut().filter(|it| it.state == "ALARM") {
        alarm.since_ms = changed_ms;
    }
    let remediation = RemediationRequest {
        owner: owner().to_string(),
        environment: "scalable-ec2-us-west-2-dev".into(),
        alarm: "scalable-ec2-cpu-high-uswest2-dev".into(),
        since_ms: changed_ms,
        rule: rule.into(),
        instance: None,
        expires_ms: harness.cloud_factory.now().0 + 300_000,
        dry_run: false,
    };
    remediation.body()
}

pub fn owner() -> Owner {
    let create = quick_create();
    Owner::of(create["StackId"].as_str().expect("a text"), create["LogicalResourceId"].as_str().expect("a text"))
}

/// An environment of 1 to 10 instances that has settled with these rules.
pub fn settled(rules: &Value) -> Harness {
    let harness = harness();
    let properties = json!({ "ResourceProperties": { "AlarmActions": rules, "MinSize": "1", "MaxSize": "10" } });
    harness.invoke_until_done(&sent(with(quick_create(), properties), 0));
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_mins(5));
    harness.cloud_factory.published.borrow_mut().clear();
    harness
}

fn desired_capacity(harness: &Harness) -> u32 {
    harness.cloud_factory.observe_group(GROUP).block_on().expect("a group").desired_capacity
}

/// The outcome and the reason of the last event that was published to the ledger.
fn last_outcome(harness: &Harness) -> (String, String) {
    let published = harness.cloud_factory.published.borrow();
    let detail = &published.last().expect("a published event")["detail"];
    let text = |name: &str| detail[name].as_str().expect("a text").to_owned();
    (text("Outcome"), text("Reason"))
}

pub const SCALE_UP: &str = "cpu-high: ScaleBy 2";

pub fn scale_up_rules() -> Value {
    json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "2", "CooldownSeconds": "60" }])
}

#[test]
fn a_remediation_is_performed_once_however_often_its_message_is_delivered() {
    let harness = settled(&scale_up_rules());
    let remediation = remediation(&harness, SCALE_UP, 310);
    for _ in 0..100 {
        assert_eq!(harness.invoke(&[message("1", &remediation)]), [""; 0], "the message is not requeued");
    }
    assert_eq!(desired_capacity(&harness), 3);
    assert_eq!(harness.cloud_factory.account.remediations.borrow().len(), 1);
    let ledger = harness.cloud_factory.published.borrow();
    let done: Vec<&Value> = ledger.iter().filter(|it| it["detail"]["Outcome"] == "done").collect();
    assert_eq!(done.len(), 1);
    assert_eq!((&done[0]["detail"]["DesiredBefore"], &done[0]["detail"]["DesiredAfter"]), (&json!(1), &json!(3)));
    assert_eq!(ledger.len(), 100, "and each skipped delivery is published with its reason");
}

#[test]
fn a_flapping_alarm_acts_once_in_each_cooldown() {
    let harness = settled(&scale_up_rules());
    for minute in 0..6 {
        // Twice a minute.
        for half in [0, 30] {
            harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310 + minute * 60 + half))]);
            harness.advance(Duration::from_secs(30));
        }
    }
    let outcomes: Vec<Value> =
        harness.cloud_factory.published.borrow().iter().map(|it| it["detail"]["Outcome"].clone()).collect();
    let done = outcomes.iter().filter(|it| *it == "done").count();
    assert_eq!((done, outcomes.len(), desired_capacity(&harness)), (5, 12, 10), "{outcomes:?}");
    let reason = |begins: &str| {
        let published = harness.cloud_factory.published.borrow();
        published
            .iter()
            .filter(|it| it["detail"]["Reason"].as_str().is_some_and(|reason| reason.starts_with(begins)))
            .count()
    };
    let explained = (
        reason("the rule's cooldown of 60 s has not ended: it acted at"),
        reason("the desired capacity is 10 already"),
    );
    assert_eq!(explained, (4, 3), "every skipped remediation has a reason");
}

/// Records an execution that an invocation began before it was killed.
fn record_execution(harness: &Harness, rule: &str, remediation: &RemediationAction) {
    let remediation = serde_json::to_value(remediation).expect("JSON");
    let execution = RuleExecution {
        since_ms: (BEGIN_S + 310) * 1_000,
        at_ms: harness.cloud_factory.now().0,
        remediation,
        done: false,
    };
    harness.records.begin_execution(&owner(), rule, execution, 0).block_on();
}

#[test]
fn an_action_that_was_recorded_and_not_performed_is_resumed() {
    let harness = settled(&scale_up_rules());
    let body = remediation(&harness, SCALE_UP, 310);
    record_execution(&harness, SCALE_UP, &RemediationAction::Scale { from: 1, to: 3 });
    harness.invoke(&[message("1", &body)]);
    assert_eq!((last_outcome(&harness).0.as_str(), desired_capacity(&harness)), ("done", 3));
    harness.invoke(&[message("1", &body)]);
    assert_eq!((last_outcome(&harness).0.as_str(), desired_capacity(&harness)), ("skipped", 3));
}

#[test]
fn resuming_a_performed_action_keeps_later_changes() {
    let action = RemediationAction::Scale { from: 1, to: 3 };
    let perform = |harness: &Harness, to| {
        harness
            .cloud_factory
            .account
            .remediate(GROUP, &RemediationAction::Scale { from: 1, to }, "")
            .expect("performed");
    };
    let harness = settled(&scale_up_rules());
    record_execution(&harness, SCALE_UP, &action);
    perform(&harness, 3);
    harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]);
    assert_eq!(last_outcome(&harness), ("done".into(), "the desired capacity is 3, and was 1".into()));
    assert_eq!(harness.cloud_factory.account.remediations.borrow().len(), 1, "the action was performed once");
    let rule_execution = harness.records.rule_execution(&owner(), SCALE_UP).block_on().expect("a recorded execution");
    assert!(rule_execution.done, "the execution is recorded as done");

    let raised = settled(&scale_up_rules());
    record_execution(&raised, SCALE_UP, &action);
    perform(&raised, 6);
    raised.invoke(&[message("1", &remediation(&raised, SCALE_UP, 310))]);
    let reason =
        format!("{INDETERMINATE}; the desired capacity is now 6: the remediation was to change it from 1 to 3");
    assert_eq!((last_outcome(&raised), desired_capacity(&raised)), (("unknown".into(), reason), 6));
    assert!(is_executed(&raised, SCALE_UP), "the action may have been performed");
}

const INDETERMINATE: &str = "the action was requested and its result is unknown";

/// Whether the last execution of a rule is recorded as done.
fn is_executed(harness: &Harness, rule: &str) -> bool {
    harness.records.rule_execution(&owner(), rule).block_on().expect("a recorded execution").done
}

type Change = fn(&mut Harness);

/// The changes that may happen between a killed invocation and the next one, each with the resulting reason to skip.
fn changes() -> [(&'static str, Change); 3] {
    let expires: Change = |it| it.advance(Duration::from_secs(301));
    let is_paused: Change = |it| it.settings.automation_paused = true;
    let has_no_rules: Change = |it| record(it, &json!([]));
    [
        ("it was queued for more than 300 s", expires),
        ("automation is paused by the deployment's parameter PauseAutomation", is_paused),
        ("its environment no longer has this rule", has_no_rules),
    ]
}

/// Records rules that differ from those that the environment settled with.
fn record(harness: &Harness, rules: &Value) {
    let recorded = harness.records.owner(&owner()).block_on().expect("a record");
    let mut spec = recorded.settled_spec.expect("a settled spec");
    spec["AlarmActions"] = rules.clone();
    let environment = recorded.environment.expect("an environment");
    let desired = DesiredRecord {
        environment,
        spec,
        frozen: recorded.frozen.unwrap_or_default(),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    harness.records.save_desired(&owner(), desired).block_on();
    harness.records.mark_settled(&owner(), serde_json::json!({})).block_on();
}

#[test]
fn a_performed_action_is_done_and_starts_its_cooldown_after_any_later_change() {
    for (reason_to_skip, change) in changes() {
        let mut harness = settled(&scale_up_rules());
        let body = remediation(&harness, SCALE_UP, 310);
        record_execution(&harness, SCALE_UP, &RemediationAction::Scale { from: 1, to: 3 });
        harness
            .cloud_factory
            .account
            .remediate(GROUP, &RemediationAction::Scale { from: 1, to: 3 }, "")
            .expect("performed");
        change(&mut harness);
        harness.invoke(&[message("1", &body)]);
        assert_eq!(
            last_outcome(&harness),
            ("done".into(), "the desired capacity is 3, and was 1".into()),
            "{reason_to_skip}"
        );
        assert!(is_executed(&harness, SCALE_UP), "{reason_to_skip}");

        let mut harness = settled(&scale_up_rules());
        let body = remediation(&harness, SCALE_UP, 310);
        record_execution(&harness, SCALE_UP, &RemediationAction::Scale { from: 1, to: 3 });
        change(&mut harness);
        harness.invoke(&[message("1", &body)]);
        assert_eq!(
            (last_outcome(&harness), desired_capacity(&harness)),
            (("skipped".into(), reason_to_skip.into()), 1),
            "the action is observed not to be performed"
        );
        assert!(!is_executed(&harness, SCALE_UP), "{reason_to_skip}");
    }
}

#[test]
fn the_outcome_of_a_notification_is_unknown_after_it_is_no_longer_allowed() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule = format!("cpu-high: Notify {topic}");
    for (reason_to_skip, change) in changes() {
        let mut harness = settled(&json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }]));
        let body = remediation(&harness, &rule, 310);
        record_execution(&harness, &rule, &RemediationAction::Notify { topic: topic.into() });
        change(&mut harness);
        harness.invoke(&[message("1", &body)]);
        assert_eq!(last_outcome(&harness), ("unknown".into(), format!("{INDETERMINATE}; {reason_to_skip}")));
        assert!(is_executed(&harness, &rule) && harness.cloud_factory.account.remediations.borrow().is_empty());
    }
}

#[test]
fn a_performed_action_is_recorded_within_its_pass_and_a_topic_is_notified_once() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule = format!("cpu-high: Notify {topic}");
    for (failures, is_recorded) in [(1, true), (2, true), (3, false)] {
        let harness = settled(&json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }]));
        harness.records.throttled_finishes.store(failures, SeqCst);
        assert_eq!(
            harness.invoke(&[message("1", &remediation(&harness, &rule, 310))]),
            [""; 0],
            "the message is not requeued for that"
        );
        assert_eq!(
            (last_outcome(&harness).0.as_str(), is_executed(&harness, &rule)),
            ("done", is_recorded),
            "{failures} times"
        );
        assert_eq!(harness.cloud_factory.account.remediations.borrow().len(), 1);
    }
}

fn no_response() -> CallError {
    CallError::Indeterminate { message: "autoscaling:SetDesiredCapacity: no response".into() }
}

#[test]
fn a_lost_response_is_observed_again_or_published_as_unknown() {
    let performed = settled(&scale_up_rules());
    let body = remediation(&performed, SCALE_UP, 310);
    performed.cloud_factory.call_errors.borrow_mut().push_back(no_response());
    assert_eq!(performed.invoke(&[message("1", &body)]), ["1"]);
    performed
        .cloud_factory
        .account
        .remediate(GROUP, &RemediationAction::Scale { from: 1, to: 3 }, "")
        .expect("performed");
    performed.invoke(&[message("1", &body)]);
    assert_eq!(
        (last_outcome(&performed).0.as_str(), performed.cloud_factory.account.remediations.borrow().len()),
        ("done", 1)
    );

    let waited_for = settled(&scale_up_rules());
    queue_request(&waited_for);
    waited_for.cloud_factory.call_errors.borrow_mut().push_back(no_response());
    assert_eq!(waited_for.invoke(&[message("1", &remediation(&waited_for, SCALE_UP, 310))]), [""; 0]);
    let reason = format!("{INDETERMINATE}; autoscaling:SetDesiredCapacity: no response");
    assert_eq!(last_outcome(&waited_for), ("unknown".into(), reason));
    assert!(is_executed(&waited_for, SCALE_UP), "the action may have been performed");
}

#[test]
fn an_instance_that_is_being_replaced_is_not_replaced_again() {
    let harness = settled(&json!([{ "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let rule = "cpu-high: ReplaceUnhealthy";
    let instance = harness.cloud_factory.observe_group(GROUP).block_on().expect("a group").instances[0].id.clone();
    let action = RemediationAction::Replace { instance: instance.clone() };
    record_execution(&harness, rule, &action);
    harness.cloud_factory.account.remediate(GROUP, &action, "").expect("performed");
    harness.invoke(&[message("1", &remediation(&harness, rule, 310))]);
    assert_eq!(last_outcome(&harness), ("done".into(), format!("{instance} is replaced")));
    assert_eq!(harness.cloud_factory.account.remediations.borrow().len(), 1);
}

fn throttled() -> CallError {
    CallError::Retry {
        waiting_for: "autoscaling:SetDesiredCapacity is throttled".into(),
        after: Duration::from_secs(5),
    }
}

#[test]
fn a_transient_failure_requeues_the_remediation_and_it_is_performed_once() {
    let harness = settled(&scale_up_rules());
    let body = remediation(&harness, SCALE_UP, 310);
    harness.cloud_factory.call_errors.borrow_mut().push_back(throttled());
    assert_eq!(harness.invoke(&[message("1", &body)]), ["1"]);
    harness.records.throttled.store(1, SeqCst);
    assert_eq!(harness.invoke(&[message("1", &body)]), ["1"], "an error of the records requeues it too");
    assert!(harness.cloud_factory.published.borrow().is_empty(), "no outcome is decided yet");
    assert_eq!(harness.invoke(&[message("1", &body)]), [""; 0]);
    assert_eq!((last_outcome(&harness).0.as_str(), desired_capacity(&harness)), ("done", 3));
    assert_eq!(harness.cloud_factory.published.borrow().len(), 1);
}

#[test]
fn a_remediation_that_fails_until_it_expires_is_published_with_the_reason() {
    let harness = settled(&scale_up_rules());
    let body = remediation(&harness, SCALE_UP, 310);
    harness.cloud_factory.call_errors.borrow_mut().extend(std::iter::repeat_n(throttled(), 100));
    let start = harness.cloud_factory.now();
    while !harness.invoke(&[message("1", &body)]).is_empty() {
        let (_, after) = harness.requeued().expect("a requeued message");
        harness.advance(after);
    }
    assert_eq!(last_outcome(&harness), ("failed".into(), "autoscaling:SetDesiredCapacity is throttled".into()));
    let took = harness.cloud_factory.now() - start;
    assert!(took > Duration::from_mins(4) && took <= Duration::from_mins(5), "{took:?}");
    assert_eq!(harness.cloud_factory.published.borrow().len(), 1);
}

/// Records a request of CloudFormation that waits behind the remediation.
fn queue_request(harness: &Harness) {
    let latest_request = LatestRequest {
        request_hash: "h".into(),
        kind: Kind::Update,
        sent_ms: harness.cloud_factory.now().0,
        asked_ms: None,
        deadline_ms: harness.cloud_factory.now().0 + 3_600_000,
        physical_id: None,
        response_address: ResponseAddress::of(&json!({})),
    };
    harness.records.record_request(&owner(), latest_request).block_on();
}

#[test]
fn a_transient_failure_does_not_delay_a_queued_request() {
    let harness = settled(&scale_up_rules());
    let body = remediation(&harness, SCALE_UP, 310);
    queue_request(&harness);
    harness.cloud_factory.call_errors.borrow_mut().push_back(throttled());
    assert_eq!(harness.invoke(&[message("1", &body)]), [""; 0], "a request waits behind the remediation");
    assert_eq!(last_outcome(&harness).0, "failed");
}

#[test]
fn a_rejected_action_starts_no_cooldown() {
    let harness = settled(&scale_up_rules());
    harness.cloud_factory.call_errors.borrow_mut().push_back(CallError::Rejected { message: "access denied".into() });
    assert_eq!(
        harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]),
        [""; 0],
        "the error is permanent"
    );
    assert_eq!(last_outcome(&harness), ("failed".into(), "access denied".into()));
    harness.invoke(&[message("2", &remediation(&harness, SCALE_UP, 320))]);
    assert_eq!((last_outcome(&harness).0.as_str(), desired_capacity(&harness)), ("done", 3));
}

#[test]
fn a_skipped_remediation_has_a_reason() {
    let late = settled(&scale_up_rules());
    let body = remediation(&late, SCALE_UP, 310);
    late.advance(Duration::from_secs(301));
    late.invoke(&[message("1", &body)]);
    assert_eq!(last_outcome(&late), ("skipped".into(), "it was queued for more than 300 s".into()));

    let mut paused = settled(&scale_up_rules());
    paused.settings.automation_paused = true;
    paused.invoke(&[message("1", &remediation(&paused, SCALE_UP, 310))]);
    assert!(last_outcome(&paused).1.contains("PauseAutomation"));

    let mut rules = scale_up_rules();
    rules[0]["DryRun"] = json!("true");
    let dry = settled(&rules);
    dry.invoke(&[message("1", &remediation(&dry, SCALE_UP, 310))]);
    assert_eq!(last_outcome(&dry), ("skipped".into(), "the rule is now a dry run".into()));

    let unreadable = settled(&scale_up_rules());
    record(&unreadable, &json!([{ "Alarm": "cpu-high", "Action": "Reboot" }]));
    unreadable.invoke(&[message("1", &remediation(&unreadable, SCALE_UP, 310))]);
    let reason = "its environment's record can't be read: AlarmActions[0].Action is a string of 6 characters: one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify";
    assert_eq!(last_outcome(&unreadable), ("failed".into(), reason.into()), "which differs from a removed rule");

    for harness in [late, paused, dry, unreadable] {
        assert!(harness.cloud_factory.account.remediations.borrow().is_empty());
    }
}

/// The body of a dry-run remediation, about an alarm that entered ALARM `since_s` seconds after the tests began.
fn dry_run(harness: &Harness, rule: &str, since_s: u64) -> Value {
    with(remediation(harness, rule, since_s), json!({ "Remediation": { "DryRun": true } }))
}

#[test]
fn a_dry_run_publishes_its_action_and_does_not_perform_it() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule =
        |action: &str, more: Value| with(json!({ "Alarm": "cpu-high", "Action": action, "DryRun": "true" }), more);
    let harness = settled(&json!([
        rule("ScaleBy", json!({ "Amount": "2" })),
        rule("ScaleBy", json!({ "Amount": "50" })),
        rule("ScaleTo", json!({ "Capacity": "1" })),
        rule("ReplaceUnhealthy", json!({})),
        rule("Notify", json!({ "TopicArn": topic })),
    ]));
    let instance = harness.cloud_factory.observe_group(GROUP).block_on().expect("a group").instances[0].id.clone();
    harness.cloud_factory.impaired.borrow_mut().insert(instance.clone());
    for (rule, outcome, reason) in [
        ("ScaleBy 2", "dry-run", "the desired capacity would be 3, and is 1"),
        ("ScaleBy 50", "dry-run", "the desired capacity would be 10, and is 1"),
        ("ScaleTo 1", "skipped", "the desired capacity is 1 already, within 1 to 10"),
        ("ReplaceUnhealthy", "dry-run", &format!("{instance} would be replaced")),
        (&format!("Notify {topic}"), "dry-run", &format!("{topic} would be notified")),
    ] {
        assert_eq!(harness.invoke(&[message("1", &dry_run(&harness, &format!("cpu-high: {rule}"), 310))]), [""; 0]);
        assert_eq!(last_outcome(&harness), (outcome.into(), reason.into()), "{rule}");
    }
    assert!(harness.cloud_factory.account.remediations.borrow().is_empty());
}

#[test]
fn a_dry_run_has_its_own_cooldown_which_the_rule_does_not_share_once_it_acts() {
    let mut rules = scale_up_rules();
    rules[0]["DryRun"] = json!("true");
    let harness = settled(&rules);
    for (since_s, outcome) in [(310, "dry-run"), (310, "skipped"), (340, "skipped"), (380, "dry-run")] {
        harness.invoke(&[message("1", &dry_run(&harness, SCALE_UP, since_s))]);
        assert_eq!(last_outcome(&harness).0, outcome, "{since_s}: {}", last_outcome(&harness).1);
        harness.advance(Duration::from_secs(25));
    }
    let ledger = harness.cloud_factory.published.borrow().clone();
    let reason = |at: usize| ledger[at]["detail"]["Reason"].as_str().expect("a text").to_owned();
    assert!(
        reason(1)
            .starts_with("the rule was evaluated as a dry run for this state of the alarm, or a later one, at 2026-")
    );
    assert!(reason(2).starts_with("the rule's cooldown of 60 s has not ended: it was evaluated as a dry run at 2026-"));

    record(&harness, &scale_up_rules());
    harness.invoke(&[message("1", &dry_run(&harness, SCALE_UP, 400))]);
    assert_eq!(last_outcome(&harness), ("skipped".into(), "the rule is no longer a dry run".into()));
    harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 380))]);
    assert_eq!(
        (last_outcome(&harness).0.as_str(), desired_capacity(&harness)),
        ("done", 3),
        "the alarm that was only handled as a dry run is acted on"
    );
}

#[test]
fn a_remediation_is_skipped_if_its_alarm_left_alarm_meanwhile() {
    let harness = settled(&scale_up_rules());
    let change = |change: &dyn Fn(&mut ObservedAlarm)| {
        change(harness.cloud_factory.alarm.borrow_mut().as_mut().expect("an alarm"));
    };
    change(&|it| (it.state, it.since_ms) = ("OK".into(), (BEGIN_S + 305) * 1_000));
    assert_eq!(
        harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]),
        ["1"],
        "the observation is older than the remediation: the message is requeued"
    );
    change(&|it| it.since_ms = (BEGIN_S + 320) * 1_000);
    assert_eq!(harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]), [""; 0]);
    assert_eq!(last_outcome(&harness), ("skipped".into(), "the alarm is now OK".into()));
    change(&|it| (it.state, it.actions_enabled) = ("ALARM".into(), false));
    harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]);
    assert_eq!(last_outcome(&harness), ("skipped".into(), "the alarm's actions are disabled".into()));
    *harness.cloud_factory.alarm.borrow_mut() = None;
    harness.invoke(&[message("1", &remediation(&harness, SCALE_UP, 310))]);
    assert_eq!(last_outcome(&harness), ("skipped".into(), "the alarm no longer exists".into()));
    assert!(harness.cloud_factory.account.remediations.borrow().is_empty());
    assert_eq!(harness.records.rule_execution(&owner(), SCALE_UP).block_on(), None, "and no cooldown starts");
}

#[test]
fn an_instance_whose_status_checks_fail_is_replaced() {
    let harness = settled(&json!([{ "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let instance = harness.cloud_factory.observe_group(GROUP).block_on().expect("a group").instances[0].id.clone();
    harness.cloud_factory.impaired.borrow_mut().insert(instance.clone());
    harness.invoke(&[message("1", &remediation(&harness, "cpu-high: ReplaceUnhealthy", 310))]);
    assert_eq!(last_outcome(&harness), ("done".into(), format!("{instance} is replaced")));
}

#[test]
fn topics_are_notified_and_instances_replaced() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let harness = settled(&json!([
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic },
        { "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" },
    ]));
    harness.invoke(&[message("1", &remediation(&harness, &format!("cpu-high: Notify {topic}"), 310))]);
    let performed = harness.cloud_factory.account.remediations.borrow()[0].clone();
    assert_eq!(performed.0, RemediationAction::Notify { topic: topic.into() });
    assert!(
        performed.1.contains("scalable-ec2-cpu-high-uswest2-dev") && performed.1.contains("2026-01-02T03:09:15Z"),
        "{performed:?}"
    );

    harness.invoke(&[message("1", &remediation(&harness, "cpu-high: ReplaceUnhealthy", 310))]);
    assert_eq!(last_outcome(&harness), ("skipped".into(), "no instance in service is unhealthy".into()));
    let before = harness.cloud_factory.observe_group(GROUP).block_on().expect("a group");
    let instance = before.instances[0].id.clone();
    let mut for_instance = remediation(&harness, "cpu-high: ReplaceUnhealthy", 311);
    for_instance["Remediation"]["Instance"] = json!(instance);
    if let Some(alarm) = harness.cloud_factory.alarm.borrow_mut().as_mut() {
        alarm.dimensions.push(("InstanceId".into(), instance.clone()));
    }
    harness.invoke(&[message("1", &for_instance)]);
    assert_eq!(last_outcome(&harness), ("done".into(), format!("{instance} is replaced")));
    let after = harness.cloud_factory.observe_group(GROUP).block_on().expect("a group");
    assert!(!after.instances.iter().any(|it| it.id == instance && it.in_service), "{after:?}");
}

#[test]
fn an_invalid_remediation_request_is_dropped() {
    let harness = settled(&scale_up_rules());
    assert_eq!(harness.invoke(&[message("1", &json!({ "Remediation": { "Owner": 3 } }))]), [""; 0]);
    assert!(harness.cloud_factory.published.borrow().is_empty());
}
