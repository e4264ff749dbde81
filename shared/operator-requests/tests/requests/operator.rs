//! Operator requests and their results.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{
    BEGIN_S, BlockOn as _, InlineHandler, failed, handler, queueing_handler, sample, send, sent, succeeded, with,
    writes,
};
use environment::{Fields, Key, Kind, Timestamp};
use memory_cloud::{AccountQuota, Counted};
use request_pass::StackState;
use requests::records::{LatestRequest, MemoryRecords, Progress};
use requests::{Owner, Records as _, Request};
use serde_json::{Value, json};

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

/// The samples of requests about an environment.
const SAMPLES: [&str; 6] =
    ["status.json", "rollout.json", "drift.json", "plan-environment.json", "unlock.json", "delete-environment.json"];

fn text(handler: &InlineHandler, name: &str) -> String {
    let result = send(handler, sample(name));
    assert!(result["Error"].is_null(), "{result}");
    result["Text"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()
}

fn error(result: &Value) -> &str {
    result["Error"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

fn key_of(handler: &InlineHandler, kind: Kind) -> Key {
    let all = handler.cloud_factory.account.inventory();
    all.iter().map(environment::Resource::key).find(|it| it.kind == kind).expect("a resource of this kind")
}

fn tamper_with_the_group(handler: &InlineHandler) {
    handler.cloud_factory.account.tamper(&key_of(handler, Kind::AutoScalingGroup), |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
}

#[test]
fn every_sample_is_a_valid_request() {
    for name in SAMPLES {
        let unknown = send(&handler(), sample(name));
        assert!(
            error(&unknown).starts_with("Environment is \"scalable-ec2-us-west-2-dev\": no environment has this name"),
            "{unknown}"
        );
        let mut handler = created();
        handler.cloud_factory.stack = Some(StackState::Deleted);
        assert!(!text(&handler, name).is_empty(), "{name}");
    }
}

#[test]
fn a_request_in_lower_case_is_no_event_of_cloudformation() {
    let result = send(&handler(), json!({ "request": "status", "environment": ENVIRONMENT }));
    let expected = "request is not a field of a request; valid is \"Request\", with a capital letter";
    assert!(error(&result).starts_with(expected), "{result}");
}

#[test]
fn a_plan_refuses_what_the_update_refuses() {
    let handler = created();
    let mut properties = sample("create.json")["ResourceProperties"].clone();
    properties["VpcCidr"] = json!("10.9.0.0/16");
    let planned = send(&handler, json!({ "Request": "plan", "ResourceProperties": properties }));
    let refused = "VpcCidr is \"10.9.0.0/16\": it is \"10.40.0.0/16\" and cannot change";
    assert!(error(&planned).starts_with(refused), "{planned}");
    let update = with(sample("update.json"), json!({ "ResourceProperties": properties }));
    assert!(failed(&handler, update).starts_with(refused));
}

#[test]
fn read_requests_write_nothing() {
    let handler = created();
    let before = writes(&handler);
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let record = handler.records.owner(&owner).block_on();
    for name in [
        "status.json",
        "rollout.json",
        "drift.json",
        "plan-environment.json",
        "plan.json",
        "validate.json",
        "list.json",
        "inventory.json",
        "doctor.json",
    ] {
        text(&handler, name);
    }
    assert_eq!((writes(&handler), handler.records.owner(&owner).block_on()), (before, record));
}

#[test]
fn the_status_of_a_settled_environment_shows_its_stack_and_its_responses_newest_first() {
    let handler = created();
    failed(&handler, with(sample("update.json"), json!({ "ResourceProperties": { "MinSize": "x" } })));
    let result = send(&handler, sample("status.json"));
    assert_eq!((&result["Settled"], &result["LatestRequest"]["Responded"]), (&json!(true), &json!(true)));
    let kinds: Vec<&Value> = result["Responses"].as_array().expect("a list").iter().map(|it| &it["Kind"]).collect();
    assert_eq!(kinds, ["Update", "Create"]);
    let lines: Vec<&str> = result["Text"].as_str().expect("a text").lines().collect();
    assert_eq!(lines[0], "scalable-ec2-us-west-2-dev is settled. 1 of 1 instances in service (MinSize 1).");
    assert!(lines[1].starts_with("Rollout: complete.") && lines[2].starts_with("Instances: "), "{lines:?}");
    assert!(lines[3].starts_with("Owner: the resource Web of the stack arn:aws:cloudformation:"), "{lines:?}");
    assert!(lines[5].contains("Z Update FAILED: MinSize is a string of 1 character:"), "{lines:?}");
    assert!(lines.last().is_some_and(|it| it.ends_with("Z Create SUCCESS")), "{lines:?}");
    let create = &result["Responses"][1];
    assert_eq!(create["Sent"], "2026-01-02T03:04:08Z", "the time of the request, not of the response: {create}");
}

#[test]
fn the_status_of_a_request_in_progress_shows_its_waits_and_their_start() {
    let handler = created();
    let update = Request::read(&sent(sample("update.json"), 300), BEGIN_S * 1_000).expect("a valid request");
    handler.records.record_request(&update.owner(), LatestRequest::of_request(&update)).block_on();
    let since_ms = (BEGIN_S + 310) * 1_000;
    let open_since_ms = [("5f0d8f0e6d1c4c1b".to_owned(), since_ms)].into();
    let progress = Progress { waiting_for: vec!["nat-gateway n: it is pending".into()], open_since_ms, awaited: None };
    handler.records.record_progress(&update.owner(), &update.hash, progress).block_on();
    let clock = &handler.cloud_factory.account.clock;
    clock.advance(Timestamp((BEGIN_S + 400) * 1_000) - (clock.now() + handler.cloud_factory.account.read_lag));
    let result = send(&handler, sample("status.json"));
    assert_eq!(result["WaitingFor"], json!(["nat-gateway n: it is pending"]));
    assert_eq!(
        (&result["WaitingSince"], &result["LatestRequest"]["Responded"]),
        (&json!("2026-01-02T03:09:15Z"), &json!(false))
    );
    let text = result["Text"].as_str().expect("a text");
    let begins = "scalable-ec2-us-west-2-dev: its Update has been in progress for 100 s; the response is due by 2026-01-02T04:07:05Z.\n\
                  Waiting for 90 s for:\n  nat-gateway n: it is pending\n";
    assert!(text.starts_with(begins), "{text}");
}

#[test]
fn the_status_after_a_failure_contains_the_reason() {
    let handler = handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, memory_cloud::Fault::Denied);
    failed(&handler, sample("create.json"));
    let text = text(&handler, "status.json");
    assert!(text.starts_with("scalable-ec2-us-west-2-dev is not settled, and no request is in progress"), "{text}");
    assert!(text.contains("Create FAILED: ") && text.contains("access denied"), "{text}");
}

#[test]
fn the_status_shows_protection_and_its_lifting() {
    let handler = handler();
    succeeded(&handler, with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } })));
    assert!(text(&handler, "status.json").contains("Deletion protection: on."));
    send(&handler, sample("unlock.json"));
    assert!(text(&handler, "status.json").contains("Deletion protection: lifted until the next update"));
}

