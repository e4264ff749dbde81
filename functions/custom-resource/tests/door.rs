//! The door, over the in-memory cloud and in-memory records: what CloudFormation and people are answered.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use common::{BEGIN_S, Now as _, ask, door, door_with, failed, sample, succeeded, with, writes};
use environment::{Key, Kind};
use requests::Records as _;
use requests::records::MemoryRecords;
use serde_json::{Value, json};

#[test]
fn a_stack_creates_updates_and_deletes_its_environment() {
    let door = door();
    let created = succeeded(&door, sample("create.json"));
    assert_eq!(created["PhysicalResourceId"], "scalable-ec2-us-west-2-dev");
    let updated = succeeded(&door, sample("update.json"));
    assert_eq!(updated["PhysicalResourceId"], created["PhysicalResourceId"]);
    let keys = |answer: &Value| answer["Data"].as_object().map(|data| data.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&created), keys(&updated), "Fn::GetAtt finds the same keys after an update");
    assert!(created["Data"]["VpcId"].as_str().is_some_and(|id| !id.is_empty()));
    succeeded(&door, sample("delete.json"));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn a_create_that_arrives_twice_makes_one_environment_and_the_second_writes_nothing() {
    let door = door();
    let first = succeeded(&door, sample("create.json"));
    let before = writes(&door);
    assert_eq!(succeeded(&door, sample("create.json")), first);
    assert_eq!(writes(&door), before);
}

#[test]
fn a_second_resource_cannot_take_an_environment() {
    let door = door();
    succeeded(&door, sample("create.json"));
    let before = writes(&door);
    let reason = failed(&door, with(sample("create.json"), json!({ "LogicalResourceId": "Other" })));
    assert!(reason.contains("scalable-ec2-us-west-2-dev belongs to another stack's resource"), "{reason}");
    let rollback = with(sample("delete.json"), json!({ "LogicalResourceId": "Other" }));
    succeeded(&door, rollback);
    assert_eq!(writes(&door), before, "and its rollback touches nothing");
}

