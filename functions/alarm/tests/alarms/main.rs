//! Alarms in, remediation requests and reasons out.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails at unexpected data, and takes JSON by value"
)]

mod trust;

use std::cell::{Cell, RefCell};

use alarm::Alarms;
use alarm::cloud::AlarmApi;
use environment::{CallError, Deployment, ObservedAlarm, RemediationRequest};
use ledger::{Alarm, envelope};
use requests::records::{DesiredRecord, ExecutionClaim, LatestRequest, MemoryRecords, RuleExecution};
use requests::{Kind, Owner, QueueError, Records as _, ResponseAddress};
use serde_json::{Value, json};
use test_support::{BlockOn as _, FakeRequestQueue, sample, with};

/// 2026-01-02T03:04:01.120Z, the time in all samples.
const SINCE: u64 = 1_767_323_041_120;
const NOW: u64 = SINCE + 2_000;
const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

/// An account with one alarm, or none.
#[derive(Default)]
struct Account {
    now_ms: Cell<u64>,
    alarm: RefCell<Option<ObservedAlarm>>,
    published: RefCell<Vec<Value>>,
    /// The number of observations of the alarm.
    observations: Cell<usize>,
}

impl AlarmApi for Account {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn observe_alarm(&self, _name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        self.observations.set(self.observations.get() + 1);
        Ok(self.alarm.borrow().clone())
    }

    async fn publish(&self, event: &Value) -> Result<(), QueueError> {
        self.published.borrow_mut().push(event.clone());
        Ok(())
    }
}

type Function = Alarms<MemoryRecords, Account, FakeRequestQueue>;

fn owner() -> Owner {
    Owner::of("arn:aws:cloudformation:us-west-2:123456789012:stack/web/1", "Web")
}

