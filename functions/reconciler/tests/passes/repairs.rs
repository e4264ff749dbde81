//! Repairs: an operator's requests for the recorded properties once more.

use std::collections::BTreeSet;
use std::time::Duration;

use environment::{Fields, Kind, Resource};
use memory_cloud::{Fault, MemoryAccount};
use request_pass::{CloudFactory as _, repair_event};
use requests::records::{DesiredRecord, HistoryEntry, OwnerRecord};
use requests::{Records as _, Request};
use serde_json::{Value, json};
use test_support::{BEGIN_S, BlockOn as _, message, sent, with};

use crate::harness::{Harness, harness, quick_create, request, sample};
use crate::rollout_environment::environment;

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

fn record(harness: &Harness, event: &Value) -> OwnerRecord {
    harness.records.inner.owner(&request(event).owner()).block_on().expect("a record")
}

/// The Repair that an operator asks for now, of the environment of this request.
fn repair(harness: &Harness, of: &Value) -> Value {
    let latest = record(harness, of).latest_request.expect("a request");
    repair_event(ENVIRONMENT, &latest, harness.cloud_factory.now().0)
}

/// An environment whose Create has succeeded, with a NAT gateway.
fn created() -> (Harness, Value) {
    let harness = harness();
    let create = sent(with(sample("create.json"), json!({ "ResourceProperties": { "WaitForInstances": "false" } })), 0);
    harness.invoke_until_done(&create);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_hours(2));
    (harness, create)
}

/// Changes a field of the resource, or a tag of a kind whose fields are fixed.
fn change(resource: &mut Resource) {
    match &mut resource.fields {
        Fields::Vpc(vpc) => vpc.dns_support = false,
        Fields::Subnet(subnet) => subnet.public_ip_on_launch = !subnet.public_ip_on_launch,
        Fields::RouteTable(table) => table.serves.clear(),
        Fields::Bucket(bucket) => bucket.public_access_blocked = false,
        Fields::Role(role) => role.managed_policies.clear(),
        Fields::LogGroup(group) => group.retention_days = Some(1),
        Fields::AutoScalingGroup(group) => group.max_size += 5,
        Fields::ScalingPolicy(policy) => policy.adjustment = environment::Adjustment::Steps(vec![]),
        Fields::Alarm(alarm) => alarm.rule.threshold += 1,
        // The ownership mark is a part of both texts.
        Fields::Dashboard(dashboard) => dashboard.body = dashboard.body.replacen("CPUUtilization", "NetworkIn", 1),
        Fields::SavedQuery(saved) => saved.query.text.push_str("\n| limit 7"),
        Fields::InternetGateway(_)
        | Fields::Address(_)
        | Fields::NatGateway(_)
        | Fields::SecurityGroup(_)
        | Fields::VpcEndpoint(_)
        | Fields::InstanceProfile(_)
        | Fields::LaunchTemplate(_) => {
            let tag = resource.tags.get_mut("Environment").expect("a tag of the environment");
            *tag = String::from("changed by hand");
        }
    }
}

/// Drift in every resource. Returns the resources as they were.
fn drift(account: &MemoryAccount) -> Vec<Resource> {
    let before = account.inventory();
    for resource in &before {
        account.tamper(&resource.key(), change);
    }
    assert!(before.iter().zip(account.inventory()).all(|(before, after)| *before != after), "everything has drift");
    // Until every read shows it.
    account.clock.advance(Duration::from_mins(1));
    before
}

fn last_entry(harness: &Harness, of: &Value) -> HistoryEntry {
    record(harness, of).history.pop().expect("a response")
}

#[test]
fn one_repair_corrects_the_drift_of_every_kind_and_a_second_one_writes_nothing() {
    let (harness, create) = created();
    let before = drift(&harness.cloud_factory.account);
    let kinds: BTreeSet<Kind> = before.iter().map(Resource::kind).collect();
    let all = Kind::ALL.iter().copied().filter(|kind| *kind != Kind::VpcEndpoint);
    assert_eq!(kinds, all.collect(), "with a NAT gateway there is no endpoint");

    for pass in 0..2 {
        let (asked, writes) = (harness.cloud_factory.now(), harness.cloud_factory.write_count());
        let repair = repair(&harness, &create);
        harness.record_request(&repair);
        harness.invoke_until_done(&repair);
        let after = harness.cloud_factory.account.inventory();
        assert_eq!(after, before, "{pass}");
        assert_eq!(harness.cloud_factory.write_count() > writes, pass == 0, "{pass}");
        let entry = last_entry(&harness, &create);
        assert_eq!((entry.kind.as_str(), entry.success), ("Repair", true), "{entry:?}");
        assert_eq!(entry.sent_ms, asked.0, "when the operator asked");
        let record = record(&harness, &create);
        assert_eq!((record.settled, record.response_due_ms), (true, None));
        harness.advance(Duration::from_mins(1));
    }
    assert!(harness.response_server.take().is_empty(), "no stack waits for a response");
    let kinds: Vec<&str> = record(&harness, &create).history.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["Create", "Repair"], "the history has the last Repair only");
}

