//! Names and ids: the engine uses names, AWS uses ids. This file translates both directions, for one run.
//!
//! The id of a resource that this run created is known at once, and until the resource is deleted, since reads lag
//! behind. The id of an observed resource is known until the next observation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use environment::{
    CREATE_VISIBILITY, Call, Key, Kind, Names, ObservedResource, Ownership, Proofs, Ref, Resource, Scope, Standing,
    is_unmarked_create,
};

use tokio::time::Instant;

use crate::errors::Problem;

/// The time after a create during which IAM may not know the resource's tags, by which Envkeeper's role is allowed to
/// change the resource. EC2 calls its tags eventually consistent, and names no bound; this is ten times the lag that
/// its reads start with (ARCHITECTURE, Facts).
const TAG_LAG: Duration = Duration::from_secs(20);

/// The ids that a run knows.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<IdCache>);

#[derive(Debug, Default)]
struct IdCache {
    /// The latest create is last.
    created: Vec<(Key, String)>,
    last_create: Option<Instant>,
    observed: BTreeMap<String, Key>,
    /// The number of a template's version, by the template's id and the content's digest.
    versions: BTreeMap<(String, String), i64>,
}

impl Ids {
    /// No operation leaves the cache half-changed, so the cache is valid after a panic elsewhere: a poisoned lock is
    /// ignored.
    fn lock(&self) -> MutexGuard<'_, IdCache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a resource that this run has just created.
    pub(crate) fn record_created(&self, key: &Key, id: &str) {
        let mut id_cache = self.lock();
        id_cache.created.push((key.clone(), id.to_owned()));
        id_cache.last_create = Some(Instant::now());
    }

    /// Records that this run has just created a resource that has a name in place of an id.
    pub(crate) fn record_create_time(&self) {
        self.lock().last_create = Some(Instant::now());
    }

    /// Records that an earlier run created a resource `ago`: the tags of that resource may lag behind too.
    pub(crate) fn record_earlier_create(&self, ago: Duration) {
        self.lock().last_create = Instant::now().checked_sub(ago);
    }

    /// Whether tags may lag behind: the last create is less than `TAG_LAG` ago.
    pub(crate) fn tags_may_lag(&self) -> bool {
        self.has_created_within(TAG_LAG)
    }

    /// Whether a resource may not be visible yet to another service: the last create is less than
    /// [`CREATE_VISIBILITY`] ago.
    pub(crate) fn creates_may_lag(&self) -> bool {
        self.has_created_within(CREATE_VISIBILITY)
    }

    fn has_created_within(&self, span: Duration) -> bool {
        self.lock().last_create.is_some_and(|at| at.elapsed() < span)
    }

    /// Records the number of a version of a template.
    pub(crate) fn record_version(&self, template: &str, digest: &str, number: i64) {
        self.lock().versions.insert((template.to_owned(), digest.to_owned()), number);
    }

    /// Records that the resource with this id is deleted.
    pub(crate) fn record_deleted(&self, id: &str) {
        let mut id_cache = self.lock();
        id_cache.created.retain(|(_, created)| created != id);
        id_cache.observed.remove(id);
    }

    /// Replaces the ids of the last observation by the ids of this one.
    pub(crate) fn replace_observed(&self, observation: &Observation<'_>) {
        let mut id_cache = self.lock();
        id_cache.observed = owned_ids(&observation.found).map(|(id, key)| (id.to_owned(), key)).collect();
        id_cache.versions.extend(observation.versions.clone());
    }

    /// The id of the resource with this name: the one that this run created last, else the lowest observed id.
    pub(crate) fn id(&self, key: &Key) -> Option<String> {
        let id_cache = self.lock();
        let created = id_cache.created.iter().rev().find(|(created, _)| created == key).map(|(_, id)| id.clone());
        created.or_else(|| id_cache.observed.iter().find(|(_, observed)| *observed == key).map(|(id, _)| id.clone()))
    }

    /// Every id that a reference can stand for: a resource that was created twice has several.
    pub(crate) fn all_ids(&self, to: &Ref) -> BTreeSet<String> {
        let key = match to {
            Ref::Foreign(id) => return BTreeSet::from([id.clone()]),
            Ref::Owned(key) => key,
        };
        let id_cache = self.lock();
        let created = id_cache.created.iter().filter(|(created, _)| created == key).map(|(_, id)| id.clone());
        created
            .chain(id_cache.observed.iter().filter(|(_, observed)| *observed == key).map(|(id, _)| id.clone()))
            .collect()
    }

    /// The id of the resource of a call.
    pub(crate) fn of_call(&self, call: &Call) -> Result<String, Problem> {
        let id = call.id.clone().or_else(|| self.id(&call.key));
        id.ok_or_else(|| Problem::blocked(call.operation(), "its id is not visible yet"))
    }

