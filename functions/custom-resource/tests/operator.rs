//! What people ask, and are told.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{
    BEGIN_S, Now as _, TestDoor, ask, door_to_the_line, failed, handler, sample, sent, succeeded, with, writes,
};
use environment::{Fields, Key, Kind, Timestamp};
use reconciler::Stack;
use requests::records::{LatestRequest, MemoryRecords, Progress};
use requests::{Owner, Records as _, Request};
use serde_json::{Value, json};

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

/// The samples of requests about an environment.
const SAMPLES: [&str; 5] =
    ["status.json", "drift.json", "plan-environment.json", "unlock.json", "delete-environment.json"];

fn text(handler: &TestDoor, name: &str) -> String {
    let told = ask(handler, sample(name));
    told["Text"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

fn error(told: &Value) -> &str {
    told["Error"].as_str().unwrap_or_else(|| panic!("{told}"))
}

fn created() -> TestDoor {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

fn key_of(handler: &TestDoor, kind: Kind) -> Key {
    let all = handler.cloud_factory.account.inventory();
    all.iter().map(environment::Resource::key).find(|it| it.kind == kind).expect("there is one")
}

fn tamper_with_the_group(handler: &TestDoor) {
    handler.cloud_factory.account.tamper(&key_of(handler, Kind::AutoScalingGroup), |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
}

#[test]
fn every_sample_is_understood() {
    for name in SAMPLES {
        let nobody = ask(&handler(), sample(name));
        assert!(error(&nobody).starts_with("Environment is \"scalable-ec2-us-west-2-dev\": there is none"), "{nobody}");
        let mut handler = created();
        handler.cloud_factory.stack = Some(Stack::Gone);
        assert!(!text(&handler, name).is_empty(), "{name}");
    }
}

#[test]
fn what_reads_writes_nothing() {
    let handler = created();
    let before = writes(&handler);
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let record = handler.records.owner(&owner).await_now();
    for name in ["status.json", "drift.json", "plan-environment.json", "plan.json"] {
        text(&handler, name);
    }
    assert_eq!((writes(&handler), handler.records.owner(&owner).await_now()), (before, record));
}

#[test]
fn the_status_of_a_settled_environment_tells_its_stack_and_its_answers_the_last_first() {
    let handler = created();
    failed(&handler, with(sample("update.json"), json!({ "ResourceProperties": { "MinSize": "x" } })));
    let told = ask(&handler, sample("status.json"));
    assert_eq!((&told["Settled"], &told["LatestRequest"]["Answered"]), (&json!(true), &json!(true)));
    let kinds: Vec<&Value> = told["Answers"].as_array().expect("a list").iter().map(|it| &it["Kind"]).collect();
    assert_eq!(kinds, ["Update", "Create"]);
    let lines: Vec<&str> = told["Text"].as_str().expect("a text").lines().collect();
    assert_eq!(lines[0], "scalable-ec2-us-west-2-dev is settled.");
    assert!(lines[1].starts_with("It is the resource Web of the stack arn:aws:cloudformation:"), "{lines:?}");
    assert!(lines[3].contains("Z Update FAILED: MinSize is \"x\""), "{lines:?}");
    assert!(lines.last().is_some_and(|it| it.ends_with("Z Create SUCCESS")), "{lines:?}");
    let create = &told["Answers"][1];
    assert_eq!(create["Sent"], "2026-01-02T03:04:08Z", "when it came, not when it was answered: {create}");
}

#[test]
fn the_status_of_what_is_under_way_tells_what_it_waits_for_and_since_when() {
    let handler = created();
    let update = Request::read(&sent(sample("update.json"), 300), BEGIN_S * 1_000).expect("it makes sense");
    handler.records.record_request(&update.owner(), LatestRequest::of_request(&update)).await_now();
    let since_ms = (BEGIN_S + 310) * 1_000;
    let progress = Progress { waiting_for: vec!["nat-gateway n: it is pending".into()], since_ms };
    handler.records.record_progress(&update.owner(), &update.hash, progress).await_now();
    let clock = &handler.cloud_factory.account.clock;
    clock.advance(Timestamp((BEGIN_S + 400) * 1_000) - (clock.now() + handler.cloud_factory.account.read_lag));
    let told = ask(&handler, sample("status.json"));
    assert_eq!(told["WaitingFor"], json!(["nat-gateway n: it is pending"]));
    assert_eq!(
        (&told["WaitingSince"], &told["LatestRequest"]["Answered"]),
        (&json!("2026-01-02T03:09:15Z"), &json!(false))
    );
    let text = told["Text"].as_str().expect("a text");
    let begins = "scalable-ec2-us-west-2-dev: its Update has been under way for 100 s, to be answered by 2026-01-02T04:07:05Z.\n\
                  For 90 s it has waited for:\n  nat-gateway n: it is pending\n";
    assert!(text.starts_with(begins), "{text}");
}

#[test]
fn the_status_of_what_failed_says_where_to_look() {
    let handler = handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, memory_cloud::Fault::Denied);
    failed(&handler, sample("create.json"));
    let text = text(&handler, "status.json");
    assert!(text.starts_with("scalable-ec2-us-west-2-dev is not settled, and nothing is under way"), "{text}");
    assert!(text.contains("Create FAILED: ") && text.contains("access denied"), "{text}");
}

#[test]
fn the_status_tells_of_protection_and_that_it_was_lifted() {
    let handler = handler();
    succeeded(&handler, with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } })));
    assert!(text(&handler, "status.json").contains("It is protected from deletion."));
    ask(&handler, sample("unlock.json"));
    assert!(text(&handler, "status.json").contains("Its deletion protection is lifted until the next update"));
}

