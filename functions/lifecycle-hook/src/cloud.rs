//! The seam between decisions and effects: each method is one call of a service, or one bulk observation.

use std::collections::BTreeMap;
use std::time::Duration;

use environment::Transition;
use environment::hook_settings::HookSettings;
use serde_json::Value;

use crate::error::{EvidenceError, HookError};
use crate::facts::{Command, ObservedInstance, Target};
use crate::notification::LifecycleAction;

/// The result of a lifecycle action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookResult {
    /// `CONTINUE`: a launching instance enters service; a termination proceeds.
    Continue,
    /// `ABANDON`: a launching instance is terminated and launched again.
    Abandon,
}

/// Whether the lifecycle action was active: Auto Scaling answers the same for an action that is complete, expired or
/// unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookCallOutcome {
    /// The action was active, and the call took effect.
    Accepted,
    /// No action is active, or no agent listens, any more.
    TooLate,
}

/// The `:Wait` state of an instance in its group, as Auto Scaling reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitState {
    /// `Pending:Wait`: the instance launches into the group.
    Pending,
    /// `Terminating:Wait`: the instance terminates, out of the group.
    Terminating,
    /// `Warmed:Pending:Wait`: the instance enters the warm pool, after its launch or from the group.
    WarmedPending,
    /// `Warmed:Terminating:Wait`: the instance terminates, out of the warm pool.
    WarmedTerminating,
}

impl WaitState {
    /// The state in which an instance of the group itself waits for a hook of this transition.
    #[must_use]
    pub fn in_group(on: Transition) -> WaitState {
        match on {
            Transition::Launch => WaitState::Pending,
            Transition::Terminate => WaitState::Terminating,
        }
    }

    /// Whether an instance in this state may wait for a hook of this transition. An instance that returns to the warm
    /// pool waits for the hook of the termination.
    #[must_use]
    pub fn fits(self, on: Transition) -> bool {
        match self {
            WaitState::Pending => on == Transition::Launch,
            WaitState::Terminating | WaitState::WarmedTerminating => on == Transition::Terminate,
            WaitState::WarmedPending => true,
        }
    }
}

/// An instance of an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The name of the group.
    pub group: String,
    /// The state in which the instance waits for a hook; `None` if it waits for none.
    pub waits: Option<WaitState>,
}

impl GroupMember {
    /// Whether the instance waits to enter service. On its way into a warm pool it may as well come from service.
    #[must_use]
    pub fn is_launching(&self) -> bool {
        self.waits == Some(WaitState::Pending)
    }
}

/// The instances of a group that are in one of Auto Scaling's `:Wait` states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingInstances {
    /// The name of the Auto Scaling group.
    pub group: String,
    /// `i-…`, and the transition in which each waits: its launch, or its termination. At least one.
    pub instances: Vec<(String, Transition)>,
}

/// When the latest launch, and the latest termination, of each instance began; in ms since the epoch.
pub type StartTimes = BTreeMap<(String, Transition), u64>;

/// A hook of a group with Envkeeper's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedHook {
    /// Unique within the group.
    pub name: String,
    /// The transition that the hook holds up.
    pub on: Transition,
    /// Written by [`HookSettings::text`].
    pub metadata: String,
}

/// Implemented by AWS, or by a test. Every error is transient or permanent: the caller retries either way, within its
/// own time limit.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is needed")]
pub trait HookApi {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// Observes instances, all in one call. An instance that EC2 does not know is
    /// [`State::Unknown`](crate::facts::State::Unknown).
    async fn observe_instances(&self, instances: &[String]) -> Result<BTreeMap<String, ObservedInstance>, HookError>;

    /// The health of an instance in target groups, in their order.
    async fn target_health(&self, arns: &[String], instance: &str) -> Result<Vec<Target>, HookError>;

    /// Deregisters an instance from target groups.
    async fn deregister(&self, arns: &[String], instance: &str) -> Result<(), HookError>;

    /// The status of the drain command that was sent to an instance after `since_ms`, or at any time.
    async fn drain_status(&self, instance: &str, since_ms: Option<u64>) -> Result<Command, HookError>;

    /// Sends the drain command, with this execution timeout.
    async fn send_drain_command(&self, instance: &str, timeout: Duration) -> Result<HookCallOutcome, HookError>;

    /// Completes a lifecycle action. The call is sent once: a second call that the client sends unnoticed is rejected
    /// where the first has succeeded, and no response would show which call succeeded. After
    /// [an indeterminate error](HookError::is_indeterminate) Auto Scaling may have accepted the call.
    async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookCallOutcome, HookError>;

    /// Records a heartbeat of the lifecycle action.
    async fn heartbeat(&self, action: &LifecycleAction) -> Result<HookCallOutcome, HookError>;

    /// The evidence that an instance can still provide: pieces with their names. `reachable` says whether commands can
    /// be sent to its agent.
    async fn evidence(&self, instance: &str, reachable: bool) -> Vec<(&'static str, Result<String, EvidenceError>)>;

    /// Writes lines to a stream of a log group. The stream is created if needed; the group is not.
    async fn write(&self, log_group: &str, stream: &str, lines: Vec<String>) -> Result<(), HookError>;

    /// The owned groups in which instances wait for a hook; without the instances that may be on their way into a warm
    /// pool, since only their message names the destination.
    async fn waiting_instances(&self) -> Result<Vec<WaitingInstances>, HookError>;

    /// Since when the instances have waited, according to their launch and termination activities; only for those with
    /// an activity.
    async fn start_times(&self, waiting: &WaitingInstances) -> Result<StartTimes, HookError>;

    /// The owned hooks of a group.
    async fn owned_hooks(&self, group: &str) -> Result<Vec<OwnedHook>, HookError>;

    /// The groups of instances, with their states: one call for each fifty. An instance without a group is not listed.
    async fn members(&self, instances: &[String]) -> Result<BTreeMap<String, GroupMember>, HookError>;

    /// Publishes an event.
    async fn publish(&self, event: &Value) -> Result<(), HookError>;

    /// The deadline of the delete of an owner's environment, if the environment is being deleted.
    async fn delete_deadline_ms(&self, settings: &HookSettings) -> Result<Option<u64>, HookError>;

    /// Requests a due pass of the instance's environment: it finds that the gate has abandoned the instance.
    async fn request_due_pass(&self, settings: &HookSettings, instance: &str) -> Result<(), HookError>;
}

/// The queue that delivers messages, and the queue for dead letters.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is needed")]
pub trait Queue {
    /// Makes a received message visible again, after this delay.
    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), HookError>;

    /// Sends a message of the function's own, visible after this delay.
    async fn enqueue(&self, body: &str, after: Duration) -> Result<(), HookError>;

    /// Dead-letters a message for the operator, with the reason.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), HookError>;
}
