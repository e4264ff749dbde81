//! The in-memory cloud and moto, asked the same: the rules that the engine is tested against are held against somebody
//! else's reading of them.

use std::time::Duration;

use environment::{Call, Cloud, Key, Live, Scope, Setback, Setting, Wanted, What, plan};
use memory_cloud::Session;
use serde_json::json;

use crate::world::World;

/// What a script of calls showed: each call with how it was answered, and what was seen in between.
type Seen = Vec<(String, String)>;

/// A life, call by call and in order: everything made; each thing made again, or deleted while it is needed; everything
/// deleted; each deleted again.
async fn life<C: Cloud>(cloud: &C, scope: &Scope, wanted: &Wanted) -> Seen {
    let mut seen = Seen::new();
    for step in plan(wanted, &[]).steps {
        make_all(cloud, step.calls, &mut seen).await;
    }
    let live = look(cloud, scope, &mut seen).await;
    for probe in live.iter().flat_map(probes) {
        make_all(cloud, vec![probe], &mut seen).await;
    }
    look(cloud, scope, &mut seen).await;
    let steps = plan(&Wanted::default(), &live).steps;
    let mut done = vec![false; steps.len()];
    let free = |done: &[bool], at: usize| !done[at] && steps[at].needs.iter().all(|needed| done[*needed]);
    while let Some(at) = (0..steps.len()).find(|at| free(&done, *at)) {
        done[at] = true;
        let calls = steps[at].calls.clone();
        let again = calls.iter().filter(|call| call.what == What::Delete).cloned().collect();
        make_all(cloud, calls, &mut seen).await;
        make_all(cloud, again, &mut seen).await;
    }
    assert!(done.iter().all(|done| *done), "a plan has no circles");
    look(cloud, scope, &mut seen).await;
    seen
}

/// What is refused of a thing that is in use. moto stops fewer deletes than AWS (`tests/local-cloud/README.md`): asked is
/// what both know.
fn probes(live: &Live) -> Vec<Call> {
    use environment::Kind::{InstanceProfile, LaunchTemplate, LogGroup, Role, RouteTable, SecurityGroup, Subnet, Vpc};
    let call = |id: Option<String>, what| Call { key: live.key(), id, what };
    match live.key().kind {
        Vpc | RouteTable => vec![call(live.id.clone(), What::Delete)],
        Role | InstanceProfile => {
            vec![call(live.id.clone(), What::Delete), call(None, What::Create(Box::new(live.resource.clone())))]
        }
        Subnet | SecurityGroup | LogGroup => vec![call(None, What::Create(Box::new(live.resource.clone())))],
        LaunchTemplate => vec![],
        _ => live.resource.settings().into_iter().map(|it| call(live.id.clone(), What::Set(vec![it]))).collect(),
    }
}

async fn make_all<C: Cloud>(cloud: &C, calls: Vec<Call>, seen: &mut Seen) {
    for call in calls {
        let answer = match cloud.call(&call).await {
            Ok(()) => "done",
            Err(Setback::Busy { .. }) => "busy",
            Err(Setback::Doubtful { .. }) => "doubtful",
            Err(Setback::Refused { .. }) => "refused",
        };
        seen.push((format!("{} {call}", call.key), answer.to_owned()));
    }
}

async fn look<C: Cloud>(cloud: &C, scope: &Scope, seen: &mut Seen) -> Vec<Live> {
    let mut live = cloud.observe(scope).await.expect("a look");
    live.sort_by_key(Live::key);
    seen.extend(live.iter().map(|it| (it.key().to_string(), told(&it.resource.settings()))));
    live
}

fn told(settings: &[Setting]) -> String {
    let mut lines: Vec<String> = settings.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.join("; ")
}

#[tokio::test]
async fn the_in_memory_cloud_and_moto_answer_alike() {
    let moto = World::start().await;
    let wanted = moto
        .wanted(json!({
            "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0",
            "BucketOnDelete": "Empty",
        }))
        .await;
    let of_moto = life(&moto.cloud(), &moto.scope, &wanted).await;

    let mut world = memory_cloud::World::default();
    (world.read_lag, world.profile_lag) = (Duration::ZERO, Duration::ZERO);
    world.associations_go_with_subnets = false;
    let session = Session::new(&world, "the tests' request");
    let of_memory = world.clock.run(life(&session, &moto.scope, &wanted)).expect("not killed");

    assert!(of_moto.len() > 80, "{}", of_moto.len());
    assert!(of_moto.iter().filter(|(_, answer)| answer == "busy").count() >= 8, "{of_moto:#?}");
    // What moto keeps of a subnet that is gone is an id, which no two clouds share.
    let of_what_is_gone = |told: &str| told.contains("serves: subnet-");
    let differing = of_moto.iter().zip(&of_memory).filter(|(moto, memory)| moto != memory && !of_what_is_gone(&moto.1));
    let differing: Vec<_> = differing.collect();
    assert!(differing.is_empty(), "moto, memory: {differing:#?}");
    assert_eq!(of_moto.len(), of_memory.len());
    let group: Key = moto.names().group();
    assert!(of_moto.iter().any(|(what, _)| what.starts_with(&group.to_string())));
}
