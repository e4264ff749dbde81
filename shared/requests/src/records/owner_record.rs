//! The record of an owner.
//!
//! # Size
//!
//! DynamoDB's items have at most 400 KB (409,600 bytes). The longest record has less, in bytes:
//!
//! | attribute | at most |
//! |---|---:|
//! | `desired`, `settled_spec` | 137,000 each ([`MAX_SPEC_BYTES`]), and 300 for the image |
//! | `frozen` | 35,000: the function's environment variables have 4 KB (the Lambda user guide), six times that in JSON |
//! | `retired_tags` | 42,000: 80 keys of 128 characters |
//! | `latest_request` | 10,500: the bounds of the event's fields |
//! | `progress` | 9,500 ([`Progress::new`]) |
//! | `recorded_response` | 5,000: a response has 4,096 bytes |
//! | `history` | 37,000: five entries with a reason of 1,200 characters and a physical id of 1,024 bytes |
//! | `rollout` | 12,000: [`super::Records::save_rollout`] |
//! | others | 1,000 |
//!
//! A test in `records/dynamodb/item.rs` builds it.

use super::TOMBSTONE_TTL_S;
use crate::response::fit;
use crate::{CfnResponse, Kind, Owner, Request, ResponseAddress, RolloutRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The parts of a request that other functions and later invocations need: its place in the order of requests, the
/// deadline of its response, and the address of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestRequest {
    /// [`crate::request_hash`] of the event.
    pub request_hash: String,
    /// The kind of request.
    pub kind: Kind,
    /// When CloudFormation sent the request: its place in the order of requests. A Repair comes directly after the request that
    /// it follows, one millisecond later ([`LatestRequest::following`]).
    pub sent_ms: u64,
    /// When an operator asked for a Repair; `None` for a request of CloudFormation.
    pub asked_ms: Option<u64>,
    /// When the response is due.
    pub deadline_ms: u64,
    /// The physical id in the event.
    pub physical_id: Option<String>,
    /// The address of the response: the watchdog responds in place of a run that died.
    pub response_address: ResponseAddress,
}

impl LatestRequest {
    /// The parts of a request.
    #[must_use]
    pub fn of_request(request: &Request) -> LatestRequest {
        let Request { event, hash, response_address } = request;
        LatestRequest {
            request_hash: hash.clone(),
            kind: event.kind,
            sent_ms: event.sent_ms,
            asked_ms: (event.kind == Kind::Repair).then_some(event.sent_ms),
            deadline_ms: event.deadline_ms,
            physical_id: event.physical_id.clone(),
            response_address: response_address.clone(),
        }
    }

    /// A Repair in its place in the order: directly after `latest`, the request that it follows. So every newer request of
    /// CloudFormation supersedes it, however late that one is delivered, and whatever the clocks say; and a second delivery of
    /// an older one does not.
    #[must_use]
    pub fn following(self, latest: &LatestRequest) -> LatestRequest {
        LatestRequest { sent_ms: latest.sent_ms + 1, ..self }
    }

    /// When the request began, for texts: when CloudFormation sent it, or when an operator asked for it.
    #[must_use]
    pub fn began_ms(&self) -> u64 {
        self.asked_ms.unwrap_or(self.sent_ms)
    }

    /// Whether this request replaces the recorded one. DynamoDB evaluates the same rule as a condition.
    pub(super) fn replaces(&self, recorded: &LatestRequest) -> bool {
        let same = self.request_hash == recorded.request_hash;
        let keeps_delete = recorded.kind == Kind::Delete && self.kind != Kind::Delete;
        self.sent_ms > recorded.sent_ms || (self.sent_ms == recorded.sent_ms && (same || !keeps_delete))
    }

    /// When a record that contains only this request expires, in seconds.
    pub(super) fn expires_s(&self) -> u64 {
        self.deadline_ms / 1_000 + TOMBSTONE_TTL_S
    }
}

/// The result of recording a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedRequest {
    /// The request is the latest request of its owner.
    Latest,
    /// The request is superseded, and nothing was written. The latest request is:
    Superseded {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
}

/// The result of recording a create intent: whether a run may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateIntent {
    /// The run's request is still the latest; the time is recorded.
    Recorded,
    /// A newer request is recorded:
    Superseded {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
    /// No request is recorded at all: the record has expired or was lost. [`super::Records::record_request`] writes one.
    NoRequest,
}

/// The owner of an environment after a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The owner that claimed the environment.
    Owned,
    /// Another owner.
    Taken {
        /// That owner.
        owner: Owner,
    },
}

/// The longest spec in a record, in bytes of JSON: see [the module](self).
pub const MAX_SPEC_BYTES: usize = 137_000;

