//! The instances of groups, where moto shows none of their behaviour: status checks and console of EC2, agents and
//! commands of SSM, and the ready marker, answered from the simulator's fleet.

mod ec2_actions;
mod ssm;

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auto_scaling::{Behaviour, Fault, Fleet, InstanceFailure, Marker, Timestamp};
use hyper::Response;
use serde_json::{Value, json};

use crate::router::Body;

pub use ssm::OPERATIONS as SSM_OPERATIONS;

/// The EC2 actions that are answered here if they are about instances of groups.
pub const EC2_ACTIONS: [&str; 2] = ["DescribeInstanceStatus", "GetConsoleOutput"];
/// The tag that a simulated instance gives itself when its user data is over, as Envkeeper's user data does: `done`, or
/// `failed at ` and the step.
pub const MARKER: &str = "envkeeper:user-data";

/// The instances of all groups.
pub struct Instances {
    fleet: Mutex<Fleet>,
    /// Those whose marker stands in EC2, or will never.
    marked_ids: Mutex<BTreeSet<String>>,
}

impl Instances {
    /// No instances yet. What takes a minute on AWS takes `minute`.
    #[must_use]
    pub fn new(minute: Duration) -> Self {
        let speed = Duration::from_mins(1).as_millis() / minute.as_millis().max(1);
        let healthy = Behaviour::default().faster(u32::try_from(speed).unwrap_or(u32::MAX).max(1));
        Self { fleet: Mutex::new(Fleet::new(healthy)), marked_ids: Mutex::default() }
    }

    /// An instance has started.
    pub fn launched(&self, id: &str, now: Timestamp) {
        self.fleet().launched(id, now);
    }

    /// An instance has ended.
    pub fn ended(&self, id: &str, now: Timestamp) {
        self.fleet().ended(id, now);
    }

    /// Makes the next instances that start sick; 0 of them ends that.
    pub fn make_next_unhealthy(&self, count: usize, failure: &InstanceFailure) {
        self.fleet().make_next_unhealthy(count, failure);
    }

    /// Makes an instance sick.
    ///
    /// # Errors
    /// It never was.
    pub fn make_unhealthy(&self, id: &str, failure: &InstanceFailure, now: Timestamp) -> Result<(), Fault> {
        self.fleet().make_unhealthy(id, failure, now)
    }

    /// When the next marker is due, if there is one.
    #[must_use]
    pub fn next_marker(&self) -> Option<Timestamp> {
        let (fleet, marked_ids) = (self.fleet(), lock(&self.marked_ids));
        let unmarked = fleet.members().filter(|(id, it)| it.ended.is_none() && !marked_ids.contains(*id));
        unmarked.filter_map(|(_, member)| member.marker_due()).min()
    }

    /// The markers that are due by now, each once: which instance, and what its tag says.
    #[must_use]
    pub fn due_markers(&self, now: Timestamp) -> Vec<(String, String)> {
        let (fleet, mut marked_ids) = (self.fleet(), lock(&self.marked_ids));
        let mut due = Vec::new();
        for (id, member) in fleet.members().filter(|(_, member)| member.ended.is_none()) {
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

    /// All instances as they are now, for the curious.
    #[must_use]
    pub fn to_json(&self, now: Timestamp) -> Value {
        let fleet = self.fleet();
        let members = fleet.members().map(|(id, member)| {
            json!({
                "id": id,
                "launched": member.launched.with_millis(),
                "ended": member.ended.map(Timestamp::with_millis),
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

    /// Answers an operation of SSM.
    pub fn ssm_response(&self, operation: &str, input: &[u8], now: Timestamp) -> Response<Body> {
        ssm::response(&mut self.fleet(), operation, input, now)
    }

    /// Answers an action of EC2; not one that is about other instances, which is moto's.
    pub fn ec2_response(&self, action: &str, form: &str, now: Timestamp) -> Option<Response<Body>> {
        ec2_actions::response(&self.fleet(), action, form, now)
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        lock(&self.fleet)
    }
}

/// A panic elsewhere leaves the instances readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