#[test]
fn drift_shows_changed_missing_and_surplus_resources() {
    let handler = created();
    assert_eq!(text(&handler, "drift.json"), "scalable-ec2-us-west-2-dev has no drift.");
    tamper_with_the_group(&handler);
    let group = key_of(&handler, Kind::AutoScalingGroup);
    let result = send(&handler, sample("drift.json"));
    let change = json!({ "Resource": group.to_string(), "Field": "max-size", "Desired": "3", "Observed": "9" });
    assert_eq!(result["Drift"], json!([change]));
    let expected =
        format!("scalable-ec2-us-west-2-dev differs in one place:\n  {group}: max-size is 9, desired is 3\n");
    assert!(result["Text"].as_str().is_some_and(|it| it.starts_with(&expected)), "{result}");

    let account = &handler.cloud_factory.account;
    let of_kind = |kind| account.inventory().into_iter().find(|it| it.kind() == kind).expect("a resource of this kind");
    account.plant(environment::Resource { name: "surplus".into(), ..of_kind(Kind::LogGroup) });
    let copy = account.plant(of_kind(Kind::SecurityGroup));
    // Without its ownership mark the gateway is not observed.
    let gateway = key_of(&handler, Kind::InternetGateway);
    account.tamper(&gateway, |it| it.tags.clear());
    let result = send(&handler, sample("drift.json"));
    let text = result["Text"].as_str().expect("a text");
    assert!(text.starts_with("scalable-ec2-us-west-2-dev differs in 4 places:\n"), "{text}");
    assert!(text.contains(&format!("  {gateway} is missing\n")), "{text}");
    assert!(text.contains("log-group surplus exists and is not desired: "), "{text}");
    assert!(text.contains(&format!("security-group {copy} carries this environment's mark, but")), "{text}");
    let plan = send(&handler, sample("plan-environment.json"));
    assert_eq!(plan["Unproven"], json!([format!("security-group {copy}")]));
}