/// The desired state of an owner. `Debug` shows neither spec nor configuration: both can contain scripts.
#[derive(Clone, PartialEq)]
pub struct DesiredRecord {
    /// The id of the environment.
    pub environment: String,
    /// The spec, as JSON; this crate does not know its shape.
    pub spec: Value,
    /// The configuration that was resolved when the environment was created, as JSON.
    pub frozen: Value,
    /// Keys of tags in an earlier spec that are missing in this one: they still have to be removed.
    pub retired_tags: Vec<String>,
    /// Whether a lifted deletion protection stays lifted: the properties are those of the record.
    pub keeps_unlock: bool,
}

impl fmt::Debug for DesiredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesiredRecord").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// The most conditions in a [`Progress`].
const MAX_CONDITIONS: usize = 10;

/// The most conditions in a [`Progress`] whose beginnings are recorded: more than an environment has resources.
const MAX_OPEN_SINCE: usize = 100;

/// The longest condition in a [`Progress`], in bytes of JSON.
const MAX_CONDITION_BYTES: usize = 400;

/// The conditions that a request waits for, as reported by the last run that completed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// A sentence for each condition, with its details, for operators.
    pub waiting_for: Vec<String>,
    /// Since when the request waits for each condition, regardless of its details, by the condition's id of 16
    /// characters.
    #[serde(default)]
    pub open_since_ms: BTreeMap<String, u64>,
    /// The resources whose states alone end the wait, at most ten, as JSON; `None` if more has to be observed. This crate
    /// does not know the shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<Value>,
}

impl Progress {
    /// The progress with the first ten conditions, each with at most 400 bytes: a longer one is cut.
    #[must_use]
    pub fn new(waiting_for: Vec<String>, open_since_ms: BTreeMap<String, u64>, awaited: Option<Value>) -> Progress {
        let first = waiting_for.into_iter().take(MAX_CONDITIONS);
        Progress {
            waiting_for: first.map(|it| fit::cut(&it, MAX_CONDITION_BYTES).into_owned()).collect(),
            open_since_ms: open_since_ms.into_iter().take(MAX_OPEN_SINCE).collect(),
            awaited,
        }
    }

    /// Since when the request waits for the condition that has been open for the longest time.
    #[must_use]
    pub fn since_ms(&self) -> Option<u64> {
        self.open_since_ms.values().copied().min()
    }
}

/// A request in the history of its owner, with the outcome that its response reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// [`crate::request_hash`] of the event.
    pub request_hash: String,
    /// The kind of request.
    pub kind: Kind,
    /// When the request was sent, or asked for.
    pub sent_ms: u64,
    /// When the response arrived.
    pub responded_ms: u64,
    /// Whether the request succeeded.
    pub success: bool,
    /// The physical id in the response.
    pub physical_id: String,
    /// The reason of a failure, shortened; and the error of a response that can't be delivered.
    pub reason: String,
}

/// How many entries are kept: 5, which is a create, an update, its rollback and two deletes. One of them may be a Repair: the
/// others show the physical id that CloudFormation knows, and which requests have a response.
const KEPT_ENTRIES: usize = 5;

impl HistoryEntry {
    /// The history of a record with this entry, newest last. An earlier entry of the same request is replaced, and a Repair
    /// replaces the one before.
    #[must_use]
    pub fn appended_to(self, earlier: &[HistoryEntry]) -> Vec<HistoryEntry> {
        let is_replaced = |it: &HistoryEntry| {
            it.request_hash == self.request_hash || (it.kind, self.kind) == (Kind::Repair, Kind::Repair)
        };
        let others = earlier.iter().filter(|it| !is_replaced(it));
        let mut all: Vec<HistoryEntry> = others.cloned().chain([self.clone()]).collect();
        all.drain(..all.len().saturating_sub(KEPT_ENTRIES));
        all
    }
}

