//! The seam's promises, call by call: what is already so is success, and so is deleting what is gone.

use environment::{Call, CallError, CallKind, Cloud, Kind, Setting};
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn a_setting_that_is_already_so_can_be_set_again() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let cloud = harness.cloud();
    for observed in cloud.observe(&harness.scope).await.expect("a look") {
        // moto knows no client tokens: a version asked for again would be a second one here, and is the first on AWS.
        let version = |it: &Setting| matches!(it, Setting::TemplateVersion(_));
        for setting in observed.resource.settings().into_iter().filter(|it| !version(it)) {
            let call = Call { key: observed.key(), id: observed.id.clone(), kind: CallKind::Set(vec![setting]) };
            assert_eq!(cloud.call(&call).await, Ok(()), "{} {call}", call.key);
        }
    }
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
}

#[tokio::test]
async fn what_is_there_is_not_made_twice_where_its_name_or_place_is_unique() {
    use Kind::{AutoScalingGroup, Bucket, InstanceProfile, LaunchTemplate, LogGroup, Role, SecurityGroup, Subnet};

    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let cloud = harness.cloud();
    cloud.observe(&harness.scope).await.expect("a look");
    // What has a client token or nothing at all makes a second one here; what is put is put again.
    let unique = [AutoScalingGroup, Bucket, InstanceProfile, LaunchTemplate, LogGroup, Role, SecurityGroup, Subnet];
    let unique = |kind: Kind| unique.contains(&kind);
    for resource in desired.resources.iter().filter(|it| unique(it.kind())) {
        let call = Call { key: resource.key(), id: None, kind: CallKind::Create(Box::new(resource.clone())) };
        let response = cloud.call(&call).await;
        let Err(CallError::Retry { waiting_for: what, .. }) = &response else { panic!("{}: {response:?}", call.key) };
        let expected = format!("{}: {call}: it exists already; looking at whose it is", call.key);
        assert_eq!(*what, expected);
    }
}

#[tokio::test]
async fn what_is_gone_can_be_let_go_and_deleted_again() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let observed = harness.observe().await;
    let cloud = harness.cloud();
    cloud.observe(&harness.scope).await.expect("a look");
    harness.settle(&environment::DesiredState::default()).await;
    for it in &observed {
        let held = it.resource.settings().into_iter().filter(Setting::blocks_deletion);
        let mut what: Vec<CallKind> = held.map(|setting| CallKind::Clear(vec![setting])).collect();
        if it.key().kind == Kind::AutoScalingGroup {
            what.push(CallKind::Drain);
        }
        what.push(CallKind::Delete);
        for what in what {
            let call = Call { key: it.key(), id: it.id.clone(), kind: what };
            assert_eq!(cloud.call(&call).await, Ok(()), "{} {call}", call.key);
        }
    }
}
