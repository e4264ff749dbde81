//! What is there, who asked for it, and what goes wrong.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::cloud::{Call, Live, Moment, Scope, State};
use crate::memory::clock::Clock;
use crate::names::Names;
use crate::resource::{Fields, Key, Kind, Resource};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller dies before the call is sent.
    CrashBefore,
    /// The caller dies after the call had its effect.
    CrashAfter,
    /// It has its effect, and the answer is lost.
    LostAnswer,
    /// It never arrives, and nobody says so.
    LostRequest,
    Throttled,
    Denied,
}

/// One account in one region.
#[derive(Debug)]
pub struct World {
    pub clock: Clock,
    pub(crate) things: RefCell<Vec<Thing>>,
    /// Every call that was sent, in order.
    pub calls: RefCell<Vec<Call>>,
    /// What goes wrong, by the number of the call, counted from 0.
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    /// Number of looks.
    pub looks: Cell<usize>,
    /// How long it takes until a change is seen. FACTS: a read right after a create can miss it; bounded here by 3 s,
    /// well under [`DOUBT`](crate::DOUBT).
    pub read_lag: Duration,
    /// How long a profile that IAM returns is unknown to Auto Scaling. FACTS: 10 to 40 s.
    pub profile_lag: Duration,
    /// How long an instance takes to leave.
    pub instance_leaves: Duration,
    next_id: Cell<u64>,
}

/// Something that was made, with all that became of it.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub id: String,
    /// The token of the create call.
    pub token: String,
    pub history: Vec<Version>,
    /// Of a group: when each of its instances is gone; `None` while it stays.
    pub instances: Vec<Option<Moment>>,
}

/// How a thing stood from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub since: Moment,
    /// `None`: deleted.
    pub resource: Option<Resource>,
    /// The ids of what it refers to, by our names.
    pub links: BTreeMap<Key, String>,
}

impl Default for World {
    fn default() -> Self {
        World {
            clock: Clock::default(),
            things: RefCell::default(),
            calls: RefCell::default(),
            faults: RefCell::default(),
            looks: Cell::default(),
            read_lag: Duration::from_secs(3),
            profile_lag: Duration::from_secs(15),
            instance_leaves: Duration::from_secs(40),
            next_id: Cell::new(1),
        }
    }
}

impl Thing {
    pub fn now(&self) -> Option<&Version> {
        self.history.last().filter(|version| version.resource.is_some())
    }

    pub fn resource(&self) -> Option<&Resource> {
        self.now().and_then(|version| version.resource.as_ref())
    }

    fn seen(&self, at: Moment, lag: Duration) -> Option<&Version> {
        let settled = self.history.iter().rev().find(|version| version.since + lag <= at);
        settled.filter(|version| version.resource.is_some())
    }

    pub fn is(&self, key: &Key) -> bool {
        self.resource().is_some_and(|it| it.key() == *key)
    }

    /// Keeps a group's instances within its bounds: those over the largest size leave, and are gone at `gone`.
    pub fn resize(&mut self, least: usize, most: usize, gone: Moment) {
        for leaving in self.instances.iter_mut().filter(|it| it.is_none()).skip(most) {
            *leaving = Some(gone);
        }
        let staying = self.instances.iter().filter(|it| it.is_none()).count();
        self.instances.extend((staying..least).map(|_| None));
    }
}

impl World {
    /// How many of each key there are now, with what they are: what a listing of the whole account shows.
    #[must_use]
    pub fn inventory(&self) -> Vec<Resource> {
        let things = self.things.borrow();
        let mut all: Vec<Resource> = things.iter().filter_map(|thing| thing.resource().cloned()).collect();
        all.sort_by_key(Resource::key);
        all
    }

    /// Puts something there that no call of ours made.
    pub fn plant(&self, resource: Resource) {
        let id = self.new_id(&resource.key());
        let version = Version { since: Moment::default(), resource: Some(resource), links: BTreeMap::new() };
        self.things.borrow_mut().push(Thing { id, token: String::new(), history: vec![version], instances: vec![] });
    }

    /// Changes something behind our back.
    ///
    /// # Panics
    /// If it is not there.
    pub fn tamper(&self, key: &Key, change: impl FnOnce(&mut Resource)) {
        let now = self.clock.now();
        let mut things = self.things.borrow_mut();
        let thing = things.iter_mut().find(|thing| thing.is(key)).expect("there is something to tamper with");
        let mut version = thing.now().cloned().expect("it is there");
        change(version.resource.as_mut().expect("it is there"));
        version.since = now;
        thing.history.push(version);
    }

    pub(crate) fn new_id(&self, key: &Key) -> String {
        let number = self.next_id.replace(self.next_id.get() + 1);
        match key.kind {
            Kind::Role | Kind::InstanceProfile | Kind::LogGroup | Kind::AutoScalingGroup => {
                format!("arn:aws:{}:{}", key.kind.name(), key.name)
            }
            kind => format!("{}-{number:04}", kind.name()),
        }
    }

    /// What a look within the scope shows now.
    pub(crate) fn look(&self, scope: &Scope) -> Vec<Live> {
        self.looks.set(self.looks.get() + 1);
        let now = self.clock.now();
        let mut things = self.things.borrow_mut();
        things.iter_mut().for_each(|thing| thing.instances.retain(|gone| gone.is_none_or(|gone| gone > now)));
        let seen = things.iter().filter_map(|thing| {
            let version = thing.seen(now, self.read_lag)?;
            let resource = version.resource.clone()?;
            let whose = Live::whose(&resource.tags, &scope.owner);
            let in_scope = whose == crate::Whose::Ours || is_found_by_name(&resource, &scope.names);
            in_scope.then(|| Live {
                id: Some(thing.id.clone()),
                whose,
                state: state(thing, &resource),
                holds: version.links.values().cloned().collect(),
                version: None,
                resource,
            })
        });
        seen.collect()
    }
}

fn state(thing: &Thing, resource: &Resource) -> State {
    match &resource.fields {
        Fields::AutoScalingGroup(group) if group.max_size == 0 && !thing.instances.is_empty() => {
            State::Leaving(format!("{} instances are leaving", thing.instances.len()))
        }
        _ => State::Ready,
    }
}

/// What has a name that is unique in its service is found by it; the rest is found by its tag only.
fn is_found_by_name(resource: &Resource, names: &Names) -> bool {
    let by_name = [
        names.role(),
        names.instance_profile(),
        names.launch_template(),
        names.group(),
        names.scaling_log_group(),
        names.instance_log_group(),
    ];
    by_name.contains(&resource.key())
}