/// A killed process leaves its message, and the next delivery starts a new pass.
#[test]
fn a_crash_at_every_call_of_a_repair_is_repeated_to_the_same_result() {
    let deliver = |harness: &Harness, event: &Value| {
        let batch = serde_json::from_value(json!({ "Records": [message("1", event)] })).expect("an SQS event");
        let reconciler = harness.reconciler();
        let deadline = (harness.cloud_factory.now() + Duration::from_mins(10)).0;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let _inside = runtime.enter();
        harness.cloud_factory.account.clock.run(reconciler.handle(&harness.request_queue, batch, deadline)).is_some()
    };
    let mut call = 0;
    loop {
        let (harness, create) = created();
        let account = &harness.cloud_factory.account;
        let before = drift(account);
        let repair = repair(&harness, &create);
        harness.record_request(&repair);
        let fault = [Fault::CrashBefore, Fault::CrashAfter][call % 2];
        let at = account.calls.borrow().len() + call / 2;
        account.faults.borrow_mut().insert(at, fault);
        let is_done = deliver(&harness, &repair);
        account.faults.borrow_mut().clear();
        harness.invoke_until_done(&repair);
        assert_eq!(account.inventory(), before, "{fault:?} at call {call}");
        harness.assert_no_duplicates();
        assert!(last_entry(&harness, &create).success);
        if is_done {
            break; // The repair has fewer calls.
        }
        call += 1;
    }
    assert!(call > 20, "{call}");
}

#[test]
fn a_newer_request_of_cloudformation_supersedes_a_repair_also_if_it_was_sent_before() {
    for (kind, seconds) in [("Update", 7_300), ("Update", 60), ("Delete", 7_300), ("Delete", 60)] {
        let (harness, create) = created();
        drift(&harness.cloud_factory.account);
        let repair = repair(&harness, &create);
        harness.record_request(&repair);
        let changes = json!({ "RequestType": kind, "RequestId": "newer", "PhysicalResourceId": ENVIRONMENT });
        // The clock is at two hours: an event may be delivered late.
        let newer = sent(with(create.clone(), changes), seconds);
        harness.record_request(&newer);
        let writes = harness.cloud_factory.write_count();
        assert_eq!(harness.invoke(&[message("1", &repair)]), [""; 0], "{kind} {seconds}");
        assert_eq!(harness.cloud_factory.write_count(), writes, "the repair stops");
        let record = record(&harness, &create);
        assert_eq!(record.latest_request.map(|it| it.kind.as_str()), Some(kind), "{seconds}");
        assert!(record.history.iter().all(|it| it.kind.as_str() != "Repair"));
    }
}

#[test]
fn a_second_delivery_of_an_older_request_does_not_supersede_a_repair() {
    let (harness, create) = created();
    let repair = repair(&harness, &create);
    harness.record_request(&repair);
    let again = request(&create);
    let admitted = harness.pass(&again).admit().block_on_error();
    assert!(admitted.starts_with("Superseded: an operator sent a newer Repair for this resource."), "{admitted}");
    harness.invoke_until_done(&repair);
    assert!(last_entry(&harness, &create).success);
}

/// The reason of a rejected admission.
trait Refused {
    fn block_on_error(self) -> String;
}

impl<T: std::fmt::Debug, F: Future<Output = Result<T, request_pass::PassError>>> Refused for F {
    fn block_on_error(self) -> String {
        let result = test_support::run(&memory_cloud::Clock::default(), self);
        result.expect_err("refused").message().to_owned()
    }
}

