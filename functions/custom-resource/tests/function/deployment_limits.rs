//! The defaults and the allow-lists of a deployment, in the responses to CloudFormation and to operators.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use crate::common::{
    BlockOn as _, InlineHandler, failed, handler, handler_with, operate, operator_sample, sample, succeeded, with,
    writes,
};
use environment::ImageOwner;
use requests::{Owner, Records as _};
use serde_json::{Value, json};
use test_support::settings;

fn create(properties: Value) -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": properties }))
}

fn owner() -> Owner {
    Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web")
}

fn has_record(handler: &InlineHandler) -> bool {
    handler.records.owner(&owner()).block_on().is_some()
}

#[test]
fn invalid_defaults_are_the_response_to_every_request_and_the_first_line_of_a_status() {
    let handler = handler_with(&[("PROPERTY_DEFAULTS", r#"{"MaxSizes": 3}"#)]);
    let expected = "the function's environment variables are invalid: PROPERTY_DEFAULTS: MaxSizes: unknown property; did you mean MaxSize?";
    for name in ["create.json", "update.json", "delete.json"] {
        assert!(failed(&handler, sample(name)).starts_with(expected), "{name}");
    }
    for name in ["status.json", "plan.json", "allow-adoption.json"] {
        let result = operate(&handler, operator_sample(name));
        let first = result["Text"].as_str().and_then(|it| it.lines().next()).expect("a line");
        assert!(first.starts_with(expected) && result["Error"] == result["Text"], "{name}: {result}");
    }
    assert_eq!((writes(&handler), has_record(&handler)), (0, false));
}

#[test]
fn defaults_are_frozen_when_an_environment_is_created() {
    let max_size = |handler: &InlineHandler| {
        let record = handler.records.owner(&owner()).block_on().expect("a record");
        record.desired.expect("a spec")["MaxSize"].clone()
    };
    let without_max_size = |event: &str| {
        let mut event = sample(event);
        event["ResourceProperties"].as_object_mut().expect("properties").remove("MaxSize");
        event
    };
    let mut handler = handler_with(&[("PROPERTY_DEFAULTS", r#"{"MaxSize": 7}"#)]);
    succeeded(&handler, without_max_size("create.json"));
    assert_eq!(max_size(&handler), 7);
    handler.settings = settings(&[("PROPERTY_DEFAULTS", r#"{"MaxSize": 9}"#)]);
    succeeded(&handler, without_max_size("update.json"));
    assert_eq!(max_size(&handler), 7);
}

#[test]
fn a_value_that_is_not_allowed_is_rejected_before_anything_is_recorded() {
    let handler = handler_with(&[("ALLOWED_INSTANCE_TYPES", "m5.*"), ("MAX_INSTANCES", "2")]);
    let reason = failed(&handler, create(json!({ "InstanceType": "t3.micro", "MaxSize": "3" })));
    for expected in [
        "InstanceType is \"t3.micro\": one of AllowedInstanceTypes of this deployment: m5.*",
        "MaxSize is 3: at most MaxInstances of this deployment, which is 2",
    ] {
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!((writes(&handler), has_record(&handler)), (0, false));
    let plan = with(operator_sample("plan.json"), json!({ "ResourceProperties": { "InstanceType": "t3.micro" } }));
    assert!(operate(&handler, plan)["Error"].as_str().is_some_and(|it| it.contains("AllowedInstanceTypes")));
    succeeded(&handler, create(json!({ "InstanceType": "m5.large", "MaxSize": "2" })));
}

#[test]
fn an_environment_outside_of_a_tightened_list_is_updated_elsewhere_and_deleted() {
    let mut handler = handler();
    succeeded(&handler, create(json!({ "InstanceType": "t3.micro", "MaxSize": "3" })));
    handler.settings = settings(&[("ALLOWED_INSTANCE_TYPES", "m5.*"), ("MAX_INSTANCES", "2")]);
    let update = |properties: Value, id: &str| {
        with(sample("update.json"), json!({ "RequestId": id, "ResourceProperties": properties }))
    };
    let same = json!({ "InstanceType": "t3.micro", "MaxSize": "3", "MinSize": "1", "DesiredCapacity": "1" });
    succeeded(&handler, update(with(same.clone(), json!({ "LogRetentionDays": "7" })), "other"));
    let other_type = update(with(same.clone(), json!({ "InstanceType": "c5.large" })), "changed");
    assert!(failed(&handler, other_type).starts_with("InstanceType is \"c5.large\""));
    succeeded(&handler, update(same, "rollback"));
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

#[test]
fn the_owner_of_an_image_is_checked_once_for_each_new_image_and_only_with_a_list() {
    let reads = |handler: &InlineHandler| handler.cloud_factory.image_reads.get();
    let image = |id: &str| create(json!({ "ImageId": id }));
    let owned_by = |handler: &mut InlineHandler, account: &str, alias: Option<&str>| {
        let owner = ImageOwner { account: account.into(), alias: alias.map(Into::into) };
        handler.cloud_factory.facts.image_details.as_mut().expect("an image").owner = owner;
    };
    let mut without_list = handler();
    owned_by(&mut without_list, "999999999999", None);
    succeeded(&without_list, image("ami-0123456789abcdef0"));

    let mut handler = handler_with(&[("ALLOWED_IMAGE_OWNERS", "amazon")]);
    owned_by(&mut handler, "999999999999", None);
    let reason = failed(&handler, image("ami-0123456789abcdef0"));
    assert!(
        reason.contains("its image belongs to 999999999999; valid is an image of one of AllowedImageOwners"),
        "{reason}"
    );
    assert_eq!(writes(&handler), 0);

    owned_by(&mut handler, "137112412989", Some("amazon"));
    let before = reads(&handler);
    succeeded(&handler, image("ami-0123456789abcdef0"));
    assert_eq!(reads(&handler), before + 1, "in the first of all passes");
    let same = json!({ "ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro", "LogRetentionDays": "7" });
    succeeded(&handler, with(sample("update.json"), json!({ "RequestId": "same", "ResourceProperties": same })));
    assert_eq!(reads(&handler), before + 1, "not for the same image");
}

#[test]
fn an_invalid_list_is_reported_with_its_valid_form() {
    let handler = handler_with(&[("ALLOWED_VPCS", "web"), ("ALLOWED_TOPICS", "pages"), ("MAX_INSTANCES", "many")]);
    let reason = failed(&handler, sample("create.json"));
    for expected in [
        "ALLOWED_VPCS is \"web\", valid is ids of VPCs, separated by commas",
        "ALLOWED_TOPICS is \"pages\", valid is ARNs of SNS topics, separated by commas",
        "MAX_INSTANCES is \"many\", valid is a whole number from 1 to 1000",
    ] {
        assert!(reason.contains(expected), "{reason}");
    }
}
