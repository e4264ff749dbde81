//! Requests for which the account has no room: refused before the first write.

use std::time::Duration;

use environment::Kind;
use memory_cloud::{AccountQuota, Counted};
use request_pass::{CloudFactory as _, StackState};
use requests::records::MemoryRecords;
use serde_json::{Value, json};
use test_support::{BEGIN_S, message, sent, with};

use crate::harness::{Harness, harness, sample};

/// An account that has room for `left` more than others use.
fn room(counted: Counted, left: u32) -> AccountQuota {
    AccountQuota { counted, allowed: 5 + left, used_by_others: 5 }
}

fn create(properties: &Value) -> Value {
    sent(with(sample("create.json"), json!({ "ResourceProperties": properties })), 0)
}

/// An Update from the properties of [`create`], with these in addition.
fn update(id: &str, from: &Value, properties: &Value) -> Value {
    let before = create(from);
    let mut event = with(before.clone(), json!({ "RequestType": "Update", "RequestId": id }));
    event["OldResourceProperties"] = before["ResourceProperties"].clone();
    event["PhysicalResourceId"] = json!("scalable-ec2-us-west-2-dev");
    with(event, json!({ "ResourceProperties": properties }))
}

/// The event, sent now.
fn now(harness: &Harness, event: Value) -> Value {
    sent(event, harness.cloud_factory.now().0 / 1_000 - BEGIN_S)
}

fn succeed(harness: &Harness, event: &Value) {
    harness.invoke_until_done(event);
    let response = harness.response();
    assert_eq!(response["Status"], "SUCCESS", "{response}");
}

fn fail(harness: &Harness, event: &Value) -> String {
    harness.invoke_until_done(event);
    harness.failed_reason()
}

/// Removes the role of the instances, in an account without room for another one.
fn lose_role(harness: &Harness) {
    let account = &harness.cloud_factory.account;
    let role = account.inventory().into_iter().find(|it| it.kind() == Kind::Role).expect("a role");
    assert!(account.uproot(&format!("arn:aws:role:{}", role.name)));
    account.quotas.borrow_mut().push(room(Counted::Role, 0));
}

#[test]
fn a_create_without_room_writes_nothing_and_names_each_quota() {
    let harness = harness();
    harness.cloud_factory.account.quotas.borrow_mut().extend([room(Counted::Vpc, 0), room(Counted::Address, 0)]);
    let reason = fail(&harness, &create(&json!({})));
    let expected = "This account has no room for the request; nothing was changed.\n\
        VPCs per Region: 1 needed, 5 of 5 in use. Remove VPCs that are no longer needed, or request a higher quota in Service Quotas: VPCs per Region, service vpc, code L-F678F1CE. Then try again.\n\
        EC2-VPC Elastic IPs: 1 needed, 5 of 5 in use. Remove Elastic IP addresses that are no longer needed, or request a higher quota in Service Quotas: EC2-VPC Elastic IPs, service ec2, code L-0263D0A3. Then try again.";
    assert_eq!(reason, expected);
    assert_eq!(harness.cloud_factory.write_count(), 0);
    // CloudFormation deletes what it did not create, and the next stack has the same suffix.
    succeed(&harness, &sent(sample("delete.json"), 100));
    assert_eq!(harness.cloud_factory.write_count(), 0);
    harness.cloud_factory.account.quotas.borrow_mut().clear();
    let next = with(create(&json!({})), json!({ "RequestId": "next", "LogicalResourceId": "Next" }));
    succeed(&harness, &sent(next, 200));
}

#[test]
fn an_update_without_room_leaves_the_environment_and_its_rollback_succeeds() {
    let harness = harness();
    let from = json!({ "Egress": "NatGatewayPerZone" });
    succeed(&harness, &create(&from));
    harness.advance(Duration::from_mins(20));
    // Two addresses are the environment's.
    let quota = AccountQuota { counted: Counted::Address, allowed: 5, used_by_others: 3 };
    harness.cloud_factory.account.quotas.borrow_mut().push(quota);
    let before = (harness.cloud_factory.write_count(), harness.cloud_factory.account.inventory());
    let reason = fail(&harness, &now(&harness, update("zone", &from, &json!({ "ZoneCount": "3" }))));
    assert!(reason.contains("EC2-VPC Elastic IPs: 1 needed, 5 of 5 in use."), "{reason}");
    assert_eq!((harness.cloud_factory.write_count(), harness.cloud_factory.account.inventory()), before);
    harness.advance(Duration::from_mins(1));
    succeed(&harness, &now(&harness, update("rollback", &from, &json!({}))));
    assert_eq!(harness.cloud_factory.write_count(), before.0);
}

#[test]
fn a_request_for_the_settled_spec_is_never_refused() {
    let harness = harness();
    let from = json!({ "Egress": "PublicIp" });
    succeed(&harness, &create(&from));
    harness.advance(Duration::from_mins(20));
    lose_role(&harness);
    let reason = fail(&harness, &now(&harness, update("repair", &from, &json!({}))));
    assert!(reason.contains("LimitExceeded"), "AWS rejects the create, not the preflight: {reason}");
}

#[test]
fn an_unreadable_quota_refuses_nothing() {
    let mut harness = harness();
    harness.cloud_factory.denies_limits = true;
    harness.cloud_factory.account.quotas.borrow_mut().push(room(Counted::Vpc, 1));
    succeed(&harness, &create(&json!({})));
}

#[test]
fn limits_are_read_once_for_a_request_and_only_for_what_it_creates() {
    let harness = harness();
    let from = json!({});
    let create = create(&from);
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"], "the first pass ends while the gateway starts");
    assert_eq!(harness.cloud_factory.limit_reads.get(), 1);
    succeed(&harness, &create);
    assert_eq!(harness.cloud_factory.limit_reads.get(), 1);
    harness.advance(Duration::from_mins(20));
    succeed(&harness, &now(&harness, update("same", &from, &json!({}))));
    harness.advance(Duration::from_mins(1));
    succeed(&harness, &now(&harness, update("logs", &from, &json!({ "LogRetentionDays": "7" }))));
    assert_eq!(harness.cloud_factory.limit_reads.get(), 1);
}

#[test]
fn an_update_of_a_stack_that_rolls_back_is_not_refused_without_a_record() {
    let mut harness = harness();
    let from = json!({ "Egress": "PublicIp" });
    succeed(&harness, &create(&from));
    harness.advance(Duration::from_mins(20));
    let event = now(&harness, update("rollback", &from, &json!({})));
    harness.records.inner = MemoryRecords::new();
    lose_role(&harness);
    let reason = fail(&harness, &event);
    assert!(reason.starts_with("This account has no room"), "{reason}");
    harness.cloud_factory.stack = Some(StackState::RollingBack);
    let reason = fail(&harness, &now(&harness, with(event, json!({ "RequestId": "rolls back" }))));
    assert!(reason.contains("LimitExceeded"), "{reason}");
}
