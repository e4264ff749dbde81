//! What alarms' rules come to, from the line.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use environment::{CallError, ObservedAlarm, RemediationAction, RemediationRequest};
use reconciler::CloudFactory as _;
use requests::records::{DesiredRecord, LatestRequest, RuleExecution};
use requests::{Kind, Owner, Records as _, ResponseAddress};
use serde_json::{Value, json};
use test_support::{BEGIN_S, Now as _, message, sent, with};

use crate::bench::{Bench, bench, quick_create};

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// A wish for a rule, about an alarm that went off so many seconds after the tests began.
fn remediation(bench: &Bench, rule: &str, since_s: u64) -> Value {
    let remediation = RemediationRequest {
        owner: owner().to_string(),
        environment: "scalable-ec2-us-west-2-dev".into(),
        alarm: "scalable-ec2-cpu-high-uswest2-dev".into(),
        since_ms: (BEGIN_S + since_s) * 1_000,
        rule: rule.into(),
        instance: None,
        expires_ms: bench.cloud_factory.now().0 + 300_000,
        dry_run: false,
    };
    remediation.body()
}

fn owner() -> Owner {
    let create = quick_create();
    Owner::of(create["StackId"].as_str().expect("a text"), create["LogicalResourceId"].as_str().expect("a text"))
}

/// An environment of 1 to 10 instances that has settled with these rules.
fn settled(rules: &Value) -> Bench {
    let bench = bench();
    let properties = json!({ "ResourceProperties": { "AlarmActions": rules, "MinSize": "1", "MaxSize": "10" } });
    bench.take_to_the_end(&sent(with(quick_create(), properties), 0));
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    bench.advance(Duration::from_mins(5));
    bench
}

fn desired_capacity(bench: &Bench) -> u32 {
    bench.cloud_factory.observe_group(GROUP).await_now().expect("a group").desired_capacity
}

/// Outcome and why of the last thing that the ledger was told.
fn told(bench: &Bench) -> (String, String) {
    let told = bench.cloud_factory.told.borrow();
    let detail = &told.last().expect("the ledger is told")["detail"];
    let text = |name: &str| detail[name].as_str().expect("a text").to_owned();
    (text("Outcome"), text("Reason"))
}

const UP: &str = "cpu-high: ScaleBy 2";

fn up() -> Value {
    json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "2", "CooldownSeconds": "60" }])
}

#[test]
fn a_wish_is_carried_out_once_however_often_it_comes() {
    let bench = settled(&up());
    let remediation = remediation(&bench, UP, 310);
    for _ in 0..100 {
        assert_eq!(bench.take(&[message("1", &remediation)]), [""; 0], "it never comes back");
    }
    assert_eq!(desired_capacity(&bench), 3);
    assert_eq!(bench.cloud_factory.account.remediations.borrow().len(), 1);
    let ledger = bench.cloud_factory.told.borrow();
    let done: Vec<&Value> = ledger.iter().filter(|it| it["detail"]["Outcome"] == "done").collect();
    assert_eq!(done.len(), 1);
    assert_eq!((&done[0]["detail"]["DesiredBefore"], &done[0]["detail"]["DesiredAfter"]), (&json!(1), &json!(3)));
    assert_eq!(ledger.len(), 100, "and why nothing was done the other times");
}

#[test]
fn a_flapping_alarm_acts_once_in_each_cooldown() {
    let bench = settled(&up());
    for minute in 0..6 {
        // Twice a minute.
        for half in [0, 30] {
            bench.take(&[message("1", &remediation(&bench, UP, 310 + minute * 60 + half))]);
            bench.advance(Duration::from_secs(30));
        }
    }
    let outcomes: Vec<Value> =
        bench.cloud_factory.told.borrow().iter().map(|it| it["detail"]["Outcome"].clone()).collect();
    let done = outcomes.iter().filter(|it| *it == "done").count();
    assert_eq!((done, outcomes.len(), desired_capacity(&bench)), (5, 12, 10), "{outcomes:?}");
    let reason = |begins: &str| {
        let told = bench.cloud_factory.told.borrow();
        told.iter()
            .filter(|it| it["detail"]["Reason"].as_str().is_some_and(|reason| reason.starts_with(begins)))
            .count()
    };
    let explained = (reason("it rests for 60 s after it acted"), reason("the desired capacity is 10 already"));
    assert_eq!(explained, (4, 3), "the rest is explained");
}

