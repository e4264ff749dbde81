//! The seam between deciding and doing: one trait, one call wide.
//!
//! Everything that this crate decides reaches the world through [`Cloud`], and everything that it knows of the world,
//! the time included, comes back through it. There are two implementations, each in a crate of its own: `aws-cloud`, and
//! `memory-cloud`, which enforces the rules of the real one under virtual time, for tests. Because the seam is one
//! *call* wide, and not one resource, a crash between two calls of one resource is a case like any other.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::field::Setting;
use crate::names::Names;
use crate::resource::{Key, Resource, Tags};

/// A point in time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    /// The time from `earlier` to here; zero if it is later.
    fn sub(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whose resources to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The mark of the stack's resource that owns the environment: see [`Tags`](crate::mark).
    pub owner: String,
    /// The computed names of its resources. What has no owner tag in its listing is found by name, and then judged by
    /// its mark; names that are not this owner's therefore do no harm.
    pub names: Names,
}

/// A resource as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedResource {
    /// The id that AWS knows it by, an ARN where AWS gives one. `None`: made a moment ago by this run, not yet seen.
    pub id: Option<String>,
    /// Its name, tags and fields, as far as we own them.
    pub resource: Resource,
    /// By its mark, never by its name alone.
    pub ownership: Ownership,
    /// Whether it can be used, changed or deleted now.
    pub state: State,
    /// Ids of what it points at.
    pub references: Vec<String>,
    /// The number of the template version that a group launches.
    pub version: Option<u64>,
}

/// Whose mark a resource carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It carries the mark of the scope's owner.
    Owned,
    /// Under one of our names and without our mark; the text says what mark it has.
    Foreign(String),
    /// Under one of our names, and its mark may not be read; the text says why.
    Hidden(String),
    /// Nobody's: an environment with this id left it behind, and a later one of the same id takes it over.
    Retained(String),
}

/// What can be done with a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be used, changed and deleted.
    Ready,
    /// It exists and cannot be used yet; the text says what it waits for.
    Settling(String),
    /// It is going, and cannot be changed or deleted any more, or not yet.
    Deleting(String),
    /// It was made and will never be usable; AWS's reason. It can be deleted.
    Failed(String),
}

/// One AWS call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which resource it is for, by our own name.
    pub key: Key,
    /// Which one, for what is already there; `None` for what this step has just made.
    pub id: Option<String>,
    /// What it does to that resource.
    pub kind: CallKind,
}

/// What a call does.
#[derive(Clone, Debug, PartialEq)]
pub enum CallKind {
    /// Makes the resource with its mark, its tags and every field that the create call takes.
    Create(Box<Resource>),
    /// Sets values that one operation sets together.
    Set(Vec<Setting>),
    /// Clears values that one operation clears together.
    Clear(Vec<Setting>),
    /// Brings an Auto Scaling group's bounds and its desired capacity to zero, and lifts its protection.
    Drain,
    /// Removes what is in a bucket: all versions and delete markers.
    Empty,
    /// Deletes the resource. What is gone already is success.
    Delete,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation())?;
        let settings = match &self.kind {
            CallKind::Set(settings) | CallKind::Clear(settings) => settings.as_slice(),
            CallKind::Drain => return f.write_str(" (min-size, max-size, desired-capacity: 0)"),
            CallKind::Create(_) | CallKind::Empty | CallKind::Delete => &[],
        };
        let told: Vec<String> = settings.iter().map(Setting::brief).collect();
        if told.is_empty() { Ok(()) } else { write!(f, " ({})", told.join("; ")) }
    }
}

/// Why a call did not simply succeed. Classified once, by the service's error code, where the call is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Not now: something else has to happen first.
    #[error("{waiting_for}")]
    Retry {
        /// What is waited for, as a sentence.
        waiting_for: String,
        /// When to look again.
        after: Duration,
    },
    /// The answer was lost: it may have happened. Look before doing it again.
    #[error("{message}")]
    Indeterminate {
        /// Which call, and what came instead of its answer.
        message: String,
    },
    /// It will not happen until somebody changes something; the sentence is for that person.
    #[error("{message}")]
    Rejected {
        /// What was refused and why, as a sentence.
        message: String,
    },
}

/// The world, as the engine sees it.
///
/// Guarantees that an implementation gives: a call is sent at most once where its create cannot be repeated
/// ([`Kind::create_can_be_repeated`](crate::Kind::create_can_be_repeated)); what is already as the call would make it is
/// success, and so is deleting what is gone; nothing is changed that does not carry the scope's mark. Within a run it
/// remembers the ids of what it made.
///
/// Futures need not be `Send`: a function runs on one thread.
#[expect(async_fn_in_trait, reason = "no bound on the futures is wanted: see above")]
pub trait Cloud {
    /// The time by this world's clock.
    fn now(&self) -> Timestamp;

    /// Lets `span` pass, by the same clock.
    async fn pause(&self, span: Duration);

    /// All that is there within the scope, each resource once for every time that it exists.
    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError>;

    /// Makes one call. What is already as it would make it is success.
    async fn call(&self, call: &Call) -> Result<(), CallError>;
}

impl ObservedResource {
    /// The key of its resource. Two that are live may have the same: see `observe`.
    #[must_use]
    pub fn key(&self) -> Key {
        self.resource.key()
    }

    /// Tells from a resource's tags whose it is.
    #[must_use]
    pub fn ownership(tags: &Tags, owner: &str) -> Ownership {
        match tags.get(crate::mark::OWNER) {
            Some(found) if found == owner => Ownership::Owned,
            Some(found) => Ownership::Foreign(format!("it carries the mark of another owner, {found}")),
            None => match tags.get(crate::mark::RETAINED) {
                Some(environment) => Ownership::Retained(environment.clone()),
                None => Ownership::Foreign(String::from("it carries no owner's mark")),
            },
        }
    }
}
