//! The handler over the in-memory cloud and in-memory records: the responses to CloudFormation and to operators.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use crate::common::{
    BEGIN_S, BlockOn as _, failed, handler, handler_with, operate, operator_sample, sample, send, succeeded, with,
    writes,
};
use environment::{Key, Kind};
use request_pass::StackState;
use requests::Records as _;
use requests::records::MemoryRecords;
use serde_json::{Value, json};

#[test]
fn a_stack_creates_updates_and_deletes_its_environment() {
    let handler = handler();
    let created = succeeded(&handler, sample("create.json"));
    assert_eq!(created["PhysicalResourceId"], "scalable-ec2-us-west-2-dev");
    let updated = succeeded(&handler, sample("update.json"));
    assert_eq!(updated["PhysicalResourceId"], created["PhysicalResourceId"]);
    let keys = |response: &Value| response["Data"].as_object().map(|data| data.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&created), keys(&updated), "Fn::GetAtt finds the same keys after an update");
    assert!(created["Data"]["VpcId"].as_str().is_some_and(|id| !id.is_empty()));
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn a_create_that_is_delivered_twice_creates_one_environment_and_the_second_writes_nothing() {
    let handler = handler();
    let first = succeeded(&handler, sample("create.json"));
    let before = writes(&handler);
    assert_eq!(succeeded(&handler, sample("create.json")), first);
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_second_stack_resource_cannot_take_over_an_environment() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let before = writes(&handler);
    let reason = failed(&handler, with(sample("create.json"), json!({ "LogicalResourceId": "Other" })));
    assert!(reason.contains("scalable-ec2-us-west-2-dev belongs to another stack's resource"), "{reason}");
    let rollback = with(sample("delete.json"), json!({ "LogicalResourceId": "Other" }));
    succeeded(&handler, rollback);
    assert_eq!(writes(&handler), before, "and its rollback changes nothing");
}

#[test]
fn a_delete_with_an_id_that_cloudformation_generated_deletes_the_environment_with_its_stack() {
    let generated = json!({ "PhysicalResourceId": "stack-Web-1A2B3C4D5E6F" });
    let mut delete = with(sample("delete.json"), generated);
    delete["ResourceProperties"] = json!({ "OldFormat": { "Nested": [1, null] } });
    for state in [StackState::Deleting, StackState::Deleted, StackState::RollingBack] {
        let mut handler = handler();
        succeeded(&handler, sample("create.json"));
        handler.cloud_factory.stack = Some(state);
        let response = succeeded(&handler, delete.clone());
        assert_eq!(response["PhysicalResourceId"], "stack-Web-1A2B3C4D5E6F");
        assert!(handler.cloud_factory.account.inventory().is_empty(), "{state:?}");
    }
}

#[test]
fn a_delete_of_an_environment_that_never_existed_succeeds_and_writes_nothing() {
    let handler = handler();
    succeeded(&handler, sample("delete-of-nothing.json"));
    succeeded(&handler, sample("delete.json"));
    assert_eq!(writes(&handler), 0);
}

#[test]
fn an_invalid_suffix_in_a_rejected_create_does_not_block_its_rollback() {
    for suffix in ["feature/login", "A B", "\u{fc}", "-", "", &"a".repeat(60)] {
        let handler = handler();
        let bad = json!({ "ResourceProperties": { "EnvironmentSuffix": suffix } });
        let rejected = send(&handler, with(sample("create.json"), bad.clone()));
        assert_eq!(rejected["Status"], "FAILED", "{suffix}");
        for id in [rejected["PhysicalResourceId"].clone(), json!(format!("scalable-ec2-us-west-2-{suffix}"))] {
            let delete = with(sample("delete.json"), bad.clone());
            succeeded(&handler, with(delete, json!({ "PhysicalResourceId": id, "RequestId": id })));
        }
    }
}

