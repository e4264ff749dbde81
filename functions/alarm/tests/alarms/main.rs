//! Alarms in, wishes and reasons out.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod trust;

use std::cell::{Cell, RefCell};

use alarm::Alarms;
use alarm::cloud::Cloud;
use environment::{Deployment, ObservedAlarm, RemediationRequest};
use ledger::{Alarm, envelope};
use requests::records::{DesiredRecord, ExecutionClaim, LatestRequest, MemoryRecords, RuleExecution};
use requests::{Kind, Owner, Records as _, ResponseAddress};
use serde_json::{Value, json};
use test_support::{FakeRequestQueue, Now as _, sample, with};

/// 2026-01-02T03:04:01.120Z, as all samples tell it.
const SINCE: u64 = 1_767_323_041_120;
const NOW: u64 = SINCE + 2_000;
const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

/// An account with one alarm, or none.
#[derive(Default)]
struct Account {
    now_ms: Cell<u64>,
    alarm: RefCell<Option<ObservedAlarm>>,
    published: RefCell<Vec<Value>>,
    /// How often it was asked for the alarm.
    observations: Cell<usize>,
}

impl Cloud for Account {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn alarm(&self, _name: &str) -> Result<Option<ObservedAlarm>, String> {
        self.observations.set(self.observations.get() + 1);
        Ok(self.alarm.borrow().clone())
    }

    async fn publish(&self, event: &Value) -> Result<(), String> {
        self.published.borrow_mut().push(event.clone());
        Ok(())
    }
}

type Function = Alarms<MemoryRecords, Account, FakeRequestQueue>;

fn owner() -> Owner {
    Owner::of("arn:aws:cloudformation:us-west-2:123456789012:stack/web/1", "Web")
}

/// An environment that has settled with these rules.
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
    let desired = DesiredRecord { environment: ENVIRONMENT.into(), spec, frozen: json!({}), retired_tags: vec![] };
    function.records.claim(ENVIRONMENT, &owner()).await_now();
    function.records.save_desired(&owner(), desired).await_now();
    function.records.mark_settled(&owner()).await_now();
    function
}

fn rule() -> Value {
    json!({ "Alarm": "healthy-low", "Action": "ScaleBy", "Amount": 1, "CooldownSeconds": 600 })
}

const TOLD: &str = "healthy-low: ScaleBy 1";

/// The alarm is described as an event says, unless a test says otherwise.
fn describe(function: &Function, event: &Value) {
    let message = envelope::of_topic(event).map(|messages| envelope::open(messages[0]).expect("JSON"));
    let told = Alarm::read(message.as_ref().unwrap_or(event)).expect("it makes sense").expect("an alarm");
    if let Some(now) = function.cloud.alarm.borrow_mut().as_mut()
        && now.dimensions.is_empty()
        && now.description.is_empty()
    {
        (now.dimensions, now.description) = (told.dimensions, told.description);
    }
}

/// What a function answers to a sample: outcome and why of each rule.
fn outcomes(function: &Function, name: &str) -> Vec<(String, String)> {
    let event = sample("alarm", &format!("{name}.json"));
    describe(function, &event);
    let response = function.handle(event).await_now();
    let all = response["Outcomes"].as_array().expect("a list").iter();
    let text = |it: &Value, name: &str| it[name].as_str().expect("a text").to_owned();
    all.map(|it| (text(it, "Outcome"), text(it, "Reason"))).collect()
}