/// An invocation wrote down that it acts for a wish, and ended.
fn begin(bench: &Bench, rule: &str, remediation: &RemediationAction) {
    let remediation = serde_json::to_value(remediation).expect("JSON");
    let begun = RuleExecution {
        since_ms: (BEGIN_S + 310) * 1_000,
        at_ms: bench.cloud_factory.now().0,
        remediation,
        done: false,
    };
    bench.records.begin_execution(&owner(), rule, begun, 0).await_now();
}

#[test]
fn an_invocation_that_ends_between_writing_it_down_and_doing_it_is_made_good() {
    let bench = settled(&up());
    let body = remediation(&bench, UP, 310);
    begin(&bench, UP, &RemediationAction::Scale { from: 1, to: 3 });
    bench.take(&[message("1", &body)]);
    assert_eq!((told(&bench).0.as_str(), desired_capacity(&bench)), ("done", 3));
    bench.take(&[message("1", &body)]);
    assert_eq!((told(&bench).0.as_str(), desired_capacity(&bench)), ("skipped", 3));
}

#[test]
fn an_invocation_that_ends_after_doing_it_undoes_nothing_of_what_others_did_since() {
    let action = RemediationAction::Scale { from: 1, to: 3 };
    let made = |bench: &Bench, to| {
        bench.cloud_factory.account.remediate(GROUP, &RemediationAction::Scale { from: 1, to }, "").expect("made")
    };
    let bench = settled(&up());
    begin(&bench, UP, &action);
    made(&bench, 3);
    bench.take(&[message("1", &remediation(&bench, UP, 310))]);
    assert_eq!(told(&bench), ("done".into(), "the desired capacity is 3, and was 1".into()));
    assert_eq!(bench.cloud_factory.account.remediations.borrow().len(), 1, "it was made once");
    let rule_execution = bench.records.rule_execution(&owner(), UP).await_now().expect("it is written down");
    assert!(rule_execution.done, "it rests");

    let raised = settled(&up());
    begin(&raised, UP, &action);
    made(&raised, 6);
    raised.take(&[message("1", &remediation(&raised, UP, 310))]);
    let reason = format!("{IN_DOUBT}; the desired capacity is 6 by now: it was to be 3, and was 1");
    assert_eq!((told(&raised), desired_capacity(&raised)), (("unknown".into(), reason), 6));
    assert!(rests(&raised, UP), "it may have been made");
}

const IN_DOUBT: &str = "it was asked for, and whether it was made can't be told";

/// Whether what a rule did last is written down as done.
fn rests(bench: &Bench, rule: &str) -> bool {
    bench.records.rule_execution(&owner(), rule).await_now().expect("it is written down").done
}

type Change = fn(&mut Bench);