#[test]
fn a_delete_with_an_id_that_cloudformation_made_up_removes_what_is_there() {
    let door = door();
    succeeded(&door, sample("create.json"));
    let made_up = json!({ "PhysicalResourceId": "stack-Web-1A2B3C4D5E6F" });
    let mut delete = with(sample("delete.json"), made_up);
    delete["ResourceProperties"] = json!({ "OldFormat": { "Nested": [1, null] } });
    let answer = succeeded(&door, delete);
    assert_eq!(answer["PhysicalResourceId"], "stack-Web-1A2B3C4D5E6F");
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn a_delete_of_what_never_existed_is_a_success_and_writes_nothing() {
    let door = door();
    succeeded(&door, sample("delete-of-nothing.json"));
    succeeded(&door, sample("delete.json"));
    assert_eq!(writes(&door), 0);
}

#[test]
fn a_suffix_that_a_create_was_refused_for_does_not_hold_up_its_rollback() {
    for suffix in ["feature/login", "A B", "\u{fc}", "-", "", &"a".repeat(60)] {
        let door = door();
        let bad = json!({ "ResourceProperties": { "EnvironmentSuffix": suffix } });
        let refused = ask(&door, with(sample("create.json"), bad.clone()));
        assert_eq!(refused["Status"], "FAILED", "{suffix}");
        for id in [refused["PhysicalResourceId"].clone(), json!(format!("scalable-ec2-us-west-2-{suffix}"))] {
            let delete = with(sample("delete.json"), bad.clone());
            succeeded(&door, with(delete, json!({ "PhysicalResourceId": id, "RequestId": id })));
        }
    }
}

#[test]
fn the_clean_up_after_a_refused_create_leaves_alone_what_the_next_one_made() {
    let mut door = door();
    let bad = json!({ "RequestId": "first", "ResourceProperties": { "MinSize": "9" } });
    let refused = ask(&door, with(sample("create.json"), bad));
    assert_eq!(refused["Status"], "FAILED");
    succeeded(&door, sample("create.json"));
    let (before, inventory) = (writes(&door), door.clouds.world.inventory());

    // As CloudFormation cleans up: under the id that it was answered at first.
    let clean_up = json!({ "RequestId": "clean-up", "PhysicalResourceId": refused["PhysicalResourceId"] });
    door.clouds.stack = Some(reconciler::Stack::Stands);
    succeeded(&door, with(sample("delete.json"), clean_up.clone()));
    assert_eq!((writes(&door), door.clouds.world.inventory()), (before, inventory));
    succeeded(&door, sample("update.json"));

    // A stack that goes for good takes all of it, whatever the id.
    door.clouds.stack = Some(reconciler::Stack::Gone);
    succeeded(&door, with(sample("delete.json"), with(clean_up, json!({ "RequestId": "for good" }))));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn an_environment_of_whose_making_nobody_was_told_goes_by_whatever_id() {
    let mut door = door();
    let created = succeeded(&door, sample("create.json"));
    // Its invocation ended before the answer: the record says that it settled, and not that anybody knows.
    let create = requests::Request::read(&sample("create.json"), BEGIN_S * 1_000).expect("it makes sense");
    let owner = create.owner();
    let mut answers = door.records.owner(&owner).await_now().expect("a record").answers;
    let mut told = answers.remove(0);
    told.success = false;
    door.records.answered(&owner, vec![told]).await_now();
    assert_eq!(created["Status"], "SUCCESS");

    door.clouds.stack = Some(reconciler::Stack::Stands);
    let of_owner = json!({ "PhysicalResourceId": format!("envkeeper-{owner}") });
    succeeded(&door, with(sample("delete.json"), of_owner));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn an_update_of_what_was_never_made_is_refused_and_creates_nothing() {
    let door = door();
    let reason = failed(&door, sample("update.json"));
    assert!(reason.starts_with("There is nothing to update"), "{reason}");
    assert_eq!(writes(&door), 0);
}

#[test]
fn an_update_rebuilds_a_record_that_was_lost() {
    let mut door = door();
    succeeded(&door, sample("create.json"));
    door.records = MemoryRecords::new();
    succeeded(&door, sample("update.json"));
    let reason =
        failed(&door, with(sample("update.json"), json!({ "ResourceProperties": { "VpcCidr": "10.9.0.0/16" } })));
    assert!(reason.contains("VpcCidr is \"10.9.0.0/16\": it is \"10.40.0.0/16\" and cannot change"), "{reason}");
}

#[test]
fn what_cannot_change_is_refused_and_the_rollback_to_what_was_is_not() {
    let door = door();
    succeeded(&door, sample("create.json"));
    let before = writes(&door);
    let moved = with(sample("update.json"), json!({ "ResourceProperties": { "EnvironmentSuffix": "other" } }));
    let reason = failed(&door, moved);
    assert!(reason.contains("EnvironmentSuffix is \"other\": it is \"dev\" and cannot change"), "{reason}");
    let mut back = sample("update.json");
    back["ResourceProperties"] = sample("create.json")["ResourceProperties"].clone();
    succeeded(&door, back);
    assert_eq!(writes(&door), before);
}

#[test]
fn all_that_is_wrong_with_the_input_is_in_one_answer() {
    let door = door();
    let reason = failed(&door, sample("bad-input.json"));
    for name in ["VpcCidr", "ZoneCount", "LogRetentionDays", "InstanceTyp is"] {
        assert!(reason.contains(name), "{name}: {reason}");
    }
    assert_eq!(writes(&door), 0);
    assert!(door.records.environment_owner("scalable-ec2-us-west-2-dev").await_now().is_none());
}

#[test]
fn events_that_make_no_sense_are_answered() {
    let door = door();
    let create = sample("create.json");
    let mut without_properties = create.clone();
    without_properties.as_object_mut().expect("an object").remove("ResourceProperties");
    let senseless = [
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
    for event in senseless {
        failed(&door, event);
    }
    assert_eq!(writes(&door), 0);
}

#[test]
fn a_bucket_that_may_not_be_read_is_not_left_in_silence() {
    let mut door = door();
    succeeded(&door, sample("create.json"));
    door.clouds.stack = Some(reconciler::Stack::Stands);
    let bucket = Key::new(Kind::Bucket, "scalable-ec2-data-uswest2-dev-123456789012");
    door.clouds.world.hidden.borrow_mut().insert(bucket.clone());
    let reason = failed(&door, sample("delete.json"));
    assert!(reason.starts_with("bucket scalable-ec2-data-uswest2-dev-123456789012 stays, as its policy"), "{reason}");

    door.clouds.world.hidden.borrow_mut().remove(&bucket);
    succeeded(&door, with(sample("delete.json"), json!({ "RequestId": "again" })));
    assert!(door.clouds.world.inventory().is_empty());
}

#[test]
fn a_delete_names_what_it_retains() {
    let door = door();
    let retaining = json!({ "ResourceProperties": { "BucketOnDelete": "Retain" } });
    succeeded(&door, with(sample("create.json"), retaining));
    let answer = succeeded(&door, sample("delete.json"));
    let retained = "scalable-ec2-data-uswest2-dev-123456789012, scalable-ec2-logs-uswest2-dev-123456789012";
    assert_eq!(answer["Data"]["Retained"], retained);
}

#[test]
fn a_create_waits_for_its_instances_and_an_update_does_not() {
    let door = door();
    let began = door.clouds.world.clock.now();
    succeeded(&door, sample("create.json"));
    assert!((door.clouds.world.clock.now() - began).as_secs() > 45 + 110, "a NAT gateway and an instance");
    let began = door.clouds.world.clock.now();
    let more = with(sample("update.json"), json!({ "ResourceProperties": { "MinSize": "2", "DesiredCapacity": "2" } }));
    succeeded(&door, more);
    assert!((door.clouds.world.clock.now() - began).as_secs() < 45);
}

#[test]
fn the_reply_has_the_promised_keys_and_fits() {
    let door = door();
    let created = succeeded(&door, sample("create.json"));
    let data = created["Data"].as_object().expect("there is data");
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    let promised = [
        "AutoScalingGroupArn",
        "AutoScalingGroupName",
        "AutoScalingLogGroup",
        "BucketName",
        "DashboardUrl",
        "InstanceLogGroup",
        "InstanceProfileArn",
        "LaunchTemplateId",
        "LaunchTemplateVersion",
        "LogBucketName",
        "RoleArn",
        "SecurityGroupId",
        "SubnetIds",
        "VpcId",
    ];
    assert_eq!(keys, promised);
    assert!(created.to_string().len() < 4_096);
}

#[test]
fn a_record_of_an_older_version_is_read_with_the_defaults_of_what_it_does_not_know() {
    let door = door();
    succeeded(&door, sample("create.json"));
    let owner = door.records.environment_owner("scalable-ec2-us-west-2-dev").await_now().expect("it has one");
    let record = door.records.owner(&owner).await_now().expect("there is a record");
    let mut older = record.wanted.expect("a spec");
    older.as_object_mut().expect("an object").remove("CooldownSeconds");
    let wanted = requests::records::Wanted {
        environment: "scalable-ec2-us-west-2-dev".into(),
        spec: older,
        frozen: json!({}),
        retired_tags: vec![],
    };
    door.records.save(&owner, wanted).await_now();
    door.records.settled(&owner).await_now();
    let moved = with(sample("update.json"), json!({ "ResourceProperties": { "VpcCidr": "10.9.0.0/16" } }));
    let reason = failed(&door, moved);
    assert!(reason.contains("it is \"10.40.0.0/16\" and cannot change"), "{reason}");
}

#[test]
fn a_panic_is_answered() {
    let mut door = door();
    door.clouds.panics = true;
    let reason = failed(&door, sample("create.json"));
    assert!(reason.starts_with("Envkeeper failed inside"), "{reason}");
}

#[test]
fn bad_settings_are_answered() {
    let door = door_with(&[("PROJECT_NAME", "My Project")]);
    let reason = failed(&door, sample("create.json"));
    assert!(reason.contains("PROJECT_NAME is \"My Project\""), "{reason}");
}

#[test]
fn a_variable_that_changes_later_leaves_a_settled_environment_alone() {
    let mut door = door_with(&[("MAX_SIZE", "5")]);
    let mut create = sample("create.json");
    create["ResourceProperties"].as_object_mut().expect("an object").remove("MaxSize");
    succeeded(&door, create.clone());
    let before = writes(&door);
    door.settings = door_with(&[("MAX_SIZE", "9")]).settings;
    let update = with(sample("update.json"), json!({ "ResourceProperties": null }));
    let update = with(update, json!({ "ResourceProperties": create["ResourceProperties"].clone() }));
    succeeded(&door, update);
    assert_eq!(writes(&door), before);
}

#[test]
fn a_create_that_arrives_after_its_delete_changes_nothing() {
    let door = door();
    // A URL of the older kind, which expires two hours after it was sent.
    let sent = |event: Value, minutes_ago: u64| {
        let expires = BEGIN_S + 7200 - 60 * minutes_ago;
        let url = format!("https://not-allowed.example/x?AWSAccessKeyId=AKIAEXAMPLE&Expires={expires}&Signature=x");
        with(event, json!({ "ResponseURL": url }))
    };
    succeeded(&door, sent(sample("delete.json"), 5));
    let reason = failed(&door, sent(sample("create.json"), 9));
    assert!(reason.contains("Superseded: a newer Delete"), "{reason}");
    assert_eq!(writes(&door), 0);
}

#[test]
fn a_plan_shows_what_a_create_or_an_update_would_do_and_does_nothing() {
    let door = door();
    let plan = ask(&door, sample("plan.json"));
    assert!(plan["Text"].as_str().is_some_and(|text| text.contains("+ vpc scalable-ec2-vpc-uswest2-dev")), "{plan}");
    assert_eq!(writes(&door), 0);
    succeeded(&door, sample("create.json"));
    let changed = with(sample("plan.json"), json!({ "ResourceProperties": { "MaxSize": "7" } }));
    let plan = ask(&door, changed);
    assert_eq!(plan["Steps"].as_array().map(Vec::len), Some(1), "{plan}");
    assert_eq!(plan["Steps"][0]["Changes"], json!(["max-size 3 → 7"]));
    assert!(ask(&door, json!({ "Request": "dance" }))["Error"].as_str().is_some_and(|it| it.contains("dance")));
    let bad = ask(&door, json!({ "Request": "plan", "ResourceProperties": { "MinSize": "x" } }));
    assert!(bad["Error"].as_str().is_some_and(|it| it.contains("EnvironmentSuffix is missing")), "{bad}");
}
