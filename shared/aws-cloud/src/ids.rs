//! Names and ids: the engine speaks of names, AWS of ids. Both directions live here, for one run.
//!
//! What this run made is known at once and stays known until it is deleted, since reads lag behind. What a look showed
//! is known until the next look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use environment::{Call, Key, Names, ObservedResource, Ownership, Ref};

use tokio::time::Instant;

use crate::errors::Problem;

/// For how long IAM may not know the tags of what was just made, by which our own role is allowed to change it. EC2 calls
/// its tags eventually consistent, and names no bound; this is ten times the lag that its reads begin with (ARCHITECTURE,
/// Facts).
const TAG_LAG: Duration = Duration::from_secs(20);

/// What a run knows of ids.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<IdCache>);

#[derive(Debug, Default)]
struct IdCache {
    /// The newest last.
    made: Vec<(Key, String)>,
    last_made: Option<Instant>,
    seen: BTreeMap<String, Key>,
    /// The number of a template's version, by the template's id and the content's digest.
    versions: BTreeMap<(String, String), i64>,
}

impl Ids {
    /// Nothing that is done with the book can leave it half-changed, so a panic elsewhere does not spoil it.
    fn id_cache(&self) -> MutexGuard<'_, IdCache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what this run has just made.
    pub(crate) fn made(&self, key: &Key, id: &str) {
        let mut id_cache = self.id_cache();
        id_cache.made.push((key.clone(), id.to_owned()));
        id_cache.last_made = Some(Instant::now());
    }

    /// Notes that an earlier run made something this long ago, whose tags may lag behind, too.
    pub(crate) fn made_before(&self, ago: Duration) {
        self.id_cache().last_made = Instant::now().checked_sub(ago);
    }

    /// Whether tags may lag behind: something was made just now.
    pub(crate) fn tags_may_lag(&self) -> bool {
        self.id_cache().last_made.is_some_and(|at| at.elapsed() < TAG_LAG)
    }

    /// Notes the number of a template's version.
    pub(crate) fn made_version(&self, template: &str, digest: &str, number: i64) {
        self.id_cache().versions.insert((template.to_owned(), digest.to_owned()), number);
    }

    /// Notes that there is nothing under this id any more.
    pub(crate) fn gone(&self, id: &str) {
        let mut id_cache = self.id_cache();
        id_cache.made.retain(|(_, made)| made != id);
        id_cache.seen.remove(id);
    }

    /// Replaces what the last look showed by what this one does.
    pub(crate) fn saw(&self, observation: &Observation<'_>) {
        let mut id_cache = self.id_cache();
        id_cache.seen = known(&observation.found).map(|(id, key)| (id.to_owned(), key)).collect();
        id_cache.versions.extend(observation.versions.clone());
    }

    /// The id of what has this name: of what this run made last, else the lowest that was seen.
    pub(crate) fn id(&self, key: &Key) -> Option<String> {
        let id_cache = self.id_cache();
        let made = id_cache.made.iter().rev().find(|(made, _)| made == key).map(|(_, id)| id.clone());
        made.or_else(|| id_cache.seen.iter().find(|(_, seen)| *seen == key).map(|(id, _)| id.clone()))
    }

    /// Every id that a reference can stand for: what was created twice has several.
    pub(crate) fn all(&self, to: &Ref) -> BTreeSet<String> {
        let key = match to {
            Ref::Foreign(id) => return BTreeSet::from([id.clone()]),
            Ref::Owned(key) => key,
        };
        let id_cache = self.id_cache();
        let made = id_cache.made.iter().filter(|(made, _)| made == key).map(|(_, id)| id.clone());
        made.chain(id_cache.seen.iter().filter(|(_, seen)| *seen == key).map(|(id, _)| id.clone())).collect()
    }

    /// The id of what a call is about.
    pub(crate) fn of_call(&self, call: &Call) -> Result<String, Problem> {
        let id = call.id.clone().or_else(|| self.id(&call.key));
        id.ok_or_else(|| Problem::waits(call.operation(), "its id is not visible yet"))
    }

    /// The id of what a call refers to.
    pub(crate) fn of_ref(&self, operation: &'static str, to: &Ref) -> Result<String, Problem> {
        match to {
            Ref::Foreign(id) => Ok(id.clone()),
            Ref::Owned(key) => {
                self.id(key).ok_or_else(|| Problem::waits(operation, format!("the id of {key} is not visible yet")))
            }
        }
    }

    /// The number of the template's version with this content.
    pub(crate) fn version(&self, template: &str, digest: &str) -> Option<i64> {
        self.id_cache().versions.get(&(template.to_owned(), digest.to_owned())).copied()
    }

    /// Begins a look.
    pub(crate) fn observation<'a>(&self, owner: &'a str, names: &'a Names) -> Observation<'a> {
        let known = self.id_cache().made.iter().map(|(key, id)| (id.clone(), key.clone())).collect();
        Observation { owner, names, known, found: Vec::new(), versions: BTreeMap::new() }
    }
}

