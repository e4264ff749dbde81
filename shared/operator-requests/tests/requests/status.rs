//! The state of an environment, as the operator request `status` reports it: observed, not remembered.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::time::Duration;

use auto_scaling::{RefreshPreferences, StartRefresh};

use crate::common::{BlockOn as _, InlineHandler, failed, handler, sample, send, succeeded, with};
use environment::{Kind, Resource};
use request_pass::CloudFactory as _;
use requests::{Owner, Records as _};
use serde_json::{Value, json};

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

/// The state, and the first line of the text.
fn status(handler: &InlineHandler) -> (Value, String) {
    let result = send(handler, sample("status.json"));
    let text = result["Text"].as_str().unwrap_or_else(|| panic!("{result}"));
    (result["State"].clone(), text.lines().next().unwrap_or_default().to_owned())
}

/// Terminates the only instance, outside of Auto Scaling.
fn terminate_the_instance(handler: &InlineHandler) {
    handler.cloud_factory.account.operate(|simulator, now| {
        let id = simulator.group(GROUP).expect("the group").instances[0].id.clone();
        simulator.terminate_in_ec2(&id, now).expect("the instance runs");
    });
}

#[test]
fn an_environment_is_settled_only_while_its_instances_are_in_service() {
    let handler = created();
    assert_eq!(
        status(&handler),
        (
            json!("settled"),
            String::from("scalable-ec2-us-west-2-dev is settled. 1 of 1 instances in service (MinSize 1).")
        )
    );
    let account = &handler.cloud_factory.account;
    terminate_the_instance(&handler);
    let states: Vec<Value> = (0..60)
        .map(|_| {
            account.clock.advance(Duration::from_secs(10));
            status(&handler).0
        })
        .collect();
    assert!(states.contains(&json!("under-way")), "another one is launching: {states:?}");
    assert_eq!(status(&handler).0, "settled", "Auto Scaling has launched another one");
}

#[test]
fn an_environment_whose_launches_fail_is_degraded_and_the_reason_is_named() {
    let handler = created();
    let account = &handler.cloud_factory.account;
    let image = account.inventory().into_iter().find_map(|it| match it.fields {
        environment::Fields::LaunchTemplate(template) => template.versions.first().map(|it| it.image.clone()),
        _ => None,
    });
    account.gone_images.borrow_mut().insert(image.expect("the template has an image"));
    terminate_the_instance(&handler);
    account.clock.advance(Duration::from_mins(20));
    let (state, line) = status(&handler);
    assert_eq!(state, "degraded", "{line}");
    let begins = "scalable-ec2-us-west-2-dev is degraded: 0 of 1 instances in service (MinSize 1)";
    assert!(line.starts_with(begins) && line.contains("The image id"), "{line}");
    assert_eq!(send(&handler, sample("drift.json"))["Drift"], json!([]), "no resource differs from the record");
}

#[test]
fn an_environment_without_its_group_or_whose_create_failed_is_degraded() {
    let handler = created();
    let account = &handler.cloud_factory.account;
    let group = account.inventory().iter().map(Resource::key).find(|it| it.kind == Kind::AutoScalingGroup);
    account.tamper(&group.expect("the group"), |it| it.tags.clear());
    let (state, line) = status(&handler);
    assert_eq!(
        (state, line.as_str()),
        (json!("degraded"), "scalable-ec2-us-west-2-dev is degraded: its Auto Scaling group does not exist.")
    );

    let handler = crate::common::handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, memory_cloud::Fault::Denied);
    failed(&handler, sample("create.json"));
    let (state, line) = status(&handler);
    assert_eq!(state, "degraded", "{line}");
    assert!(line.ends_with("delete its stack and create it again, or update a stack in CREATE_FAILED to continue."));
}

#[test]
fn an_environment_whose_instances_are_replaced_is_under_way() {
    let handler = created();
    let started = handler.cloud_factory.account.operate(|simulator, now| {
        let desired_configuration = Some(simulator.group(GROUP)?.settings.launch_template.clone());
        let start = StartRefresh { desired_configuration, preferences: RefreshPreferences::default() };
        simulator.start_instance_refresh(GROUP, start, now)
    });
    started.expect("no other refresh is active");
    handler.cloud_factory.account.clock.advance(Duration::from_secs(1));
    let (state, line) = status(&handler);
    assert_eq!(state, "under-way", "{line}");
    assert!(line.starts_with("scalable-ec2-us-west-2-dev: a rollout is under way. 1 of 1 instances"), "{line}");
}

#[test]
fn each_instance_is_named_with_its_state() {
    let handler = created();
    let instances = || send(&handler, sample("status.json"))["Instances"].clone();
    let id = handler
        .cloud_factory
        .account
        .operate(|simulator, _| simulator.group(GROUP).expect("the group").instances[0].id.clone());
    let expected = |state: &str, in_service: bool| json!([{ "Id": id, "Zone": "zone-0", "LifecycleState": state, "Health": "Healthy", "Version": 1, "InService": in_service }]);
    assert_eq!(instances(), expected("InService", true));
    handler.cloud_factory.account.operate(|simulator, now| {
        simulator.enter_standby(GROUP, std::slice::from_ref(&id), false, now).expect("the instance can enter Standby");
    });
    handler.cloud_factory.account.clock.advance(Duration::from_mins(2));
    let listed = instances();
    let standby = listed.as_array().expect("a list").iter().find(|it| it["Id"] == json!(id));
    assert_eq!(standby, Some(&expected("Standby", false)[0]), "{listed}");
}

#[test]
fn a_request_without_a_response_is_under_way() {
    let handler = created();
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    let now = handler.cloud_factory.now().0;
    let event = with(sample("update.json"), json!({ "ResourceProperties": { "MaxSize": "4" } }));
    let update = requests::Request::read(&crate::common::sent(event, 300), now).expect("a valid request");
    let latest = requests::records::LatestRequest::of_request(&update);
    handler.records.record_request(&owner, latest).block_on();
    assert_eq!(status(&handler).0, "under-way");
}