#[test]
fn drift_tells_what_was_changed_is_missing_or_too_much() {
    let handler = created();
    assert_eq!(text(&handler, "drift.json"), "scalable-ec2-us-west-2-dev is as it is wanted.");
    tamper_with_the_group(&handler);
    let group = key_of(&handler, Kind::AutoScalingGroup);
    let told = ask(&handler, sample("drift.json"));
    let change = json!({ "Resource": group.to_string(), "Field": "max-size", "Desired": "3", "Observed": "9" });
    assert_eq!(told["Drift"], json!([change]));
    let expected = format!("scalable-ec2-us-west-2-dev differs in one place:\n  {group}: max-size is 9, wanted is 3");
    assert_eq!(told["Text"], expected);

    let account = &handler.cloud_factory.account;
    let mut extra = account.inventory().into_iter().find(|it| it.kind() == Kind::SecurityGroup).expect("there is one");
    extra.name = "surplus".into();
    account.plant(extra);
    // Without its mark nobody finds it.
    let gateway = key_of(&handler, Kind::InternetGateway);
    account.tamper(&gateway, |it| it.tags.clear());
    let told = ask(&handler, sample("drift.json"));
    let text = told["Text"].as_str().expect("a text");
    assert!(text.starts_with("scalable-ec2-us-west-2-dev differs in 3 places:\n"), "{text}");
    assert!(text.contains(&format!("  {gateway} is missing\n")), "{text}");
    assert!(text.contains("security-group surplus is there and not wanted, as "), "{text}");
}

