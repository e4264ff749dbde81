//! The seam between deciding and doing: one call of a service each, or one bulk look.

use std::collections::BTreeMap;
use std::time::Duration;

use environment::Transition;
use environment::hook_settings::HookSettings;
use serde_json::Value;

use crate::facts::{Command, ObservedInstance, Target};
use crate::notification::LifecycleAction;

/// What a lifecycle action ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookResult {
    /// `CONTINUE`: a launch goes into service; an end goes on.
    Continue,
    /// `ABANDON`: a launch is ended and made anew.
    Abandon,
}

/// Whether somebody still waits: Auto Scaling answers the same for an action that is complete, expired or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookCallOutcome {
    /// Somebody waited, and was told.
    Accepted,
    /// Nobody waits, or listens, any more.
    TooLate,
}

/// An end of a wait that Auto Scaling did not take, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionError {
    /// Why, as a sentence.
    pub reason: String,
    /// Whether it may have been taken all the same: no answer came, or one that the service itself had failed.
    pub indeterminate: bool,
}

/// The instances of a group that are in one of Auto Scaling's `:Wait` states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingInstances {
    /// The name of the Auto Scaling group.
    pub group: String,
    /// `i-…`, and what each waits in: its launch, or its end. At least one.
    pub instances: Vec<(String, Transition)>,
}

/// When the newest launch, and the newest termination, of each instance began; in ms since the epoch.
pub type StartTimes = BTreeMap<(String, Transition), u64>;

/// A group's hook with settings of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedHook {
    /// Unique within the group.
    pub name: String,
    /// What it holds up.
    pub on: Transition,
    /// As [`HookSettings::text`] wrote it.
    pub metadata: String,
}

/// AWS, or a test. Every error is a sentence, and passes or lasts: the caller tries again either way, and has its own time.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait HookApi {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// Looks at instances, all at once. One that EC2 does not know is [`State::Unknown`](crate::facts::State::Unknown).
    async fn observe_instances(&self, instances: &[String]) -> Result<BTreeMap<String, ObservedInstance>, String>;

    /// What target groups say of an instance, in their order.
    async fn target_health(&self, arns: &[String], instance: &str) -> Result<Vec<Target>, String>;

    /// Takes an instance out of target groups.
    async fn deregister(&self, arns: &[String], instance: &str) -> Result<(), String>;

    /// What became of the drain command that was sent to an instance after `since_ms`, or at any time.
    async fn drain_status(&self, instance: &str, since_ms: Option<u64>) -> Result<Command, String>;

    /// Sends the drain command, which may take so long.
    async fn send_drain_command(&self, instance: &str, timeout: Duration) -> Result<HookCallOutcome, String>;

    /// Ends a wait. The call is sent once: one that is sent again unseen is refused where the first has succeeded, and nobody
    /// could tell whose success it was.
    async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookCallOutcome, CompletionError>;

    /// Says that somebody still works on it.
    async fn heartbeat(&self, action: &LifecycleAction) -> Result<HookCallOutcome, String>;

    /// What an instance can still tell of itself: each with its name. `reachable` is whether its agent may be asked.
    async fn evidence(&self, instance: &str, reachable: bool) -> Vec<(&'static str, Result<String, String>)>;

    /// Writes lines to a stream of a log group, which is made if need be; the group is not.
    async fn write(&self, log_group: &str, stream: &str, lines: Vec<String>) -> Result<(), String>;

    /// Our groups in which instances wait for a hook; without those that may be on their way into a warm pool, which nobody but
    /// their message tells of.
    async fn waiting_instances(&self) -> Result<Vec<WaitingInstances>, String>;

    /// Since when they wait, as their launches and terminations say, of those that are found.
    async fn start_times(&self, waiting: &WaitingInstances) -> Result<StartTimes, String>;

    /// The hooks of a group that are ours.
    async fn owned_hooks(&self, group: &str) -> Result<Vec<OwnedHook>, String>;

    /// The group that an instance is in.
    async fn group_of(&self, instance: &str) -> Result<Option<String>, String>;

    /// Tells the ledger something, as an event.
    async fn publish(&self, event: &Value) -> Result<(), String>;

    /// Until when the environment of an owner has to be deleted, if it is being deleted.
    async fn delete_deadline_ms(&self, settings: &HookSettings) -> Result<Option<u64>, String>;
}

/// The queue that messages come from, and the one where those go that nobody understands.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Queue {
    /// Lets a message that was received come again, after this long.
    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), String>;

    /// Puts in a message of our own, to be received after this long.
    async fn enqueue(&self, body: &str, after: Duration) -> Result<(), String>;

    /// Puts a message away for people, with the reason.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), String>;
}
