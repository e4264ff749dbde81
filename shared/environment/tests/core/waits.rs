//! Every wait of a delete is bounded: what an operator did to the group is undone or ends by itself, and an obstacle
//! that nothing ends is named.

#![allow(clippy::expect_used, reason = "a test stops at unexpected data")]

use std::fmt::Write as _;
use std::time::Duration;

use crate::common::{names, resources, run, scope, spec, standard};
use auto_scaling::{AutoScaling, DeletionProtection, LifecycleState, PoolState, Process, PutWarmPool, Timestamp};
use environment::{
    COMPLETE_OBSERVATION_INTERVAL, Checkpoint, Condition, DesiredState, OBSTACLE_LIMIT, Proofs, Run, RunOutcome,
    reconcile, still_open,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::json;

/// A settled environment with two instances in service.
fn settled() -> MemoryAccount {
    let account = MemoryAccount::default();
    let desired = DesiredState { in_service: 2, ..standard() };
    let created = run(&account, "create", &desired, None).expect("not killed");
    assert!(matches!(created, RunOutcome::Settled { .. }), "{created:?}");
    account.clock.advance(Duration::from_mins(5));
    account
}

/// Deletes the environment in one run, and describes the outcome.
fn delete(account: &MemoryAccount, within: Duration) -> String {
    let (session, scope) = (Session::new(account, "delete"), scope(account));
    let begin = account.clock.now();
    let desired = DesiredState::default();
    let run = Run::standalone(&scope, &desired, begin + within);
    let journal = async |_: Checkpoint<'_>, _: &Proofs| Ok::<(), std::convert::Infallible>(());
    let outcome = account.clock.run(reconcile(&session, run, journal)).expect("not killed");
    let seconds = (account.clock.now() - begin).as_secs();
    match outcome {
        RunOutcome::Settled { .. } => format!("deleted after {seconds} s"),
        RunOutcome::Obstructed { waiting_for } => {
            let all: Vec<String> = waiting_for.iter().map(ToString::to_string).collect();
            format!("ended after {seconds} s: {}", all.join("; "))
        }
        other => format!("{other:?}"),
    }
}

/// Brings a settled account into the state of a row.
type Operation = Box<dyn Fn(&mut MemoryAccount)>;

/// Ids of the group's instances.
fn ids(scaling: &AutoScaling) -> Vec<String> {
    scaling.group(&names().group().name).expect("the group").instances.iter().map(|it| it.id.clone()).collect()
}

/// A row whose operation is calls of an operator on Auto Scaling.
fn of(name: &str, calls: impl Fn(&mut AutoScaling, &str, Timestamp) + 'static) -> (String, Operation) {
    let group = names().group().name;
    (name.to_owned(), Box::new(move |account| account.operate(|scaling, now| calls(scaling, &group, now))))
}

/// Ordinary actions of an on-call engineer on the group, and each of its protections. EC2's termination protection of an
/// instance holds users up, and not Auto Scaling (EC2 User Guide, "Change instance termination protection"; recorded on AWS,
/// September 2026: stackd 9dc356f5, `failure_boundaries_native_complete`). While `DeletionProtection` is true, no delete gets this far (request-pass).
fn operations() -> Vec<(String, Operation)> {
    let mut all = vec![
        of("nothing", |_, _, _| ()),
        of("all instances are on standby, protected", |scaling, group, now| {
            scaling.set_instance_protection(group, &ids(scaling), true).expect("in service");
            scaling.enter_standby(group, &ids(scaling), false, now).expect("in service");
        }),
        of("an instance is unhealthy", |scaling, _, now| {
            let id = ids(scaling).remove(0);
            scaling.set_instance_health(&id, false, false, now).expect("in service");
        }),
        of("all instances are protected from scale-in", |scaling, group, _| {
            scaling.set_instance_protection(group, &ids(scaling), true).expect("in service");
        }),
        of("all instances have EC2's termination protection", |scaling, _, now| {
            for id in ids(scaling) {
                scaling.protect_from_termination(&id, true, now).expect("running");
            }
        }),
        of("all processes are suspended, and an instance is on standby", |scaling, group, now| {
            scaling.suspend_processes(group, &[], now).expect("known");
            scaling.enter_standby(group, &ids(scaling)[..1], false, now).expect("in service");
        }),
        of("an operator protects the group from each deletion", |scaling, group, now| {
            let mut settings = scaling.group(group).expect("the group").settings.clone();
            settings.deletion_protection = DeletionProtection::PreventAllDeletion;
            scaling.update_group(group, settings, None, now).expect("a valid protection");
        }),
    ];
    let protect = |account: &mut MemoryAccount| {
        let properties = json!({ "MinSize": "2", "MaxSize": "4", "DeletionProtection": "true" });
        let updated = run(account, "update", &resources(&spec(properties)), None).expect("not killed");
        assert!(matches!(updated, RunOutcome::Settled { .. }), "{updated:?}");
    };
    all.push((String::from("DeletionProtection is true, and the request is accepted"), Box::new(protect)));
    all.extend(Process::ALL.map(|process| {
        of(&format!("the process {} is suspended", process.as_str()), move |scaling, group, now| {
            scaling.suspend_processes(group, &[process.as_str().to_owned()], now).expect("known");
        })
    }));
    all
}

/// The lifecycle states of the API model (botocore, `LifecycleState`), in its order. tests/api-models compares the golden
/// table with the model.
const LIFECYCLE_STATES: [&str; 30] = [
    "Pending",
    "Pending:Wait",
    "Pending:Proceed",
    "Quarantined",
    "InService",
    "Terminating",
    "Terminating:Wait",
    "Terminating:Proceed",
    "Terminating:Retained",
    "Terminated",
    "Detaching",
    "Detached",
    "EnteringStandby",
    "Standby",
    "ReplacingRootVolume",
    "ReplacingRootVolume:Wait",
    "ReplacingRootVolume:Proceed",
    "RootVolumeReplaced",
    "Warmed:Pending",
    "Warmed:Pending:Wait",
    "Warmed:Pending:Proceed",
    "Warmed:Pending:Retained",
    "Warmed:Terminating",
    "Warmed:Terminating:Wait",
    "Warmed:Terminating:Proceed",
    "Warmed:Terminating:Retained",
    "Warmed:Terminated",
    "Warmed:Stopped",
    "Warmed:Running",
    "Warmed:Hibernated",
];

/// The id of an instance in this state, if the group or its warm pool has one.
fn in_state(account: &MemoryAccount, state: &str) -> Option<String> {
    account.operate(|scaling, _| {
        let group = scaling.group(&names().group().name).expect("the group");
        group.instances.iter().find(|it| it.state_name() == state).map(|it| it.id.clone())
    })
}

/// Lets time pass until an instance is in this state.
fn await_state(account: &MemoryAccount, state: &str) -> String {
    for _ in 0..600 {
        if let Some(id) = in_state(account, state) {
            return id;
        }
        account.clock.advance(Duration::from_millis(500));
    }
    panic!("no instance in {state}");
}

fn put_pool(account: &MemoryAccount, min_size: u32, pool_state: &str) {
    let pool = PutWarmPool {
        min_size: Some(min_size),
        max_group_prepared_capacity: Some(if min_size == 0 { 0 } else { 2 }),
        pool_state: PoolState::parse(pool_state),
        ..PutWarmPool::default()
    };
    account.operate(|scaling, now| scaling.put_warm_pool(&names().group().name, pool, now)).expect("a valid pool");
}

/// Brings an instance into a state. Returns whether the state is planted: the simulator has no way to it.
fn reach(account: &mut MemoryAccount, state: &'static str) -> bool {
    let group = names().group().name;
    let bare = state.strip_prefix("Warmed:");
    // In these states a function completes the hook at once.
    account.hooks_unanswered.set(state.ends_with(":Wait"));
    let terminate = |account: &MemoryAccount| {
        let id = in_state(account, "InService").expect("in service");
        account.operate(|scaling, now| scaling.terminate_instance(&id, false, now)).expect("in service");
    };
    match state {
        "InService" => {}
        "Pending" | "Pending:Wait" => {
            account.operate(|scaling, now| scaling.set_desired_capacity(&group, 3, false, now)).expect("within");
        }
        "Terminating:Wait" | "Terminating:Proceed" => terminate(account),
        "EnteringStandby" | "Standby" => {
            account.operate(|scaling, now| {
                scaling.enter_standby(&group, &ids(scaling)[..1], false, now).expect("in service");
            });
        }
        "Detaching" => {
            account.operate(|scaling, now| {
                scaling.detach_instances(&group, &ids(scaling)[..1], false, now).expect("in service");
            });
        }
        "Warmed:Pending" | "Warmed:Pending:Wait" => put_pool(account, 1, "Running"),
        "Warmed:Stopped" | "Warmed:Running" | "Warmed:Hibernated" => put_pool(account, 1, bare.expect("warmed")),
        "Warmed:Terminating:Wait" | "Warmed:Terminating:Proceed" => {
            account.hooks_unanswered.set(false);
            put_pool(account, 1, "Running");
            await_state(account, "Warmed:Running");
            account.hooks_unanswered.set(state.ends_with(":Wait"));
            put_pool(account, 0, "Running");
        }
        _ => {
            if bare.is_some() {
                put_pool(account, 1, "Running");
            }
            let id = await_state(account, if bare.is_some() { "Warmed:Running" } else { "InService" });
            let (planted, lasts) = planted(bare.unwrap_or(state));
            account.operate(|scaling, now| {
                let until = lasts.map(|it| now + it);
                scaling.plant_state(&id, planted, until, now).expect("an instance");
            });
            return true;
        }
    }
    await_state(account, state);
    false
}

/// A state that the simulator has no way to, and how long it lasts where it ends by itself. Auto Scaling lists an instance
/// that it has terminated or detached for a while (an estimate); no source says that the others end.
fn planted(state: &'static str) -> (LifecycleState, Option<Duration>) {
    match state {
        "Pending:Proceed" => (LifecycleState::PendingProceed, Some(Duration::from_secs(1))),
        "Terminating" => (LifecycleState::Terminating, Some(Duration::from_secs(40))),
        "Terminated" | "Detached" => (LifecycleState::Planted(state), Some(Duration::from_secs(40))),
        _ => (LifecycleState::Planted(state), None),
    }
}

/// No row waits for longer than its instances take, or it names what an operator has to do, five minutes after nothing
/// else was left to wait for.
#[test]
fn a_delete_of_a_group_ends_or_names_its_obstacle_after_each_action_and_in_each_state() {
    let mut table = String::new();
    for (name, operation) in operations() {
        let mut account = settled();
        operation(&mut account);
        let outcome = delete(&account, Duration::from_mins(20));
        assert!(outcome.starts_with("deleted after "), "{name}: {outcome}");
        writeln!(table, "{name:<62} {outcome}").expect("a string");
    }
    for state in LIFECYCLE_STATES {
        let mut account = settled();
        let mark = if reach(&mut account, state) { ", planted" } else { "" };
        let outcome = delete(&account, Duration::from_hours(1));
        let needs_a_person = ["Quarantined", "Retained", "RootVolume"].iter().any(|it| state.contains(it));
        assert_eq!(outcome.contains(&format!(" ({state})")), needs_a_person, "{outcome}");
        assert_eq!(outcome.starts_with("deleted after "), !needs_a_person, "{state}: {outcome}");
        writeln!(table, "{:<62} {outcome}", format!("an instance is {state}{mark}")).expect("a string");
    }
    insta::assert_snapshot!("deletes_of_a_group", table);
}

#[test]
fn an_obstacle_that_nothing_ends_is_named_after_five_minutes() {
    let account = settled();
    let foreign = Condition::from("vpc v: ec2:DeleteVpc has to wait: blocking resources: subnet subnet-1 (web)");
    account.obstacles.borrow_mut().insert(names().vpc(), foreign.clone().within(OBSTACLE_LIMIT));
    let outcome = delete(&account, Duration::from_hours(1));
    assert!(outcome.ends_with(&format!(" s: {foreign}")), "{outcome}");
    let without = delete(&settled(), Duration::from_hours(1));
    let seconds = |outcome: &str| outcome.split(' ').find_map(|it| it.parse::<u64>().ok()).expect("seconds");
    let (ended, deleted) = (seconds(&outcome), seconds(&without));
    assert!((295..320).contains(&(ended.saturating_sub(deleted))), "{ended} s, {deleted} s");
    account.obstacles.borrow_mut().clear();
    assert!(delete(&account, Duration::from_hours(1)).starts_with("deleted after "));
}

/// A service of AWS removes its interface within 45 minutes.
#[test]
fn what_ends_by_itself_is_waited_for_as_long_as_its_source_says() {
    let account = settled();
    let interface = Condition::from("subnet s: in use by the interface of a function").within(Duration::from_mins(45));
    let subnet = names().public_subnet(1);
    account.obstacles.borrow_mut().insert(subnet, interface);
    let outcome = delete(&account, Duration::from_mins(40));
    assert!(outcome.starts_with("Unfinished"), "{outcome}");
    let outcome = delete(&account, Duration::from_hours(1));
    assert!(outcome.contains("subnet s: in use by the interface"), "{outcome}");
}

/// The first environment, its NAT gateway, and its instances are waited for. Each wait ends with a complete observation.
#[test]
fn a_waiting_run_reads_the_awaited_resources_alone() {
    let account = MemoryAccount::default();
    let desired = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "Egress": "NatGateway" })));
    let desired = DesiredState { in_service: 2, ..desired };
    let created = run(&account, "create", &desired, None).expect("not killed");
    assert!(matches!(created, RunOutcome::Settled { .. }), "{created:?}");
    let (writes, complete) = (account.calls.borrow().len(), account.observations.get());
    assert!(complete <= 6, "{complete} complete observations");
    // An observation of nothing takes 25 reads, a complete one 45; about fifty polls of one or two reads each remain.
    let polls = account.reads.get() - complete * 45;
    assert!(polls < 80, "{polls} reads beside {complete} complete observations and {writes} writes");
}

