//! The in-memory cloud and moto, asked the same: the rules that the engine is tested against are held against somebody
//! else's reading of them.

use std::time::Duration;

use environment::{Call, CallError, CallKind, Cloud, DesiredState, Key, ObservedResource, Scope, Setting, plan};
use memory_cloud::Session;
use serde_json::json;

use crate::harness::Harness;

/// What a script of calls showed: each call with how it was answered, and what was seen in between.
type Seen = Vec<(String, String)>;

/// A life, call by call and in order: everything made; each thing made again, or deleted while it is needed; everything
/// deleted; each deleted again.
async fn life<C: Cloud>(cloud: &C, scope: &Scope, desired: &DesiredState) -> Seen {
    let mut seen = Seen::new();
    for step in plan(desired, &[]).steps {
        make_all(cloud, step.calls, &mut seen).await;
    }
    let observed = observation(cloud, scope, &mut seen).await;
    for probe in observed.iter().flat_map(probes) {
        make_all(cloud, vec![probe], &mut seen).await;
    }
    observation(cloud, scope, &mut seen).await;
    let steps = plan(&DesiredState::default(), &observed).steps;
    let mut done = vec![false; steps.len()];
    let free = |done: &[bool], at: usize| !done[at] && steps[at].depends_on.iter().all(|needed| done[*needed]);
    while let Some(at) = (0..steps.len()).find(|at| free(&done, *at)) {
        done[at] = true;
        let calls = steps[at].calls.clone();
        let again = calls.iter().filter(|call| call.kind == CallKind::Delete).cloned().collect();
        make_all(cloud, calls, &mut seen).await;
        make_all(cloud, again, &mut seen).await;
    }
    assert!(done.iter().all(|done| *done), "a plan has no circles");
    observation(cloud, scope, &mut seen).await;
    seen
}

/// What is refused of a thing that is in use. moto stops fewer deletes than AWS (`tests/local-cloud/README.md`): asked is
/// what both know.
fn probes(observed: &ObservedResource) -> Vec<Call> {
    use environment::Kind::{InstanceProfile, LaunchTemplate, LogGroup, Role, RouteTable, SecurityGroup, Subnet, Vpc};
    let call = |id: Option<String>, kind| Call { key: observed.key(), id, kind };
    match observed.key().kind {
        Vpc | RouteTable => vec![call(observed.id.clone(), CallKind::Delete)],
        Role | InstanceProfile => {
            vec![
                call(observed.id.clone(), CallKind::Delete),
                call(None, CallKind::Create(Box::new(observed.resource.clone()))),
            ]
        }
        Subnet | SecurityGroup | LogGroup => vec![call(None, CallKind::Create(Box::new(observed.resource.clone())))],
        LaunchTemplate => vec![],
        _ => observed
            .resource
            .settings()
            .into_iter()
            .map(|it| call(observed.id.clone(), CallKind::Set(vec![it])))
            .collect(),
    }
}

async fn make_all<C: Cloud>(cloud: &C, calls: Vec<Call>, seen: &mut Seen) {
    for call in calls {
        let response = match cloud.call(&call).await {
            Ok(()) => "done",
            Err(CallError::Retry { .. }) => "busy",
            Err(CallError::Indeterminate { .. }) => "doubtful",
            Err(CallError::Rejected { .. }) => "refused",
        };
        seen.push((format!("{} {call}", call.key), response.to_owned()));
    }
}

async fn observation<C: Cloud>(cloud: &C, scope: &Scope, seen: &mut Seen) -> Vec<ObservedResource> {
    let mut observed = cloud.observe(scope).await.expect("a look");
    observed.sort_by_key(ObservedResource::key);
    seen.extend(observed.iter().map(|it| (it.key().to_string(), told(&it.resource.settings()))));
    observed
}

fn told(settings: &[Setting]) -> String {
    let mut lines: Vec<String> = settings.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.join("; ")
}

#[tokio::test]
async fn the_in_memory_cloud_and_moto_answer_alike() {
    let moto = Harness::start().await;
    let desired = moto
        .desired(json!({
            "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0",
            "BucketOnDelete": "Empty",
        }))
        .await;
    let of_moto = life(&moto.cloud(), &moto.scope, &desired).await;

    let mut harness = memory_cloud::MemoryAccount::default();
    (harness.read_lag, harness.profile_lag) = (Duration::ZERO, Duration::ZERO);
    harness.subnet_delete_removes_associations = false;
    let session = Session::new(&harness, "the tests' request");
    let of_memory = harness.clock.run(life(&session, &moto.scope, &desired)).expect("not killed");

    assert!(of_moto.len() > 80, "{}", of_moto.len());
    assert!(of_moto.iter().filter(|(_, response)| response == "busy").count() >= 8, "{of_moto:#?}");
    // What moto keeps of a subnet that is gone is an id, which no two clouds share.
    let of_what_is_gone = |told: &str| told.contains("serves: subnet-");
    let differing = of_moto.iter().zip(&of_memory).filter(|(moto, memory)| moto != memory && !of_what_is_gone(&moto.1));
    let differing: Vec<_> = differing.collect();
    assert!(differing.is_empty(), "moto, memory: {differing:#?}");
    assert_eq!(of_moto.len(), of_memory.len());
    let group: Key = moto.names().group();
    assert!(of_moto.iter().any(|(what, _)| what.starts_with(&group.to_string())));
}
