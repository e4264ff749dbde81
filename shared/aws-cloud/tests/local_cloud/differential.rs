//! The in-memory cloud and moto with the same requests: this compares the rules that the engine is tested against with
//! an independent implementation.

use std::time::Duration;

use environment::{
    Call, CallError, CallKind, Cloud, DesiredState, Key, ObservedResource, Proofs, Scope, Setting, plan,
};
use memory_cloud::Session;
use serde_json::json;

use crate::harness::Harness;

/// The results of a script of calls: each call with its result, and the resources of each observation between them.
type Transcript = Vec<(String, String)>;

/// A whole life, call by call and in order: every resource created; each created again, or deleted while in use; every
/// resource deleted; each deleted again.
async fn life<C: Cloud>(cloud: &C, scope: &Scope, desired: &DesiredState) -> Transcript {
    let mut transcript = Transcript::new();
    for step in plan(desired, &[]).steps {
        send_all(cloud, step.calls, &mut transcript).await;
    }
    let observed = observe(cloud, scope, &mut transcript).await;
    // What the owner's record would hold from here on.
    let ids = observed.iter().filter_map(|it| Some((it.id.clone()?, it.key())));
    let scope = &Scope { proofs: Proofs { ids: ids.collect(), ..Proofs::default() }, ..scope.clone() };
    for probe in observed.iter().flat_map(probes) {
        send_all(cloud, vec![probe], &mut transcript).await;
    }
    observe(cloud, scope, &mut transcript).await;
    let steps = plan(&DesiredState::default(), &observed).steps;
    let mut is_done = vec![false; steps.len()];
    let is_ready =
        |is_done: &[bool], at: usize| !is_done[at] && steps[at].depends_on.iter().all(|needed| is_done[*needed]);
    while let Some(at) = (0..steps.len()).find(|at| is_ready(&is_done, *at)) {
        is_done[at] = true;
        let calls = steps[at].calls.clone();
        let again = calls.iter().filter(|call| call.kind == CallKind::Delete).cloned().collect();
        send_all(cloud, calls, &mut transcript).await;
        send_all(cloud, again, &mut transcript).await;
    }
    assert!(is_done.iter().all(|it| *it), "a plan has no cycles");
    observe(cloud, scope, &mut transcript).await;
    transcript
}

/// Calls that are rejected while a resource is in use. moto blocks fewer deletes than AWS
/// (`tests/local-cloud/README.md`), so this contains only the ones that both clouds block.
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

async fn send_all<C: Cloud>(cloud: &C, calls: Vec<Call>, transcript: &mut Transcript) {
    for call in calls {
        let response = match cloud.call(&call).await {
            Ok(_) => "done",
            Err(CallError::Retry { .. }) => "retry",
            Err(CallError::Indeterminate { .. }) => "indeterminate",
            Err(CallError::Rejected { .. }) => "rejected",
        };
        transcript.push((format!("{} {call}", call.key), response.to_owned()));
    }
}

async fn observe<C: Cloud>(cloud: &C, scope: &Scope, transcript: &mut Transcript) -> Vec<ObservedResource> {
    let mut observed = cloud.observe(scope).await.expect("an observation");
    observed.sort_by_key(ObservedResource::key);
    transcript.extend(observed.iter().map(|it| (it.key().to_string(), describe(&it.resource.settings()))));
    observed
}

fn describe(settings: &[Setting]) -> String {
    let mut lines: Vec<String> = settings.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.join("; ")
}

#[tokio::test]
async fn the_in_memory_cloud_and_moto_return_the_same_results() {
    let moto = Harness::start().await;
    let desired = moto
        .desired(json!({
            "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0",
            "BucketOnDelete": "Empty",
        }))
        .await;
    let of_moto = life(&moto.cloud(), &moto.scope(), &desired).await;

    let mut harness = memory_cloud::MemoryAccount::default();
    (harness.read_lag, harness.profile_lag) = (Duration::ZERO, Duration::ZERO);
    harness.subnet_delete_removes_associations = false;
    let session = Session::new(&harness, "the tests' request");
    let mut of_memory = harness.clock.run(life(&session, &moto.scope(), &desired)).expect("not killed");
    let group: Key = moto.names().group();
    // As on AWS, a deleted group is still listed for seconds.
    of_memory.pop_if(|(key, _)| *key == group.to_string());

    assert!(of_moto.len() > 80, "{}", of_moto.len());
    assert!(of_moto.iter().filter(|(_, response)| response == "retry").count() >= 8, "{of_moto:#?}");
    // moto keeps the id of a deleted subnet, and ids differ between the two clouds.
    let has_deleted_subnet = |settings: &str| settings.contains("serves: subnet-");
    let differing =
        of_moto.iter().zip(&of_memory).filter(|(moto, memory)| moto != memory && !has_deleted_subnet(&moto.1));
    let differing: Vec<_> = differing.collect();
    assert!(differing.is_empty(), "moto, memory: {differing:#?}");
    assert_eq!(of_moto.len(), of_memory.len());
    assert!(of_moto.iter().any(|(call, _)| call.starts_with(&group.to_string())));
}