/// The record of an owner: the desired and the settled state, the latest request and its response. `Debug` does not show
/// the specs, which can contain scripts.
#[derive(Clone, PartialEq)]
pub struct OwnerRecord {
    /// The owner.
    pub owner: Owner,
    /// The environment of the desired state.
    pub environment: Option<String>,
    /// The desired spec.
    pub desired: Option<Value>,
    /// The configuration with which the environment was created.
    pub frozen: Option<Value>,
    /// Keys of tags to remove, as last saved.
    pub retired_tags: Vec<String>,
    /// The spec that was reached last: an Update back to this spec is a rollback.
    pub settled_spec: Option<Value>,
    /// Whether `desired` was reached.
    pub settled: bool,
    /// Whether an operator lifted the deletion protection since `desired` was saved.
    pub unlocked: bool,
    /// When a run was last about to create a resource for which a repeated call would create a second one.
    pub create_intent_ms: Option<u64>,
    /// The proofs of ownership, as JSON: the ids of resources whose tags prove nothing, and the creates that may have
    /// happened without a response. This crate does not know the shape.
    pub proofs: Option<Value>,
    /// The state of the environment's rollout, as JSON. This crate does not know the shape.
    pub rollout: Option<Value>,
    /// An operator's request about the rollout that no due pass has begun yet.
    pub rollout_request: Option<RolloutRequest>,
    /// An operator's request to hold the rollout until this time, in ms since the epoch, that no pass has recorded yet; zero
    /// releases it.
    pub hold_request_ms: Option<u64>,
    /// The latest request.
    pub latest_request: Option<LatestRequest>,
    /// When the response to the latest request is due; `None` after the response was sent.
    pub response_due_ms: Option<u64>,
    /// The conditions that the latest request waits for.
    pub progress: Option<Progress>,
    /// The recorded response to the latest request, until that response has arrived. The request gets no other response,
    /// independent of the sender and the number of deliveries.
    pub recorded_response: Option<CfnResponse>,
    /// The last requests with a response that has arrived, newest last.
    pub history: Vec<HistoryEntry>,
    /// Whether the last environment was deleted, and no desired state was saved since.
    pub deleted: bool,
    /// When it was deleted, in ms since the epoch.
    pub deleted_ms: Option<u64>,
    /// When the record expires, in seconds since the epoch; `None` while there is an environment. DynamoDB deletes the
    /// record within a few days of that.
    pub expires: Option<u64>,
}

impl fmt::Debug for OwnerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerRecord")
            .field("owner", &self.owner)
            .field("environment", &self.environment)
            .field("settled", &self.settled)
            .field("deleted", &self.deleted)
            .field("deleted_ms", &self.deleted_ms)
            .field("latest_request", &self.latest_request)
            .field("response_due_ms", &self.response_due_ms)
            .field("progress", &self.progress)
            .field("recorded_response", &self.recorded_response)
            .field("history", &self.history)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl OwnerRecord {
    /// Whether the latest request is the one with this hash.
    #[must_use]
    pub fn is_latest(&self, request_hash: &str) -> bool {
        self.latest_request.as_ref().is_some_and(|latest| latest.request_hash == request_hash)
    }

    /// Whether a newer request than this one is recorded.
    #[must_use]
    pub fn supersedes(&self, request: &LatestRequest) -> bool {
        self.latest_request.as_ref().is_some_and(|latest| !request.replaces(latest))
    }

    /// Whether the response to the request with this hash has arrived.
    #[must_use]
    pub fn has_responded(&self, request_hash: &str) -> bool {
        self.history.iter().any(|entry| entry.request_hash == request_hash)
    }

    /// The delete in progress, if there is one.
    #[must_use]
    pub fn running_delete(&self) -> Option<&LatestRequest> {
        let pending = self.latest_request.as_ref().filter(|_| self.response_due_ms.is_some());
        pending.filter(|latest| latest.kind == Kind::Delete)
    }

    /// A record without any state.
    #[must_use]
    pub fn empty(owner: &Owner) -> OwnerRecord {
        OwnerRecord {
            owner: owner.clone(),
            environment: None,
            desired: None,
            frozen: None,
            retired_tags: Vec::new(),
            settled_spec: None,
            settled: false,
            unlocked: false,
            create_intent_ms: None,
            proofs: None,
            rollout: None,
            rollout_request: None,
            hold_request_ms: None,
            latest_request: None,
            response_due_ms: None,
            progress: None,
            recorded_response: None,
            history: Vec::new(),
            deleted: false,
            deleted_ms: None,
            expires: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_displace_no_request_of_cloudformation_from_the_history() {
        let entry = |kind, hash: &str| HistoryEntry {
            request_hash: hash.to_owned(),
            kind,
            sent_ms: 0,
            responded_ms: 0,
            success: true,
            physical_id: String::new(),
            reason: String::new(),
        };
        let mut history = entry(Kind::Create, "create").appended_to(&[]);
        for hash in ["1", "2", "3", "4", "5", "6"] {
            history = entry(Kind::Repair, hash).appended_to(&history);
        }
        let hashes =
            |history: &[HistoryEntry]| -> Vec<String> { history.iter().map(|it| it.request_hash.clone()).collect() };
        assert_eq!(hashes(&history), ["create", "6"]);
        for hash in ["7", "8", "9", "10"] {
            history = entry(Kind::Update, hash).appended_to(&history);
        }
        assert_eq!(hashes(&history), ["6", "7", "8", "9", "10"]);
    }
}