#[test]
fn the_cleanup_after_a_rejected_create_keeps_the_environment_of_the_next_create() {
    let mut handler = handler();
    let bad = json!({ "RequestId": "first", "ResourceProperties": { "MinSize": "9" } });
    let rejected = send(&handler, with(sample("create.json"), bad));
    assert_eq!(rejected["Status"], "FAILED");
    succeeded(&handler, sample("create.json"));
    let (before, inventory) = (writes(&handler), handler.cloud_factory.account.inventory());

    // CloudFormation cleans up under the id of the first response.
    let clean_up = json!({ "RequestId": "clean-up", "PhysicalResourceId": rejected["PhysicalResourceId"] });
    handler.cloud_factory.stack = Some(StackState::Active);
    succeeded(&handler, with(sample("delete.json"), clean_up.clone()));
    assert_eq!((writes(&handler), handler.cloud_factory.account.inventory()), (before, inventory));
    succeeded(&handler, sample("update.json"));

    // The Delete of a deleted stack removes the whole environment, independent of the id.
    handler.cloud_factory.stack = Some(StackState::Deleted);
    succeeded(&handler, with(sample("delete.json"), with(clean_up, json!({ "RequestId": "final" }))));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn a_delete_of_another_id_keeps_the_environment_while_its_stack_stands() {
    let mut handler = handler();
    let delete = || sample("delete-of-another-id.json");
    succeeded(&handler, sample("create.json"));
    succeeded(&handler, sample("update.json"));
    handler.cloud_factory.stack = Some(StackState::Active);
    let (before, inventory) = (writes(&handler), handler.cloud_factory.account.inventory());
    let response = succeeded(&handler, delete());
    assert_eq!(response["PhysicalResourceId"], delete()["PhysicalResourceId"]);
    assert_eq!((writes(&handler), handler.cloud_factory.account.inventory()), (before, inventory));

    // The environment's own id, and the same request when the stack goes.
    let record = handler.records.environment_owner("scalable-ec2-us-west-2-dev").block_on();
    assert!(record.is_some(), "the environment keeps its record");
    handler.cloud_factory.stack = Some(StackState::Deleting);
    succeeded(&handler, with(delete(), json!({ "RequestId": "with the stack" })));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn an_environment_without_a_reported_success_is_deleted_by_any_id() {
    let mut handler = handler();
    let created = succeeded(&handler, sample("create.json"));
    // The invocation ended before the response: the record shows that the environment settled, without a reported
    // success.
    let create = requests::Request::read(&sample("create.json"), BEGIN_S * 1_000).expect("a valid request");
    let owner = create.owner();
    let mut history = handler.records.owner(&owner).block_on().expect("a record").history;
    let mut entry = history.remove(0);
    entry.success = false;
    handler.records.record_history(&owner, vec![entry]).block_on();
    assert_eq!(created["Status"], "SUCCESS");

    handler.cloud_factory.stack = Some(StackState::Active);
    let of_owner = json!({ "PhysicalResourceId": format!("envkeeper-{owner}") });
    succeeded(&handler, with(sample("delete.json"), of_owner));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn an_update_of_an_environment_that_was_never_created_is_rejected_and_creates_nothing() {
    let handler = handler();
    let reason = failed(&handler, sample("update.json"));
    assert!(reason.starts_with("There is nothing to update"), "{reason}");
    assert_eq!(writes(&handler), 0);
}

#[test]
fn an_update_rebuilds_a_lost_record() {
    let mut handler = handler();
    succeeded(&handler, sample("create.json"));
    handler.records = MemoryRecords::new();
    succeeded(&handler, sample("update.json"));
    let reason =
        failed(&handler, with(sample("update.json"), json!({ "ResourceProperties": { "VpcCidr": "10.9.0.0/16" } })));
    assert!(reason.contains("VpcCidr is \"10.9.0.0/16\": it is \"10.40.0.0/16\" and cannot change"), "{reason}");
}

#[test]
fn an_immutable_change_is_rejected_and_its_rollback_is_not() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let before = writes(&handler);
    let moved = with(sample("update.json"), json!({ "ResourceProperties": { "EnvironmentSuffix": "other" } }));
    let reason = failed(&handler, moved);
    assert!(reason.contains("EnvironmentSuffix is \"other\": it is \"dev\" and cannot change"), "{reason}");
    let mut back = sample("update.json");
    back["ResourceProperties"] = sample("create.json")["ResourceProperties"].clone();
    succeeded(&handler, back);
    assert_eq!(writes(&handler), before);
}

#[test]
fn one_response_contains_all_violations() {
    let handler = handler();
    let reason = failed(&handler, sample("bad-input.json"));
    for name in ["VpcCidr", "ZoneCount", "LogRetentionDays", "InstanceTyp is", "MinSize is 5"] {
        assert!(reason.contains(name), "{name}: {reason}");
    }
    assert_eq!(writes(&handler), 0);
    assert!(handler.records.environment_owner("scalable-ec2-us-west-2-dev").block_on().is_none());
}

#[test]
fn malformed_events_get_a_response() {
    let handler = handler();
    let create = sample("create.json");
    let mut without_properties = create.clone();
    without_properties.as_object_mut().expect("an object").remove("ResourceProperties");
    let malformed = [
        with(create.clone(), json!({ "RequestType": "Import" })),
        with(create.clone(), json!({ "RequestType": "create" })),
        with(create.clone(), json!({ "StackId": "" })),
        with(create, json!({ "LogicalResourceId": 7 })),
        without_properties,
        json!({}),
        json!([]),
        json!("text"),
        Value::Null,
    ];
    for event in malformed {
        failed(&handler, event);
    }
    assert_eq!(writes(&handler), 0);
}

#[test]
fn a_bucket_that_denies_read_access_fails_the_delete() {
    let mut handler = handler();
    succeeded(&handler, sample("create.json"));
    handler.cloud_factory.stack = Some(StackState::Active);
    let bucket = Key::new(Kind::Bucket, "scalable-ec2-data-uswest2-dev-123456789012");
    handler.cloud_factory.account.hidden.borrow_mut().insert(bucket.clone());
    let reason = failed(&handler, sample("delete.json"));
    assert!(
        reason.starts_with("bucket scalable-ec2-data-uswest2-dev-123456789012 was not deleted: its policy"),
        "{reason}"
    );

    handler.cloud_factory.account.hidden.borrow_mut().remove(&bucket);
    succeeded(&handler, with(sample("delete.json"), json!({ "RequestId": "again" })));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn a_delete_names_the_retained_buckets() {
    let handler = handler();
    let retaining = json!({ "ResourceProperties": { "BucketOnDelete": "Retain" } });
    succeeded(&handler, with(sample("create.json"), retaining));
    let response = succeeded(&handler, sample("delete.json"));
    let retained = "scalable-ec2-data-uswest2-dev-123456789012, scalable-ec2-logs-uswest2-dev-123456789012";
    assert_eq!(response["Data"]["Retained"], retained);
}

#[test]
fn a_create_waits_for_its_instances_and_an_update_does_not() {
    let handler = handler();
    let began = handler.cloud_factory.account.clock.now();
    succeeded(&handler, sample("create.json"));
    assert!((handler.cloud_factory.account.clock.now() - began).as_secs() > 45 + 110, "a NAT gateway and an instance");
    let began = handler.cloud_factory.account.clock.now();
    // The sample changes the type, which rolls.
    let more = json!({ "MinSize": "2", "DesiredCapacity": "2", "InstanceType": "t3.micro" });
    succeeded(&handler, with(sample("update.json"), json!({ "ResourceProperties": more })));
    assert!((handler.cloud_factory.account.clock.now() - began).as_secs() < 45);
}

#[test]
fn the_response_has_the_documented_keys_and_fits() {
    let handler = handler();
    let created = succeeded(&handler, sample("create.json"));
    let data = created["Data"].as_object().expect("data");
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    let documented = [
        "AutoScalingGroupArn",
        "AutoScalingGroupName",
        "AutoScalingLogGroup",
        "BucketName",
        "DashboardUrl",
        "EnvironmentId",
        "InstanceLogGroup",
        "InstanceProfileArn",
        "LaunchTemplateId",
        "LaunchTemplateVersion",
        "LogBucketName",
        "RoleArn",
        "RolloutState",
        "SecurityGroupId",
        "SubnetIds",
        "VpcId",
    ];
    assert_eq!(keys, documented);
    assert!(created.to_string().len() < 4_096);
}

#[test]
fn a_record_of_an_older_version_is_read_with_defaults_for_unknown_properties() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let owner = handler.records.environment_owner("scalable-ec2-us-west-2-dev").block_on().expect("an owner");
    let record = handler.records.owner(&owner).block_on().expect("a record");
    let mut older = record.desired.expect("a spec");
    older.as_object_mut().expect("an object").remove("CooldownSeconds");
    let desired = requests::records::DesiredRecord {
        environment: "scalable-ec2-us-west-2-dev".into(),
        spec: older,
        frozen: json!({}),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    handler.records.save_desired(&owner, desired).block_on();
    handler.records.mark_settled(&owner, serde_json::json!({})).block_on();
    let moved = with(sample("update.json"), json!({ "ResourceProperties": { "VpcCidr": "10.9.0.0/16" } }));
    let reason = failed(&handler, moved);
    assert!(reason.contains("it is \"10.40.0.0/16\" and cannot change"), "{reason}");
}

/// The function `operator` builds this event, from the record, and records it before it queues it.
#[test]
fn a_repair_is_rejected_as_an_unknown_type_and_writes_nothing() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let owner = requests::Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let (record, before) = (handler.records.owner(&owner).block_on(), writes(&handler));
    let reason = failed(&handler, with(sample("update.json"), json!({ "RequestType": "Repair" })));
    assert!(reason.contains("RequestType is \"Repair\", valid is Create, Update or Delete"), "{reason}");
    assert_eq!((handler.records.owner(&owner).block_on(), writes(&handler)), (record, before));
}

#[test]
fn a_panic_results_in_a_failed() {
    let mut handler = handler();
    handler.cloud_factory.panics = true;
    let reason = failed(&handler, sample("create.json"));
    assert!(reason.starts_with("Envkeeper failed with an internal error"), "{reason}");
}

#[test]
fn invalid_settings_result_in_a_failed() {
    let handler = handler_with(&[("PROJECT_NAME", "My Project")]);
    let reason = failed(&handler, sample("create.json"));
    assert!(reason.contains("PROJECT_NAME is \"My Project\""), "{reason}");
}

#[test]
fn a_changed_variable_does_not_affect_a_settled_environment() {
    let mut handler = handler_with(&[("MAX_SIZE", "5")]);
    let mut create = sample("create.json");
    create["ResourceProperties"].as_object_mut().expect("an object").remove("MaxSize");
    succeeded(&handler, create.clone());
    let before = writes(&handler);
    handler.settings = handler_with(&[("MAX_SIZE", "9")]).settings;
    let update = with(sample("update.json"), json!({ "ResourceProperties": null }));
    let update = with(update, json!({ "ResourceProperties": create["ResourceProperties"].clone() }));
    succeeded(&handler, update);
    assert_eq!(writes(&handler), before);
}

#[test]
fn a_create_that_arrives_after_its_delete_changes_nothing() {
    let handler = handler();
    // A URL of the older form, which expires two hours after CloudFormation sent it.
    let sent = |event: Value, minutes_ago: u64| {
        let expires = BEGIN_S + 7200 - 60 * minutes_ago;
        let url = format!("https://not-allowed.example/x?AWSAccessKeyId=AKIAEXAMPLE&Expires={expires}&Signature=x");
        with(event, json!({ "ResponseURL": url }))
    };
    succeeded(&handler, sent(sample("delete.json"), 5));
    let reason = failed(&handler, sent(sample("create.json"), 9));
    assert!(reason.contains("Superseded: CloudFormation sent a newer Delete"), "{reason}");
    assert_eq!(writes(&handler), 0);
}

#[test]
fn a_plan_shows_the_steps_of_a_create_or_an_update_and_changes_nothing() {
    let handler = handler();
    let plan = operate(&handler, operator_sample("plan.json"));
    assert!(plan["Text"].as_str().is_some_and(|text| text.contains("+ vpc scalable-ec2-vpc-uswest2-dev")), "{plan}");
    assert_eq!(writes(&handler), 0);
    succeeded(&handler, sample("create.json"));
    let changed = with(operator_sample("plan.json"), json!({ "ResourceProperties": { "MaxSize": "7" } }));
    let plan = operate(&handler, changed);
    assert_eq!(plan["Steps"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["Steps"][0]["Changes"], json!(["max-size 3 → 7"]));
    let other = operate(&handler, json!({ "Request": "dance" }));
    assert!(other["Error"].as_str().is_some_and(|it| it.starts_with("Request is a string of 5 characters: valid")));
    let bad = operate(&handler, json!({ "Request": "plan", "ResourceProperties": { "MinSize": "x" } }));
    assert!(bad["Error"].as_str().is_some_and(|it| it.contains("EnvironmentSuffix is missing")), "{bad}");
}

#[test]
fn an_operator_request_is_refused_with_the_function_that_takes_it_and_writes_nothing() {
    let mut handler = handler_with(&[("OPERATOR_FUNCTION", "web-operator")]);
    succeeded(&handler, sample("create.json"));
    let owner = requests::Owner::of(sample("create.json")["StackId"].as_str().unwrap(), "Web");
    let record = handler.records.owner(&owner).block_on();
    let before = writes(&handler);
    let refused =
        |handler: &crate::common::InlineHandler, event| send(handler, event)["Error"].as_str().unwrap().to_owned();
    for name in ["status.json", "unlock.json", "roll.json", "hold.json", "delete-environment.json"] {
        let error = refused(&handler, operator_sample(name));
        let expected = "Request is given: the function custom-resource takes only the events of CloudFormation. Send the request to the function web-operator.";
        assert_eq!(error, expected, "{name}");
    }
    assert!(refused(&handler, json!({ "request": "status" })).starts_with("Request is given"));
    assert_eq!((writes(&handler), handler.records.owner(&owner).block_on()), (before, record));
    handler.settings = test_support::settings(&[("PROJECT_NAME", "My Project")]);
    assert!(refused(&handler, operator_sample("status.json")).ends_with(" to the function operator."));
}

#[test]
fn a_reason_for_an_operator_ends_with_the_runbook_and_one_for_the_stack_author_does_not() {
    let reason =
        |handler: &crate::common::InlineHandler, event| send(handler, event)["Reason"].as_str().unwrap().to_owned();
    let mut panicking = handler();
    panicking.cloud_factory.panics = true;
    let invalid = handler_with(&[("PROJECT_NAME", "My Project")]);
    for (handler, anchor) in [(panicking, "internal-error"), (invalid, "invalid-settings")] {
        let reason = reason(&handler, sample("create.json"));
        assert!(reason.contains(" Function: custom-resource. Log group: /aws/lambda/custom-resource."), "{reason}");
        assert!(reason.ends_with(&format!("Runbook: infra/OPERATIONS.md#{anchor}")), "{reason}");
    }
    assert!(!reason(&handler(), sample("bad-input.json")).contains("Runbook"));
}
