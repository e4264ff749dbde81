//! The guarantees of the seam, call by call: a setting that already has the value is a success, and so is the delete of
//! a deleted resource.

use environment::{Call, CallError, CallKind, Cloud, Kind, LaunchTemplateSetting, Setting};
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn a_setting_that_already_has_its_value_can_be_set_again() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let cloud = harness.cloud();
    for observed in cloud.observe(&harness.scope()).await.expect("an observation") {
        // moto ignores client tokens: a version that is requested again would be a second one here, and is the first on
        // AWS.
        let version = |it: &Setting| matches!(it, Setting::LaunchTemplate(LaunchTemplateSetting::Version(_)));
        for setting in observed.resource.settings().into_iter().filter(|it| !version(it)) {
            let call = Call { key: observed.key(), id: observed.id.clone(), kind: CallKind::Set(vec![setting]) };
            assert_eq!(cloud.call(&call).await, Ok(None), "{} {call}", call.key);
        }
    }
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
}

#[tokio::test]
async fn a_resource_with_a_unique_name_or_place_is_not_created_twice() {
    use Kind::{AutoScalingGroup, Bucket, InstanceProfile, LogGroup, Role, SecurityGroup, Subnet};

    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let cloud = harness.cloud();
    cloud.observe(&harness.scope()).await.expect("an observation");
    // A create with a client token, or without any protection, creates a second resource here; a put call is repeated.
    let unique = [AutoScalingGroup, Bucket, InstanceProfile, LogGroup, Role, SecurityGroup, Subnet];
    let unique = |kind: Kind| unique.contains(&kind);
    for resource in desired.resources.iter().filter(|it| unique(it.kind())) {
        let call = Call { key: resource.key(), id: None, kind: CallKind::Create(Box::new(resource.clone())) };
        let response = cloud.call(&call).await;
        let Err(CallError::Retry { waiting_for, .. }) = &response else { panic!("{}: {response:?}", call.key) };
        let expected = format!("{}: {call}: the resource already exists; checking its ownership", call.key);
        assert_eq!(waiting_for.to_string(), expected);
    }
    // A used token returns its template (recorded on AWS, September 2026: stackd 9dc356f5, launch_templates:create-replay).
    let template = desired.resources.iter().find(|it| it.kind() == Kind::LaunchTemplate).expect("a template");
    let call = Call { key: template.key(), id: None, kind: CallKind::Create(Box::new(template.clone())) };
    assert_eq!(cloud.call(&call).await, Ok(None));
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
}

#[tokio::test]
async fn a_deleted_resource_can_be_detached_and_deleted_again() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let observed = harness.observe().await;
    let cloud = harness.cloud();
    cloud.observe(&harness.scope()).await.expect("an observation");
    harness.settle(&environment::DesiredState::default()).await;
    for it in &observed {
        let blocking = it.resource.settings().into_iter().filter(Setting::blocks_deletion);
        let mut kinds: Vec<CallKind> = blocking.map(|setting| CallKind::Clear(vec![setting])).collect();
        if it.key().kind == Kind::AutoScalingGroup {
            kinds.push(CallKind::Drain);
        }
        kinds.push(CallKind::Delete);
        for kind in kinds {
            let call = Call { key: it.key(), id: it.id.clone(), kind };
            assert_eq!(cloud.call(&call).await, Ok(None), "{} {call}", call.key);
        }
    }
}