    /// The id of a resource that a call refers to.
    pub(crate) fn of_ref(&self, operation: &'static str, to: &Ref) -> Result<String, Problem> {
        match to {
            Ref::Foreign(id) => Ok(id.clone()),
            Ref::Owned(key) => {
                self.id(key).ok_or_else(|| Problem::blocked(operation, format!("the id of {key} is not visible yet")))
            }
        }
    }

    /// The number of the template's version with this content.
    pub(crate) fn version(&self, template: &str, digest: &str) -> Option<i64> {
        self.lock().versions.get(&(template.to_owned(), digest.to_owned())).copied()
    }

    /// Records an observed resource, beside those of the last observation.
    pub(crate) fn record_observed(&self, key: &Key, id: &str) {
        self.lock().observed.insert(id.to_owned(), key.clone());
    }

    /// Starts an observation that reads no lists: the names are those that this run and the record know.
    pub(crate) fn known<'a>(&self, scope: &'a Scope) -> Observation<'a> {
        let mut observation = self.observation(&scope.owner, &scope.names);
        let observed = self.lock().observed.clone();
        for (id, key) in observed.into_iter().chain(scope.proofs.ids.clone()) {
            observation.owned_keys.entry(id).or_insert(key);
        }
        observation
    }

    /// Starts an observation.
    pub(crate) fn observation<'a>(&self, owner: &'a str, names: &'a Names) -> Observation<'a> {
        Observation {
            owner,
            names,
            recorded: None,
            owned_keys: self.lock().created.iter().map(|(key, id)| (id.clone(), key.clone())).collect(),
            standings: BTreeMap::new(),
            found: Vec::new(),
            versions: BTreeMap::new(),
        }
    }
}

/// The ids of the owned and the retained resources among those found. A resource that is unproven has no name here, so
/// no call uses it.
fn owned_ids(found: &[ObservedResource]) -> impl Iterator<Item = (&str, Key)> {
    found
        .iter()
        .filter(|it| matches!(it.ownership, Ownership::Owned | Ownership::Retained(_)))
        .filter_map(|it| Some((it.id.as_deref()?, it.key())))
}

/// One observation while resources are added to it: kind after kind, each after the kinds that it refers to.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) owner: &'a str,
    pub(crate) names: &'a Names,
    /// The names of resources in the owner's record.
    recorded: Option<&'a Proofs>,
    /// The resources that are not known by their names, by id.
    standings: BTreeMap<String, Standing>,
    /// The resources that this run created, and the listed resources that are not added yet, by id.
    owned_keys: BTreeMap<String, Key>,
    pub(crate) found: Vec<ObservedResource>,
    versions: BTreeMap<(String, String), i64>,
}