#[test]
fn a_plan_of_an_environment_is_what_brings_it_back_to_its_record() {
    let handler = created();
    assert_eq!(text(&handler, "plan-environment.json"), "Nothing to do: all is as it is wanted.");
    tamper_with_the_group(&handler);
    let told = ask(&handler, sample("plan-environment.json"));
    assert_eq!(told["Steps"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told["Steps"][0]["Changes"], json!(["max-size 9 → 3"]));
}

#[test]
fn a_delete_by_hand_is_refused_while_the_stack_is_there_or_nobody_knows() {
    let mut handler = created();
    let before = writes(&handler);
    for (stack, said) in [
        (Some(Stack::Stands), "is still there. Delete that stack, or take the resource Web out of it"),
        (Some(Stack::RollsBack), "is still there"),
        (None, "is gone is not known: cloudformation:DescribeStacks: access denied"),
    ] {
        handler.cloud_factory.stack = stack;
        let told = ask(&handler, sample("delete-environment.json"));
        assert!(error(&told).contains(said), "{told}");
    }
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_delete_by_hand_leaves_nothing_when_the_stack_is_gone() {
    let mut handler = created();
    handler.cloud_factory.stack = Some(Stack::Gone);
    let told = ask(&handler, sample("delete-environment.json"));
    assert_eq!(told["Text"], "scalable-ec2-us-west-2-dev is deleted.");
    assert_eq!(told["Reply"]["Status"], "SUCCESS");
    assert_eq!(handler.cloud_factory.account.inventory(), []);
    let again = ask(&handler, sample("delete-environment.json"));
    assert!(error(&again).contains("there is none of that name, or it was deleted"), "{again}");
}

#[test]
fn a_delete_by_hand_waits_in_the_line_like_any_other() {
    let (mut handler, _) = door_to_the_line();
    let request_queue = handler.request_queue.take();
    succeeded(&handler, sample("create.json"));
    (handler.request_queue, handler.cloud_factory.stack) = (request_queue, Some(Stack::Gone));
    let before = handler.cloud_factory.asked();
    let told = ask(&handler, sample("delete-environment.json"));
    let sent = handler.request_queue.as_ref().expect("it has one").sent.lock().expect("one thread").clone();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].0.as_str(), &sent[0].2["RequestType"]),
        (told["Owner"].as_str().expect("an owner"), &json!("Delete"))
    );
    let text = told["Text"].as_str().expect("a text");
    assert!(text.starts_with("The delete of scalable-ec2-us-west-2-dev has begun."), "{text}");
    assert!(text.contains(r#"<<< '{"Request":"status","Environment":"scalable-ec2-us-west-2-dev"}'"#), "{text}");
    assert_eq!(handler.cloud_factory.asked(), before);
    let status = ask(&handler, sample("status.json"));
    assert!(status["Text"].as_str().is_some_and(|it| it.contains("its Delete has been under way")), "{status}");
}

#[test]
fn a_delete_by_hand_of_what_the_records_have_lost_needs_to_know_whose_it_was() {
    let mut handler = created();
    handler.records = MemoryRecords::new();
    handler.cloud_factory.stack = Some(Stack::Gone);
    let told = ask(&handler, sample("delete-environment.json"));
    assert!(error(&told).contains("Say whose it was by StackId and LogicalResourceId."), "{told}");
    let ownership = json!({ "StackId": sample("create.json")["StackId"], "LogicalResourceId": "Web" });
    let told = ask(&handler, with(sample("delete-environment.json"), ownership));
    assert_eq!(told["Text"], "scalable-ec2-us-west-2-dev is deleted.", "{told}");
    assert_eq!(handler.cloud_factory.account.inventory(), []);
}

#[test]
fn a_delete_by_hand_in_another_owners_name_is_refused() {
    let mut handler = created();
    let other = json!({ "LogicalResourceId": "Other", "ResourceProperties": { "EnvironmentSuffix": "other" } });
    succeeded(&handler, with(sample("create.json"), other));
    handler.cloud_factory.stack = Some(Stack::Gone);
    let before = writes(&handler);
    let ownership = json!({ "StackId": sample("create.json")["StackId"], "LogicalResourceId": "Other" });
    let told = ask(&handler, with(sample("delete-environment.json"), ownership));
    assert!(error(&told).contains(&format!("{ENVIRONMENT} belongs to another stack's resource")), "{told}");
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_protected_environment_whose_stack_is_gone_is_unlocked_first() {
    let mut handler = handler();
    succeeded(&handler, with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } })));
    handler.cloud_factory.stack = Some(Stack::Gone);
    let before = writes(&handler);
    let text = text(&handler, "delete-environment.json");
    assert!(text.contains("nothing was deleted. Its stack is gone, so run: aws lambda invoke"), "{text}");
    assert!(text.contains(r#"<<< '{"Request":"unlock","Environment":"scalable-ec2-us-west-2-dev"}'"#), "{text}");
    assert_eq!(writes(&handler), before);
    ask(&handler, sample("unlock.json"));
    assert_eq!(ask(&handler, sample("delete-environment.json"))["Reply"]["Status"], "SUCCESS");
}

#[test]
fn what_makes_no_sense_is_told_with_what_would() {
    let handler = created();
    let told = |event: Value| error(&ask(&handler, event)).to_owned();
    assert!(told(json!({ "Request": "dance" })).contains("valid is \"plan\", \"status\""));
    assert!(told(json!({ "Request": ["plan"] })).contains("valid is \"plan\", \"status\""));
    for request in ["status", "drift", "unlock", "delete"] {
        let none = told(json!({ "Request": request }));
        assert!(none.starts_with("Environment is null: valid is the id of an environment"), "{none}");
    }
}
