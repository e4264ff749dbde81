//! Facts of the account and the region that a request cannot succeed with: it is refused before anything is made.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use crate::common::{InlineHandler, failed, handler, operate, sample, succeeded, with, writes};
use environment::{InstanceTypeFacts, SubnetFacts};
use memory_cloud::Fault;
use request_pass::StackState;
use requests::records::MemoryRecords;
use serde_json::{Value, json};

fn create(properties: Value) -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": properties }))
}

/// An Update with the sample Create's properties and these.
fn update(id: &str, properties: Value) -> Value {
    let all = with(sample("create.json"), json!({ "ResourceProperties": properties }))["ResourceProperties"].clone();
    let mut event = sample("update.json");
    event["ResourceProperties"] = all;
    event["RequestId"] = json!(id);
    event["OldResourceProperties"] = sample("create.json")["ResourceProperties"].clone();
    event
}

fn without_image(handler: &mut InlineHandler) {
    handler.cloud_factory.facts.image_details = None;
}

fn offer(handler: &mut InlineHandler, architecture: &str, zones: &[&str]) {
    let zones = zones.iter().map(|it| (*it).to_owned()).collect();
    let (architectures, virtualization) = (vec![architecture.into()], vec!["hvm".into()]);
    let known = InstanceTypeFacts::Known { architectures, virtualization, vcpus: Some(2), zones };
    handler.cloud_factory.facts.instance_type = Some(known);
}

#[test]
fn a_create_that_cannot_succeed_makes_nothing_and_its_rollback_succeeds() {
    let mut handler = handler();
    offer(&mut handler, "arm64", &["us-west-2a", "us-west-2b"]);
    let event = create(json!({ "InstanceType": "t4g.micro" }));
    let reason = failed(&handler, event.clone());
    assert!(reason.starts_with("InstanceType is \"t4g.micro\": its architecture is arm64"), "{reason}");
    assert_eq!(writes(&handler), 0);
    succeeded(&handler, with(sample("delete.json"), json!({ "RequestId": "rollback" })));
    assert_eq!(writes(&handler), 0);
    // The next stack is not affected by what was refused.
    offer(&mut handler, "x86_64", &["us-west-2a", "us-west-2b"]);
    succeeded(&handler, with(event, json!({ "RequestId": "again", "LogicalResourceId": "Next" })));
}

#[test]
fn a_region_without_an_endpoint_service_refuses_the_create() {
    let mut handler = handler();
    handler.cloud_factory.missing_services = ["com.amazonaws.us-west-2.logs".to_owned()].into();
    let reason = failed(&handler, create(json!({ "Egress": "VpcEndpoints" })));
    assert!(reason.contains("the region us-west-2 has no endpoint service com.amazonaws.us-west-2.logs"), "{reason}");
    assert_eq!(writes(&handler), 0);
    handler.cloud_factory.missing_services = ["com.amazonaws.us-west-2.ec2messages".to_owned()].into();
    succeeded(&handler, with(create(json!({ "Egress": "VpcEndpoints" })), json!({ "RequestId": "again" })));
}

#[test]
fn a_foreign_subnet_in_a_new_zones_range_is_refused_at_once_with_its_id() {
    let mut handler = handler();
    succeeded(&handler, sample("create.json"));
    handler.cloud_factory.facts.subnets = vec![SubnetFacts {
        id: "subnet-0fedcba9876543210".into(),
        vpc: "vpc-1".into(),
        cidr: "10.40.64.0/19".parse().expect("a network"),
        zone: "us-west-2c".into(),
        free_addresses: None,
        is_marked: false,
    }];
    let (before, started) = (writes(&handler), handler.cloud_factory.account.clock.now());
    let reason = failed(&handler, update("zone", json!({ "ZoneCount": "3" })));
    assert!(reason.contains("the subnet subnet-0fedcba9876543210 with 10.40.64.0/19"), "{reason}");
    assert!((handler.cloud_factory.account.clock.now() - started).as_secs() < 10);
    assert_eq!(writes(&handler), before);
    succeeded(&handler, update("rollback", json!({})));
}

