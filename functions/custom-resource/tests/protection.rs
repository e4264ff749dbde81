//! Deletion protection: when it counts, and how it is lifted.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{ask, door, failed, sample, succeeded, with, writes};
use environment::memory::Fault;
use reconciler::Stack;
use serde_json::{Value, json};

/// The sample, protected.
fn protected_create() -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": { "DeletionProtection": "true" } }))
}

#[test]
fn a_protected_environment_is_not_deleted_until_somebody_unlocks_it() {
    let door = door();
    succeeded(&door, protected_create());
    let (before, inventory) = (writes(&door), door.clouds.world.inventory());
    for _ in 0..2 {
        let reason = failed(&door, sample("delete.json"));
        assert!(reason.contains("DeletionProtection is true for scalable-ec2-us-west-2-dev: nothing was"), "{reason}");
        let command = r#"--payload '{"Request":"unlock","Environment":"scalable-ec2-us-west-2-dev"}'"#;
        assert!(reason.contains(command), "{reason}");
    }
    assert_eq!(writes(&door), before);
    assert_eq!(door.clouds.world.inventory(), inventory);

    let unlocked = ask(&door, sample("unlock.json"));
    assert_eq!(unlocked["Unlocked"], "scalable-ec2-us-west-2-dev", "{unlocked}");
    succeeded(&door, sample("delete.json"));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn an_update_locks_again_and_an_update_lifts() {
    let door = door();
    succeeded(&door, protected_create());
    ask(&door, sample("unlock.json"));
    let update = |protection: &str| {
        with(sample("update.json"), json!({ "ResourceProperties": { "DeletionProtection": protection } }))
    };
    succeeded(&door, update("true"));
    failed(&door, sample("delete.json"));
    succeeded(&door, update("false"));
    succeeded(&door, sample("delete.json"));
}

#[test]
fn protection_never_holds_up_a_stack_that_rolls_back() {
    let mut door = door();
    succeeded(&door, protected_create());
    door.clouds.stack = Some(Stack::RollsBack);
    succeeded(&door, sample("delete.json"));
}

#[test]
fn protection_does_not_count_before_a_create_has_settled() {
    let door = door();
    door.clouds.world.faults.borrow_mut().insert(12, Fault::Denied);
    failed(&door, protected_create());
    assert!(!door.clouds.world.inventory().is_empty());
    succeeded(&door, sample("delete.json"));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn unlocking_what_is_not_there_says_so() {
    let door = door();
    let told = |event: Value| ask(&door, event)["Error"].as_str().unwrap_or_default().to_owned();
    assert!(told(sample("unlock.json")).contains("there is none of that name"));
    assert!(told(json!({ "Request": "unlock" })).starts_with("Environment is null: valid is the id"));
}
