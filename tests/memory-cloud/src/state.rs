//! The account's state: stored resources, recorded calls and injected faults.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auto_scaling::{AutoScaling, Event, Latency, LaunchTemplate, Timing};

use environment::rollout::RolloutAlarm;
use environment::{
    Call, CallError, Condition, Fields, INSTANCE_TERMINATION, Key, Kind, Names, ObservedGroup, ObservedResource,
    Ownership, Proofs, Ref, RemediationAction, Resource, Scope, State, TemplateVersion, Timestamp, apply_standings,
    is_unmarked_create, mark, standings,
};

use crate::clock::Clock;
use crate::quotas::AccountQuota;
use crate::{groups, reads, rollouts};

/// A fault that is injected into one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller is killed before the call is sent.
    CrashBefore,
    /// The caller is killed after the call took effect and before the response.
    CrashAfter,
    /// The caller is killed after the response has arrived.
    CrashAfterResponse,
    /// The call takes effect, and the response is lost.
    LostResponse,
    /// The request is lost: the call has no effect and no response.
    LostRequest,
    /// The service rejects the call for too many calls: retryable.
    Throttled,
    /// The service rejects the call because a permission is missing.
    Denied,
    /// The service rejects the call because the account's quota is exceeded.
    Quota,
    /// A referenced resource exists and is not yet visible.
    NotFoundLag,
    /// The call takes effect twice: a retry of the transport that the caller does not notice.
    Twice,
    /// The response takes longer than the call's time-out and counts as lost.
    Stall,
}

/// The outcome of the launches of one version of a launch template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LaunchOutcome {
    /// The instance goes into service; a launching hook is completed with CONTINUE at once.
    #[default]
    InService,
    /// EC2 refuses the launch with this reason, as for an image that is gone.
    Fails(String),
    /// The instance starts, and its launching hook is abandoned at once.
    Abandoned,
    /// The instance starts, and no call completes its launching hook.
    Unanswered,
}

/// One account in one region.
#[derive(Debug)]
pub struct MemoryAccount {
    /// The virtual clock of the account.
    pub clock: Clock,
    pub(crate) stored_resources: RefCell<Vec<StoredResource>>,
    /// Every call that was sent, in the order of sending.
    pub calls: RefCell<Vec<Call>>,
    /// The time of each call in `calls`.
    pub sent: RefCell<Vec<Timestamp>>,
    /// Faults to inject, by the number of the call, counted from 0.
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    /// The number of complete observations.
    pub observations: Cell<usize>,
    /// The number of calls that all observations would take on AWS.
    pub reads: Cell<usize>,
    /// The lag between a change and its visibility to reads. A read right after a create can miss the new resource. The
    /// default of 3 s is well under [`CREATE_VISIBILITY`](environment::CREATE_VISIBILITY).
    pub read_lag: Duration,
    /// How long an instance profile that IAM already returns is unknown to Auto Scaling: 10 to 40 s (ARCHITECTURE,
    /// Facts).
    pub profile_lag: Duration,
    /// The time from the creation of a NAT gateway until it is available: 87 to 121 s (ARCHITECTURE, Facts).
    pub nat_gateway_startup: Duration,
    /// Whether the deletion of a subnet removes the association with a route table, as on AWS. moto keeps the
    /// association.
    pub subnet_delete_removes_associations: bool,
    /// Whether the create call of a bucket takes tags. Without, the tags follow in a second call of the same step, which a
    /// crash or a lost response of the create leaves out.
    pub buckets_take_tags_at_creation: bool,
    /// The reason with which every launch of an instance fails; `None`: launches succeed.
    pub launch_failure: Option<String>,
    /// The outcome of launches by the version of their launch template; a version without one goes into service.
    pub launch_outcomes: RefCell<BTreeMap<String, LaunchOutcome>>,
    /// The ids of images that are deregistered: no instance launches from them.
    pub gone_images: RefCell<BTreeSet<String>>,
    /// The instances whose monitoring a call changed.
    pub(crate) monitored: RefCell<BTreeMap<String, bool>>,
    /// The deleted versions of launch templates, by their numbers.
    pub(crate) deleted_versions: RefCell<BTreeSet<(Key, u64)>>,
    /// Whether no call completes lifecycle actions: every function is dead.
    pub hooks_unanswered: Cell<bool>,
    /// The events of instance refreshes so far.
    pub refresh_events: RefCell<Vec<Event>>,
    /// The template version of each instance so far: the tags that an instance keeps for an hour after its termination.
    pub(crate) launched: RefCell<BTreeMap<String, LaunchTemplate>>,
    /// When the start of each refresh was accepted. A list misses a refresh for the read lag.
    pub(crate) refreshes_accepted: RefCell<BTreeMap<String, Timestamp>>,
    /// The fewest instances in service of any group, at any step of the simulator since a test set this number.
    pub fewest_in_service: Cell<usize>,
    /// The number of observations of rollouts alone.
    pub rollout_observations: Cell<usize>,
    /// The time up to which the simulator of groups has been advanced.
    pub(crate) stepped: Cell<auto_scaling::Timestamp>,
    /// The quotas that creates and launches are checked against; by default none.
    pub quotas: RefCell<Vec<AccountQuota>>,
    /// Resources whose policy does not allow this account to read them.
    pub hidden: RefCell<BTreeSet<Key>>,
    /// What blocks the delete of a resource, and the condition that the delete then waits for.
    pub obstacles: RefCell<BTreeMap<Key, Condition>>,
    /// The simulator of groups and their instances.
    pub(crate) auto_scaling: RefCell<AutoScaling>,
    /// The proofs of ownership of the one owner whose environment a test runs without records.
    pub proofs: RefCell<Proofs>,
    /// The executed remediation actions, each with the message for its topic.
    pub remediations: RefCell<Vec<(RemediationAction, String)>>,
    next_id: Cell<u64>,
}

