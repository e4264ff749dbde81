//! What is there, who asked for it, and what goes wrong.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auto_scaling::{AutoScaling, Timing};

use environment::{
    Call, CallError, Fields, Key, Kind, Names, ObservedGroup, ObservedResource, Ownership, RemediationAction, Resource,
    Scope, State, Timestamp, mark,
};

use crate::clock::Clock;
use crate::groups;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller dies before the call is sent.
    CrashBefore,
    /// The caller dies after the call had its effect.
    CrashAfter,
    /// The caller dies when it has the answer.
    CrashAfterResponse,
    /// It has its effect, and the answer is lost.
    LostResponse,
    /// It never arrives, and nobody says so.
    LostRequest,
    /// It is refused in passing: too many calls.
    Throttled,
    /// It is refused for want of permission.
    Denied,
    /// The account has as many as it may have.
    Quota,
    /// What it refers to is not seen yet, though it is there.
    NotFoundLag,
    /// It has its effect twice: a retry below, of which nobody here knows.
    Twice,
    /// The answer takes longer than a call is given, and counts as lost.
    Stall,
}

/// One account in one region.
#[derive(Debug)]
pub struct MemoryAccount {
    /// The time of everything in it.
    pub clock: Clock,
    pub(crate) stored_resources: RefCell<Vec<StoredResource>>,
    /// Every call that was sent, in order.
    pub calls: RefCell<Vec<Call>>,
    /// When each of them was sent.
    pub sent: RefCell<Vec<Timestamp>>,
    /// What goes wrong, by the number of the call, counted from 0.
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    /// Number of looks.
    pub observations: Cell<usize>,
    /// How long it takes until a change is seen. A read right after a create can miss it; bounded here by 3 s,
    /// well under [`CREATE_VISIBILITY`](environment::CREATE_VISIBILITY).
    pub read_lag: Duration,
    /// How long a profile that IAM returns is unknown to Auto Scaling: 10 to 40 s (ARCHITECTURE, Facts).
    pub profile_lag: Duration,
    /// How long a NAT gateway takes until it is available: 87 to 121 s (ARCHITECTURE, Facts).
    pub nat_gateway_startup: Duration,
    /// Whether a subnet that is deleted takes its association with a route table along, as it does on AWS. moto keeps it.
    pub subnet_delete_removes_associations: bool,
    /// What every launch of an instance comes to, if not to one.
    pub launch_failure: Option<String>,
    /// What has a policy that does not let us read it.
    pub hidden: RefCell<BTreeSet<Key>>,
    /// Groups and their instances.
    pub(crate) auto_scaling: RefCell<AutoScaling>,
    /// The remedies that were made, with what was told.
    pub remediations: RefCell<Vec<(RemediationAction, String)>>,
    next_id: Cell<u64>,
}

/// Something that was made, with all that became of it.
#[derive(Clone, Debug)]
pub(crate) struct StoredResource {
    pub id: String,
    /// The token of the create call.
    pub token: String,
    pub history: Vec<Version>,
    /// From when on it can be used.
    pub ready_at: Timestamp,
    /// When it is gone, once it is being deleted.
    pub deleted_at: Option<Timestamp>,
}

/// How a thing stood from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub since: Timestamp,
    /// `None`: deleted.
    pub resource: Option<Resource>,
    /// The ids of what it refers to, by our names.
    pub links: BTreeMap<Key, String>,
}

/// An instance is running after 24 to 52 s (ARCHITECTURE, Facts); how long one takes to leave is an estimate.
const TIMING: Timing = Timing { launch: Duration::from_secs(45), terminate: Duration::from_secs(40) };
/// How long an interface endpoint takes until it is available: an estimate.
const ENDPOINT_STARTUP: Duration = Duration::from_mins(1);
/// How long what is made of network interfaces takes to leave: an estimate.
const INTERFACE_RELEASE: Duration = Duration::from_secs(45);

impl Default for MemoryAccount {
    fn default() -> Self {
        MemoryAccount {
            clock: Clock::default(),
            stored_resources: RefCell::default(),
            calls: RefCell::default(),
            sent: RefCell::default(),
            faults: RefCell::default(),
            observations: Cell::default(),
            read_lag: Duration::from_secs(3),
            profile_lag: Duration::from_secs(15),
            nat_gateway_startup: Duration::from_secs(110),
            subnet_delete_removes_associations: true,
            launch_failure: None,
            hidden: RefCell::default(),
            auto_scaling: RefCell::new(AutoScaling::new("us-west-2", "123456789012", TIMING)),
            remediations: RefCell::default(),
            next_id: Cell::new(1),
        }
    }
}

