//! Every wait of a delete is bounded: what an operator did to the group is undone or ends by itself, and an obstacle
//! that nothing ends is named.

#![allow(clippy::expect_used, reason = "a test stops at unexpected data")]

mod common;

use std::fmt::Write as _;
use std::time::Duration;

use auto_scaling::{AutoScaling, Process, Timestamp};
use common::{names, resources, run, scope, spec, standard};
use environment::{COMPLETE_OBSERVATION_INTERVAL, Condition, DesiredState, OBSTACLE_LIMIT, Run, RunOutcome, reconcile};
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
    let journal = async |_, _: &_| Ok::<(), std::convert::Infallible>(());
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

type Operation = Box<dyn Fn(&mut AutoScaling, Timestamp)>;

/// Ids of the group's instances.
fn ids(scaling: &AutoScaling) -> Vec<String> {
    scaling.group(&names().group().name).expect("the group").instances.iter().map(|it| it.id.clone()).collect()
}

/// Ordinary actions of an on-call engineer on the group.
fn operations() -> Vec<(String, Operation)> {
    fn of(name: &str, operation: impl Fn(&mut AutoScaling, &str, Timestamp) + 'static) -> (String, Operation) {
        let group = names().group().name;
        (name.to_owned(), Box::new(move |scaling, now| operation(scaling, &group, now)))
    }
    let mut all = vec![
        of("nothing", |_, _, _| ()),
        of("an instance is on standby", |scaling, group, now| {
            scaling.enter_standby(group, &ids(scaling)[..1], false, now).expect("in service");
        }),
        of("all instances are on standby, protected", |scaling, group, now| {
            scaling.set_instance_protection(group, &ids(scaling), true).expect("in service");
            scaling.enter_standby(group, &ids(scaling), false, now).expect("in service");
        }),
        of("an instance is being detached", |scaling, group, now| {
            scaling.detach_instances(group, &ids(scaling)[..1], false, now).expect("in service");
        }),
        of("an instance launches", |scaling, group, now| {
            scaling.set_desired_capacity(group, 3, false, now).expect("within the bounds");
        }),
        of("an instance terminates", |scaling, _, now| {
            let id = ids(scaling).remove(0);
            scaling.terminate_instance(&id, false, now).expect("in service");
        }),
        of("an instance is unhealthy", |scaling, _, now| {
            let id = ids(scaling).remove(0);
            scaling.set_instance_health(&id, false, false, now).expect("in service");
        }),
        of("all instances are protected from scale-in", |scaling, group, _| {
            scaling.set_instance_protection(group, &ids(scaling), true).expect("in service");
        }),
        of("all processes are suspended, and an instance is on standby", |scaling, group, now| {
            scaling.suspend_processes(group, &[], now).expect("known");
            scaling.enter_standby(group, &ids(scaling)[..1], false, now).expect("in service");
        }),
    ];
    all.extend(Process::ALL.map(|process| {
        of(&format!("the process {} is suspended", process.as_str()), move |scaling, group, now| {
            scaling.suspend_processes(group, &[process.as_str().to_owned()], now).expect("known");
        })
    }));
    all
}

#[test]
fn no_ordinary_action_on_a_group_makes_its_delete_hang() {
    let mut table = String::new();
    for (name, operation) in operations() {
        let account = settled();
        account.operate(|scaling, now| operation(scaling, now));
        writeln!(table, "{name:<62} {}", delete(&account, Duration::from_mins(20))).expect("a string");
    }
    assert!(!table.lines().any(|it| !it.contains(" deleted after ")), "{table}");
    insta::assert_snapshot!("deletes_of_a_group_after_ordinary_actions", table);
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
    // An observation of nothing takes 24 reads, a complete one 44; about fifty polls of one or two reads each remain.
    let polls = account.reads.get() - complete * 44;
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

/// A pass ends after its wait budget; the record passes the beginnings of the waits on to the next pass.
#[test]
fn a_wait_that_began_in_an_earlier_run_counts_from_its_beginning() {
    let account = settled();
    let foreign = Condition::from("vpc v: in use").within(OBSTACLE_LIMIT);
    account.obstacles.borrow_mut().insert(names().vpc(), foreign.clone());
    let (session, scope, desired) = (Session::new(&account, "delete"), scope(&account), DesiredState::default());
    let journal = async |_, _: &_| Ok::<(), std::convert::Infallible>(());
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