/// The reads of the awaited resource alone show neither that the gateway's address is released nor any other drift.
#[test]
fn drift_during_a_wait_is_corrected_within_five_minutes() {
    let mut account = MemoryAccount::default();
    account.nat_gateway_startup = Duration::from_mins(9);
    let desired = resources(&spec(json!({ "MinSize": "0", "Egress": "NatGateway" })));
    let (session, scope) = (Session::new(&account, "create"), scope(&account));
    let begin = account.clock.now();
    let create =
        reconcile(&session, Run::standalone(&scope, &desired, begin + Duration::from_mins(20)), async |_, _: &_| {
            Ok::<(), std::convert::Infallible>(())
        });
    let drift = async {
        account.clock.sleep(Duration::from_mins(1)).await;
        account.tamper(&names().scaling_log_group(), |group| drop(group.tags.remove("Environment")));
        let deleted = account.calls.borrow().len();
        account.clock.sleep(COMPLETE_OBSERVATION_INTERVAL + Duration::from_secs(10)).await;
        account.calls.borrow().len() - deleted
    };
    let (outcome, corrections) = account.clock.run(futures_util::future::join(create, drift)).expect("not killed");
    assert!(matches!(outcome, RunOutcome::Settled { .. }), "{outcome:?}");
    assert!(account.clock.now() - begin > Duration::from_mins(9));
    assert_eq!(corrections, 1);
}