impl MemoryAccount {
    /// A group as it stands, with its owner's mark; nothing, if there is none of this name.
    #[must_use]
    pub fn observe_group(&self, name: &str) -> Option<ObservedGroup> {
        let stored_resources = self.stored_resources.borrow();
        let key = Key::new(Kind::AutoScalingGroup, name.to_owned());
        let owner = stored_resources.iter().find(|it| it.is(&key))?.resource()?.tags.get(mark::OWNER).cloned();
        groups::step(self);
        groups::observe_group(self, name, owner)
    }

    /// Makes the change that a remedy is, and keeps what is told to topics.
    ///
    /// # Errors
    /// What Auto Scaling would say.
    pub fn remediate(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError> {
        groups::remediate(self, group, action)?;
        self.remediations.borrow_mut().push((action.clone(), message.to_owned()));
        Ok(())
    }
}

impl StoredResource {
    /// How it stands, seen without a lag; nothing once it is deleted.
    pub fn now(&self) -> Option<&Version> {
        self.history.last().filter(|version| version.resource.is_some())
    }

    /// What it is then.
    pub fn resource(&self) -> Option<&Resource> {
        self.now().and_then(|version| version.resource.as_ref())
    }

    fn visible(&self, at: Timestamp, lag: Duration) -> Option<&Version> {
        let settled = self.history.iter().rev().find(|version| version.since + lag <= at);
        settled.filter(|version| version.resource.is_some())
    }

    /// Whether it is there, and has this key.
    pub fn is(&self, key: &Key) -> bool {
        self.resource().is_some_and(|it| it.key() == *key)
    }
}

impl MemoryAccount {
    /// How many of each key there are now, with what they are: what a listing of the whole account shows.
    #[must_use]
    pub fn inventory(&self) -> Vec<Resource> {
        self.tick();
        let stored_resources = self.stored_resources.borrow();
        let mut all: Vec<Resource> = stored_resources.iter().filter_map(|stored| stored.resource().cloned()).collect();
        all.sort_by_key(Resource::key);
        all
    }

    /// Puts something there that no call of ours made.
    pub fn plant(&self, resource: Resource) {
        let id = self.new_id(&resource.key());
        let since = Timestamp::default();
        let version = Version { since, resource: Some(resource), links: BTreeMap::new() };
        let history = vec![version];
        self.stored_resources.borrow_mut().push(StoredResource {
            id,
            token: String::new(),
            history,
            ready_at: since,
            deleted_at: None,
        });
    }

    /// Changes something behind our back.
    ///
    /// # Panics
    /// If it is not there.
    pub fn tamper(&self, key: &Key, change: impl FnOnce(&mut Resource)) {
        let now = self.clock.now();
        let mut stored_resources = self.stored_resources.borrow_mut();
        let stored =
            stored_resources.iter_mut().find(|stored| stored.is(key)).expect("there is something to tamper with");
        let mut version = stored.now().cloned().expect("it is there");
        change(version.resource.as_mut().expect("it is there"));
        version.since = now;
        stored.history.push(version);
    }

    pub(crate) fn new_id(&self, key: &Key) -> String {
        let number = self.next_id.replace(self.next_id.get() + 1);
        match key.kind {
            Kind::Bucket
            | Kind::Role
            | Kind::InstanceProfile
            | Kind::LogGroup
            | Kind::AutoScalingGroup
            | Kind::Alarm
            | Kind::Dashboard => format!("arn:aws:{}:{}", key.kind.name(), key.name),
            kind => format!("{}-{number:04}", kind.name()),
        }
    }

    /// How long a new one takes until it can be used.
    pub(crate) fn startup_time(&self, kind: Kind) -> Duration {
        match kind {
            Kind::NatGateway => self.nat_gateway_startup,
            Kind::VpcEndpoint => ENDPOINT_STARTUP,
            _ => Duration::ZERO,
        }
    }