#[test]
fn an_update_of_other_properties_does_not_need_the_image_any_more() {
    let mut handler = handler();
    succeeded(&handler, create(json!({ "ImageId": "ami-0123456789abcdef0" })));
    without_image(&mut handler);
    let reads = handler.cloud_factory.image_reads.get();
    let tagged = json!({ "ImageId": "ami-0123456789abcdef0", "Tags": { "team": "web" } });
    succeeded(&handler, update("tags", tagged));
    assert_eq!(handler.cloud_factory.image_reads.get(), reads, "the image was not described");
    let reason = failed(&handler, update("image", json!({ "ImageId": "ami-12345678" })));
    assert!(reason.starts_with("ImageId is \"ami-12345678\": ami-12345678 does not exist"), "{reason}");
}

#[test]
fn a_rollback_is_never_refused() {
    let mut handler = handler();
    succeeded(&handler, create(json!({ "ImageId": "ami-0123456789abcdef0" })));
    // The update's first write is denied. Meanwhile the old image is deregistered, and the type is offered elsewhere.
    let account = &handler.cloud_factory.account;
    account.faults.borrow_mut().insert(writes(&handler), Fault::Denied);
    failed(&handler, update("new image", json!({ "ImageId": "ami-12345678" })));
    without_image(&mut handler);
    offer(&mut handler, "arm64", &["us-west-2d"]);
    let reads = handler.cloud_factory.image_reads.get();
    succeeded(&handler, update("rollback", json!({ "ImageId": "ami-0123456789abcdef0" })));
    assert_eq!(handler.cloud_factory.image_reads.get(), reads + 1, "what contradicts the properties is reported");
}

#[test]
fn a_rollback_of_an_environment_whose_record_was_lost_is_not_refused_either() {
    let mut handler = handler();
    succeeded(&handler, create(json!({ "ImageId": "ami-0123456789abcdef0" })));
    handler.records = MemoryRecords::new();
    without_image(&mut handler);
    let mut event = update("rollback", json!({ "ImageId": "ami-0123456789abcdef0" }));
    event["OldResourceProperties"]["ImageId"] = json!("ami-12345678");
    let reason = failed(&handler, event.clone());
    assert!(reason.contains("ami-0123456789abcdef0 does not exist"), "{reason}");
    handler.cloud_factory.stack = Some(StackState::RollingBack);
    succeeded(&handler, with(event, json!({ "RequestId": "rolls back" })));
}

#[test]
fn a_plan_refuses_what_the_request_would_refuse() {
    let mut handler = handler();
    offer(&mut handler, "arm64", &["us-west-2a", "us-west-2b"]);
    let plan = |properties: Value| json!({ "Request": "plan", "ResourceProperties": properties });
    let base = |more: Value| {
        let mut all = json!({ "EnvironmentSuffix": "pl", "MinSize": "1", "MaxSize": "3" });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    let error = |handler: &InlineHandler, more: Value| {
        operate(handler, plan(base(more)))["Error"].as_str().unwrap_or_default().to_owned()
    };
    let arm = error(&handler, json!({ "InstanceType": "t4g.micro" }));
    assert!(arm.contains("InstanceType is \"t4g.micro\": its architecture is arm64"), "{arm}");
    handler.cloud_factory.facts.instance_type =
        Some(InstanceTypeFacts::Unknown { known: vec!["t3.large".into(), "m5.large".into()] });
    let unknown = error(&handler, json!({ "InstanceType": "t3.gigantic" }));
    assert!(
        unknown.contains("InstanceType is \"t3.gigantic\": the region us-west-2 has no such instance type"),
        "{unknown}"
    );
    offer(&mut handler, "x86_64", &["us-west-2a", "us-west-2b"]);
    let small = error(&handler, json!({ "VpcCidr": "10.0.0.0/25", "MaxSize": "1000" }));
    assert!(small.contains("MaxSize is 1000: at most 22"), "{small}");
    assert_eq!(error(&handler, json!({ "ImageParameter": "/my/ami:3" })), "");
    assert_eq!(
        error(&handler, json!({ "ImageParameter": "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023" })),
        ""
    );
}
