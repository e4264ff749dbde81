//! The seam between decisions and AWS calls: one trait, one call wide.
//!
//! Every decision of this crate reaches AWS through [`Cloud`], and every observation, the time included, enters the
//! crate through [`Cloud`]. The trait has two implementations, each in a separate crate: `aws-cloud`, and
//! `memory-cloud`, which enforces AWS's rules under virtual time, for tests. The seam is one *call* wide, and not one
//! resource. A crash between two calls of one resource is therefore a case like any other.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::condition::Condition;
use crate::engine::ownership::Proofs;
use crate::model::key::{Key, Tags};
use crate::model::kind::Kind;
use crate::model::names::Names;
use crate::model::resource::{Resource, Setting};
use crate::model::rollout_call::RolloutCall;

/// A point in time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl fmt::Display for Timestamp {
    /// The second in UTC: `2026-01-02T03:04:05Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000;
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March, eras have 400 years.
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    /// The time from `earlier` to `self`; zero if `earlier` is later.
    fn sub(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The owner whose resources are observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The mark of the stack's resource that owns the environment: see [`Tags`](crate::mark).
    pub owner: String,
    /// The computed names of the owner's resources. A resource whose listing shows no owner tag is found by name, and
    /// the mark then decides the ownership. Names of another owner therefore do no harm.
    pub names: Names,
    /// The proofs of ownership in the owner's record.
    pub proofs: Proofs,
    /// Whether the environment has a managed network: subnets and a VPC that the group leads to are then owned.
    pub network_is_managed: bool,
}

/// A resource as AWS reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedResource {
    /// The id that AWS assigned, an ARN where AWS gives one. `None`: this run created the resource a moment ago and no
    /// listing shows it yet.
    pub id: Option<String>,
    /// Name, tags and fields, as far as Envkeeper manages them.
    pub resource: Resource,
    /// Decided by the mark, never by the name alone; for kinds whose mark can be copied also by
    /// [`standings`](crate::standings).
    pub ownership: Ownership,
    /// Whether the resource can be used, changed or deleted now.
    pub state: State,
    /// Ids of the resources that this resource refers to.
    pub references: Vec<String>,
    /// The number of the launch template version that a group launches.
    pub version: Option<u64>,
}

/// The owner according to the mark on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The resource carries the mark of the scope's owner, and is proven to be the owner's.
    Owned,
    /// The resource carries the mark of the scope's owner, which anybody may have copied: see
    /// [`standings`](crate::standings). Its name is its id. It is reported and never changed.
    Unproven,
    /// The resource has a name of this environment and a different mark or none; the text names the mark that was
    /// found.
    Foreign(String),
    /// The resource has a name of this environment, and the mark may not be read; the text gives the reason.
    Hidden(String),
    /// No owner: the environment with this id retained the resource. A later environment of the same id adopts it if it
    /// is a bucket with an operator's consent: [`mark::ADOPTABLE_BY`](crate::mark::ADOPTABLE_BY).
    Retained(String),
}

/// The operations that a resource allows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The resource can be used, changed and deleted.
    Ready,
    /// The resource exists and cannot be used yet; the text names the awaited condition.
    Settling(Condition),
    /// The resource is being deleted, and cannot be changed or deleted any more, or not yet.
    Deleting(Condition),
    /// The resource was created and will never be usable; the text is AWS's reason. The resource can be deleted.
    Failed(String),
}

/// One AWS call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The resource that the call is for, by its computed name.
    pub key: Key,
    /// AWS's id of an existing resource; `None` for a resource that this step has just created.
    pub id: Option<String>,
    /// The effect on that resource.
    pub kind: CallKind,
}

/// The effect of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallKind {
    /// Creates the resource with the mark, the tags and every field that the create call accepts.
    Create(Box<Resource>),
    /// Sets values that one operation sets together.
    Set(Vec<Setting>),
    /// Clears values that one operation clears together.
    Clear(Vec<Setting>),
    /// Sets an Auto Scaling group's bounds and desired capacity to zero, and removes the deletion protection.
    Drain,
    /// Removes the content of a bucket: all versions and delete markers.
    Empty,
    /// Deletes the resource. An absent resource is success.
    Delete,
    /// Changes the version that an Auto Scaling group launches, or its running instances; or deletes old versions of its launch
    /// template.
    Rollout(RolloutCall),
}

