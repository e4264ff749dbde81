//! The role's permissions boundary and inline policy, and the key of log groups.

use environment::{Call, CallError, CallKind, Cloud, DesiredState, Kind};
use serde_json::json;

use crate::harness::Harness;
use crate::lifecycle::assert_observed;
use crate::parts::{desired, distinct, repair};

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";
const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/11111111-1111-1111-1111-111111111111";

#[tokio::test]
async fn a_role_is_created_with_its_boundary_and_inline_policy_and_drift_of_them_and_of_its_trust_is_repaired() {
    let harness = Harness::start().await;
    let too_much =
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let too_much = too_much.to_string();
    let request = harness.iam.create_policy().policy_name("boundary").policy_document(&too_much);
    request.send().await.expect("a policy");
    let properties = json!({ "EnvironmentSuffix": "dev", "PermissionsBoundaryArn": BOUNDARY });
    let bounded = desired(&harness, &[Kind::Role], properties).await;
    let calls = repair(&harness, &bounded).await;
    assert_eq!(distinct(&calls), ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"].into());
    assert_observed(&harness, &bounded).await;

    let (iam, role) = (&harness.iam, harness.names().role().name);
    iam.delete_role_permissions_boundary().role_name(&role).send().await.expect("unbounded");
    let restore = format!("iam:PutRolePermissionsBoundary (boundary: {BOUNDARY})");
    assert_eq!(repair(&harness, &bounded).await, [restore]);
    let unbounded = desired(&harness, &[Kind::Role], json!({ "EnvironmentSuffix": "dev" })).await;
    let removal = format!("iam:DeleteRolePermissionsBoundary (boundary: {BOUNDARY})");
    assert_eq!(repair(&harness, &unbounded).await, [removal]);

    let policy = harness.names().role_policy();
    let request = iam.put_role_policy().role_name(&role).policy_name(&policy).policy_document(&too_much);
    request.send().await.expect("another document");
    let calls = repair(&harness, &unbounded).await;
    let restore = format!("iam:PutRolePolicy (inline-policy {policy}");
    assert!(calls.len() == 1 && calls[0].starts_with(&restore), "{calls:?}");
    let request = iam.put_role_policy().role_name(&role).policy_name("foreign").policy_document(&too_much);
    request.send().await.expect("another policy");
    assert_eq!(repair(&harness, &unbounded).await, [""; 0], "a policy of another sender is left alone");

    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"] },
    }]});
    let request = iam.update_assume_role_policy().role_name(&role).policy_document(trust.to_string());
    request.send().await.expect("one more service");
    assert_eq!(repair(&harness, &unbounded).await, ["iam:UpdateAssumeRolePolicy (trusts: ec2.amazonaws.com)"]);

    repair(&harness, &DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}

/// (The local cloud accepts a key only at creation.)
#[tokio::test]
async fn a_log_group_is_created_with_its_key() {
    let harness = Harness::start().await;
    let encrypted = desired(&harness, &[Kind::LogGroup], json!({ "EnvironmentSuffix": "dev", "KmsKeyArn": KEY })).await;
    let calls = repair(&harness, &encrypted).await;
    assert_eq!(distinct(&calls), ["logs:CreateLogGroup", "logs:PutRetentionPolicy"].into());
    assert_observed(&harness, &encrypted).await;
    repair(&harness, &DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}

/// Some services add a role to an instance profile of their own.
#[tokio::test]
async fn a_foreign_profile_that_blocks_the_delete_of_a_role_is_named() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev" });
    harness.settle(&desired(&harness, &[Kind::Role], properties).await).await;
    let (iam, key) = (&harness.iam, harness.names().role());
    iam.create_instance_profile().instance_profile_name("web").send().await.expect("a foreign profile");
    let request = iam.add_role_to_instance_profile().instance_profile_name("web").role_name(&key.name);
    request.send().await.expect("with the role");

    let delete = Call { key: key.clone(), id: None, kind: CallKind::Delete };
    let Err(CallError::Retry { waiting_for, .. }) = harness.cloud().call(&delete).await else { panic!("not blocked") };
    assert!(waiting_for.sentence.contains(":instance-profile/web"), "{waiting_for}");

    let request = iam.remove_role_from_instance_profile().instance_profile_name("web").role_name(&key.name);
    request.send().await.expect("without the role");
    repair(&harness, &DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}
