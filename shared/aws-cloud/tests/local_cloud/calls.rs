//! The seam's promises, call by call: what is already so is success, and so is deleting what is gone.

use environment::{Call, Cloud, Kind, Setback, Setting, What};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_setting_that_is_already_so_can_be_set_again() {
    let world = World::start().await;
    let wanted = world.wanted(json!({ "EnvironmentSuffix": "dev" })).await;
    world.settle(&wanted).await;
    let cloud = world.cloud();
    for live in cloud.observe(&world.scope).await.expect("a look") {
        // moto knows no client tokens: a version asked for again would be a second one here, and is the first on AWS.
        let version = |it: &Setting| matches!(it, Setting::TemplateVersion(_));
        for setting in live.resource.settings().into_iter().filter(|it| !version(it)) {
            let call = Call { key: live.key(), id: live.id.clone(), what: What::Set(vec![setting]) };
            assert_eq!(cloud.call(&call).await, Ok(()), "{} {call}", call.key);
        }
    }
    assert_eq!(world.settle(&wanted).await.1, [""; 0]);
}

#[tokio::test]
async fn what_is_there_is_not_made_twice_where_its_name_or_place_is_unique() {
    use Kind::{AutoScalingGroup, Bucket, InstanceProfile, LaunchTemplate, LogGroup, Role, SecurityGroup, Subnet};

    let world = World::start().await;
    let wanted = world.wanted(json!({ "EnvironmentSuffix": "dev" })).await;
    world.settle(&wanted).await;
    let cloud = world.cloud();
    cloud.observe(&world.scope).await.expect("a look");
    // What has a client token or nothing at all makes a second one here; what is put is put again.
    let unique = [AutoScalingGroup, Bucket, InstanceProfile, LaunchTemplate, LogGroup, Role, SecurityGroup, Subnet];
    let unique = |kind: Kind| unique.contains(&kind);
    for resource in wanted.resources.iter().filter(|it| unique(it.kind())) {
        let call = Call { key: resource.key(), id: None, what: What::Create(Box::new(resource.clone())) };
        let answer = cloud.call(&call).await;
        let Err(Setback::Busy { what, .. }) = &answer else { panic!("{}: {answer:?}", call.key) };
        let expected = format!("{}: {call}: it exists already; looking at whose it is", call.key);
        assert_eq!(*what, expected);
    }
}

#[tokio::test]
async fn what_is_gone_can_be_let_go_and_deleted_again() {
    let world = World::start().await;
    let wanted = world.wanted(json!({ "EnvironmentSuffix": "dev" })).await;
    world.settle(&wanted).await;
    let live = world.observe().await;
    let cloud = world.cloud();
    cloud.observe(&world.scope).await.expect("a look");
    world.settle(&environment::Wanted::default()).await;
    for it in &live {
        let held = it.resource.settings().into_iter().filter(Setting::holds_back_a_delete);
        let mut what: Vec<What> = held.map(|setting| What::Clear(vec![setting])).collect();
        if it.key().kind == Kind::AutoScalingGroup {
            what.push(What::Drain);
        }
        what.push(What::Delete);
        for what in what {
            let call = Call { key: it.key(), id: it.id.clone(), what };
            assert_eq!(cloud.call(&call).await, Ok(()), "{} {call}", call.key);
        }
    }
}
