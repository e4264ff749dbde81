//! Deletion protection: when it counts, and how it is lifted.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{Now as _, TestDoor, ask, failed, handler, sample, succeeded, with, writes};
use environment::{Fields, Key, Kind};
use memory_cloud::Fault;
use reconciler::Stack;
use requests::records::{DesiredRecord, MemoryRecords};
use requests::{Owner, Records as _};
use serde_json::{Value, json};

/// The sample, protected.
fn protected_create() -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } }))
}

#[test]
fn a_protected_environment_is_not_deleted_until_somebody_unlocks_it() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let (before, inventory) = (writes(&handler), handler.cloud_factory.account.inventory());
    for _ in 0..2 {
        let reason = failed(&handler, sample("delete.json"));
        assert!(reason.contains("DeletionProtection is true for scalable-ec2-us-west-2-dev: nothing was"), "{reason}");
        let command = r#"<<< '{"Request":"unlock","Environment":"scalable-ec2-us-west-2-dev"}'"#;
        assert!(reason.contains(command), "{reason}");
    }
    assert_eq!(writes(&handler), before);
    assert_eq!(handler.cloud_factory.account.inventory(), inventory);

    let unlocked = ask(&handler, sample("unlock.json"));
    assert_eq!(unlocked["Unlocked"], "scalable-ec2-us-west-2-dev", "{unlocked}");
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn an_update_locks_again_and_an_update_lifts() {
    let handler = handler();
    succeeded(&handler, protected_create());
    ask(&handler, sample("unlock.json"));
    let update = |protection: &str| {
        with(sample("update.json"), json!({ "ResourceProperties": { "DeletionProtection": protection } }))
    };
    succeeded(&handler, update("true"));
    failed(&handler, sample("delete.json"));
    succeeded(&handler, update("false"));
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn protection_never_holds_up_a_stack_that_rolls_back() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.cloud_factory.stack = Some(Stack::RollsBack);
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn protection_does_not_count_before_a_create_has_settled() {
    let handler = handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, Fault::Denied);
    failed(&handler, protected_create());
    assert!(!handler.cloud_factory.account.inventory().is_empty());
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn unlocking_what_is_not_there_says_so() {
    let handler = handler();
    let told = |event: Value| ask(&handler, event)["Error"].as_str().unwrap_or_default().to_owned();
    assert!(told(sample("unlock.json")).contains("there is none of that name"));
    assert!(told(json!({ "Request": "unlock" })).starts_with("Environment is null: valid is the id"));
}

#[test]
fn the_way_to_lift_it_is_also_told_for_a_resource_that_has_left_its_template() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("put it back under the same logical id with DeletionProtection false"), "{reason}");
}

#[test]
fn a_record_that_cannot_be_read_whole_still_protects() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let record = handler.records.owner(&owner).await_now().expect("a record");
    // A later version may know other egresses than this one.
    let mut spec = record.settled_spec.expect("settled");
    spec["Egress"] = json!("SomethingNew");
    let environment = record.environment.expect("it has one");
    let frozen = record.frozen.expect("it has some");
    let desired = DesiredRecord { environment, spec, frozen, retired_tags: vec![] };
    handler.records.save_desired(&owner, desired).await_now();
    handler.records.mark_settled(&owner).await_now();
    let before = writes(&handler);
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("DeletionProtection is true"), "{reason}");
    assert_eq!(writes(&handler), before);
}

#[test]
fn where_the_record_is_lost_the_group_itself_protects_and_never_holds_up_a_rollback() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.records = MemoryRecords::new();
    let before = writes(&handler);
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("--deletion-protection none"), "{reason}");
    assert_eq!(writes(&handler), before);
    handler.cloud_factory.stack = Some(Stack::RollsBack);
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn a_stack_that_cannot_be_asked_keeps_protection_and_buckets() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.cloud_factory.stack = None;
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("Whether the stack rolls back is not known"), "{reason}");
    ask(&handler, sample("unlock.json"));
    fill(&handler);
    succeeded(&handler, sample("delete.json"));
    assert_eq!(buckets(&handler), 1, "what somebody stored is not thrown away on a guess");
}

/// Puts something into the environment's own bucket.
fn fill(handler: &TestDoor) {
    let account = &handler.cloud_factory.account;
    let key = Key::new(Kind::Bucket, "scalable-ec2-data-uswest2-dev-123456789012");
    account.tamper(&key, |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.holds_objects = true;
        }
    });
    account.clock.advance(account.read_lag);
}

fn buckets(handler: &TestDoor) -> usize {
    handler.cloud_factory.account.inventory().iter().filter(|it| it.kind() == Kind::Bucket).count()
}

#[test]
fn a_rollback_of_a_settled_create_gives_back_what_it_adopted_and_is_never_held_up() {
    for on_delete in ["Empty", "FailIfNotEmpty"] {
        let mut handler = handler();
        let create = |on_delete: &str| {
            with(sample("create.json"), json!({ "ResourceProperties": { "BucketOnDelete": on_delete } }))
        };
        succeeded(&handler, create("Retain"));
        fill(&handler);
        succeeded(&handler, sample("delete.json"));
        succeeded(&handler, create(on_delete));
        handler.cloud_factory.stack = Some(Stack::RollsBack);
        succeeded(&handler, sample("delete.json"));
        assert_eq!(buckets(&handler), 2, "{on_delete}: both are given back");
        let full = handler
            .cloud_factory
            .account
            .inventory()
            .into_iter()
            .filter(|it| matches!(&it.fields, Fields::Bucket(bucket) if bucket.holds_objects));
        assert_eq!(full.count(), 1, "{on_delete}: and nothing was emptied");
    }
}
