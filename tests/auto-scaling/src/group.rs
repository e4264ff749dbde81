//! A group: the data that calls return, and the internal state.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Hook, Instance, InstanceRefresh, LaunchTemplate, Process, PutHook, Route, ScalingPolicy, Settings, Subnet, Tag,
    Timestamp, WarmPool, launch::Token,
};

/// The parameters of a create call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    /// 1 to 255 characters, no colon.
    pub name: String,
    /// The settings of the new group.
    pub settings: Settings,
    /// The first desired capacity; the minimum if absent.
    pub desired_capacity: Option<u32>,
    /// The tags, each key once.
    pub tags: Vec<Tag>,
    /// Hooks that exist before the first instance.
    pub hooks: Vec<PutHook>,
    /// Load balancers' target groups.
    pub target_group_arns: Vec<String>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The name, unique among all groups.
    pub name: String,
    /// The group's ARN.
    pub arn: String,
    /// The time of the creation.
    pub created: Timestamp,
    /// The settings that calls have set.
    pub settings: Settings,
    /// The number of instances that the group tries to have.
    pub desired_capacity: u32,
    /// The tags, by key.
    pub tags: BTreeMap<String, Tag>,
    /// The lifecycle hooks, by name.
    pub hooks: BTreeMap<String, Hook>,
    /// The scaling policies, by name.
    pub policies: BTreeMap<String, ScalingPolicy>,
    /// The target groups that are attached to the group.
    pub target_group_arns: Vec<String>,
    /// The target groups that are being added, each until a time.
    pub(crate) adding_target_groups: BTreeMap<String, Timestamp>,
    /// The metrics that the group sends, each once a minute.
    pub enabled_metrics: BTreeSet<&'static str>,
    /// The processes that users have suspended, each with the time of the call.
    pub suspended_processes: BTreeMap<Process, Timestamp>,
    /// The warm pool.
    pub warm_pool: Option<WarmPool>,
    /// The instances of the group and of its warm pool, the oldest first.
    pub instances: Vec<Instance>,
    /// The instance refreshes, the oldest first.
    pub(crate) refreshes: Vec<InstanceRefresh>,
    /// When a delete of the group was accepted.
    pub(crate) deleted_at: Option<Timestamp>,
    /// When the group acts on the last change of the desired capacity.
    pub(crate) decided_at: Timestamp,
    /// The terminated Unhealthy instances that no launch has replaced yet.
    pub(crate) unhealthy_replacements: usize,
    pub(crate) launching: Vec<PendingLaunch>,
    /// The request that changed the desired capacity, until an activity's cause contains it.
    pub(crate) pending_cause: String,
    pub(crate) backoff: Backoff,
    pub(crate) cooldown: Cooldown,
}

impl Group {
    /// AWS's status, which a group has only while it is being deleted.
    #[must_use]
    pub fn status(&self) -> Option<&'static str> {
        self.is_deleting().then_some("Delete in progress")
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.deleted_at.is_some()
    }
}

/// A launch whose result the host has not reported yet.
#[derive(Clone, Debug)]
pub(crate) struct PendingLaunch {
    pub(crate) token: Token,
    pub(crate) launch_template: LaunchTemplate,
    pub(crate) subnet: Subnet,
    pub(crate) route: Route,
    pub(crate) phase: u64,
    pub(crate) activity: usize,
}

/// The pause after a failed launch, before the launch is retried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    pub(crate) failures: u32,
    pub(crate) until: Option<Timestamp>,
}

/// The cooldown of the last policy, which begins when the group's last activity has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cooldown {
    pub(crate) span: Option<Duration>,
    pub(crate) from: Timestamp,
}