/// A created resource with the history of its versions.
#[derive(Clone, Debug)]
pub(crate) struct StoredResource {
    pub id: String,
    /// The token of the create call.
    pub token: String,
    pub history: Vec<Version>,
    /// The time from which the resource can be used.
    pub ready_at: Timestamp,
    /// The time at which a running deletion completes.
    pub deleted_at: Option<Timestamp>,
}

/// The content of a resource from a point in time on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub since: Timestamp,
    /// `None`: deleted.
    pub resource: Option<Resource>,
    /// The ids of the referenced resources, by key.
    pub links: BTreeMap<Key, String>,
}

/// An instance is running after 24 to 52 s (ARCHITECTURE, Facts); the termination time is an estimate.
const TIMING: Timing =
    Timing { launch: Duration::from_secs(45), terminate: Duration::from_secs(40), latency: Latency::RECORDED };
/// The time from the creation of an interface endpoint until it is available: an estimate.
const ENDPOINT_STARTUP: Duration = Duration::from_mins(1);
/// The deletion time of resources that consist of network interfaces: an estimate.
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
            reads: Cell::default(),
            read_lag: Duration::from_secs(3),
            profile_lag: Duration::from_secs(15),
            nat_gateway_startup: Duration::from_secs(110),
            subnet_delete_removes_associations: true,
            buckets_take_tags_at_creation: true,
            launch_failure: None,
            launch_outcomes: RefCell::default(),
            gone_images: RefCell::default(),
            monitored: RefCell::default(),
            deleted_versions: RefCell::default(),
            launched: RefCell::default(),
            refreshes_accepted: RefCell::default(),
            fewest_in_service: Cell::new(usize::MAX),
            rollout_observations: Cell::default(),
            hooks_unanswered: Cell::default(),
            refresh_events: RefCell::default(),
            stepped: Cell::default(),
            quotas: RefCell::default(),
            hidden: RefCell::default(),
            obstacles: RefCell::default(),
            auto_scaling: RefCell::new(AutoScaling::new("us-west-2", "123456789012", TIMING)),
            proofs: RefCell::default(),
            remediations: RefCell::default(),
            next_id: Cell::new(1),
        }
    }
}