fn only(function: &Function, name: &str) -> (String, String) {
    let mut all = outcomes(function, name);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The wishes that stand in line, with their names.
fn remediations(function: &Function) -> Vec<(String, RemediationRequest)> {
    let sent = function.request_queue.sent.lock().expect("one thread");
    let remediation = |(_, name, body): &(String, String, Value)| {
        (name.clone(), RemediationRequest::read(body).expect("a wish").expect("it makes sense"))
    };
    sent.iter().map(remediation).collect()
}

#[test]
fn the_same_alarm_in_three_shapes_a_hundred_times_is_one_wish() {
    let function = function(json!([rule()]));
    for _ in 0..34 {
        for shape in ["direct", "topic", "event-bridge"] {
            assert_eq!(only(&function, shape).0, "requested");
        }
    }
    let all = remediations(&function);
    assert_eq!(all.len(), 1, "{all:?}");
    let remediation = &all[0].1;
    // The first that told of it was sent 180 ms after the alarm's state changed.
    assert_eq!(
        (remediation.rule.as_str(), remediation.since_ms, remediation.expires_ms),
        (TOLD, SINCE, SINCE + 300_000)
    );
    assert_eq!((remediation.environment.as_str(), remediation.owner.as_str()), (ENVIRONMENT, owner().as_str()));
    assert!(function.cloud.published.borrow().is_empty(), "who carries it out tells of it");
}

/// Nobody can tell which of them is sick: the status checks are asked.
#[test]
fn an_alarm_over_two_instances_names_none() {
    let function = function(json!([{ "Alarm": "memory-full", "Action": "ReplaceUnhealthy" }]));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if let Some(alarm) = function.cloud.alarm.borrow_mut().as_mut() {
        alarm.dimensions = vec![
            pair("AutoScalingGroupName", "scalable-ec2-asg-uswest2-dev"),
            pair("InstanceId", "i-well"),
            pair("InstanceId", "i-sick"),
        ];
    }
    assert_eq!(only(&function, "direct-of-an-instance").0, "requested");
    assert_eq!(remediations(&function)[0].1.instance, None);
}

#[test]
fn metric_math_and_composites_are_known_by_a_metric_or_by_the_mark() {
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

#[test]
fn an_alarm_that_is_of_nobody_or_of_what_is_gone_is_explained_and_nothing_is_done() {
    let nobodys = function(json!([rule()]));
    let event = sample("alarm", "direct.json").to_string().replace("scalable-ec2", "theirs");
    let response = nobodys.handle(serde_json::from_str(&event).expect("JSON")).await_now();
    assert_eq!(response["Outcomes"][0]["Reason"], "it is of no environment of this deployment, or of several");

    let gone = function(json!([rule()]));
    gone.records.release(ENVIRONMENT, &owner()).await_now();
    assert_eq!(only(&gone, "direct").1, format!("the environment {ENVIRONMENT} is gone"));

    let unknown = function(json!([{ "Alarm": "cpu-low", "Action": "ReplaceUnhealthy" }]));
    assert_eq!(only(&unknown, "direct"), ("skipped".into(), "no rule of its environment is about it".into()));
    assert_eq!(unknown.cloud.published.borrow()[0]["detail"]["Outcome"], "skipped");

    let without = function(json!([]));
    assert_eq!(only(&without, "direct").1, "its environment has no rules");
    assert!(without.cloud.published.borrow().is_empty(), "who has none is not told of each alarm");

    let newer = function(json!([{ "Alarm": "healthy-low", "Action": "Reboot" }]));
    let reason = "no rule that can be read is about it; of the others, AlarmActions[0].Action is \"Reboot\": one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify";
    assert_eq!(only(&newer, "direct"), ("skipped".into(), reason.into()));
    assert_eq!(newer.cloud.published.borrow()[0]["detail"]["Reason"], reason);

    let leaving = function(json!([rule()]));
    let latest_request = LatestRequest {
        request_hash: "h".into(),
        kind: Kind::Delete,
        sent_ms: 1,
        deadline_ms: NOW + 1,
        physical_id: None,
        reply: ResponseAddress::of(&json!({})),
    };
    leaving.records.record_request(&owner(), latest_request).await_now();
    assert_eq!(only(&leaving, "direct").1, format!("the environment {ENVIRONMENT} is being deleted"));

    for function in [nobodys, gone, unknown, without, newer, leaving] {
        assert!(remediations(&function).is_empty());
    }
}

type Change<'a> = &'a dyn Fn(&mut Function);

#[test]
fn each_reason_to_do_nothing_is_told_to_the_ledger() {
    let acted = |since_ms, at_ms, done| RuleExecution { since_ms, at_ms, remediation: Value::Null, done };
    let begin_execution = |function: &Function, rule_execution: RuleExecution| {
        assert_eq!(
            function.records.begin_execution(&owner(), TOLD, rule_execution, 0).await_now(),
            ExecutionClaim::Yes
        );
    };
    let at = "2026-01-02T03:00:41.12Z";
    let cases: [(Change<'_>, &str); 11] = [
        (&|it| it.paused = true, "automation is paused by the deployment's parameter PauseAutomation"),
        (&|it| it.cloud.now_ms.set(SINCE + 301_000), "its message is more than 300 s old"),
        (&|it| *it.cloud.alarm.borrow_mut() = None, "the alarm is gone"),
        (&|it| it.cloud.alarm.borrow_mut().as_mut().expect("it").state = "OK".into(), "the alarm is OK by now"),
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
            &format!("it rests for 600 s after it acted, which was at {at}"),
        ),
        (
            &|it| begin_execution(it, acted(SINCE, SINCE - 200_000, true)),
            &format!("it acted on this state of the alarm, or a later one, at {at}"),
        ),
        (
            &|it| begin_execution(it, acted(SINCE, SINCE - 200_000, false)),
            &format!("it was asked for on this state of the alarm, or a later one, at {at}"),
        ),
        (&|it| begin_execution(it, acted(SINCE - 300_000, SINCE - 200_000, false)), ""),
        (&|_| {}, ""),
    ];
    for (change, reason) in cases {
        let mut function = function(json!([rule()]));
        change(&mut function);
        let (outcome, told) = only(&function, "direct");
        let expected = if reason.is_empty() { "requested" } else { "skipped" };
        assert_eq!(outcome, expected, "{told}");
        assert_eq!(remediations(&function).is_empty(), !reason.is_empty());
        if !reason.is_empty() {
            assert_eq!(told, reason);
            let ledger = function.cloud.published.borrow();
            assert_eq!(ledger.len(), 1);
            let detail = &ledger[0]["detail"];
            assert_eq!((&detail["Rule"], &detail["Reason"]), (&json!(TOLD), &json!(reason)));
        }
    }
}

#[test]
fn a_look_that_is_older_than_what_was_told_decides_nothing() {
    let function = function(json!([rule()]));
    {
        let mut alarm = function.cloud.alarm.borrow_mut();
        let alarm = alarm.as_mut().expect("an alarm");
        (alarm.state, alarm.since_ms) = ("OK".into(), SINCE - 1);
    }
    let event = sample("alarm", "direct.json");
    describe(&function, &event);
    let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(event.clone()));
    let reason = rejected.expect_err("Lambda tries again").to_string();
    assert_eq!(reason, "what CloudWatch says of scalable-ec2-healthy-low-uswest2-dev is older than what it told");
    assert!(function.cloud.published.borrow().is_empty());
    // An ALARM that is over by now, and was followed by the one that is told of.
    let alarm = |at_ms| ObservedAlarm {
        state: "ALARM".into(),
        since_ms: at_ms,
        updated_ms: at_ms,
        actions_enabled: true,
        ..ObservedAlarm::default()
    };
    let before = SINCE - 60_000;
    let rule_execution = RuleExecution { since_ms: before, at_ms: before, remediation: Value::Null, done: false };
    function.records.begin_execution(&owner(), TOLD, rule_execution, 0).await_now();
    *function.cloud.alarm.borrow_mut() = Some(alarm(before));
    describe(&function, &event);
    assert!(test_support::run(&memory_cloud::Clock::default(), function.handle(event)).is_err());
    *function.cloud.alarm.borrow_mut() = Some(alarm(SINCE));
    assert_eq!(only(&function, "direct").0, "requested");
}

/// A deployment's rule passes on the states of alarms that have its name in theirs; of others only this function hears.
#[test]
fn the_state_of_an_alarm_of_ones_own_is_told_to_the_ledger_once_and_as_eventbridge_would() {
    let deployment =
        || Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let function = function(json!([]));
    for _ in 0..2 {
        only(&function, "direct-of-an-instance");
    }
    let told = function.cloud.published.borrow();
    assert_eq!(told.len(), 2);
    let line = |event: &Value| match ledger::read::event(&deployment(), event, NOW) {
        Ok(ledger::read::Reading::Of { suffix, entries }) if suffix == "dev" => entries[0].clone(),
        other => unreachable!("{other:?}"),
    };
    let [first, second] = [line(&told[0]), line(&told[1])];
    assert_eq!(first.id, second.id);
    assert_eq!((first.kind.as_str(), first.outcome.as_str(), first.at_ms), ("alarm", "alarm", SINCE));
    assert_eq!(first.instance.as_deref(), Some("i-0a1b2c3d4e5f60718"));
    let direct = sample("alarm", "direct-of-an-instance.json");
    let bus = json!({ "detail-type": "CloudWatch Alarm State Change", "detail": direct["alarmData"] });
    assert_eq!(line(&bus).id, first.id, "the same line if a rule passes it on as well");
}

#[test]
fn a_dry_run_is_asked_for_as_such_and_every_rule_of_an_alarm_has_its_own_outcome() {
    let mut dry = rule();
    dry["DryRun"] = json!(true);
    dry["Amount"] = json!(2);
    let function = function(json!([dry, rule(), { "Alarm": "cpu-high", "Action": "ReplaceUnhealthy" }]));
    let all = outcomes(&function, "direct");
    assert_eq!(all.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["requested"; 2]);
    let asked: Vec<(String, bool)> = remediations(&function).into_iter().map(|(_, it)| (it.rule, it.dry_run)).collect();
    assert_eq!(asked, [("healthy-low: ScaleBy 2".into(), true), (TOLD.into(), false)]);
    assert!(function.cloud.published.borrow().is_empty(), "who looks at the group tells what it would come to");
}

/// A rule that was a dry run when its alarm went off, and is none any more.
#[test]
fn a_rule_that_is_made_to_act_does_not_rest_from_what_it_only_told() {
    let mut dry = rule();
    dry["DryRun"] = json!(true);
    let (then, now) = (function(json!([dry])), function(json!([rule()])));
    let rule_execution = RuleExecution { since_ms: SINCE, at_ms: SINCE, remediation: Value::Null, done: true };
    for function in [&then, &now] {
        function
            .records
            .begin_execution(&owner(), &environment::execution_key(TOLD, true), rule_execution.clone(), 0)
            .await_now();
    }
    let told = "it was told as a dry run on this state of the alarm, or a later one, at 2026-01-02T03:04:01.12Z";
    assert_eq!(only(&then, "direct"), ("skipped".into(), told.into()));
    assert_eq!(only(&now, "direct").0, "requested");
    // The line has each wish once, by its name.
    let asked_for = |rule: Value| wishes_of(&function(json!([rule])));
    assert_ne!(asked_for(with(rule(), json!({ "DryRun": true }))), asked_for(rule()));
}

/// The names of the wishes that an alarm comes to.
fn wishes_of(function: &Function) -> Vec<String> {
    only(function, "direct");
    remediations(function).into_iter().map(|(name, _)| name).collect()
}

/// A composite alarm whose actions were suppressed runs them when they no longer are.
#[test]
fn the_age_of_a_message_is_told_by_when_it_was_sent_and_a_retry_stays_old() {
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
            let response = function.handle(event).await_now();
            assert_eq!(response["Outcomes"][0]["Outcome"], outcome, "{name}, {waits_ms} ms later: {response}");
            if let Some((_, remediation)) = remediations(&function).first() {
                assert_eq!(remediation.since_ms, SINCE, "it is the same alarm");
                // Within five minutes, or never: also of one that comes late.
                let left_ms = remediation.expires_ms - function.cloud.now_ms.get();
                assert!(left_ms.abs_diff(300_000 - waits_ms) <= 200, "{name}, {waits_ms} ms later: {left_ms}");
            }
        }
    }
}