/// A settled environment with these rules.
fn function(rules: Value) -> Function {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let alarm = ObservedAlarm {
        state: "ALARM".into(),
        since_ms: SINCE,
        updated_ms: SINCE,
        actions_enabled: true,
        ..ObservedAlarm::default()
    };
    let cloud = Account { now_ms: Cell::new(NOW), alarm: RefCell::new(Some(alarm)), ..Account::default() };
    let function = Alarms {
        deployment,
        paused: false,
        records: MemoryRecords::new(),
        cloud,
        request_queue: FakeRequestQueue::default(),
    };
    let spec = json!({ "AlarmActions": rules });
    let desired = DesiredRecord {
        environment: ENVIRONMENT.into(),
        spec,
        frozen: json!({}),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    function.records.claim(ENVIRONMENT, &owner()).block_on();
    function.records.save_desired(&owner(), desired).block_on();
    function.records.mark_settled(&owner(), serde_json::json!({})).block_on();
    function
}

fn rule() -> Value {
    json!({ "Alarm": "healthy-low", "Action": "ScaleBy", "Amount": 1, "CooldownSeconds": 600 })
}

const RULE_SUMMARY: &str = "healthy-low: ScaleBy 1";

/// The observed alarm has the event's description, unless a test sets another.
fn describe(function: &Function, event: &Value) {
    let message = envelope::topic_messages(event).map(|messages| envelope::open(messages[0]).expect("JSON"));
    let reported = Alarm::read(message.as_ref().unwrap_or(event)).expect("a readable event").expect("an alarm");
    if let Some(observed) = function.cloud.alarm.borrow_mut().as_mut()
        && observed.dimensions.is_empty()
        && observed.description.is_empty()
    {
        (observed.dimensions, observed.description) = (reported.dimensions, reported.description);
    }
}

/// The response of a function to a sample: outcome and reason of each rule.
fn outcomes(function: &Function, name: &str) -> Vec<(String, String)> {
    let event = sample("alarm", &format!("{name}.json"));
    describe(function, &event);
    let response = function.handle(event).block_on();
    let all = response["Outcomes"].as_array().expect("a list").iter();
    let text = |it: &Value, name: &str| it[name].as_str().expect("a text").to_owned();
    all.map(|it| (text(it, "Outcome"), text(it, "Reason"))).collect()
}

fn only(function: &Function, name: &str) -> (String, String) {
    let mut all = outcomes(function, name);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The queued remediation requests, with their names.
fn remediations(function: &Function) -> Vec<(String, RemediationRequest)> {
    let sent = function.request_queue.sent.lock().expect("one thread");
    let remediation = |(_, name, body): &(String, String, Value)| {
        (name.clone(), RemediationRequest::read(body).expect("a remediation request").expect("a readable request"))
    };
    sent.iter().map(remediation).collect()
}

#[test]
fn the_same_alarm_in_three_shapes_a_hundred_times_is_one_remediation_request() {
    let function = function(json!([rule()]));
    for _ in 0..34 {
        for shape in ["direct", "topic", "event-bridge"] {
            assert_eq!(only(&function, shape).0, "requested");
        }
    }
    let all = remediations(&function);
    assert_eq!(all.len(), 1, "{all:?}");
    let remediation = &all[0].1;
    // The first report was sent 180 ms after the alarm's state changed.
    assert_eq!(
        (remediation.rule.as_str(), remediation.since_ms, remediation.expires_ms),
        (RULE_SUMMARY, SINCE, SINCE + 300_000)
    );
    assert_eq!((remediation.environment.as_str(), remediation.owner.as_str()), (ENVIRONMENT, owner().as_str()));
    assert!(function.cloud.published.borrow().is_empty(), "the reconciler publishes the outcome");
}

/// The alarm does not say which of them is unhealthy: the status checks decide.
#[test]
fn an_alarm_over_two_instances_names_none() {
    let function = function(json!([{ "Alarm": "memory-full", "Action": "ReplaceUnhealthy" }]));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if let Some(alarm) = function.cloud.alarm.borrow_mut().as_mut() {
        alarm.dimensions = vec![
            pair("AutoScalingGroupName", "scalable-ec2-asg-uswest2-dev"),
            pair("InstanceId", "i-healthy"),
            pair("InstanceId", "i-unhealthy"),
        ];
    }
    assert_eq!(only(&function, "direct-of-an-instance").0, "requested");
    assert_eq!(remediations(&function)[0].1.instance, None);
}

#[test]
fn metric_math_and_composite_alarms_are_identified_by_a_metric_or_by_the_mark() {
    let about = |alarm: &str| json!([{ "Alarm": alarm, "Action": "ReplaceUnhealthy" }]);
    for (sample, alarm, instance) in [
        ("direct-metric-math", "backlog-for-each-instance", None),
        ("topic-metric-math", "backlog-for-each-instance", None),
        ("direct-composite", "checkout-is-slow", None),
        ("direct-of-an-instance", "memory-full", Some("i-0a1b2c3d4e5f60718")),
    ] {
        let function = function(about(alarm));
        assert_eq!(only(&function, sample).0, "requested", "{sample}");
        assert_eq!(remediations(&function)[0].1.instance.as_deref(), instance, "{sample}");
    }
}

/// assertible/lambda-cloudwatch-slack #3, PR 72, PR 46: no description and no unit, a region in words, no trigger, and
/// metric math without dimensions.
#[test]
fn the_messages_of_topics_may_lack_what_others_require() {
    let message = |name: &str, more: Value| {
        let message = json!({
            "AlarmName": name, "AWSAccountId": "123456789012", "NewStateValue": "ALARM", "OldStateValue": "OK",
            "NewStateReason": "r", "StateChangeTime": "2026-01-02T03:04:01.120+0000", "Region": "US West - Oregon",
        });
        let envelope = json!({ "Message": with(message, more).to_string(), "Timestamp": "2026-01-02T03:04:01.300Z" });
        json!({ "Records": [{ "Sns": envelope }] })
    };
    let mark = "several things; envkeeper:environment=scalable-ec2-us-west-2-dev";
    let dimensions = json!([{ "name": "AutoScalingGroupName", "value": "scalable-ec2-asg-uswest2-dev" }]);
    for (name, event) in [
        (
            "scalable-ec2-healthy-low-uswest2-dev",
            json!({ "AlarmDescription": null, "Trigger": { "Unit": null, "Dimensions": dimensions } }),
        ),
        ("memory-full", json!({ "AlarmDescription": mark, "AlarmRule": "ALARM(\"x\")", "TriggeringChildren": [{}] })),
        (
            "memory-full",
            json!({ "AlarmDescription": mark, "Trigger": { "Metrics": [
            { "Expression": "m1/m2", "Id": "e1" }, { "Id": "m1", "MetricStat": { "Metric": { "Dimensions": [] } } },
        ] } }),
        ),
    ] {
        let event = message(name, event);
        let about = if name == "memory-full" { name } else { "healthy-low" };
        let function = function(json!([{ "Alarm": about, "Action": "ScaleBy", "Amount": 1 }]));
        describe(&function, &event);
        for _ in 0..2 {
            let response = function.handle(event.clone()).block_on();
            assert_eq!(response["Outcomes"][0]["Outcome"], "requested", "{response}");
        }
        assert_eq!(remediations(&function).len(), 1, "{event}");
    }
}

#[test]
fn an_alarm_without_an_environment_or_a_rule_is_skipped_with_a_reason() {
    let foreign = function(json!([rule()]));
    let event = sample("alarm", "direct.json").to_string().replace("scalable-ec2", "foreign");
    let response = foreign.handle(serde_json::from_str(&event).expect("JSON")).block_on();
    assert_eq!(
        response["Outcomes"][0]["Reason"],
        "the alarm belongs to no environment of this deployment, or to several"
    );

    let deleted = function(json!([rule()]));
    deleted.records.release(ENVIRONMENT, &owner()).block_on();
    assert_eq!(only(&deleted, "direct").1, format!("the environment {ENVIRONMENT} no longer exists"));

    let unknown = function(json!([{ "Alarm": "cpu-low", "Action": "ReplaceUnhealthy" }]));
    assert_eq!(only(&unknown, "direct"), ("skipped".into(), "no rule of the environment names the alarm".into()));
    assert_eq!(unknown.cloud.published.borrow()[0]["detail"]["Outcome"], "skipped");

    let without = function(json!([]));
    assert_eq!(only(&without, "direct").1, "the environment has no rules");
    assert!(
        without.cloud.published.borrow().is_empty(),
        "an environment without rules gets no ledger entry for an alarm"
    );

    let newer = function(json!([{ "Alarm": "healthy-low", "Action": "Reboot" }]));
    let reason = "no readable rule names the alarm; of the unreadable rules, AlarmActions[0].Action is a string of 6 characters: one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify";
    assert_eq!(only(&newer, "direct"), ("skipped".into(), reason.into()));
    assert_eq!(newer.cloud.published.borrow()[0]["detail"]["Reason"], reason);

    let deleting = function(json!([rule()]));
    let latest_request = LatestRequest {
        request_hash: "h".into(),
        kind: Kind::Delete,
        sent_ms: 1,
        asked_ms: None,
        deadline_ms: NOW + 1,
        physical_id: None,
        response_address: ResponseAddress::of(&json!({})),
    };
    deleting.records.record_request(&owner(), latest_request).block_on();
    assert_eq!(only(&deleting, "direct").1, format!("the environment {ENVIRONMENT} is being deleted"));

    for function in [foreign, deleted, unknown, without, newer, deleting] {
        assert!(remediations(&function).is_empty());
    }
}

type Change<'a> = &'a dyn Fn(&mut Function);

#[test]
fn each_reason_to_skip_a_rule_is_published_to_the_ledger() {
    let acted = |since_ms, at_ms, done| RuleExecution { since_ms, at_ms, remediation: Value::Null, done };
    let begin_execution = |function: &Function, rule_execution: RuleExecution| {
        assert_eq!(
            function.records.begin_execution(&owner(), RULE_SUMMARY, rule_execution, 0).block_on(),
            ExecutionClaim::Granted
        );
    };
    let at = "2026-01-02T03:00:41.12Z";
    let cases: [(Change<'_>, &str); 11] = [
        (&|it| it.paused = true, "automation is paused by the deployment's parameter PauseAutomation"),
        (&|it| it.cloud.now_ms.set(SINCE + 301_000), "its message is more than 300 s old"),
        (&|it| *it.cloud.alarm.borrow_mut() = None, "the alarm no longer exists"),
        (&|it| it.cloud.alarm.borrow_mut().as_mut().expect("it").state = "OK".into(), "the alarm is now OK"),
        (
            &|it| it.cloud.alarm.borrow_mut().as_mut().expect("it").actions_enabled = false,
            "the alarm's actions are disabled",
        ),
        (
            &|it| it.cloud.alarm.borrow_mut().as_mut().expect("it").suppressed_by = Some("Alarm".into()),
            "the alarm's actions are suppressed (Alarm)",
        ),
        (
            &|it| begin_execution(it, acted(SINCE - 300_000, SINCE - 200_000, true)),
            &format!("the rule's cooldown of 600 s has not ended: it acted at {at}"),
        ),
        (
            &|it| begin_execution(it, acted(SINCE, SINCE - 200_000, true)),
            &format!("the rule acted for this state of the alarm, or a later one, at {at}"),
        ),
        (
            &|it| begin_execution(it, acted(SINCE, SINCE - 200_000, false)),
            &format!("the rule was requested for this state of the alarm, or a later one, at {at}"),
        ),
        (&|it| begin_execution(it, acted(SINCE - 300_000, SINCE - 200_000, false)), ""),
        (&|_| {}, ""),
    ];
    for (change, reason) in cases {
        let mut function = function(json!([rule()]));
        change(&mut function);
        let (outcome, actual_reason) = only(&function, "direct");
        let expected = if reason.is_empty() { "requested" } else { "skipped" };
        assert_eq!(outcome, expected, "{actual_reason}");
        assert_eq!(remediations(&function).is_empty(), !reason.is_empty());
        if !reason.is_empty() {
            assert_eq!(actual_reason, reason);
            let ledger = function.cloud.published.borrow();
            assert_eq!(ledger.len(), 1);
            let detail = &ledger[0]["detail"];
            assert_eq!((&detail["Rule"], &detail["Reason"]), (&json!(RULE_SUMMARY), &json!(reason)));
        }
    }
}

#[test]
fn an_observation_older_than_the_report_decides_nothing() {
    let function = function(json!([rule()]));
    {
        let mut alarm = function.cloud.alarm.borrow_mut();
        let alarm = alarm.as_mut().expect("an alarm");
        (alarm.state, alarm.since_ms) = ("OK".into(), SINCE - 1);
    }
    let event = sample("alarm", "direct.json");
    describe(&function, &event);
    let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(event.clone()));
    let reason = rejected.expect_err("Lambda retries").to_string();
    assert_eq!(reason, "the observed state of scalable-ec2-healthy-low-uswest2-dev is older than the reported state");
    assert!(function.cloud.published.borrow().is_empty());
    // An ALARM that has ended, and was followed by the reported one.
    let alarm = |at_ms| ObservedAlarm {
        state: "ALARM".into(),
        since_ms: at_ms,
        updated_ms: at_ms,
        actions_enabled: true,
        ..ObservedAlarm::default()
    };
    let before = SINCE - 60_000;
    let rule_execution = RuleExecution { since_ms: before, at_ms: before, remediation: Value::Null, done: false };
    function.records.begin_execution(&owner(), RULE_SUMMARY, rule_execution, 0).block_on();
    *function.cloud.alarm.borrow_mut() = Some(alarm(before));
    describe(&function, &event);
    assert!(test_support::run(&memory_cloud::Clock::default(), function.handle(event)).is_err());
    *function.cloud.alarm.borrow_mut() = Some(alarm(SINCE));
    assert_eq!(only(&function, "direct").0, "requested");
}

/// A deployment's event rule publishes the states of alarms whose names contain the project; the states of other alarms
/// reach only this function.
#[test]
fn the_state_of_a_user_alarm_is_published_once_in_the_form_of_eventbridge() {
    let deployment =
        || Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let function = function(json!([]));
    for _ in 0..2 {
        only(&function, "direct-of-an-instance");
    }
    let published = function.cloud.published.borrow();
    assert_eq!(published.len(), 2);
    let entry = |event: &Value| match ledger::read::event(&deployment(), event, NOW) {
        Ok(ledger::read::Reading::Entries { suffix, entries }) if suffix == "dev" => entries[0].clone(),
        other => unreachable!("{other:?}"),
    };
    let [first, second] = [entry(&published[0]), entry(&published[1])];
    assert_eq!(first.id, second.id);
    assert_eq!((first.kind.as_str(), first.outcome.as_str(), first.at_ms), ("alarm", "alarm", SINCE));
    assert_eq!(first.instance.as_deref(), Some("i-0a1b2c3d4e5f60718"));
    let direct = sample("alarm", "direct-of-an-instance.json");
    let bus = json!({ "detail-type": "CloudWatch Alarm State Change", "detail": direct["alarmData"] });
    assert_eq!(entry(&bus).id, first.id, "the same entry if an event rule publishes it as well");
}

#[test]
fn a_dry_run_is_requested_as_such_and_every_rule_of_an_alarm_has_its_own_outcome() {
    let mut dry = rule();
    dry["DryRun"] = json!(true);
    dry["Amount"] = json!(2);
    let function = function(json!([dry, rule(), { "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let all = outcomes(&function, "direct");
    assert_eq!(all.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["requested"; 2]);
    let requested: Vec<(String, bool)> =
        remediations(&function).into_iter().map(|(_, it)| (it.rule, it.dry_run)).collect();
    assert_eq!(requested, [("healthy-low: ScaleBy 2".into(), true), (RULE_SUMMARY.into(), false)]);
    assert!(
        function.cloud.published.borrow().is_empty(),
        "the reconciler, which observes the group, publishes the result of the dry run"
    );
}

/// A rule that was a dry run when its alarm went off, and no longer is.
#[test]
fn a_dry_run_starts_no_cooldown_for_the_rule_that_acts() {
    let mut dry = rule();
    dry["DryRun"] = json!(true);
    let (then, now) = (function(json!([dry])), function(json!([rule()])));
    let rule_execution = RuleExecution { since_ms: SINCE, at_ms: SINCE, remediation: Value::Null, done: true };
    for function in [&then, &now] {
        function
            .records
            .begin_execution(&owner(), &environment::execution_key(RULE_SUMMARY, true), rule_execution.clone(), 0)
            .block_on();
    }
    let reason =
        "the rule was evaluated as a dry run for this state of the alarm, or a later one, at 2026-01-02T03:04:01.12Z";
    assert_eq!(only(&then, "direct"), ("skipped".into(), reason.into()));
    assert_eq!(only(&now, "direct").0, "requested");
    // The request queue holds each remediation once, by its name.
    let requests_of = |rule: Value| request_names(&function(json!([rule])));
    assert_ne!(requests_of(with(rule(), json!({ "DryRun": true }))), requests_of(rule()));
}

/// The names of the remediation requests that an alarm results in.
fn request_names(function: &Function) -> Vec<String> {
    only(function, "direct");
    remediations(function).into_iter().map(|(name, _)| name).collect()
}

/// A composite alarm whose actions were suppressed runs them when the suppression ends.
#[test]
fn the_age_of_a_message_counts_from_its_sending_and_a_retry_remains_old() {
    let later = |event: &Value| {
        let text = event.to_string().replace("2026-01-02T03:04:01.300Z", "2026-01-02T03:24:01.300Z");
        let mut event: Value = serde_json::from_str(&text).expect("JSON");
        if event.get("time").is_some() {
            event["time"] = json!("2026-01-02T03:24:01Z");
        }
        event
    };
    for (name, alarm) in
        [("direct-composite", "checkout-is-slow"), ("topic", "healthy-low"), ("event-bridge", "healthy-low")]
    {
        for (waits_ms, outcome) in [(2_000, "requested"), (299_000, "requested"), (302_000, "skipped")] {
            let function = function(json!([{ "Alarm": alarm, "Action": "ReplaceUnhealthy" }]));
            function.cloud.now_ms.set(SINCE + 20 * 60_000 + waits_ms);
            let event = later(&sample("alarm", &format!("{name}.json")));
            describe(&function, &event);
            let response = function.handle(event).block_on();
            assert_eq!(response["Outcomes"][0]["Outcome"], outcome, "{name}, {waits_ms} ms later: {response}");
            if let Some((_, remediation)) = remediations(&function).first() {
                assert_eq!(remediation.since_ms, SINCE, "the alarm is the same");
                // Within five minutes, or never: also for a late message.
                let left_ms = remediation.expires_ms - function.cloud.now_ms.get();
                assert!(left_ms.abs_diff(300_000 - waits_ms) <= 200, "{name}, {waits_ms} ms later: {left_ms}");
            }
        }
    }
}

/// For a message without the time at which it was sent, the alarm's own time counts; a clock that is ahead gives no
/// more time.
#[test]
fn a_remediation_request_expires_five_minutes_after_the_report() {
    let cases = [(json!(null), SINCE + 300_000), (json!("2026-01-02T03:09:00Z"), NOW + 300_000)];
    for (time, expires_ms) in cases {
        let function = function(json!([rule()]));
        let event = with(sample("alarm", "direct.json"), json!({ "time": time }));
        describe(&function, &event);
        function.handle(event).block_on();
        assert_eq!(remediations(&function)[0].1.expires_ms, expires_ms, "{time}");
    }
}

#[test]
fn other_states_are_skipped_and_other_events_are_rejected() {
    let function = function(json!([rule()]));
    assert_eq!(only(&function, "direct-ok").1, "only the state ALARM is acted on");
    assert_eq!(function.cloud.observations.get(), 0, "most reported states cost no call");
    for event in [json!({}), json!({ "alarmData": {} }), json!({ "alarmData": { "alarmName": "a" } })] {
        let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(event));
        assert!(rejected.is_err());
    }
    let topic_event = |message: &str| json!({ "Records": [{ "Sns": { "Message": message } }] });
    let changed = json!({ "detail-type": "CloudWatch Alarm Configuration Change", "detail": {} });
    let lines = "Service: AWS Auto Scaling\nEvent: autoscaling:TEST_NOTIFICATION\nAutoScalingGroupName: g";
    let others = ["hello", "{}", "", "12", "[1,2]", lines].map(topic_event);
    for event in others.into_iter().chain([changed]) {
        let response = function.handle(event).block_on();
        assert_eq!(response["Ignored"], "the event is not an alarm state", "other messages of the topic are ignored");
    }
    function.request_queue.unavailable.store(true, std::sync::atomic::Ordering::SeqCst);
    let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(sample("alarm", "direct.json")));
    assert!(rejected.is_err(), "Lambda retries");
}
