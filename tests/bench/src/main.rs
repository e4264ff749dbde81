//! Figures of the engine itself, over the in-memory cloud: the duration and the calls of a create and of a gate under virtual
//! time, due passes in a model of the request queue, and the durations of planning and of drawing a timeline on this machine. Prints the rows as JSON; `bench.py` adds those of the local cloud.
#![expect(clippy::expect_used, reason = "a bench stops at an unexpected value")]

mod due;
mod gate;
mod rollouts;
mod timeline;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use environment::{
    Defaults, Deployment, DesiredState, Facts, Names, Proofs, Run, RunOutcome, Scope, Spec, desired, plan, reconcile,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::{Value, json};

const OWNER: &str = "0123456789abcdef0123";

/// Lower bounds of a create in seconds: the sum, calculated manually, of the times of the single calls and of the times
/// that AWS takes for a NAT gateway, a profile and an instance: VPC 0.4 → subnet 0.4 → NAT call 0.4 → NAT available 110
/// → route 0.4 → group 0.25 → in service 45.
const NAT_GATEWAY_BOUND: f64 = 157.0;
/// Role 0.2 → policy 0.2 → profile 0.2 → role into profile 0.2 → visible to Auto Scaling 15 → group 0.25 → in service
/// 45.
const PUBLIC_IP_BOUND: f64 = 61.0;

/// The best of these runs counts: other work on this machine disturbed the others.
const RUNS: usize = 5;

fn main() {
    let mut rows = create_rows("NatGateway", NAT_GATEWAY_BOUND);
    rows.extend(create_rows("PublicIp", PUBLIC_IP_BOUND));
    rows.extend(gate::rows());
    rows.extend([5, 100].into_iter().flat_map(due::rows));
    rows.extend(rollouts::rows());
    rows.extend(planning_rows());
    rows.extend(timeline::rows());
    println!("{}", Value::Array(rows));
}

fn row(name: &str, value: f64, unit: &str, baseline: Option<f64>) -> Value {
    let ratio = baseline.map(|it| value / it);
    json!({ "name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio })
}

/// A row with the highest value that is promised: the ratio is to that value, or to one if it is none.
fn promise(name: &str, value: f64, unit: &str, most: f64) -> Value {
    let (baseline, most) = if most > 0.0 { (most, 1.0) } else { (1.0, 0.0) };
    let mut row = row(name, value, unit, Some(baseline));
    row["most"] = json!(most);
    row
}

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

fn spec(properties: &Value) -> Spec {
    let properties = properties.as_object().expect("the properties are an object");
    Spec::read(properties, &Defaults::from_vars(|_| None), &deployment()).expect("the properties are valid")
}

fn desired_of(spec: &Spec, names: &Names) -> DesiredState {
    let facts = Facts {
        zones: ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec(),
        partition: "aws".into(),
        image: Some("ami-0123456789abcdef0".into()),
        hooks_are_handled: true,
        ..Facts::default()
    };
    let resources = desired(spec, names, OWNER, &facts);
    DesiredState { resources, in_service: spec.min_size, ..DesiredState::default() }
}

/// From the first observation to the settled one, under virtual time.
fn create_rows(egress: &str, bound: f64) -> Vec<Value> {
    let spec = spec(&json!({ "EnvironmentSuffix": "dev", "Egress": egress, "MinSize": 2, "MaxSize": 4 }));
    let names = spec.names(&deployment());
    let desired = desired_of(&spec, &names);
    let account = MemoryAccount::default();
    let session = Session::new(&account, "create");
    let scope = Scope { owner: OWNER.into(), names, proofs: Proofs::default(), network_is_managed: true };
    let until = account.clock.now() + Duration::from_hours(1);
    let run = Run::standalone(&scope, &desired, until);
    let started = account.clock.now();
    let outcome = account
        .clock
        .run(reconcile(&session, run, async |_, _: &Proofs| Ok::<_, Infallible>(())))
        .expect("the run is not killed");
    assert!(matches!(outcome, RunOutcome::Settled { .. }), "{outcome:?}");
    let seconds = (account.clock.now() - started).as_secs_f64();
    let calls = u32::try_from(account.calls.borrow().len() + account.reads.get()).expect("a few hundred");
    vec![
        row(&format!("create, {egress}, virtual time"), seconds, "s", Some(bound)),
        row(&format!("create, {egress}, virtual time: all calls"), f64::from(calls), "calls", None),
    ]
}

/// The duration of planning all `specs`, in milliseconds.
fn planning(specs: &[Spec]) -> f64 {
    let started = Instant::now();
    for spec in specs {
        black_box(plan(&desired_of(spec, &spec.names(&deployment())), &[]));
    }
    started.elapsed().as_secs_f64() * 1_000.0
}

/// Each environment is planned by itself, from nothing; the first row is the baseline of the others.
fn planning_rows() -> Vec<Value> {
    let mut one = None;
    let mut rows = Vec::new();
    for count in [10_u32, 100, 1_000] {
        let specs: Vec<Spec> =
            (0..count).map(|it| spec(&json!({ "EnvironmentSuffix": format!("e{it}"), "ZoneCount": 3 }))).collect();
        let millis = (0..RUNS).map(|_| planning(&specs)).fold(f64::INFINITY, f64::min);
        let each = millis / f64::from(count);
        let baseline = *one.get_or_insert(each) * f64::from(count);
        rows.push(row(&format!("planning {count} environments"), millis, "ms", Some(baseline)));
    }
    rows
}