/// What may happen between an invocation that ended and the next, and what it comes to.
fn changes() -> [(&'static str, Change); 3] {
    let expires: Change = |it| it.advance(Duration::from_secs(301));
    let is_paused: Change = |it| it.settings.automation_paused = true;
    let has_no_rules: Change = |it| record(it, &json!([]));
    [
        ("it stood in line for longer than 300 s", expires),
        ("automation is paused by the deployment's parameter PauseAutomation", is_paused),
        ("its environment no longer has this rule", has_no_rules),
    ]
}

/// Other rules are recorded than those that the environment settled with.
fn record(bench: &Bench, rules: &Value) {
    let recorded = bench.records.owner(&owner()).await_now().expect("a record");
    let mut spec = recorded.settled_spec.expect("it has settled");
    spec["AlarmActions"] = rules.clone();
    let environment = recorded.environment.expect("it has one");
    let desired =
        DesiredRecord { environment, spec, frozen: recorded.frozen.unwrap_or_default(), retired_tags: vec![] };
    bench.records.save_desired(&owner(), desired).await_now();
    bench.records.mark_settled(&owner()).await_now();
}

#[test]
fn what_was_made_is_done_and_rests_whatever_happened_since() {
    for (why_not, change) in changes() {
        let mut bench = settled(&up());
        let body = remediation(&bench, UP, 310);
        begin(&bench, UP, &RemediationAction::Scale { from: 1, to: 3 });
        bench.cloud_factory.account.remediate(GROUP, &RemediationAction::Scale { from: 1, to: 3 }, "").expect("made");
        change(&mut bench);
        bench.take(&[message("1", &body)]);
        assert_eq!(told(&bench), ("done".into(), "the desired capacity is 3, and was 1".into()), "{why_not}");
        assert!(rests(&bench, UP), "{why_not}");

        let mut bench = settled(&up());
        let body = remediation(&bench, UP, 310);
        begin(&bench, UP, &RemediationAction::Scale { from: 1, to: 3 });
        change(&mut bench);
        bench.take(&[message("1", &body)]);
        assert_eq!(
            (told(&bench), desired_capacity(&bench)),
            (("skipped".into(), why_not.into()), 1),
            "it is seen not to be made"
        );
        assert!(!rests(&bench, UP), "{why_not}");
    }
}

#[test]
fn of_a_topic_nobody_can_tell_whether_it_was_told_once_it_may_no_longer_be() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule = format!("cpu-high: Notify {topic}");
    for (why_not, change) in changes() {
        let mut bench = settled(&json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }]));
        let body = remediation(&bench, &rule, 310);
        begin(&bench, &rule, &RemediationAction::Notify { topic: topic.into() });
        change(&mut bench);
        bench.take(&[message("1", &body)]);
        assert_eq!(told(&bench), ("unknown".into(), format!("{IN_DOUBT}; {why_not}")));
        assert!(rests(&bench, &rule) && bench.cloud_factory.account.remediations.borrow().is_empty());
    }
}

#[test]
fn that_it_is_done_is_written_down_within_the_turn_and_a_topic_is_told_once() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule = format!("cpu-high: Notify {topic}");
    for (lost, is_written) in [(1, true), (2, true), (3, false)] {
        let bench = settled(&json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }]));
        bench.records.undone.store(lost, SeqCst);
        assert_eq!(
            bench.take(&[message("1", &remediation(&bench, &rule, 310))]),
            [""; 0],
            "it does not come back for that"
        );
        assert_eq!((told(&bench).0.as_str(), rests(&bench, &rule)), ("done", is_written), "{lost} times");
        assert_eq!(bench.cloud_factory.account.remediations.borrow().len(), 1);
    }
}

fn no_answer() -> CallError {
    CallError::Indeterminate { message: "autoscaling:SetDesiredCapacity: no answer".into() }
}

#[test]
fn a_lost_answer_is_looked_at_again_and_told_as_what_it_is_if_it_may_not_be() {
    let made = settled(&up());
    let body = remediation(&made, UP, 310);
    made.cloud_factory.call_errors.borrow_mut().push_back(no_answer());
    assert_eq!(made.take(&[message("1", &body)]), ["1"]);
    made.cloud_factory.account.remediate(GROUP, &RemediationAction::Scale { from: 1, to: 3 }, "").expect("it arrived");
    made.take(&[message("1", &body)]);
    assert_eq!((told(&made).0.as_str(), made.cloud_factory.account.remediations.borrow().len()), ("done", 1));

    let waited_for = settled(&up());
    waits_behind(&waited_for);
    waited_for.cloud_factory.call_errors.borrow_mut().push_back(no_answer());
    assert_eq!(waited_for.take(&[message("1", &remediation(&waited_for, UP, 310))]), [""; 0]);
    let reason = format!("{IN_DOUBT}; autoscaling:SetDesiredCapacity: no answer");
    assert_eq!(told(&waited_for), ("unknown".into(), reason));
    assert!(rests(&waited_for, UP), "it may have been made");
}

