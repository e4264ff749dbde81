//! EC2 Auto Scaling for tests: what a group was told, what it does about it, and when.
//!
//! Pure: no clock, no chance, no AWS SDK. Every call says what time it is, and what has to happen outside is handed to
//! the host as an [`Effect`]: the in-memory cloud and the local cloud are two such hosts. A host calls
//! [`AutoScaling::step`] whenever time has passed or something was changed, starts and ends the instances that it is
//! told to, and answers each [`Effect::Launch`] with [`AutoScaling::launched`] or [`AutoScaling::launch_failed`].
//!
//! Instances wait for lifecycle hooks until somebody completes the actions or their time is up. What EventBridge and the
//! hooks' own targets are told are effects as well. What can be seen of the instances themselves is a [`Fleet`].
//!
//! Error codes and messages are AWS's where reports of users show them. What is not simulated is listed in the README of
//! the local cloud.

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
mod settings;
mod step;
mod tag;
mod target_groups;
mod timestamp;

use std::{collections::BTreeMap, time::Duration};

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
pub use policy::{Adjustment, Policy};
pub use settings::{DeletionProtection, LaunchTemplate, Settings, Subnet};
pub use step::Effect;
pub use tag::Tag;
pub use timestamp::Timestamp;

/// How long instances take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From a launch to the end of Pending: to `Pending:Wait` if there are hooks, else to `InService`.
    pub launch: Duration,
    /// From Terminating, or from `Terminating:Proceed` if there were hooks, until the group no longer lists the instance.
    pub terminate: Duration,
}

/// The groups of one account in one region.
#[derive(Clone, Debug)]
pub struct AutoScaling {
    groups: BTreeMap<String, Group>,
    account: AccountState,
}

/// What all groups share: where they are, how long things take, what was done, and what the host still has to do.
#[derive(Clone, Debug)]
struct AccountState {
    region: String,
    account_id: String,
    timing: Timing,
    deregistration_delay: Duration,
    history: History,
    outbox: Vec<Effect>,
    /// How many launches, lifecycle actions and events there were: their names are made of these.
    tokens: u64,
    actions: u64,
    events: u64,
}

impl AutoScaling {
    /// No groups yet. Region and account are for the ARNs.
    #[must_use]
    pub fn new(region: &str, account_id: &str, timing: Timing) -> Self {
        let account = AccountState {
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            timing,
            deregistration_delay: Duration::ZERO,
            history: History::default(),
            outbox: Vec::new(),
            tokens: 0,
            actions: 0,
            events: 0,
        };
        Self { groups: BTreeMap::new(), account }
    }
}