impl<'a> Observation<'a> {
    /// With the names in the owner's record, and the standings of resources that an earlier attempt determined.
    pub(crate) fn with(self, recorded: &'a Proofs, standings: BTreeMap<String, Standing>) -> Observation<'a> {
        Observation { recorded: Some(recorded), standings, ..self }
    }

    /// The reference that an id stands for: the name of an owned resource where the name is known.
    pub(crate) fn reference(&self, id: &str) -> Ref {
        let observed = owned_ids(&self.found).find(|(found, _)| *found == id).map(|(_, key)| key);
        observed.or_else(|| self.owned_keys.get(id).cloned()).map_or_else(|| Ref::Foreign(id.to_owned()), Ref::Owned)
    }

    /// The name of a resource whose tags do not decide it: the record knows it, or it is not known by its name, which is
    /// its id then.
    pub(crate) fn recorded_name<'b>(&'b self, kind: Kind, id: &'b str) -> Option<&'b str> {
        if self.standings.contains_key(id) { Some(id) } else { self.recorded?.name(kind, id) }
    }

    /// The ownership by the tags, or by the create intent of the record where the tags did not follow the create yet.
    pub(crate) fn ownership_of_bucket(&self, resource: &Resource) -> Ownership {
        match self.recorded {
            Some(recorded) if is_unmarked_create(resource, recorded) => Ownership::Owned,
            _ => ObservedResource::ownership(&resource.tags, self.owner),
        }
    }

    /// Adds a resource.
    pub(crate) fn add(&mut self, mut found: ObservedResource) {
        let standing = found.id.as_ref().and_then(|id| self.standings.get(id));
        if standing == Some(&Standing::Unproven) {
            found.ownership = Ownership::Unproven;
        }
        self.found.push(found);
    }

    /// Records a listed resource before the whole list is added: resources of the list refer to later ones.
    pub(crate) fn record_listed(&mut self, key: Key, id: &str) {
        if self.standings.get(id) != Some(&Standing::Unproven) {
            self.owned_keys.insert(id.to_owned(), key);
        }
    }

    /// Records a version of an owned template.
    pub(crate) fn record_version(&mut self, template: &str, digest: &str, number: i64) {
        self.versions.insert((template.to_owned(), digest.to_owned()), number);
    }

    /// The digest of the content of a template's version.
    pub(crate) fn digest(&self, template: &str, number: i64) -> Option<&str> {
        let found = self.versions.iter().find(|((of, _), listed)| of == template && **listed == number);
        found.map(|((_, digest), _)| digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use environment::{Fields, InternetGateway, Kind, State, Tags};

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
    }

    fn gateway(id: &str, ownership: Ownership) -> ObservedResource {
        let fields = Fields::InternetGateway(InternetGateway { attached_to: None });
        let resource = Resource { name: "a".into(), tags: Tags::new(), fields };
        ObservedResource {
            id: Some(id.into()),
            resource,
            ownership,
            state: State::Ready,
            references: vec![],
            version: None,
        }
    }

    fn key() -> Key {
        Key::new(Kind::InternetGateway, "a")
    }

    fn observe(ids: &Ids, found: Vec<ObservedResource>) {
        let names = names();
        let mut observation = ids.observation("o", &names);
        observation.found = found;
        ids.replace_observed(&observation);
    }

    #[test]
    fn a_created_resource_is_known_while_reads_do_not_list_it() {
        let ids = Ids::default();
        ids.record_created(&key(), "igw-9");
        observe(&ids, vec![]);
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-9"));
        assert_eq!(ids.observation("o", &names()).reference("igw-9"), Ref::Owned(key()));
    }

    #[test]
    fn an_observed_resource_is_known_until_the_next_observation() {
        let ids = Ids::default();
        observe(&ids, vec![gateway("igw-1", Ownership::Owned)]);
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-1"));
        observe(&ids, vec![]);
        assert_eq!(ids.id(&key()), None);
    }

    #[test]
    fn a_foreign_resource_has_no_name() {
        let ids = Ids::default();
        observe(&ids, vec![gateway("igw-1", Ownership::Foreign("no mark".into()))]);
        assert_eq!(ids.id(&key()), None);
    }

    #[test]
    fn a_deleted_id_is_forgotten_and_its_duplicate_is_not() {
        let ids = Ids::default();
        ids.record_created(&key(), "igw-2");
        observe(&ids, vec![gateway("igw-1", Ownership::Owned), gateway("igw-2", Ownership::Owned)]);
        assert_eq!(ids.all_ids(&Ref::Owned(key())), BTreeSet::from(["igw-1".into(), "igw-2".into()]));
        ids.record_deleted("igw-2");
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-1"));
    }

    #[test]
    fn an_unknown_name_blocks_the_call_and_a_foreign_id_is_itself() {
        let ids = Ids::default();
        let blocked = ids.of_ref("ec2:CreateSubnet", &Ref::Owned(key())).unwrap_err();
        assert_eq!(blocked.message, "the id of internet-gateway a is not visible yet");
        assert_eq!(ids.of_ref("ec2:CreateSubnet", &Ref::Foreign("vpc-1".into())), Ok("vpc-1".into()));
    }

    #[test]
    fn a_listed_resource_has_a_name_before_it_is_added() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("o", &names);
        assert_eq!(observation.reference("igw-1"), Ref::Foreign("igw-1".into()));
        observation.record_listed(key(), "igw-1");
        assert_eq!(observation.reference("igw-1"), Ref::Owned(key()));
    }

    #[test]
    fn names_are_known_from_the_run_and_from_the_record_without_lists() {
        let (ids, group) = (Ids::default(), Key::new(Kind::SecurityGroup, "g"));
        observe(&ids, vec![gateway("igw-1", Ownership::Owned)]);
        ids.record_observed(&names().launch_template(), "lt-1");
        let proofs = Proofs { ids: [("sg-1".into(), group.clone())].into(), ..Proofs::default() };
        let scope = Scope { owner: "o".into(), names: names(), proofs, network_is_managed: true };
        let known = ids.known(&scope);
        let expected = [("igw-1", key()), ("lt-1", names().launch_template()), ("sg-1", group)];
        for (id, key) in expected {
            assert_eq!(known.reference(id), Ref::Owned(key));
        }
        assert_eq!(known.reference("sg-2"), Ref::Foreign("sg-2".into()));
        assert_eq!(ids.id(&names().launch_template()).as_deref(), Some("lt-1"));
    }

    #[test]
    fn a_version_is_found_by_its_digest_and_the_digest_by_its_number() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("o", &names);
        observation.record_version("lt-1", "d1", 3);
        assert_eq!((observation.digest("lt-1", 3), observation.digest("lt-2", 3)), (Some("d1"), None));
        ids.replace_observed(&observation);
        ids.record_version("lt-1", "d2", 4);
        assert_eq!((ids.version("lt-1", "d1"), ids.version("lt-1", "d2")), (Some(3), Some(4)));
    }
}