impl MemoryAccount {
    /// The current group with its ownership mark; `None` if no group has this name.
    #[must_use]
    pub fn observe_group(&self, name: &str) -> Option<ObservedGroup> {
        let stored_resources = self.stored_resources.borrow();
        let key = Key::new(Kind::AutoScalingGroup, name.to_owned());
        let owner = stored_resources.iter().find(|it| it.is(&key))?.resource()?.tags.get(mark::OWNER).cloned();
        groups::step(self);
        groups::observe_group(self, name, owner)
    }

    /// An operator's call on Auto Scaling, at the account's time: Standby, suspended processes, protection, a warm pool, an
    /// instance refresh.
    pub fn operate<T>(&self, call: impl FnOnce(&mut AutoScaling, auto_scaling::Timestamp) -> T) -> T {
        groups::step(self);
        let outcome = call(&mut self.auto_scaling.borrow_mut(), groups::now(self));
        groups::step(self);
        outcome
    }

    /// An alarm of `RolloutAlarms`, as the simulator has it.
    #[must_use]
    pub fn rollout_alarm(&self, name: &str) -> RolloutAlarm {
        rollouts::alarm(&self.auto_scaling.borrow(), name)
    }

    /// Executes a remediation action, and records the message for its topic.
    ///
    /// # Errors
    /// The error of Auto Scaling.
    pub fn remediate(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError> {
        groups::remediate(self, group, action)?;
        self.remediations.borrow_mut().push((action.clone(), message.to_owned()));
        Ok(())
    }
}

impl StoredResource {
    /// The current version, without read lag; `None` after the deletion.
    pub fn now(&self) -> Option<&Version> {
        self.history.last().filter(|version| version.resource.is_some())
    }

    /// The resource in the current version.
    pub fn resource(&self) -> Option<&Resource> {
        self.now().and_then(|version| version.resource.as_ref())
    }

    fn visible(&self, at: Timestamp, lag: Duration) -> Option<&Version> {
        let settled = self.history.iter().rev().find(|version| version.since + lag <= at);
        settled.filter(|version| version.resource.is_some())
    }

    /// Whether the resource exists and has this key.
    pub fn is(&self, key: &Key) -> bool {
        self.resource().is_some_and(|it| it.key() == *key)
    }
}

impl MemoryAccount {
    /// All existing resources, sorted by key: a listing of the whole account. Duplicates of a key are separate entries.
    #[must_use]
    pub fn inventory(&self) -> Vec<Resource> {
        self.tick();
        let stored_resources = self.stored_resources.borrow();
        let mut all: Vec<Resource> = stored_resources.iter().filter_map(|stored| stored.resource().cloned()).collect();
        for resource in &mut all {
            self.copy_launched_version(resource);
        }
        all.sort_by_key(Resource::key);
        all
    }

    /// Stores a resource that no recorded call created, and returns its id.
    pub fn plant(&self, resource: Resource) -> String {
        self.plant_linked(resource, BTreeMap::new())
    }

    /// Stores a resource that no recorded call created, with the ids of the resources that it refers to. Returns its id.
    pub fn plant_linked(&self, resource: Resource, links: BTreeMap<Key, String>) -> String {
        let id = self.new_id(&resource.key());
        let since = Timestamp::default();
        let history = vec![Version { since, resource: Some(resource), links }];
        self.stored_resources.borrow_mut().push(StoredResource {
            id: id.clone(),
            token: String::new(),
            history,
            ready_at: since,
            deleted_at: None,
        });
        id
    }

    /// Removes a planted resource; `false` if it does not exist any more.
    pub fn uproot(&self, id: &str) -> bool {
        self.tick();
        let mut stored_resources = self.stored_resources.borrow_mut();
        let exists = stored_resources.iter().any(|it| it.id == id && it.now().is_some());
        stored_resources.retain(|it| it.id != id);
        exists
    }

