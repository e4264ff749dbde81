//! Auto Scaling over HTTP: the simulator with moto's instances and the wall clock.

mod activities;
mod groups;
mod hooks;
mod host;
mod instances;
mod page;
mod parameters;
mod policies;
mod processes;
mod refreshes;
mod standby;
mod tags;
mod target_groups;
mod warm_pools;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use auto_scaling::{AutoScaling, Fault, Latency, Timestamp, Timing};
use hyper::{Response, StatusCode};
use tokio::sync::Notify;

use crate::{
    REGION, alarms::Alarms, ec2::Ec2, element::Element, emulators::ACCOUNT, event_bridge::EventBridge, form,
    instances::Instances, responses, router::Body,
};
use parameters::Parameters;

const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

/// The result of an action: the children of the result element.
type ActionResult = Result<Vec<Element>, Fault>;

/// Auto Scaling of the local cloud's one region.
pub struct AutoScalingService {
    simulator: Mutex<AutoScaling>,
    /// The behaviour of the groups' instances in EC2 and SSM.
    pub instances: Instances,
    /// The alarms that invoke scaling policies.
    pub alarms: Alarms,
    ec2: Ec2,
    bus: EventBridge,
    /// Wakes the loop after a change, before the simulator's next due time.
    wake: Notify,
    failing_launches: Mutex<FailingLaunches>,
    requests: AtomicU64,
}

/// The next launches, which fail with a reason.
#[derive(Default)]
struct FailingLaunches {
    count: u64,
    reason: String,
}