/// The record passes the time on: a time ahead, by mistake or by a forger, would keep a request waiting to its deadline.
#[test]
fn a_complete_observation_that_is_ahead_of_the_clock_does_not_count() {
    let account = MemoryAccount::default();
    let desired = resources(&spec(json!({ "MinSize": "0", "Egress": "NatGateway" })));
    let (session, scope) = (Session::new(&account, "create"), scope(&account));
    let until = account.clock.now() + Duration::from_mins(1);
    let journal = async |_: Checkpoint<'_>, proofs: &Proofs| {
        account.proofs.borrow_mut().clone_from(proofs);
        Ok::<(), std::convert::Infallible>(())
    };
    let create = reconcile(&session, Run::standalone(&scope, &desired, until), journal);
    let Some(RunOutcome::Unfinished(waiting)) = account.clock.run(create) else { panic!("the gateway is available") };
    let (awaited, scope) = (waiting.awaited().expect("the gateway alone"), crate::common::scope(&account));
    let open =
        |observed_at| account.clock.run(still_open(&session, &scope, &awaited, observed_at)).expect("not killed");
    let now = account.clock.now();
    assert!(open(now).is_some());
    assert!(open(now + Duration::from_secs(1)).is_none());
    assert!(open(environment::Timestamp(u64::MAX)).is_none());
}