#[test]
fn a_plan_names_the_drift_that_no_call_corrects() {
    let handler = created();
    let group = key_of(&handler, Kind::SecurityGroup);
    handler.cloud_factory.account.tamper(&group, |it| {
        let Fields::SecurityGroup(group) = &mut it.fields else { panic!("another kind") };
        group.description = "reworded".into();
    });
    let plan = send(&handler, sample("plan-environment.json"));
    assert_eq!((&plan["Steps"], &plan["Rejected"]), (&json!([]), &json!([])));
    let named = plan["FixedDrift"][0].as_str().expect("a text");
    assert!(named.starts_with(&format!("{group}: description is reworded, desired is ")), "{named}");
    assert!(plan["Text"].as_str().is_some_and(|it| it.contains(named)), "{plan}");
}

#[test]
fn a_plan_of_an_environment_restores_its_recorded_state() {
    let handler = created();
    assert_eq!(text(&handler, "plan-environment.json"), "Nothing to do: no resource has drift.");
    tamper_with_the_group(&handler);
    let result = send(&handler, sample("plan-environment.json"));
    assert_eq!(result["Steps"].as_array().map(Vec::len), Some(1), "{result}");
    assert_eq!(result["Steps"][0]["Changes"], json!(["max-size 9 → 3"]));
}

#[test]
fn a_manual_delete_is_rejected_while_the_stack_exists_or_its_state_is_unknown() {
    let mut handler = created();
    let before = writes(&handler);
    for (stack, expected) in [
        (Some(StackState::Active), "still exists. Delete that stack, or remove the resource Web from it"),
        (Some(StackState::Deleting), "still exists"),
        (Some(StackState::RollingBack), "still exists"),
        (None, "is unknown: cloudformation:DescribeStacks: access denied"),
    ] {
        handler.cloud_factory.stack = stack;
        let result = send(&handler, sample("delete-environment.json"));
        assert!(error(&result).contains(expected), "{result}");
    }
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_manual_delete_leaves_no_resource_when_the_stack_no_longer_exists() {
    let mut handler = created();
    handler.cloud_factory.stack = Some(StackState::Deleted);
    let result = send(&handler, sample("delete-environment.json"));
    assert_eq!(result["Text"], "scalable-ec2-us-west-2-dev is deleted.");
    assert_eq!(result["Response"]["Status"], "SUCCESS");
    assert_eq!(handler.cloud_factory.account.inventory(), []);
    let again = send(&handler, sample("delete-environment.json"));
    assert!(error(&again).contains("no environment has this name, or it was deleted"), "{again}");
}

#[test]
fn a_manual_delete_is_queued_like_any_other_request() {
    let (mut handler, _) = queueing_handler();
    let request_queue = handler.request_queue.take();
    succeeded(&handler, sample("create.json"));
    (handler.request_queue, handler.cloud_factory.stack) = (request_queue, Some(StackState::Deleted));
    let before = handler.cloud_factory.call_count();
    let result = send(&handler, sample("delete-environment.json"));
    let sent = handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread").clone();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].0.as_str(), &sent[0].2["RequestType"]),
        (result["Owner"].as_str().expect("an owner"), &json!("Delete"))
    );
    let text = result["Text"].as_str().expect("a text");
    assert!(text.starts_with("The Delete of scalable-ec2-us-west-2-dev is queued."), "{text}");
    assert!(text.contains("To see its status, run: envkeeper status scalable-ec2-us-west-2-dev"), "{text}");
    assert_eq!(handler.cloud_factory.call_count(), before);
    let status = send(&handler, sample("status.json"));
    assert!(status["Text"].as_str().is_some_and(|it| it.contains("its Delete has been in progress")), "{status}");
}

#[test]
fn a_manual_delete_without_a_record_requires_the_former_owner() {
    let mut handler = created();
    handler.records = MemoryRecords::new();
    handler.cloud_factory.stack = Some(StackState::Deleted);
    let result = send(&handler, sample("delete-environment.json"));
    assert!(error(&result).contains("Name its former owner by StackId and LogicalResourceId."), "{result}");
    let former_owner = json!({ "StackId": sample("create.json")["StackId"], "LogicalResourceId": "Web" });
    let result = send(&handler, with(sample("delete-environment.json"), former_owner));
    assert_eq!(result["Text"], "scalable-ec2-us-west-2-dev is deleted.", "{result}");
    assert_eq!(handler.cloud_factory.account.inventory(), []);
}