/// Of a message of which nobody knows when it was sent, the alarm's own time is what there is; a clock that is ahead gives no
/// more time.
#[test]
fn a_wish_lasts_five_minutes_from_when_it_was_told_and_no_longer() {
    let cases = [(json!(null), SINCE + 300_000), (json!("2026-01-02T03:09:00Z"), NOW + 300_000)];
    for (time, expires_ms) in cases {
        let function = function(json!([rule()]));
        let event = with(sample("alarm", "direct.json"), json!({ "time": time }));
        describe(&function, &event);
        function.handle(event).await_now();
        assert_eq!(remediations(&function)[0].1.expires_ms, expires_ms, "{time}");
    }
}

#[test]
fn other_states_are_left_alone_and_what_is_no_alarm_is_refused() {
    let function = function(json!([rule()]));
    assert_eq!(only(&function, "direct-ok").1, "only ALARM is acted on");
    assert_eq!(function.cloud.observations.get(), 0, "most states that are told cost no call");
    for event in [json!({}), json!({ "alarmData": {} }), json!({ "alarmData": { "alarmName": "a" } })] {
        let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(event));
        assert!(rejected.is_err());
    }
    let of_topic = |message: &str| json!({ "Records": [{ "Sns": { "Message": message } }] });
    let changed = json!({ "detail-type": "CloudWatch Alarm Configuration Change", "detail": {} });
    for event in [of_topic("hello"), of_topic("{}"), changed] {
        let told = function.handle(event).await_now();
        assert_eq!(told["Ignored"], "it tells of no alarm's state", "who else uses the topic is left alone");
    }
    function.request_queue.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let rejected = test_support::run(&memory_cloud::Clock::default(), function.handle(sample("alarm", "direct.json")));
    assert!(rejected.is_err(), "Lambda tries again");
}