    /// Lets happen what time brings: instances start and leave, and what was deleted is gone.
    pub(crate) fn tick(&self) {
        groups::step(self);
        let now = self.clock.now();
        for stored in self.stored_resources.borrow_mut().iter_mut() {
            if let Some(gone) = stored.deleted_at.take_if(|at| *at <= now) {
                stored.history.push(Version { since: gone, resource: None, links: BTreeMap::new() });
            }
        }
    }

    /// What a look within the scope shows now.
    pub(crate) fn observe(&self, scope: &Scope) -> Vec<ObservedResource> {
        self.observations.set(self.observations.get() + 1);
        self.tick();
        let now = self.clock.now();
        let stored_resources = self.stored_resources.borrow();
        let by_name = unique_names(&scope.names);
        let visible = stored_resources.iter().filter_map(|stored| {
            let version = stored.visible(now, self.read_lag)?;
            let resource = version.resource.as_ref()?;
            let is_owned = resource.tags.get(mark::OWNER) == Some(&scope.owner);
            if !is_owned && !by_name.contains(&resource.key()) && !is_a_saved_query(resource, &scope.names) {
                return None;
            }
            let mut resource = resource.clone();
            let mut ownership = ownership(&resource, &stored_resources, &scope.owner);
            if self.hidden.borrow().contains(&resource.key()) {
                ownership = Ownership::Hidden(String::from("its policy does not let this account read it"));
            }
            self.count_instances(&mut resource);
            Some(ObservedResource {
                id: Some(stored.id.clone()),
                ownership,
                state: self.state(stored, &resource),
                references: version.links.values().cloned().collect(),
                version: None,
                resource,
            })
        });
        visible.collect()
    }

    fn count_instances(&self, resource: &mut Resource) {
        let name = resource.name.clone();
        if let Fields::AutoScalingGroup(group) = &mut resource.fields {
            group.in_service = groups::instances(self, &name).1;
            group.failed_launch = groups::failed_launch(self, &name);
        }
    }

    fn state(&self, stored: &StoredResource, resource: &Resource) -> State {
        let now = self.clock.now();
        match &resource.fields {
            _ if stored.deleted_at.is_some() => State::Deleting(String::from("it is being deleted")),
            _ if now < stored.ready_at => State::Settling(String::from("it is pending")),
            Fields::AutoScalingGroup(group) if group.max_size == 0 => match groups::instances(self, &resource.name).0 {
                0 => State::Ready,
                count => State::Deleting(format!("{count} instances are leaving")),
            },
            _ => State::Ready,
        }
    }
}

/// How long a deleted one is still there.
pub(crate) fn deletion_time(kind: Kind) -> Duration {
    match kind {
        Kind::NatGateway | Kind::VpcEndpoint => INTERFACE_RELEASE,
        _ => Duration::ZERO,
    }
}

/// Whose a thing is, by the mark that its kind has.
fn ownership(resource: &Resource, stored_resources: &[StoredResource], owner: &str) -> Ownership {
    let by_text = |text: &str| ObservedResource::ownership(&mark::in_text(text), owner);
    match &resource.fields {
        Fields::Alarm(alarm) => by_text(&alarm.rule.description),
        Fields::Dashboard(dashboard) => by_text(&dashboard.body),
        Fields::SavedQuery(query) => by_text(&query.query.text),
        Fields::ScalingPolicy(policy) => {
            let group = stored_resources
                .iter()
                .filter_map(StoredResource::resource)
                .find(|it| policy.group.key() == Some(&it.key()));
            ObservedResource::ownership(&group.map(|it| it.tags.clone()).unwrap_or_default(), owner)
        }
        _ => ObservedResource::ownership(&resource.tags, owner),
    }
}

/// What has a name that is unique in its service is found by it; the rest is found by its tag only.
fn unique_names(names: &Names) -> BTreeSet<Key> {
    BTreeSet::from([
        names.data_bucket(),
        names.log_bucket(),
        names.role(),
        names.instance_profile(),
        names.launch_template(),
        names.group(),
        names.scale_up_policy(),
        names.scale_down_policy(),
        names.cpu_high_alarm(),
        names.cpu_low_alarm(),
        names.launch_failures_alarm(),
        names.healthy_low_alarm(),
        names.dashboard(),
        names.scaling_log_group(),
        names.instance_log_group(),
    ])
}

fn is_a_saved_query(resource: &Resource, names: &Names) -> bool {
    resource.kind() == Kind::SavedQuery && resource.name.starts_with(&names.saved_queries())
}