impl AutoScalingService {
    /// A service without groups. `instance_time` is how long an instance is Pending, and how long Terminating.
    /// Durations of one minute in the life of a real instance, and in Auto Scaling's own work, last as long.
    #[must_use]
    pub fn new(ec2: Ec2, bus: EventBridge, instance_time: Duration) -> Self {
        let latency = Latency::RECORDED.faster(crate::instances::speed(instance_time));
        let timing = Timing { launch: instance_time, terminate: instance_time, latency };
        Self {
            simulator: Mutex::new(AutoScaling::new(REGION, ACCOUNT, timing)),
            instances: Instances::new(instance_time),
            alarms: Alarms::new(bus.ministack().clone(), bus.clone()),
            ec2,
            bus,
            wake: Notify::new(),
            failing_launches: Mutex::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// The client for EC2.
    #[must_use]
    pub fn ec2(&self) -> &Ec2 {
        &self.ec2
    }

    /// The tags of a group; empty if the group does not exist.
    #[must_use]
    pub fn tags(&self, group: &str) -> BTreeMap<String, String> {
        let simulator = lock(&self.simulator);
        let tags = simulator.group(group).map(|group| group.tags.values()).into_iter().flatten();
        tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect()
    }

    /// The group of an instance.
    #[must_use]
    pub fn group_of(&self, instance: &str) -> Option<String> {
        let simulator = lock(&self.simulator);
        let group = simulator.groups().find(|group| group.instances.iter().any(|it| it.id == instance));
        group.map(|it| it.name.clone())
    }

    /// Makes the next `count` launches fail with a reason; 0 ends the failures.
    pub fn fail_launches(&self, count: u64, reason: &str) {
        *lock(&self.failing_launches) = FailingLaunches { count, reason: reason.to_owned() };
    }

    /// Sets the desired capacity of a group, within the group's bounds.
    ///
    /// # Errors
    /// The errors of SetDesiredCapacity.
    pub fn scale(&self, group: &str, to: u32) -> Result<(), Fault> {
        self.update_simulator(|simulator| simulator.set_desired_capacity(group, to, false, now()))
    }

    /// Executes a scaling policy, because an alarm has entered a state or remains in the state, with the difference between
    /// the alarm's metric and its threshold.
    ///
    /// # Errors
    /// The policy does not exist, or the group has a scaling activity in progress or is in its cooldown.
    pub fn alarm(&self, policy_arn: &str, alarm: (&str, &str, f64)) -> Result<(), Fault> {
        self.update_simulator(|simulator| simulator.execute_policy_for_alarm(policy_arn, alarm, now()))
    }

    /// Sends an instance the Spot interruption notice.
    ///
    /// # Errors
    /// The instance is not in a group.
    pub fn interrupt(&self, id: &str) -> Result<(), Fault> {
        self.update_simulator(|simulator| simulator.interrupt_spot_instance(id, now()))
    }

    /// Publishes a rebalance recommendation: the instance is at risk of a Spot interruption.
    ///
    /// # Errors
    /// The instance is not in a group.
    pub fn recommend_rebalance(&self, id: &str) -> Result<(), Fault> {
        self.update_simulator(|simulator| simulator.recommend_rebalance(id, now()))
    }

    /// Informs the simulator of instances that a caller terminated in EC2, which may be instances of groups.
    pub fn terminated_in_ec2<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        for id in ids {
            self.instances.terminated(id, now());
            // An instance outside all groups, or one that is already terminated, needs no change.
            let _ = self.update_simulator(|simulator| simulator.terminated_by_ec2(id, now()));
        }
    }

    /// The response to a request of the query protocol, from the request's form.
    pub async fn response(&self, form: &str) -> Response<Body> {
        let mut parameters = Parameters::new(form::read(form));
        let action = parameters.action();
        let id = format!("00000000-0000-4000-8000-{:012x}", self.requests.fetch_add(1, Ordering::Relaxed));
        let response = self.dispatch(&action, &mut parameters).await;
        self.wake.notify_one();
        match response {
            Ok(result) => responses::xml(StatusCode::OK, &success(&action, result, &id)),
            Err(fault) => responses::xml(StatusCode::BAD_REQUEST, &failure(&fault, &id)),
        }
    }

    async fn dispatch(&self, action: &str, parameters: &mut Parameters) -> ActionResult {
        // These actions validate their parameters with EC2, and a refresh its alarms with CloudWatch.
        match action {
            "CreateAutoScalingGroup" => return groups::create(self, parameters).await,
            "UpdateAutoScalingGroup" => return groups::update(self, parameters).await,
            "StartInstanceRefresh" => return refreshes::start(self, parameters).await,
            _ => {}
        }
        let simulator = &mut *self.simulator();
        match action {
            "DescribeAutoScalingGroups" => groups::describe(simulator, parameters),
            "DeleteAutoScalingGroup" => groups::delete(simulator, parameters),
            "SetDesiredCapacity" => groups::set_desired_capacity(simulator, parameters),
            "EnableMetricsCollection" => groups::enable_metrics(simulator, parameters),
            "DisableMetricsCollection" => groups::disable_metrics(simulator, parameters),
            "CreateOrUpdateTags" => tags::create_or_update(simulator, parameters),
            "DeleteTags" => tags::delete(simulator, parameters),
            "DescribeTags" => tags::describe(simulator, parameters),
            "PutScalingPolicy" => policies::put(simulator, parameters),
            "DescribePolicies" => policies::describe(simulator, parameters),
            "DeletePolicy" => policies::delete(simulator, parameters),
            "ExecutePolicy" => policies::execute(simulator, parameters),
            "PutLifecycleHook" => hooks::put(simulator, parameters),
            "DescribeLifecycleHooks" => hooks::describe(simulator, parameters),
            "DeleteLifecycleHook" => hooks::delete(simulator, parameters),
            "CompleteLifecycleAction" => hooks::complete(simulator, parameters),
            "RecordLifecycleActionHeartbeat" => hooks::heartbeat(simulator, parameters),
            "AttachLoadBalancerTargetGroups" => target_groups::attach(simulator, parameters),
            "DetachLoadBalancerTargetGroups" => target_groups::detach(simulator, parameters),
            "DescribeLoadBalancerTargetGroups" => target_groups::describe(simulator, parameters),
            "DescribeScalingActivities" => activities::describe(simulator, parameters),
            "DescribeAutoScalingInstances" => instances::describe(simulator, parameters),
            "SetInstanceProtection" => instances::set_protection(simulator, parameters),
            "SetInstanceHealth" => instances::set_health(simulator, parameters),
            "TerminateInstanceInAutoScalingGroup" => instances::terminate(simulator, parameters),
            "EnterStandby" => standby::enter(simulator, parameters),
            "ExitStandby" => standby::exit(simulator, parameters),
            "DetachInstances" => standby::detach(simulator, parameters),
            "SuspendProcesses" => processes::suspend(simulator, parameters),
            "ResumeProcesses" => processes::resume(simulator, parameters),
            "PutWarmPool" => warm_pools::put(simulator, parameters),
            "DescribeWarmPool" => warm_pools::describe(simulator, parameters),
            "DeleteWarmPool" => warm_pools::delete(simulator, parameters),
            "DescribeInstanceRefreshes" => refreshes::describe(simulator, parameters),
            "CancelInstanceRefresh" => refreshes::cancel(simulator, parameters),
            "RollbackInstanceRefresh" => refreshes::roll_back(simulator, parameters),
            "DescribeAccountLimits" => groups::account_limits(simulator, parameters),
            "DescribeScalingProcessTypes" => processes::describe(parameters),
            _ => Err(Fault {
                code: "InvalidAction",
                message: format!("Could not find operation {action} for version 2011-01-01"),
            }),
        }
    }

    fn update_simulator<T>(&self, change: impl FnOnce(&mut AutoScaling) -> T) -> T {
        let done = change(&mut self.simulator());
        self.wake.notify_one();
        done
    }

    fn simulator(&self) -> MutexGuard<'_, AutoScaling> {
        lock(&self.simulator)
    }
}

/// The wall clock in the simulator's type.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn success(action: &str, result: Vec<Element>, request_id: &str) -> String {
    let metadata = Element::node("ResponseMetadata", vec![Element::leaf("RequestId", request_id)]);
    let result = Element::node(&format!("{action}Result"), result);
    format!(r#"<{action}Response xmlns="{NAMESPACE}">{result}{metadata}</{action}Response>"#)
}

fn failure(fault: &Fault, request_id: &str) -> String {
    let error = vec![
        Element::leaf("Type", "Sender"),
        Element::leaf("Code", fault.code),
        Element::leaf("Message", &fault.message),
    ];
    let (error, id) = (Element::node("Error", error), Element::leaf("RequestId", request_id));
    format!(r#"<ErrorResponse xmlns="{NAMESPACE}">{error}{id}</ErrorResponse>"#)
}

/// The groups remain readable after a panic of another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
