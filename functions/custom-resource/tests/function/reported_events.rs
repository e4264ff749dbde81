//! Requests on which other products failed, in the life of an environment, with the report of each.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use crate::common::{InlineHandler, failed, handler, sample, succeeded, with, writes};
use environment::{Deployment, Fields, InstanceTypeFacts, Names, Resource};
use request_pass::StackState;
use serde_json::{Value, json};

/// The properties that the reported events have in common.
fn properties(more: Value) -> Value {
    let all = json!({
        "EnvironmentSuffix": "dev", "VpcCidr": "10.40.0.0/16", "ZoneCount": "2", "InstanceType": "t3.micro",
        "MinSize": "1", "MaxSize": "3", "BucketOnDelete": "Empty", "Egress": "PublicIp",
    });
    with(all, more)
}

fn create(more: Value) -> Value {
    let mut event = sample("create.json");
    event["ResourceProperties"] = properties(more);
    event
}

/// An Update from the common properties with `before` to those with `more`.
fn update(id: &str, before: Value, more: Value) -> Value {
    let mut event = with(sample("update.json"), json!({ "RequestId": id }));
    event["ResourceProperties"] = properties(more);
    event["OldResourceProperties"] = properties(before);
    event
}

fn names() -> Names {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
        .names("dev")
}

fn found(handler: &InlineHandler, key: &environment::Key) -> Resource {
    let inventory = handler.cloud_factory.account.inventory();
    inventory.into_iter().find(|it| it.key() == *key).expect("the resource exists")
}

/// terraform-provider-aws #34113; ansible/ansible-modules-core PR #4383.
#[test]
fn a_delete_with_an_instance_on_standby_succeeds() {
    let mut handler = handler();
    succeeded(&handler, create(json!({})));
    let account = &handler.cloud_factory.account;
    let group = names().group().name;
    account.operate(|scaling, now| {
        let ids: Vec<String> =
            scaling.group(&group).expect("a group").instances.iter().map(|it| it.id.clone()).collect();
        assert_eq!(ids.len(), 1);
        scaling.enter_standby(&group, &ids, false, now).expect("in service");
    });
    handler.cloud_factory.stack = Some(StackState::Deleting);
    succeeded(&handler, sample("delete.json"));
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

/// gardener/dashboard PR #725; terraform-provider-aws #30180, #10790: a person adds a service to the role's trust policy.
#[test]
fn an_update_sets_a_changed_trust_policy_right_and_its_rollback_succeeds() {
    let handler = handler();
    succeeded(&handler, create(json!({})));
    let trust = |handler: &InlineHandler| match found(handler, &names().role()).fields {
        Fields::Role(role) => role.trusts,
        other => panic!("not a role: {other:?}"),
    };
    let before = trust(&handler);
    let tamper = |handler: &InlineHandler| {
        handler.cloud_factory.account.tamper(&names().role(), |role| {
            let Fields::Role(role) = &mut role.fields else { panic!("not a role") };
            role.trusts = "ec2.amazonaws.com, lambda.amazonaws.com".into();
        });
    };
    tamper(&handler);
    succeeded(&handler, update("update", json!({}), json!({ "MaxSize": "4" })));
    assert_eq!(trust(&handler), before);
    tamper(&handler);
    succeeded(&handler, update("rollback", json!({ "MaxSize": "4" }), json!({})));
    assert_eq!(trust(&handler), before);
}

/// runs-on/runs-on #463; terraform-aws-modules/terraform-aws-iam #227; aws-cdk #18080: the rights for such a network are in
/// the table of permissions.
#[test]
fn an_environment_is_created_in_a_shared_network_and_never_changes_it() {
    let handler = handler();
    let network = json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": "subnet-0123456789abcdef0" });
    let mut event = create(network);
    for managed in ["VpcCidr", "ZoneCount", "Egress"] {
        event["ResourceProperties"].as_object_mut().expect("an object").remove(managed);
    }
    succeeded(&handler, event);
    let inventory = handler.cloud_factory.account.inventory();
    let in_network = |it: &&Resource| matches!(it.fields, Fields::Vpc(_) | Fields::Subnet(_) | Fields::RouteTable(_));
    assert_eq!(inventory.iter().filter(in_network).count(), 0);
}

/// terraform-provider-aws #26377; compiler-explorer/infra #601; kubernetes/autoscaler #5224; runs-on/runs-on #5.
#[test]
fn an_update_to_a_type_that_its_zones_lack_fails_with_the_zones() {
    let mut handler = handler();
    succeeded(&handler, create(json!({})));
    handler.cloud_factory.facts.instance_type = Some(InstanceTypeFacts::Known {
        architectures: vec!["x86_64".into()],
        virtualization: vec!["hvm".into()],
        vcpus: Some(2),
        zones: ["us-west-2c", "us-west-2d"].map(String::from).into(),
    });
    let before = writes(&handler);
    let reason = failed(&handler, update("type", json!({}), json!({ "InstanceType": "p5.48xlarge" })));
    for part in ["p5.48xlarge", "us-west-2a, us-west-2b", "us-west-2c, us-west-2d"] {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(writes(&handler), before);
}

/// terraform-aws-modules/terraform-aws-autoscaling #126, #85; terraform-provider-aws #35639; eksctl-io/eksctl #1603: EC2 sets
/// the template's tags on the instance, its volumes and its interfaces.
#[test]
fn the_launch_template_tags_what_an_instance_consists_of() {
    let handler = handler();
    succeeded(&handler, create(json!({ "Tags": { "CostCenter": "4711" } })));
    let Fields::LaunchTemplate(template) = found(&handler, &names().launch_template()).fields else {
        panic!("not a template")
    };
    let tags = &template.versions.last().expect("a version").content.tags;
    assert_eq!(tags.get("CostCenter").map(String::as_str), Some("4711"));
}

/// juspay/hyperswitch-suite PR #323; cloud-custodian #2520; kubernetes/kops #16027: vowel signs are not in IAM's pattern.
#[test]
fn a_tag_that_iam_rejects_fails_before_anything_is_created() {
    let handler = handler();
    let reason = failed(&handler, create(json!({ "Tags": { "Team": "विकास" } })));
    assert!(reason.contains("letters and digits without combining marks"), "{reason}");
    assert_eq!(writes(&handler), 0);
}