#[test]
fn a_manual_delete_in_the_name_of_another_owner_is_rejected() {
    let mut handler = created();
    let other = json!({ "LogicalResourceId": "Other", "ResourceProperties": { "EnvironmentSuffix": "other" } });
    succeeded(&handler, with(sample("create.json"), other));
    handler.cloud_factory.stack = Some(StackState::Deleted);
    let before = writes(&handler);
    let former_owner = json!({ "StackId": sample("create.json")["StackId"], "LogicalResourceId": "Other" });
    let result = send(&handler, with(sample("delete-environment.json"), former_owner));
    assert!(error(&result).contains(&format!("{ENVIRONMENT} belongs to another stack's resource")), "{result}");
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_protected_environment_of_a_deleted_stack_has_to_be_unlocked_first() {
    let mut handler = handler();
    succeeded(&handler, with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } })));
    handler.cloud_factory.stack = Some(StackState::Deleted);
    let before = writes(&handler);
    let text = text(&handler, "delete-environment.json");
    let advice = "Its stack no longer exists. Run `envkeeper unlock scalable-ec2-us-west-2-dev`, and then request";
    assert!(text.contains("nothing was deleted.") && text.contains(advice), "{text}");
    assert_eq!(writes(&handler), before);
    send(&handler, sample("unlock.json"));
    assert_eq!(send(&handler, sample("delete-environment.json"))["Response"]["Status"], "SUCCESS");
}

const DATA: &str = "scalable-ec2-data-uswest2-dev-123456789012";
const LOGS: &str = "scalable-ec2-logs-uswest2-dev-123456789012";

/// A Create by a stack of this name, which retains its buckets.
fn create_by(stack: &str) -> Value {
    let stack_id = format!("arn:aws:cloudformation:us-west-2:123456789012:stack/{stack}/0a1b2c3d");
    let retaining =
        json!({ "StackId": stack_id, "RequestId": stack, "ResourceProperties": { "BucketOnDelete": "Retain" } });
    with(sample("create.json"), retaining)
}

fn delete_by(stack: &str) -> Value {
    let stack_id = create_by(stack)["StackId"].clone();
    with(sample("delete.json"), json!({ "StackId": stack_id, "RequestId": format!("delete-{stack}") }))
}

fn owner_of(stack: &str) -> String {
    Owner::of(create_by(stack)["StackId"].as_str().expect("an id"), "Web").to_string()
}

fn allow_adoption(handler: &InlineHandler, owner: &str) -> Value {
    send(handler, with(sample("allow-adoption.json"), json!({ "Owner": owner })))
}

/// The request that the command line sends for the command `envkeeper allow-adoption` in a text.
fn adoption_in(text: &str) -> Value {
    let words = text.split_once("`envkeeper ").and_then(|(_, rest)| rest.split_once('`')).expect("a command").0;
    let [request, environment, owner] = words.split(' ').collect::<Vec<_>>()[..] else { panic!("{words}") };
    json!({ "Request": request, "Environment": environment, "Owner": owner })
}

/// An account in which the environment of one stack was deleted and retained its buckets.
fn with_retained_buckets() -> InlineHandler {
    let mut handler = handler();
    succeeded(&handler, create_by("first"));
    handler.cloud_factory.stack = Some(StackState::Active);
    succeeded(&handler, delete_by("first"));
    handler
}

#[test]
fn a_retained_bucket_is_adopted_by_the_owner_that_an_operator_allows_and_once() {
    let handler = with_retained_buckets();
    let before = writes(&handler);
    let reason = failed(&handler, create_by("second"));
    for bucket in [DATA, LOGS] {
        assert!(reason.contains(&format!("bucket {bucket} exists: the deleted environment {ENVIRONMENT} retained it")));
    }
    let request = adoption_in(&reason);
    let expected = json!({ "Request": "allow-adoption", "Environment": ENVIRONMENT, "Owner": owner_of("second") });
    assert_eq!(request, expected, "{reason}");
    assert_eq!(writes(&handler), before, "a rejected create writes nothing");

    let allowed = send(&handler, request.clone());
    assert_eq!(allowed["Buckets"], json!([LOGS, DATA]), "{allowed}");
    let before = writes(&handler);
    send(&handler, request);
    assert_eq!(writes(&handler), before, "a repeated consent writes nothing");
    failed(&handler, with(create_by("third"), json!({ "ResourceProperties": { "BucketOnDelete": "Empty" } })));
    succeeded(&handler, with(create_by("second"), json!({ "RequestId": "again" })));

    succeeded(&handler, delete_by("second"));
    let reason = failed(&handler, with(create_by("second"), json!({ "RequestId": "third" })));
    assert!(reason.contains("no operator has allowed"), "a consent holds once: {reason}");
}