/// The ids among what was found, of what is ours.
fn known(found: &[ObservedResource]) -> impl Iterator<Item = (&str, Key)> {
    found
        .iter()
        .filter(|it| !matches!(it.ownership, Ownership::Foreign(_) | Ownership::Hidden(_)))
        .filter_map(|it| Some((it.id.as_deref()?, it.key())))
}

/// One look at what is there, while it is put together: kind after kind, each after those that it refers to.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) owner: &'a str,
    pub(crate) names: &'a Names,
    /// What this run made, and what a list shows that is not yet put together.
    known: BTreeMap<String, Key>,
    pub(crate) found: Vec<ObservedResource>,
    versions: BTreeMap<(String, String), i64>,
}

impl Observation<'_> {
    /// What an id stands for: a name of ours where it is known.
    pub(crate) fn reference(&self, id: &str) -> Ref {
        let seen = known(&self.found).find(|(found, _)| *found == id).map(|(_, key)| key);
        seen.or_else(|| self.known.get(id).cloned()).map_or_else(|| Ref::Foreign(id.to_owned()), Ref::Owned)
    }

    /// Notes what a list shows before all of the list is put together: some of it refers to what comes later.
    pub(crate) fn lists(&mut self, key: Key, id: &str) {
        self.known.insert(id.to_owned(), key);
    }

    /// Notes a version of a template of ours.
    pub(crate) fn saw_version(&mut self, template: &str, digest: &str, number: i64) {
        self.versions.insert((template.to_owned(), digest.to_owned()), number);
    }

    /// The digest of the content that a template's version has.
    pub(crate) fn digest(&self, template: &str, number: i64) -> Option<&str> {
        let found = self.versions.iter().find(|((of, _), its)| of == template && **its == number);
        found.map(|((_, digest), _)| digest.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use environment::{Fields, InternetGateway, Kind, Resource, State, Tags};

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

    fn look_at(ids: &Ids, found: Vec<ObservedResource>) {
        let names = names();
        let mut observation = ids.observation("o", &names);
        observation.found = found;
        ids.saw(&observation);
    }

    #[test]
    fn what_was_just_made_stays_known_while_reads_do_not_show_it() {
        let ids = Ids::default();
        ids.made(&key(), "igw-9");
        look_at(&ids, vec![]);
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-9"));
        assert_eq!(ids.observation("o", &names()).reference("igw-9"), Ref::Owned(key()));
    }

    #[test]
    fn what_was_seen_is_known_until_the_next_look() {
        let ids = Ids::default();
        look_at(&ids, vec![gateway("igw-1", Ownership::Owned)]);
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-1"));
        look_at(&ids, vec![]);
        assert_eq!(ids.id(&key()), None);
    }

    #[test]
    fn what_is_not_ours_has_no_name() {
        let ids = Ids::default();
        look_at(&ids, vec![gateway("igw-1", Ownership::Foreign("no mark".into()))]);
        assert_eq!(ids.id(&key()), None);
    }

    #[test]
    fn a_deleted_id_is_forgotten_and_its_twin_is_not() {
        let ids = Ids::default();
        ids.made(&key(), "igw-2");
        look_at(&ids, vec![gateway("igw-1", Ownership::Owned), gateway("igw-2", Ownership::Owned)]);
        assert_eq!(ids.all(&Ref::Owned(key())), BTreeSet::from(["igw-1".into(), "igw-2".into()]));
        ids.gone("igw-2");
        assert_eq!(ids.id(&key()).as_deref(), Some("igw-1"));
    }

    #[test]
    fn an_unknown_name_waits_and_a_foreign_id_is_itself() {
        let ids = Ids::default();
        let waits = ids.of_ref("ec2:CreateSubnet", &Ref::Owned(key())).unwrap_err();
        assert_eq!(waits.message, "the id of internet-gateway a is not visible yet");
        assert_eq!(ids.of_ref("ec2:CreateSubnet", &Ref::Foreign("vpc-1".into())), Ok("vpc-1".into()));
    }

    #[test]
    fn what_a_list_shows_has_its_name_before_it_is_put_together() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("o", &names);
        assert_eq!(observation.reference("igw-1"), Ref::Foreign("igw-1".into()));
        observation.lists(key(), "igw-1");
        assert_eq!(observation.reference("igw-1"), Ref::Owned(key()));
    }

    #[test]
    fn a_version_is_found_by_its_digest_and_the_digest_by_its_number() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("o", &names);
        observation.saw_version("lt-1", "d1", 3);
        assert_eq!((observation.digest("lt-1", 3), observation.digest("lt-2", 3)), (Some("d1"), None));
        ids.saw(&observation);
        ids.made_version("lt-1", "d2", 4);
        assert_eq!((ids.version("lt-1", "d1"), ids.version("lt-1", "d2")), (Some(3), Some(4)));
    }
}
