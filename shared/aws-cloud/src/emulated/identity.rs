//! The role.

use environment::{Kind, Wanted};
use serde_json::json;

use super::{World, distinct};

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

#[tokio::test]
async fn a_role_is_made_with_its_boundary_and_its_own_policy_and_drift_of_both_is_repaired() {
    let world = World::start(&[Kind::Role]).await;
    let too_much =
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } })
            .to_string();
    let request = world.clients.iam.create_policy().policy_name("boundary").policy_document(&too_much);
    request.send().await.expect("a policy");
    let bounded = world.wanted(&json!({ "EnvironmentSuffix": "dev", "PermissionsBoundaryArn": BOUNDARY }));
    let calls = world.repair(&bounded).await;
    assert_eq!(distinct(&calls), ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"].into());
    world.assert_is_there(&bounded).await;
    let reads = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
    assert_eq!(world.reads().await, reads);

    let (iam, role) = (&world.clients.iam, world.names().role().name);
    iam.delete_role_permissions_boundary().role_name(&role).send().await.expect("unbounded");
    let back = format!("{role} iam:PutRolePermissionsBoundary (boundary: {BOUNDARY})");
    assert_eq!(world.repair(&bounded).await, [back]);
    let unbounded = world.wanted(&json!({ "EnvironmentSuffix": "dev" }));
    let away = format!("{role} iam:DeleteRolePermissionsBoundary (boundary: {BOUNDARY})");
    assert_eq!(world.repair(&unbounded).await, [away]);

    let policy = world.names().role_policy();
    let request = iam.put_role_policy().role_name(&role).policy_name(&policy).policy_document(&too_much);
    request.send().await.expect("another document");
    let calls = world.repair(&unbounded).await;
    assert!(calls.len() == 1 && calls[0].starts_with(&format!("{role} iam:PutRolePolicy (inline-policy {policy}")));
    let request = iam.put_role_policy().role_name(&role).policy_name("theirs").policy_document(&too_much);
    request.send().await.expect("another policy");
    let calls = world.repair(&unbounded).await;
    assert!(calls.len() == 1 && calls[0].starts_with(&format!("{role} iam:DeleteRolePolicy (inline-policy theirs")));

    world.repair(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
}
