//! An environment of three instances whose rollouts run through passes.

use std::cell::Cell;
use std::time::Duration;

use auto_scaling::{LaunchTemplate, LifecycleState, Process, RefreshPreferences, RefreshStatus, StartRefresh};
use environment::Timestamp;
use environment::rollout::RolloutRecord;
use memory_cloud::LaunchOutcome;
use request_pass::{CloudFactory as _, recorded_rollout};
use requests::{Owner, Records as _, RolloutRequest};
use serde_json::{Value, json};
use test_support::{BEGIN_S, BlockOn as _, message, sent, with};

use crate::harness::{Harness, INVOCATION, harness, quick_create, request};

/// The name of the environment's group.
pub const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// The number of instances of the environment.
pub const INSTANCES: usize = 3;

/// The word at the beginning of an operation of Auto Scaling.
pub const AUTO_SCALING: &str = "autoscaling:";

/// An environment with three instances in service, whose Create has succeeded.
pub struct Environment {
    pub harness: Harness,
    create: Value,
    requests: Cell<u32>,
}

pub fn environment() -> Environment {
    let mut harness = harness();
    harness.settings.pass.hooks_are_handled = true;
    let capacity = json!({ "MinSize": "3", "MaxSize": "6", "DesiredCapacity": "3", "ZoneCount": "2" });
    let create = sent(with(quick_create(), json!({ "ResourceProperties": capacity })), 0);
    harness.invoke_until_done(&create);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_mins(5));
    let environment = Environment { harness, create, requests: Cell::new(0) };
    assert_eq!(environment.versions(), ["1", "1", "1"]);
    environment.account().fewest_in_service.set(usize::MAX);
    environment
}

impl Environment {
    pub fn account(&self) -> &memory_cloud::MemoryAccount {
        &self.harness.cloud_factory.account
    }

    /// An Update that is sent now, from these properties to those, both as changes of the created ones.
    pub fn update(&self, from: Value, to: Value) -> Value {
        let number = self.requests.replace(self.requests.get() + 1);
        let elapsed_ms = self.harness.cloud_factory.now().0 - BEGIN_S * 1_000;
        let created = &self.create["ResourceProperties"];
        let changes = json!({
            "RequestType": "Update", "RequestId": format!("update-{number}"),
            "PhysicalResourceId": "scalable-ec2-us-west-2-dev",
            "ResourceProperties": with(created.clone(), to), "OldResourceProperties": with(created.clone(), from),
        });
        sent(with(self.create.clone(), changes), elapsed_ms.div_ceil(1_000))
    }

    pub fn delete(&self) -> Value {
        with(self.update(json!({}), json!({})), json!({ "RequestType": "Delete" }))
    }

    /// One invocation for a message; `true` if the message is done. Otherwise the time of its delay passes.
    pub fn step(&self, event: &Value) -> bool {
        let sent = json!({ "attributes": { "SentTimestamp": self.harness.cloud_factory.now().0.to_string() } });
        let is_done = self.harness.invoke(&[with(message("1", event), sent)]).is_empty();
        if !is_done {
            self.harness.advance(self.harness.requeued().map_or(INVOCATION, |(_, after)| after));
        }
        is_done
    }

    /// Invocations until the message is done, and the response.
    pub fn answer(&self, event: &Value) -> Value {
        let limit = self.harness.cloud_factory.now() + Duration::from_hours(2);
        while !self.step(event) {
            assert!(self.harness.cloud_factory.now() < limit, "the message is still requeued after two hours");
        }
        self.harness.response()
    }

    /// Due passes, each when its task is due, until no task is left.
    pub fn settle(&self) {
        let Harness { records, cloud_factory, .. } = &self.harness;
        let limit = cloud_factory.now() + Duration::from_hours(3);
        while let Some(task) = records.inner.due(u64::MAX, 1).block_on().into_iter().next() {
            self.harness.advance(Timestamp(task.due_ms) - cloud_factory.now());
            let due = message("due", &json!({ "Due": task.owner.as_str() }));
            assert_eq!(self.harness.deliver(&[due]), [""; 0], "a due pass never keeps its message");
            assert!(cloud_factory.now() < limit, "due passes follow after three hours");
        }
    }

    /// The owner of the environment.
    pub fn owner(&self) -> Owner {
        request(&self.create).owner()
    }

    /// The record of the environment's rollouts.
    pub fn record(&self) -> RolloutRecord {
        recorded_rollout(self.harness.records.inner.owner(&self.owner()).block_on().as_ref())
    }

    /// The due pass of an operator's request, which `custom-resource` has recorded.
    pub fn operate(&self, request: RolloutRequest) {
        self.harness.records.inner.request_rollout(&self.owner(), request).block_on();
        self.due();
    }

    /// The due pass of an operator's request to hold the rollout until a time, or (a past one) to release it.
    pub fn hold(&self, until: Timestamp) {
        self.request_hold(until);
        self.due();
    }