/// A pass ends after its wait budget; the record passes the beginnings of the waits on to the next pass.
#[test]
fn a_wait_that_began_in_an_earlier_run_counts_from_its_beginning() {
    let account = settled();
    let foreign = Condition::from("vpc v: in use").within(OBSTACLE_LIMIT);
    account.obstacles.borrow_mut().insert(names().vpc(), foreign.clone());
    let (session, scope, desired) = (Session::new(&account, "delete"), scope(&account), DesiredState::default());
    let journal = async |_: Checkpoint<'_>, _: &Proofs| Ok::<(), std::convert::Infallible>(());
    let mut open_since = environment::OpenSince::new();
    let begin = account.clock.now();
    let outcome = loop {
        let run = Run {
            wait_budget: Duration::from_secs(20),
            open_since: open_since.clone(),
            ..Run::standalone(&scope, &desired, begin + Duration::from_hours(1))
        };
        match account.clock.run(reconcile(&session, run, journal)).expect("not killed") {
            RunOutcome::Unfinished(waiting) => {
                open_since = Condition::open_since(&waiting.waiting_for, &open_since, account.clock.now());
                account.clock.advance(Duration::from_secs(5));
            }
            other => break other,
        }
        assert!(account.clock.now() - begin < Duration::from_mins(20), "the wait never ends");
    };
    assert_eq!(outcome, RunOutcome::Obstructed { waiting_for: vec![foreign] });
}

#[test]
fn a_create_that_waits_for_its_instances_is_bounded_by_its_deadline_only() {
    let mut account = MemoryAccount::default();
    account.launch_failure = Some("no capacity".into());
    let desired = DesiredState { in_service: 1, ..resources(&spec(json!({ "MinSize": "1" }))) };
    let outcome = run(&account, "create", &desired, None).expect("not killed");
    assert!(matches!(outcome, RunOutcome::Unfinished(_)), "{outcome:?}");
}