    /// Removes a resource without a recorded call, as another principal does: drift.
    ///
    /// # Panics
    /// If the resource does not exist.
    pub fn lose(&self, key: &Key) {
        let now = self.clock.now();
        let mut stored_resources = self.stored_resources.borrow_mut();
        let stored = stored_resources.iter_mut().find(|stored| stored.is(key)).expect("the resource to lose exists");
        let version = stored.now().cloned().expect("the resource exists");
        stored.history.push(Version { resource: None, since: now, ..version });
    }

    /// Changes a resource without a recorded call: drift.
    ///
    /// # Panics
    /// If the resource does not exist.
    pub fn tamper(&self, key: &Key, change: impl FnOnce(&mut Resource)) {
        let now = self.clock.now();
        let mut stored_resources = self.stored_resources.borrow_mut();
        let stored =
            stored_resources.iter_mut().find(|stored| stored.is(key)).expect("the resource to tamper with exists");
        let mut version = stored.now().cloned().expect("the resource exists");
        change(version.resource.as_mut().expect("the resource exists"));
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
            | Kind::Dashboard => format!("arn:aws:{}:{}", key.kind.facts().name, key.name),
            kind => format!("{}-{number:04}", kind.facts().name),
        }
    }

    /// The time from the creation of a resource until it can be used.
    pub(crate) fn startup_time(&self, kind: Kind) -> Duration {
        match kind {
            Kind::NatGateway => self.nat_gateway_startup,
            Kind::VpcEndpoint => ENDPOINT_STARTUP,
            _ => Duration::ZERO,
        }
    }

    /// Executes everything that is due: instances start and terminate, and running deletions complete.
    pub(crate) fn tick(&self) {
        groups::step(self);
        let now = self.clock.now();
        for stored in self.stored_resources.borrow_mut().iter_mut() {
            if let Some(deleted) = stored.deleted_at.take_if(|at| *at <= now) {
                stored.history.push(Version { since: deleted, resource: None, links: BTreeMap::new() });
            }
        }
    }