#[test]
fn a_repair_is_refused_without_a_write_where_there_is_no_state_to_return_to() {
    let refusal = |harness: &Harness, event: &Value| {
        let (before, writes) =
            (harness.records.inner.owner(&request(event).owner()).block_on(), harness.cloud_factory.write_count());
        let latest = requests::records::LatestRequest::of_request(&request(event));
        let event = repair_event(ENVIRONMENT, &latest, harness.cloud_factory.now().0);
        let repair = Request::read_recorded(&event, harness.cloud_factory.now().0).expect("a valid request");
        let reason = harness.pass(&repair).admit().block_on_error();
        assert_eq!(harness.records.inner.owner(&repair.owner()).block_on(), before);
        assert_eq!(harness.cloud_factory.write_count(), writes);
        reason
    };
    let harness = harness();
    let create = sent(quick_create(), 0);
    let reason = refusal(&harness, &create);
    assert!(reason.contains("there is nothing to repair") && reason.contains("Update its stack"), "{reason}");
    harness.record_request(&create);
    let reason = refusal(&harness, &create);
    assert!(reason.contains("there is nothing to repair"), "its create has not begun: {reason}");
    assert_eq!(harness.invoke(&[message("1", &sent(sample("create.json"), 1))]), ["1"]);
    let reason = refusal(&harness, &create);
    assert!(reason.starts_with("its Create has been in progress since 2026-01-02T03:04:06Z. Wait"), "{reason}");

    let (harness, create) = created();
    let owner = request(&create).owner();
    let recorded = record(&harness, &create);
    let unreadable = DesiredRecord {
        environment: ENVIRONMENT.into(),
        spec: json!({ "MinSize": [] }),
        frozen: recorded.frozen.clone().expect("defaults"),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    harness.records.inner.save_desired(&owner, unreadable.clone()).block_on();
    let reason = refusal(&harness, &create);
    assert!(reason.contains("can't read its recorded properties. Update its stack"), "{reason}");
    harness.records.inner.mark_deleted(&owner, BEGIN_S * 1_000).block_on();
    assert!(refusal(&harness, &create).contains("there is nothing to repair"));
    harness.records.inner.save_desired(&owner, unreadable).block_on();
    let reason = refusal(&harness, &create);
    assert!(reason.contains("it has never settled") && reason.contains("Delete its stack"), "{reason}");
}

/// A fact that changed meanwhile, such as a type that the region does not offer any more, would reject the same properties in
/// a Create.
#[test]
fn no_fact_refuses_a_repair_and_a_lifted_protection_stays_lifted() {
    let (mut harness, create) = created();
    let before = drift(&harness.cloud_factory.account);
    harness.cloud_factory.facts.instance_type = Some(environment::InstanceTypeFacts::Unknown { known: vec![] });
    harness.records.inner.unlock(&request(&create).owner()).block_on();
    let repair = repair(&harness, &create);
    harness.record_request(&repair);
    harness.invoke_until_done(&repair);
    assert!(last_entry(&harness, &create).success);
    assert_eq!(harness.cloud_factory.account.inventory(), before);
    assert!(record(&harness, &create).unlocked);
}

#[test]
fn a_repair_replaces_no_instance_that_an_unchanged_update_would_not_replace() {
    let environment = environment();
    let group = environment.account().inventory().into_iter().find(|it| it.kind() == Kind::AutoScalingGroup);
    let key = group.expect("a group").key();
    environment.account().tamper(&key, change);
    let update = environment.update(json!({}), json!({}));
    let repair = repair(&environment.harness, &update);
    environment.harness.record_request(&repair);
    while !environment.step(&repair) {}
    assert!(last_entry(&environment.harness, &update).success);
    assert_eq!(environment.versions(), ["1", "1", "1"]);
    assert!(environment.published().is_empty());
    environment.assert_settled_on("1", "after the repair");
}

/// A cleanup after a rejected Create of another id deletes nothing, also after a repair: CloudFormation knows the id of the last
/// response to one of its own requests.
#[test]
fn a_delete_of_another_physical_id_deletes_nothing_after_repairs() {
    let (harness, create) = created();
    for _ in 0..6 {
        let repair = repair(&harness, &create);
        harness.record_request(&repair);
        harness.invoke_until_done(&repair);
        harness.advance(Duration::from_mins(1));
    }
    let changes = json!({ "RequestType": "Delete", "RequestId": "cleanup", "PhysicalResourceId": "another" });
    let cleanup = request(&sent(with(create, changes), 8_000));
    let admitted = test_support::run(&harness.cloud_factory.account.clock, harness.pass(&cleanup).admit());
    assert!(admitted.expect("admitted").is_without_work());
}

#[test]
fn a_repair_ends_at_its_deadline_with_the_reason_in_the_history() {
    let (harness, create) = created();
    drift(&harness.cloud_factory.account);
    let repair = repair(&harness, &create);
    harness.record_request(&repair);
    harness.cloud_factory.account.faults.borrow_mut().extend((0..100_000).map(|at| (at, Fault::Throttled)));
    while !harness.invoke(&[message("1", &repair)]).is_empty() {
        let (_, delay) = harness.requeued().expect("a requeued message");
        harness.advance(delay);
    }
    let entry = last_entry(&harness, &create);
    assert!(!entry.success && entry.reason.contains("after an operator sent the request"), "{entry:?}");
    let took = Duration::from_millis(entry.responded_ms - entry.sent_ms);
    assert!((Duration::from_mins(55)..Duration::from_hours(1)).contains(&took), "{took:?}");
}