#[test]
fn an_instance_that_is_being_replaced_is_not_replaced_again() {
    let bench = settled(&json!([{ "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let rule = "cpu-high: ReplaceUnhealthy";
    let one = bench.cloud_factory.observe_group(GROUP).await_now().expect("a group").instances[0].id.clone();
    let action = RemediationAction::Replace { instance: one.clone() };
    begin(&bench, rule, &action);
    bench.cloud_factory.account.remediate(GROUP, &action, "").expect("made");
    bench.take(&[message("1", &remediation(&bench, rule, 310))]);
    assert_eq!(told(&bench), ("done".into(), format!("{one} is replaced")));
    assert_eq!(bench.cloud_factory.account.remediations.borrow().len(), 1);
}

fn throttled() -> CallError {
    CallError::Retry {
        waiting_for: "autoscaling:SetDesiredCapacity is throttled".into(),
        after: Duration::from_secs(5),
    }
}

#[test]
fn what_fails_in_passing_comes_back_and_is_done_once() {
    let bench = settled(&up());
    let body = remediation(&bench, UP, 310);
    bench.cloud_factory.call_errors.borrow_mut().push_back(throttled());
    assert_eq!(bench.take(&[message("1", &body)]), ["1"]);
    bench.records.throttled.store(1, SeqCst);
    assert_eq!(bench.take(&[message("1", &body)]), ["1"], "so does what the records fail with");
    assert!(bench.cloud_factory.told.borrow().is_empty(), "nothing is decided yet");
    assert_eq!(bench.take(&[message("1", &body)]), [""; 0]);
    assert_eq!((told(&bench).0.as_str(), desired_capacity(&bench)), ("done", 3));
    assert_eq!(bench.cloud_factory.told.borrow().len(), 1);
}

#[test]
fn what_fails_until_it_is_too_late_is_told_with_the_reason() {
    let bench = settled(&up());
    let body = remediation(&bench, UP, 310);
    bench.cloud_factory.call_errors.borrow_mut().extend(std::iter::repeat_n(throttled(), 100));
    let begin = bench.cloud_factory.now();
    while !bench.take(&[message("1", &body)]).is_empty() {
        let (_, after) = bench.requeued().expect("it is sent back");
        bench.advance(after);
    }
    assert_eq!(told(&bench), ("failed".into(), "autoscaling:SetDesiredCapacity is throttled".into()));
    let took = bench.cloud_factory.now() - begin;
    assert!(took > Duration::from_mins(4) && took <= Duration::from_mins(5), "{took:?}");
    assert_eq!(bench.cloud_factory.told.borrow().len(), 1);
}

/// A request of CloudFormation's stands behind the wish.
fn waits_behind(bench: &Bench) {
    let latest_request = LatestRequest {
        request_hash: "h".into(),
        kind: Kind::Update,
        sent_ms: bench.cloud_factory.now().0,
        deadline_ms: bench.cloud_factory.now().0 + 3_600_000,
        physical_id: None,
        reply: ResponseAddress::of(&json!({})),
    };
    bench.records.record_request(&owner(), latest_request).await_now();
}

#[test]
fn what_fails_in_passing_holds_up_no_request() {
    let bench = settled(&up());
    let body = remediation(&bench, UP, 310);
    waits_behind(&bench);
    bench.cloud_factory.call_errors.borrow_mut().push_back(throttled());
    assert_eq!(bench.take(&[message("1", &body)]), [""; 0], "CloudFormation waits behind it");
    assert_eq!(told(&bench).0, "failed");
}

#[test]
fn what_was_refused_does_not_rest_as_if_it_had_acted() {
    let bench = settled(&up());
    bench.cloud_factory.call_errors.borrow_mut().push_back(CallError::Rejected { message: "access denied".into() });
    assert_eq!(bench.take(&[message("1", &remediation(&bench, UP, 310))]), [""; 0], "it will not pass");
    assert_eq!(told(&bench), ("failed".into(), "access denied".into()));
    bench.take(&[message("2", &remediation(&bench, UP, 320))]);
    assert_eq!((told(&bench).0.as_str(), desired_capacity(&bench)), ("done", 3));
}

#[test]
fn what_may_no_longer_be_done_is_explained() {
    let late = settled(&up());
    let body = remediation(&late, UP, 310);
    late.advance(Duration::from_secs(301));
    late.take(&[message("1", &body)]);
    assert_eq!(told(&late), ("skipped".into(), "it stood in line for longer than 300 s".into()));

    let mut paused = settled(&up());
    paused.settings.automation_paused = true;
    paused.take(&[message("1", &remediation(&paused, UP, 310))]);
    assert!(told(&paused).1.contains("PauseAutomation"));

    let other = settled(&up());
    other.take(&[message("1", &remediation(&other, "cpu-high: ScaleBy 9", 310))]);
    assert_eq!(told(&other).1, "its environment no longer has this rule");

    let mut rules = up();
    rules[0]["DryRun"] = json!("true");
    let dry = settled(&rules);
    dry.take(&[message("1", &remediation(&dry, UP, 310))]);
    assert_eq!(told(&dry), ("skipped".into(), "the rule is a dry run by now".into()));

    let unreadable = settled(&up());
    record(&unreadable, &json!([{ "Alarm": "cpu-high", "Action": "Reboot" }]));
    unreadable.take(&[message("1", &remediation(&unreadable, UP, 310))]);
    let reason = "its environment's record can't be read: AlarmActions[0].Action is \"Reboot\": one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify";
    assert_eq!(told(&unreadable), ("failed".into(), reason.into()), "which is not the same as a rule that is gone");

    let nobodys = settled(&up());
    nobodys.take(&[message("1", &with(remediation(&nobodys, UP, 310), json!({ "Remediation": { "Owner": "me" } })))]);
    assert_eq!(told(&nobodys), ("failed".into(), "its Owner is \"me\": 20 hexadecimal digits would be one".into()));

    let gone = settled(&up());
    let delete = sent(test_support::sample("custom-resource", "delete.json"), 400);
    gone.take_to_the_end(&delete);
    gone.take(&[message("1", &remediation(&gone, UP, 310))]);
    assert_eq!(told(&gone).1, "its environment is gone");

    for bench in [late, paused, other, dry, unreadable, nobodys, gone] {
        assert!(bench.cloud_factory.account.remediations.borrow().is_empty());
    }
}

/// A rule that is a dry run, and its wish about an alarm that went off so many seconds after the tests began.
fn dry(bench: &Bench, rule: &str, since_s: u64) -> Value {
    with(remediation(bench, rule, since_s), json!({ "Remediation": { "DryRun": true } }))
}

#[test]
fn a_dry_run_tells_what_would_be_done_and_does_nothing() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let rule =
        |action: &str, more: Value| with(json!({ "Alarm": "cpu-high", "Action": action, "DryRun": "true" }), more);
    let bench = settled(&json!([
        rule("ScaleBy", json!({ "Amount": "2" })),
        rule("ScaleBy", json!({ "Amount": "50" })),
        rule("ScaleTo", json!({ "Capacity": "1" })),
        rule("ReplaceUnhealthy", json!({})),
        rule("Notify", json!({ "TopicArn": topic })),
    ]));
    let one = bench.cloud_factory.observe_group(GROUP).await_now().expect("a group").instances[0].id.clone();
    bench.cloud_factory.impaired.borrow_mut().insert(one.clone());
    for (rule, outcome, reason) in [
        ("ScaleBy 2", "dry-run", "the desired capacity would be 3, and is 1"),
        ("ScaleBy 50", "dry-run", "the desired capacity would be 10, and is 1"),
        ("ScaleTo 1", "skipped", "the desired capacity is 1 already, within 1 to 10"),
        ("ReplaceUnhealthy", "dry-run", &format!("{one} would be replaced")),
        (&format!("Notify {topic}"), "dry-run", &format!("{topic} would be told")),
    ] {
        assert_eq!(bench.take(&[message("1", &dry(&bench, &format!("cpu-high: {rule}"), 310))]), [""; 0]);
        assert_eq!(told(&bench), (outcome.into(), reason.into()), "{rule}");
    }
    assert!(bench.cloud_factory.account.remediations.borrow().is_empty());
}

#[test]
fn a_dry_run_rests_as_it_would_and_the_rule_does_not_when_it_is_made_to_act() {
    let mut rules = up();
    rules[0]["DryRun"] = json!("true");
    let bench = settled(&rules);
    for (since_s, outcome) in [(310, "dry-run"), (310, "skipped"), (340, "skipped"), (380, "dry-run")] {
        bench.take(&[message("1", &dry(&bench, UP, since_s))]);
        assert_eq!(told(&bench).0, outcome, "{since_s}: {}", told(&bench).1);
        bench.advance(Duration::from_secs(25));
    }
    let ledger = bench.cloud_factory.told.borrow().clone();
    let reason = |at: usize| ledger[at]["detail"]["Reason"].as_str().expect("a text").to_owned();
    assert!(reason(1).starts_with("it was told as a dry run on this state of the alarm, or a later one, at 2026-"));
    assert!(reason(2).starts_with("it rests for 60 s after it was told as a dry run, which was at 2026-"));

    record(&bench, &up());
    bench.take(&[message("1", &dry(&bench, UP, 400))]);
    assert_eq!(told(&bench), ("skipped".into(), "the rule is no dry run any more".into()));
    bench.take(&[message("1", &remediation(&bench, UP, 380))]);
    assert_eq!(
        (told(&bench).0.as_str(), desired_capacity(&bench)),
        ("done", 3),
        "the alarm that was only told is acted on"
    );
}

#[test]
fn an_alarm_that_is_over_by_the_turn_of_its_wish_is_not_acted_on() {
    let bench = settled(&up());
    let change = |change: &dyn Fn(&mut ObservedAlarm)| {
        change(bench.cloud_factory.alarm.borrow_mut().as_mut().expect("an alarm"))
    };
    change(&|it| (it.state, it.since_ms) = ("OK".into(), (BEGIN_S + 305) * 1_000));
    assert_eq!(
        bench.take(&[message("1", &remediation(&bench, UP, 310))]),
        ["1"],
        "that is older than the wish: it looks again"
    );
    change(&|it| it.since_ms = (BEGIN_S + 320) * 1_000);
    assert_eq!(bench.take(&[message("1", &remediation(&bench, UP, 310))]), [""; 0]);
    assert_eq!(told(&bench), ("skipped".into(), "the alarm is OK by now".into()));
    change(&|it| (it.state, it.actions_enabled) = ("ALARM".into(), false));
    bench.take(&[message("1", &remediation(&bench, UP, 310))]);
    assert_eq!(told(&bench), ("skipped".into(), "the alarm's actions are disabled".into()));
    *bench.cloud_factory.alarm.borrow_mut() = None;
    bench.take(&[message("1", &remediation(&bench, UP, 310))]);
    assert_eq!(told(&bench), ("skipped".into(), "the alarm is gone".into()));
    assert!(bench.cloud_factory.account.remediations.borrow().is_empty());
    assert_eq!(bench.records.rule_execution(&owner(), UP).await_now(), None, "and nothing rests");
}

#[test]
fn an_instance_whose_status_checks_fail_is_replaced() {
    let bench = settled(&json!([{ "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let one = bench.cloud_factory.observe_group(GROUP).await_now().expect("a group").instances[0].id.clone();
    bench.cloud_factory.impaired.borrow_mut().insert(one.clone());
    bench.take(&[message("1", &remediation(&bench, "cpu-high: ReplaceUnhealthy", 310))]);
    assert_eq!(told(&bench), ("done".into(), format!("{one} is replaced")));
}

#[test]
fn topics_are_told_and_instances_replaced() {
    let topic = "arn:aws:sns:us-west-2:123456789012:alarms";
    let bench = settled(&json!([
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic },
        { "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" },
    ]));
    bench.take(&[message("1", &remediation(&bench, &format!("cpu-high: Notify {topic}"), 310))]);
    let made = bench.cloud_factory.account.remediations.borrow()[0].clone();
    assert_eq!(made.0, RemediationAction::Notify { topic: topic.into() });
    assert!(
        made.1.contains("scalable-ec2-cpu-high-uswest2-dev") && made.1.contains("2026-01-02T03:09:15Z"),
        "{made:?}"
    );

    bench.take(&[message("1", &remediation(&bench, "cpu-high: ReplaceUnhealthy", 310))]);
    assert_eq!(told(&bench), ("skipped".into(), "no instance in service is unhealthy".into()));
    let before = bench.cloud_factory.observe_group(GROUP).await_now().expect("a group");
    let one = before.instances[0].id.clone();
    let mut about_one = remediation(&bench, "cpu-high: ReplaceUnhealthy", 311);
    about_one["Remediation"]["Instance"] = json!(one);
    bench.take(&[message("1", &about_one)]);
    assert_eq!(told(&bench), ("done".into(), format!("{one} is replaced")));
    let after = bench.cloud_factory.observe_group(GROUP).await_now().expect("a group");
    assert!(!after.instances.iter().any(|it| it.id == one && it.in_service), "{after:?}");
}

#[test]
fn a_wish_that_makes_no_sense_is_put_away() {
    let bench = settled(&up());
    assert_eq!(bench.take(&[message("1", &json!({ "Remediation": { "Owner": 3 } }))]), [""; 0]);
    assert!(bench.cloud_factory.told.borrow().is_empty());
}
