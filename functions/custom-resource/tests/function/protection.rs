//! Deletion protection: when it applies, and how an operator lifts it.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{
    BlockOn as _, InlineHandler, failed, handler, operate, operator_sample, sample, succeeded, with, writes,
};
use environment::{Fields, Key, Kind};
use memory_cloud::Fault;
use request_pass::StackState;
use requests::records::{DesiredRecord, MemoryRecords};
use requests::{Owner, Records as _};
use serde_json::{Value, json};

/// The sample Create with deletion protection.
fn protected_create() -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } }))
}

#[test]
fn a_protected_environment_is_not_deleted_until_an_operator_unlocks_it() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let (before, inventory) = (writes(&handler), handler.cloud_factory.account.inventory());
    for _ in 0..2 {
        let reason = failed(&handler, sample("delete.json"));
        assert!(reason.contains("DeletionProtection is true for scalable-ec2-us-west-2-dev: nothing was"), "{reason}");
        assert!(reason.contains("run `envkeeper unlock scalable-ec2-us-west-2-dev`"), "{reason}");
    }
    assert_eq!(writes(&handler), before);
    assert_eq!(handler.cloud_factory.account.inventory(), inventory);

    let unlocked = operate(&handler, operator_sample("unlock.json"));
    assert_eq!(unlocked["Unlocked"], "scalable-ec2-us-west-2-dev", "{unlocked}");
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn an_update_restores_protection_and_an_update_lifts_it() {
    let handler = handler();
    succeeded(&handler, protected_create());
    operate(&handler, operator_sample("unlock.json"));
    let update = |protection: &str| {
        with(sample("update.json"), json!({ "ResourceProperties": { "DeletionProtection": protection } }))
    };
    succeeded(&handler, update("true"));
    failed(&handler, sample("delete.json"));
    succeeded(&handler, update("false"));
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn protection_never_blocks_a_stack_that_rolls_back() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.cloud_factory.stack = Some(StackState::RollingBack);
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn protection_does_not_apply_before_a_create_has_settled() {
    let handler = handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, Fault::Denied);
    failed(&handler, protected_create());
    assert!(!handler.cloud_factory.account.inventory().is_empty());
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn unlocking_an_unknown_environment_is_an_error() {
    let handler = handler();
    let result = |event: Value| operate(&handler, event)["Error"].as_str().unwrap_or_default().to_owned();
    assert!(result(operator_sample("unlock.json")).contains("no environment has this name"));
    assert!(result(json!({ "Request": "unlock" })).starts_with("Environment is null: valid is the id"));
}

#[test]
fn the_reason_explains_how_to_lift_protection_for_a_resource_that_left_its_template() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("add it again under the same logical id with DeletionProtection false"), "{reason}");
}

#[test]
fn a_partially_readable_record_still_protects() {
    let handler = handler();
    succeeded(&handler, protected_create());
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let record = handler.records.owner(&owner).block_on().expect("a record");
    // A later version may have a value of Egress that this version does not know.
    let mut spec = record.settled_spec.expect("settled");
    spec["Egress"] = json!("SomethingNew");
    let environment = record.environment.expect("an environment");
    let frozen = record.frozen.expect("frozen defaults");
    let desired = DesiredRecord { environment, spec, frozen, retired_tags: vec![], keeps_unlock: false };
    handler.records.save_desired(&owner, desired).block_on();
    handler.records.mark_settled(&owner, serde_json::json!({})).block_on();
    let before = writes(&handler);
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("DeletionProtection is true"), "{reason}");
    assert_eq!(writes(&handler), before);
}

#[test]
fn without_a_record_the_group_itself_protects_and_never_blocks_a_rollback() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.records = MemoryRecords::new();
    let before = writes(&handler);
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("--deletion-protection none"), "{reason}");
    assert_eq!(writes(&handler), before);
    handler.cloud_factory.stack = Some(StackState::RollingBack);
    succeeded(&handler, sample("delete.json"));
}

#[test]
fn a_stack_of_unknown_state_keeps_protection_and_buckets() {
    let mut handler = handler();
    succeeded(&handler, protected_create());
    handler.cloud_factory.stack = None;
    let reason = failed(&handler, sample("delete.json"));
    assert!(reason.contains("Envkeeper could not read whether the stack rolls back"), "{reason}");
    operate(&handler, operator_sample("unlock.json"));
    fill(&handler);
    succeeded(&handler, sample("delete.json"));
    assert_eq!(bucket_count(&handler), 1, "stored objects are not deleted on a guess");
}

/// Stores an object in the environment's data bucket.
fn fill(handler: &InlineHandler) {
    let account = &handler.cloud_factory.account;
    let key = Key::new(Kind::Bucket, "scalable-ec2-data-uswest2-dev-123456789012");
    account.tamper(&key, |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.contains_objects = true;
        }
    });
    account.clock.advance(account.read_lag);
}

fn bucket_count(handler: &InlineHandler) -> usize {
    handler.cloud_factory.account.inventory().iter().filter(|it| it.kind() == Kind::Bucket).count()
}

#[test]
fn a_rollback_of_a_settled_create_releases_the_adopted_buckets_and_is_never_blocked() {
    for on_delete in ["Empty", "FailIfNotEmpty"] {
        let mut handler = handler();
        let create = |on_delete: &str| {
            with(sample("create.json"), json!({ "ResourceProperties": { "BucketOnDelete": on_delete } }))
        };
        succeeded(&handler, create("Retain"));
        fill(&handler);
        succeeded(&handler, sample("delete.json"));
        let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
        let allowed =
            operate(&handler, with(operator_sample("allow-adoption.json"), json!({ "Owner": owner.as_str() })));
        assert_eq!(allowed["Buckets"].as_array().map(Vec::len), Some(2), "{allowed}");
        succeeded(&handler, create(on_delete));
        handler.cloud_factory.stack = Some(StackState::RollingBack);
        succeeded(&handler, sample("delete.json"));
        assert_eq!(bucket_count(&handler), 2, "{on_delete}: both buckets are released");
        let full = handler
            .cloud_factory
            .account
            .inventory()
            .into_iter()
            .filter(|it| matches!(&it.fields, Fields::Bucket(bucket) if bucket.contains_objects));
        assert_eq!(full.count(), 1, "{on_delete}: no bucket was emptied");
    }
}