    /// The resources that an observation of the scope returns now, of all kinds or of some.
    pub(crate) fn observe(&self, scope: &Scope, kinds: Option<&BTreeSet<Kind>>) -> Vec<ObservedResource> {
        self.observations.set(self.observations.get() + usize::from(kinds.is_none()));
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
            if is_unmarked_create(&resource, &scope.proofs) {
                ownership = Ownership::Owned;
            }
            if self.hidden.borrow().contains(&resource.key()) {
                ownership = Ownership::Hidden(String::from("its policy does not allow this account to read it"));
            }
            self.count_instances(&mut resource);
            self.remove_deleted_versions(&mut resource);
            Some(ObservedResource {
                id: Some(stored.id.clone()),
                ownership,
                state: self.state(stored, &resource),
                references: version.links.values().cloned().collect(),
                version: self.copy_launched_version(&mut resource),
                resource,
            })
        });
        let mut observed: Vec<ObservedResource> = visible.collect();
        if let Some(kinds) = kinds {
            observed.retain(|it| kinds.contains(&it.key().kind));
            self.reads.set(self.reads.get() + reads::count(Some(kinds), &observed));
            return observed;
        }
        self.reads.set(self.reads.get() + reads::count(None, &observed));
        let standings = standings(&observed, scope);
        apply_standings(&mut observed, &standings);
        observed
    }

    /// Whether a version of a launch template is not deleted.
    pub(crate) fn has_version(&self, template: &Key, number: u64) -> bool {
        !self.deleted_versions.borrow().contains(&(template.clone(), number))
    }

    fn remove_deleted_versions(&self, resource: &mut Resource) {
        let key = resource.key();
        if let Fields::LaunchTemplate(template) = &mut resource.fields {
            let numbered = (1..).zip(std::mem::take(&mut template.versions));
            let left = numbered.filter(|(number, _)| self.has_version(&key, *number));
            template.versions = left.map(|(_, version)| version).collect();
        }
    }

    /// The id of a subnet that the simulator of groups knows by its name; an existing subnet's name is its id.
    pub(crate) fn subnet_id(&self, name: &str) -> String {
        let stored_resources = self.stored_resources.borrow();
        let is_it = |it: &&StoredResource| it.resource().is_some_and(|it| Ref::Owned(it.key()).to_string() == name);
        stored_resources.iter().find(is_it).map_or_else(|| name.to_owned(), |it| it.id.clone())
    }

    /// A numbered version of a launch template, by the template's id in the simulator.
    pub(crate) fn template_version(&self, template: &str, number: &str) -> Option<TemplateVersion> {
        let number = number.parse::<u64>().ok()?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let stored_resources = self.stored_resources.borrow();
        let mut resources = stored_resources.iter().filter_map(StoredResource::resource);
        resources.find_map(|it| match &it.fields {
            Fields::LaunchTemplate(found) if Ref::Owned(it.key()).to_string() == template => {
                found.versions.get(index).filter(|_| self.has_version(&it.key(), number)).cloned()
            }
            _ => None,
        })
    }

    /// Sets the version that a group launches, which a rollout changes in the simulator alone. Returns its number.
    fn copy_launched_version(&self, resource: &mut Resource) -> Option<u64> {
        let Fields::AutoScalingGroup(group) = &mut resource.fields else { return None };
        let simulator = self.auto_scaling.borrow();
        let launched = &simulator.group(&resource.name).ok()?.settings.launch_template;
        let version = self.template_version(&launched.id, &launched.version);
        group.digest = version.map_or_else(|| format!("of version {}", launched.version), |it| it.digest);
        launched.version.parse().ok()
    }

    fn count_instances(&self, resource: &mut Resource) {
        let name = resource.name.clone();
        if let Fields::AutoScalingGroup(group) = &mut resource.fields {
            group.in_service = groups::instances(self, &name).1;
            group.failed_launch = groups::failed_launch(self, &name);
            group.instances = groups::running_instances(self, &name);
        }
    }

    fn state(&self, stored: &StoredResource, resource: &Resource) -> State {
        let now = self.clock.now();
        match &resource.fields {
            _ if stored.deleted_at.is_some() => State::Deleting("it is being deleted".into()),
            _ if now < stored.ready_at => State::Settling("it is pending".into()),
            Fields::AutoScalingGroup(group) if group.max_size == 0 => match groups::instances(self, &resource.name).0 {
                0 => State::Ready,
                _ if groups::are_held(self, &resource.name) => State::Ready,
                count => {
                    let terminating = Condition::from(format!("{count} instances are terminating"));
                    State::Deleting(terminating.within(groups::longest_waits(group) + INSTANCE_TERMINATION))
                }
            },
            _ => State::Ready,
        }
    }
}

/// How long a resource still exists after its delete call.
pub(crate) fn deletion_time(kind: Kind) -> Duration {
    match kind {
        Kind::NatGateway | Kind::VpcEndpoint => INTERFACE_RELEASE,
        Kind::AutoScalingGroup => Latency::RECORDED.group_removal,
        _ => Duration::ZERO,
    }
}

/// The ownership of a resource, by the ownership mark of its kind.
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

/// The keys that an observation finds by name, because the name is unique in its service. The rest is found by tag
/// only.
fn unique_names(names: &Names) -> BTreeSet<Key> {
    let mut keys = BTreeSet::from([
        names.data_bucket(),
        names.log_bucket(),
        names.role(),
        names.instance_profile(),
        names.launch_template(),
        names.group(),
        names.scale_up_policy(),
        names.former_scale_up_policy(),
        names.scale_down_policy(),
        names.dashboard(),
        names.scaling_log_group(),
        names.instance_log_group(),
    ]);
    keys.extend(names.alarms());
    keys
}

fn is_a_saved_query(resource: &Resource, names: &Names) -> bool {
    resource.kind() == Kind::SavedQuery && resource.name.starts_with(&names.saved_queries())
}