impl Call {
    /// The AWS operation, as `service:Operation`: the API's name, in plans, logs and records of calls.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        let kind = self.key.kind;
        match &self.kind {
            CallKind::Create(_) => kind.facts().create,
            CallKind::Delete => kind.facts().delete,
            CallKind::Drain => "autoscaling:UpdateAutoScalingGroup",
            CallKind::Rollout(call) => call.operation(),
            CallKind::Empty => "s3:DeleteObjects",
            CallKind::Set(settings) => settings.first().map_or("", |it| it.set_operation(kind)),
            CallKind::Clear(settings) => settings.first().map_or("", |it| it.clear_operation(kind)),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation())?;
        let settings = match &self.kind {
            CallKind::Set(settings) | CallKind::Clear(settings) => settings.as_slice(),
            CallKind::Drain => return f.write_str(" (min-size, max-size, desired-capacity: 0)"),
            CallKind::Rollout(call) => return call.fmt(f),
            CallKind::Create(_) | CallKind::Empty | CallKind::Delete => &[],
        };
        let brief: Vec<String> = settings.iter().map(Setting::brief).collect();
        if brief.is_empty() { Ok(()) } else { write!(f, " ({})", brief.join("; ")) }
    }
}

/// The class of a call that did not succeed. Classified once, by the service's error code, where the call is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The call cannot succeed yet: another change has to complete first.
    #[error("{waiting_for}")]
    Retry {
        /// The awaited condition.
        waiting_for: Condition,
        /// The wait before the next observation.
        after: Duration,
    },
    /// The response was lost: the call may have succeeded. Observe before the call is sent again.
    #[error("{message}")]
    Indeterminate {
        /// The call, and the error that arrived instead of a response.
        message: String,
    },
    /// The call fails until an operator or a stack author changes something; the sentence addresses them.
    #[error("{message}")]
    Rejected {
        /// The rejected call and the reason, as a sentence.
        message: String,
    },
}

/// The AWS account and region that the engine reads and changes.
///
/// # Guarantees
///
/// An implementation
///
/// - sends a call at most once where the create cannot be repeated
///   ([`KindFacts::create_can_be_repeated`](crate::KindFacts::create_can_be_repeated));
/// - returns success where the resource already is as the call would leave it, and where a resource to delete is
///   absent;
/// - changes no resource that does not carry the mark of the scope's owner, and none that is unproven;
/// - remembers, within a run, the ids of the resources that it created.
///
/// # Assumptions
///
/// A function runs on one thread: the futures need not be `Send`.
///
/// # Errors
///
/// Each error is a [`CallError`], which states whether the caller waits, observes first, or reports a rejection.
#[expect(async_fn_in_trait, reason = "the futures need no bound: see above")]
pub trait Cloud {
    /// The time by the clock of this cloud.
    fn now(&self) -> Timestamp;

    /// Waits for `span`, by the same clock.
    async fn pause(&self, span: Duration);

    /// Lists all resources within the scope. Where a resource is not known by its name ([`standings`](crate::standings)),
    /// its name is its id, so that each key occurs once.
    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError>;

    /// Lists the resources of these kinds within the scope, and reads nothing else. What follows from other kinds is left
    /// out: the names of referred resources, and whether a resource is a copy ([`standings`](crate::standings)).
    async fn observe_kinds(&self, scope: &Scope, kinds: &BTreeSet<Kind>) -> Result<Vec<ObservedResource>, CallError>;

    /// Sends one call. A resource that already is as the call would leave it is success. Returns the id that AWS assigned
    /// to a created resource of a kind of [`Proof::Id`](crate::Proof), and to a started refresh.
    async fn call(&self, call: &Call) -> Result<Option<String>, CallError>;
}

impl Ownership {
    /// What the mark on an unproven resource means, as the end of a sentence about the resource.
    pub const UNPROVEN: &str = "carries this environment's mark, but the record does not name its id, and no resource of the environment leads to it: it is left alone";
}

impl ObservedResource {
    /// The key of the resource.
    #[must_use]
    pub fn key(&self) -> Key {
        self.resource.key()
    }

    /// Decides the ownership from a resource's tags.
    #[must_use]
    pub fn ownership(tags: &Tags, owner: &str) -> Ownership {
        match tags.get(crate::model::mark::OWNER) {
            Some(found) if found == owner => Ownership::Owned,
            Some(found) => Ownership::Foreign(format!("it carries the mark of another owner, {found}")),
            None => match tags.get(crate::model::mark::RETAINED) {
                Some(environment) => Ownership::Retained(environment.clone()),
                None => Ownership::Foreign(String::from("it carries no owner's mark")),
            },
        }
    }
}
