//! The behaviour of groups' instances that moto does not simulate: status checks and console of EC2, agents and
//! commands of SSM, and the ready marker, from the simulator's fleet.

mod ec2_actions;
mod ssm;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auto_scaling::{Behaviour, Fault, Fleet, InstanceFailure, Marker, Timestamp};
use hyper::Response;
use serde_json::{Value, json};

use crate::router::Body;

pub use ssm::OPERATIONS as SSM_OPERATIONS;

/// The EC2 actions that the local cloud implements for instances of groups.
pub const EC2_ACTIONS: [&str; 2] = ["DescribeInstanceStatus", "GetConsoleOutput"];
/// The tag that marks the end of a simulated instance's user data, as Envkeeper's user data sets it: `done`, or
/// `failed at ` and the step.
pub const MARKER: &str = "envkeeper:user-data";

/// The instances of all groups.
pub struct Instances {
    fleet: Mutex<Fleet>,
    /// The instances whose marker was already returned by `due_markers`.
    marked_ids: Mutex<BTreeSet<String>>,
    /// How many of the next launched instances are Spot instances.
    next_spot: AtomicUsize,
}

impl Instances {
    /// A fleet without instances. A duration of one minute on AWS lasts `minute`.
    #[must_use]
    pub fn new(minute: Duration) -> Self {
        let healthy = Behaviour::default().faster(speed(minute));
        Self { fleet: Mutex::new(Fleet::new(healthy)), marked_ids: Mutex::default(), next_spot: AtomicUsize::new(0) }
    }

    /// Records the launch of an instance.
    pub fn launched(&self, id: &str, now: Timestamp) {
        self.fleet().launched(id, now);
    }

    /// Records the termination of an instance.
    pub fn terminated(&self, id: &str, now: Timestamp) {
        self.fleet().terminated(id, now);
    }

    /// Makes the next `count` launched instances unhealthy; 0 ends the failures.
    pub fn make_next_unhealthy(&self, count: usize, failure: &InstanceFailure) {
        self.fleet().make_next_unhealthy(count, failure);
    }

    /// Makes the next `count` launched instances Spot instances.
    pub fn make_next_spot(&self, count: usize) {
        self.next_spot.store(count, Ordering::SeqCst);
    }

    /// Whether the instance that is launched now is a Spot instance.
    pub fn next_is_spot(&self) -> bool {
        self.next_spot.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    /// Makes an instance unhealthy.
    ///
    /// # Errors
    /// The instance was never launched.
    pub fn make_unhealthy(&self, id: &str, failure: &InstanceFailure, now: Timestamp) -> Result<(), Fault> {
        self.fleet().make_unhealthy(id, failure, now)
    }

    /// The due time of the next marker; `None` without one.
    #[must_use]
    pub fn next_marker(&self) -> Option<Timestamp> {
        let (fleet, marked_ids) = (self.fleet(), lock(&self.marked_ids));
        let unmarked = fleet.members().filter(|(id, it)| it.terminated.is_none() && !marked_ids.contains(*id));
        unmarked.filter_map(|(_, member)| member.marker_due()).min()
    }

    /// The markers that are due by now, each returned once: the instance id and the tag's value.
    #[must_use]
    pub fn due_markers(&self, now: Timestamp) -> Vec<(String, String)> {
        let (fleet, mut marked_ids) = (self.fleet(), lock(&self.marked_ids));
        let mut due = Vec::new();
        for (id, member) in fleet.members().filter(|(_, member)| member.terminated.is_none()) {
            let value = match member.marker(now) {
                Marker::None => continue,
                Marker::Ready => "done".to_owned(),
                Marker::Failed(step) => format!("failed at {step}"),
            };
            if marked_ids.insert(id.to_owned()) {
                due.push((id.to_owned(), value));
            }
        }
        due
    }

    /// All instances in their current state, for debugging.
    #[must_use]
    pub fn to_json(&self, now: Timestamp) -> Value {
        let fleet = self.fleet();
        let members = fleet.members().map(|(id, member)| {
            json!({
                "id": id,
                "launched": member.launched.with_millis(),
                "ended": member.terminated.map(Timestamp::with_millis),
                "status_checks": member.status_checks(now).map(auto_scaling::CheckStatus::as_str),
                "agent": member.agent(now).map(auto_scaling::PingStatus::as_str),
                "marker": match member.marker(now) {
                    Marker::None => Value::Null,
                    Marker::Ready => json!("done"),
                    Marker::Failed(step) => json!(format!("failed at {step}")),
                },
            })
        });
        members.collect()
    }

    /// The response to an operation of SSM.
    pub fn ssm_response(&self, operation: &str, input: &[u8], now: Timestamp) -> Response<Body> {
        ssm::response(&mut self.fleet(), operation, input, now)
    }

    /// The response to an action of EC2; `None` for an action on other instances, which is forwarded to moto.
    pub fn ec2_response(&self, action: &str, form: &str, now: Timestamp) -> Option<Response<Body>> {
        ec2_actions::response(&self.fleet(), action, form, now)
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        lock(&self.fleet)
    }
}

/// How many times as fast as AWS the local cloud is, if one minute on AWS lasts `minute`. At least 1.
#[must_use]
pub fn speed(minute: Duration) -> u32 {
    let speed = Duration::from_mins(1).as_millis() / minute.as_millis().max(1);
    u32::try_from(speed).unwrap_or(u32::MAX).max(1)
}

/// The instances remain readable after a panic of another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