    /// An operator's request to hold the rollout until a time, which `custom-resource` has recorded.
    pub fn request_hold(&self, until: Timestamp) {
        self.harness.records.inner.request_hold(&self.owner(), until.0).block_on();
    }

    /// A due pass.
    pub fn due(&self) {
        let due = message("due", &json!({ "Due": self.owner().as_str() }));
        assert_eq!(self.harness.deliver(&[due]), [""; 0], "a due pass never keeps its message");
    }

    /// When the task of the environment is due.
    pub fn task(&self) -> Option<Timestamp> {
        let all = self.harness.records.inner.due(u64::MAX, 1).block_on();
        all.first().map(|it| Timestamp(it.due_ms))
    }

    /// Whether the process `InstanceRefresh` of the group is suspended.
    pub fn is_suspended(&self) -> bool {
        self.account().operate(|simulator, _| {
            let group = simulator.group(GROUP).expect("the group");
            group.suspended_processes.contains_key(&Process::InstanceRefresh)
        })
    }

    /// The steps of rollouts in the ledger.
    pub fn published(&self) -> Vec<String> {
        let all = self.harness.cloud_factory.published.borrow();
        let rollouts = all.iter().filter(|it| it["detail-type"] == ledger::events::ROLLOUT);
        rollouts.map(|it| it["detail"]["Outcome"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The versions of the instances in service, sorted.
    pub fn versions(&self) -> Vec<String> {
        self.account().operate(|simulator, _| {
            let Ok(group) = simulator.group(GROUP) else { return vec![] };
            let in_service = group.instances.iter().filter(|it| it.state == LifecycleState::InService);
            let mut versions: Vec<String> = in_service.map(|it| it.launch_template.version.clone()).collect();
            versions.sort();
            versions
        })
    }

    /// The ids of the instances of the group, sorted.
    pub fn instances(&self) -> Vec<String> {
        self.account().operate(|simulator, _| {
            let group = simulator.group(GROUP).expect("the group");
            let mut ids: Vec<String> = group.instances.iter().map(|it| it.id.clone()).collect();
            ids.sort();
            ids
        })
    }

    /// The version that the group has saved.
    pub fn saved(&self) -> String {
        self.account()
            .operate(|simulator, _| simulator.group(GROUP).expect("the group").settings.launch_template.version.clone())
    }

    /// The statuses of the group's refreshes, the oldest first.
    pub fn refreshes(&self) -> Vec<RefreshStatus> {
        let all = self.account().operate(|simulator, now| simulator.instance_refreshes(GROUP, now));
        all.expect("the group").iter().rev().map(|it| it.status).collect()
    }

    pub fn set_outcome(&self, version: &str, outcome: LaunchOutcome) {
        self.account().launch_outcomes.borrow_mut().insert(version.to_owned(), outcome);
    }

    /// The operations since a number of calls.
    pub fn operations(&self, since: usize) -> Vec<&'static str> {
        self.account().calls.borrow()[since..].iter().map(environment::Call::operation).collect()
    }

    pub fn call_count(&self) -> usize {
        self.account().calls.borrow().len()
    }

    /// Asserts that every instance runs a version, that the group launches it, and that the instances in service were never
    /// too few.
    pub fn assert_settled_on(&self, version: &str, context: &str) {
        self.settle();
        self.harness.advance(Duration::from_mins(5));
        assert_eq!(self.versions(), [version; INSTANCES], "{context}");
        assert_eq!(self.saved(), version, "{context}");
        let fewest = self.account().fewest_in_service.get();
        assert!(
            fewest >= INSTANCES,
            "{context}: {fewest} in service: a replacement is in service before a termination"
        );
        assert!(!self.refreshes().iter().any(|it| it.is_active()), "{context}: {:?}", self.refreshes());
        let before = self.call_count();
        self.settle();
        assert_eq!(self.operations(before), [""; 0], "{context}: a settled environment");
    }
}

pub fn small() -> Value {
    json!({ "InstanceType": "t3.small" })
}

pub fn reason(response: &Value) -> &str {
    assert_eq!(response["Status"], "FAILED", "{response}");
    response["Reason"].as_str().unwrap_or_default()
}

/// A refresh that another principal starts, of the version that the group launches.
pub fn start_foreign(environment: &Environment) -> String {
    let started = environment.account().operate(|simulator, now| {
        let launches: LaunchTemplate = simulator.group(GROUP)?.settings.launch_template.clone();
        let preferences = RefreshPreferences { min_healthy_percentage: Some(50), ..RefreshPreferences::default() };
        let start = StartRefresh { desired_configuration: Some(launches), preferences };
        simulator.start_instance_refresh(GROUP, start, now)
    });
    environment.harness.advance(Duration::from_secs(30));
    started.expect("no other refresh is active")
}
