//! EC2 Auto Scaling for tests: the desired state of groups, their actions, and the times of these actions.
//!
//! Pure: no clock, no randomness, no AWS SDK. Every call states the time. External actions are returned to the host as
//! [`Effect`]s: the in-memory cloud and the local cloud are two such hosts. A host calls [`AutoScaling::step`] whenever
//! time has passed or a call has changed a group, starts and terminates the requested instances, and reports the result
//! of each [`Effect::Launch`] with [`AutoScaling::launched`] or [`AutoScaling::launch_failed`].
//!
//! Instances wait for lifecycle hooks until a call completes the actions or the actions time out. Events for
//! EventBridge and notifications for the hooks' own targets are effects as well. A [`Fleet`] simulates the visible
//! state of the instances themselves.
//!
//! Error codes and messages are AWS's where reports of users show them. The README of the local cloud lists the
//! features that are not simulated.

mod activity;
mod arn;
mod capacity;
mod event;
mod fault;
mod fleet;
mod group;
mod groups;
mod health;
mod hook;
mod instance;
mod interruption;
mod json;
mod launch;
mod lifecycle;
mod metrics;
mod notification;
mod policy;
mod process;
mod refresh;
mod route;
mod settings;
mod standby;
mod step;
mod tag;
mod target_groups;
mod timestamp;
mod timing;
mod warm_pool;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use activity::History;

pub use activity::{Activity, ActivityStatus};
pub use event::{Detail, Event};
pub use fault::Fault;
pub use fleet::{
    Agent, Behaviour, CheckStatus, Command, CommandOutcome, Fleet, InstanceFailure, Invocation, Marker, Member,
    PingStatus, Ready, StatusChecks,
};
pub use group::{Group, NewGroup};
pub use hook::{Hook, LifecycleActionResult, PutHook, Transition};
pub use instance::{Instance, LifecycleState, StartedInstance};
pub use launch::{Launch, Token};
pub use lifecycle::{ActionKey, LifecycleAction};
pub use metrics::METRICS;
pub use notification::Notification;
pub use policy::{Adjustment, Policy, ScalingPolicy, Step, StepPolicy};
pub use process::Process;
pub use refresh::{
    AlarmState, InstanceRefresh, ProtectedInstances, RefreshChoices, RefreshEvent, RefreshPreferences, RefreshProgress,
    RefreshStatus, RollbackDetails, StandbyInstances, StartRefresh,
};
pub use route::Route;
pub use settings::{DeletionProtection, LaunchTemplate, Settings, Subnet};
pub use step::Effect;
pub use tag::Tag;
pub use timestamp::Timestamp;
pub use timing::{Latency, Timing};
pub use warm_pool::{PoolState, PutWarmPool, WarmPool};

/// The groups of one account in one region.
#[derive(Clone, Debug)]
pub struct AutoScaling {
    groups: BTreeMap<String, Group>,
    account: AccountState,
}

/// The state that all groups share: region and account, durations, the activities, and the pending effects for the
/// host.
#[derive(Clone, Debug)]
struct AccountState {
    region: String,
    account_id: String,
    timing: Timing,
    deregistration_delay: Duration,
    /// The targets of hooks that Auto Scaling cannot reach.
    unreachable_targets: BTreeSet<String>,
    /// The states of CloudWatch alarms that instance refreshes may depend on.
    alarms: BTreeMap<String, AlarmState>,
    /// The launch template versions whose images come from Systems Manager parameters.
    parameter_images: Vec<LaunchTemplate>,
    refresh_choices: RefreshChoices,
    history: History,
    outbox: Vec<Effect>,
    /// The numbers of launches, lifecycle actions, events, instance refreshes and their directions so far: their ids are
    /// derived from these.
    tokens: u64,
    actions: u64,
    events: u64,
    refreshes: u64,
    phases: u64,
}

impl AutoScaling {
    /// An account without groups. The ARNs contain the region and the account id.
    #[must_use]
    pub fn new(region: &str, account_id: &str, timing: Timing) -> Self {
        let account = AccountState {
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            timing,
            deregistration_delay: Duration::ZERO,
            unreachable_targets: BTreeSet::new(),
            alarms: BTreeMap::new(),
            parameter_images: Vec::new(),
            refresh_choices: RefreshChoices::default(),
            history: History::default(),
            outbox: Vec::new(),
            tokens: 0,
            actions: 0,
            events: 0,
            refreshes: 0,
            phases: 0,
        };
        Self { groups: BTreeMap::new(), account }
    }

    /// The durations.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.account.timing
    }

    /// Changes the durations of what begins from now on.
    pub fn set_timing(&mut self, timing: Timing) {
        self.account.timing = timing;
    }
}