#[test]
fn plan_drift_and_status_name_the_retained_buckets_that_block_a_create_and_the_command() {
    let handler = with_retained_buckets();
    let of_properties =
        send(&handler, json!({ "Request": "plan", "ResourceProperties": { "EnvironmentSuffix": "dev" } }));
    assert!(of_properties["Text"].as_str().is_some_and(|it| it.contains(DATA) && it.contains(LOGS)), "{of_properties}");
    failed(&handler, create_by("second"));
    for name in ["plan-environment.json", "drift.json", "status.json"] {
        let text = text(&handler, name);
        assert!(text.contains(DATA) && text.contains(LOGS), "{name}: {text}");
        assert_eq!(adoption_in(&text)["Owner"], owner_of("second"), "{name}: {text}");
    }
}

#[test]
fn a_consent_is_written_on_retained_buckets_alone() {
    let handler = with_retained_buckets();
    let before = writes(&handler);
    for owner in [json!(null), json!("0123456789ABCDEF0123"), json!("me")] {
        let result = send(&handler, with(sample("allow-adoption.json"), json!({ "Owner": owner })));
        assert!(error(&result).starts_with(&format!("Owner is {owner}: valid is the owner")), "{result}");
    }
    for environment in [json!(null), json!("web-us-west-2-dev"), json!("scalable-ec2-us-west-2-")] {
        let result = send(&handler, with(sample("allow-adoption.json"), json!({ "Environment": environment })));
        assert!(error(&result).starts_with("Environment is "), "{result}");
    }
    assert_eq!(writes(&handler), before);

    allow_adoption(&handler, &owner_of("second"));
    succeeded(&handler, create_by("second"));
    let before = writes(&handler);
    let of_another = allow_adoption(&handler, &owner_of("third"));
    assert!(error(&of_another).contains("belongs to another stack's resource"), "{of_another}");
    let of_itself = allow_adoption(&handler, &owner_of("second"));
    assert!(error(&of_itself).contains("no bucket of it is retained"), "{of_itself}");
    assert_eq!(writes(&handler), before);
}

#[test]
fn an_invalid_operator_request_names_the_valid_form() {
    let handler = created();
    let result = |event: Value| error(&send(&handler, event)).to_owned();
    let valid = "valid is \"status\", \"rollout\", \"drift\", \"plan\"";
    assert!(result(json!({ "Request": "dance" })).contains(valid));
    assert!(result(json!({ "Request": ["plan"] })).contains(valid));
    let properties = result(json!({ "Request": "plan", "ResourceProperties": "MinSize=1" }));
    assert!(
        properties.starts_with("ResourceProperties is a string of 9 characters: valid is an object"),
        "{properties}"
    );
    for request in ["status", "rollout", "drift", "unlock", "delete", "allow-adoption"] {
        let none = result(json!({ "Request": request }));
        assert!(none.starts_with("Environment is null: valid is the id of an environment"), "{none}");
    }
}

#[test]
fn a_plan_shows_what_fits_what_certainly_does_not_and_what_is_unknown() {
    let handler = handler();
    let quota = |counted, allowed| AccountQuota { counted, allowed, used_by_others: 5 };
    let account = &handler.cloud_factory.account;
    account.quotas.borrow_mut().extend([quota(Counted::Vpc, 5), quota(Counted::Vcpu, 9), quota(Counted::Address, 9)]);
    let properties = json!({ "EnvironmentSuffix": "dev", "MinSize": "1", "MaxSize": "4" });
    let result = send(&handler, json!({ "Request": "plan", "ResourceProperties": properties }));
    let verdict = |quota: &str| {
        let all = result["Account"].as_array().expect("findings");
        all.iter().find(|it| it["Quota"] == quota).map_or(Value::Null, |it| it["Verdict"].clone())
    };
    assert_eq!(verdict("VPCs per Region"), "certainly not");
    assert_eq!(verdict("EC2-VPC Elastic IPs"), "fits");
    assert_eq!(verdict("Roles per account"), "unknown", "it was not read");
    let standard = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances";
    assert_eq!(verdict(standard), "unknown", "there is room for MinSize only");
    let text = result["Text"].as_str().expect("a text");
    for line in [
        "\nRoom in the account:\n  VPCs per Region: 1 needed, 5 of 5 in use. Remove VPCs ",
        &format!("\n  {standard}: 2 to 8 needed, 5 of 9 in use: unknown whether it fits: there is no room for MaxSize"),
        "\n  EC2-VPC Elastic IPs: 1 needed, 5 of 9 in use: fits",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(writes(&handler), 0);
}
