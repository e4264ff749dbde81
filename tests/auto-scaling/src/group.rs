//! A group: what can be read back of it, and what it remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{Hook, Instance, LaunchTemplate, Policy, PutHook, Settings, Subnet, Tag, Timestamp, launch::Token};

/// What a create call has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    /// 1 to 255 characters, no colon.
    pub name: String,
    /// What it is to be.
    pub settings: Settings,
    /// The instances to begin with; the minimum if absent.
    pub desired_capacity: Option<u32>,
    /// The tags, each key once.
    pub tags: Vec<Tag>,
    /// Hooks that are there before the first instance.
    pub hooks: Vec<PutHook>,
    /// Load balancers' target groups.
    pub target_group_arns: Vec<String>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name, unique among all groups.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When it was created.
    pub created: Timestamp,
    /// What it is told to be.
    pub settings: Settings,
    /// How many instances it tries to have.
    pub desired_capacity: u32,
    /// Its tags, by key.
    pub tags: BTreeMap<String, Tag>,
    /// Its lifecycle hooks, by name.
    pub hooks: BTreeMap<String, Hook>,
    /// Its scaling policies, by name.
    pub policies: BTreeMap<String, Policy>,
    /// The target groups that it is attached to.
    pub target_group_arns: Vec<String>,
    /// The metrics that it sends, each once a minute.
    pub enabled_metrics: BTreeSet<&'static str>,
    /// Its instances, the oldest first.
    pub instances: Vec<Instance>,
    /// Whether it is being deleted: AWS's status `Delete in progress`.
    pub deleting: bool,
    pub(crate) launching: Vec<PendingLaunch>,
    /// The request that changed the desired capacity, until it shows in an activity's cause.
    pub(crate) pending_cause: String,
    pub(crate) backoff: Backoff,
    pub(crate) cooldown: Cooldown,
}

impl Group {
    /// AWS's status, which a group has only while it is being deleted.
    #[must_use]
    pub fn status(&self) -> Option<&'static str> {
        self.deleting.then_some("Delete in progress")
    }
}

/// A launch that the host has not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct PendingLaunch {
    pub(crate) token: Token,
    pub(crate) launch_template: LaunchTemplate,
    pub(crate) subnet: Subnet,
    pub(crate) activity: usize,
}

/// When launches are tried again after one that failed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    pub(crate) failures: u32,
    pub(crate) until: Option<Timestamp>,
}

/// The rest that the last policy asked for, which begins when the group's last activity has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cooldown {
    pub(crate) span: Option<Duration>,
    pub(crate) from: Timestamp,
}
