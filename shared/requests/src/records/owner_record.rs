//! What is written down about an owner.

use super::TOMBSTONE_TTL_S;
use crate::{CfnResponse, Event, Kind, Owner, Request, ResponseAddress, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request, as far as others have to know of it: whether it is still the newest, until when it has to be answered,
/// and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestRequest {
    /// [`crate::request_hash`] of the event.
    pub request_hash: String,
    /// Create, Update or Delete.
    pub kind: Kind,
    /// When CloudFormation sent it.
    pub sent_ms: u64,
    /// When its answer is due.
    pub deadline_ms: u64,
    /// The id that came with it.
    pub physical_id: Option<String>,
    /// Where its answer goes: the watchdog answers for a run that died.
    pub reply: ResponseAddress,
}

impl LatestRequest {
    /// The note of a request.
    #[must_use]
    pub fn of_request(request: &Request) -> LatestRequest {
        LatestRequest::of(&request.event, request.hash.clone(), request.to.clone())
    }

    /// The note of an event.
    #[must_use]
    pub fn of(event: &Event, request_hash: String, reply: ResponseAddress) -> LatestRequest {
        LatestRequest {
            request_hash,
            kind: event.kind,
            sent_ms: event.sent_ms,
            deadline_ms: event.deadline_ms,
            physical_id: event.physical_id.clone(),
            reply,
        }
    }

    /// Whether this note replaces an older one. DynamoDB evaluates the same rule as a condition.
    pub(super) fn beats(&self, older: &LatestRequest) -> bool {
        let same = self.request_hash == older.request_hash;
        let delete_stays = older.kind == Kind::Delete && self.kind != Kind::Delete;
        self.sent_ms > older.sent_ms || (self.sent_ms == older.sent_ms && (same || !delete_stays))
    }

    /// When a record that holds nothing else expires, in seconds.
    pub(super) fn expires_s(&self) -> u64 {
        self.deadline_ms / 1_000 + TOMBSTONE_TTL_S
    }
}

/// What became of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedRequest {
    /// It is the newest word of its owner.
    Latest,
    /// It is not, and nothing was written. The newest one is:
    Superseded {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
}

/// Whether a run may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateIntent {
    /// Its request is still the newest; the time is noted.
    Latest,
    /// A newer one is noted:
    Superseded {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
    /// No request is noted at all: the record has expired or was lost. [`super::Records::record_request`] makes a new one.
    NoRequest,
}

/// Who has an environment after a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The owner that claimed it.
    Owned,
    /// Another one.
    Taken {
        /// That one.
        owner: Owner,
    },
}

/// What an owner wants.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredRecord {
    /// The id of the environment.
    pub environment: String,
    /// The spec, as JSON; its shape is not this crate's business.
    pub spec: Value,
    /// The configuration that was resolved when the environment was made, as JSON.
    pub frozen: Value,
    /// Keys of tags that an earlier spec had and this one has not: they still have to be taken off.
    pub retired_tags: Vec<String>,
}

/// What a request waits for, as the last run that came to its end told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// A sentence for each thing.
    pub waiting_for: Vec<String>,
    /// Since when it waits for just this.
    pub since_ms: u64,
}

/// An answer that was decided on. From then on the request gets no other one, whoever delivers it, and however often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedResponse {
    /// Whether the request was carried out.
    pub success: bool,
    /// Why not.
    pub reason: String,
    /// The reply's body, as it goes over the wire.
    pub body: String,
}

impl DecidedResponse {
    /// The answer that is this reply.
    #[must_use]
    pub fn on(reply: &CfnResponse) -> DecidedResponse {
        let success = reply.status() == Status::Success;
        DecidedResponse { success, reason: reply.reason().chars().take(REASON).collect(), body: reply.body() }
    }
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentResponse {
    /// [`crate::request_hash`] of the event.
    pub request_hash: String,
    /// Create, Update or Delete.
    pub kind: Kind,
    /// When it was sent.
    pub sent_ms: u64,
    /// When the answer arrived.
    pub responded_ms: u64,
    /// Whether it was carried out.
    pub success: bool,
    /// Why not, shortened.
    pub reason: String,
}

/// How many answers are kept for people who ask: 5, which is a create, an update, its rollback and two deletes.
const ANSWERS: usize = 5;

/// How much of a reason is kept, in characters: five of them stay small beside the specs.
pub(crate) const REASON: usize = 1_000;

impl SentResponse {
    /// The answers of a record with this one, newest last.
    #[must_use]
    pub fn beside(mut self, earlier: &[SentResponse]) -> Vec<SentResponse> {
        self.reason = self.reason.chars().take(REASON).collect();
        let others = earlier.iter().filter(|it| it.request_hash != self.request_hash);
        let mut all: Vec<SentResponse> = others.cloned().chain([self.clone()]).collect();
        all.drain(..all.len().saturating_sub(ANSWERS));
        all
    }
}

/// What is known of an owner.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerRecord {
    /// The owner.
    pub owner: Owner,
    /// The environment that it wants.
    pub environment: Option<String>,
    /// The spec that it wants.
    pub desired: Option<Value>,
    /// The configuration that its environment was made with.
    pub frozen: Option<Value>,
    /// Keys of tags to take off, as saved last.
    pub retired_tags: Vec<String>,
    /// The spec that was reached last: an Update back to it is a rollback.
    pub settled_spec: Option<Value>,
    /// Whether `desired` was reached.
    pub settled: bool,
    /// Whether somebody lifted the deletion protection since it was wanted.
    pub unlocked: bool,
    /// When a run last was about to make what cannot be made twice without making two.
    pub create_intent_ms: Option<u64>,
    /// The newest request.
    pub latest: Option<LatestRequest>,
    /// When the newest request is due to be answered; `None` once it is.
    pub response_due_ms: Option<u64>,
    /// What the newest request waits for.
    pub progress: Option<Progress>,
    /// What the newest request is answered, until that has arrived.
    pub decided: Option<DecidedResponse>,
    /// The last requests that were answered, newest last.
    pub responses: Vec<SentResponse>,
    /// Whether the last environment was deleted, and nothing was wanted since.
    pub gone: bool,
    /// When the record expires, in seconds since the epoch; `None` while there is an environment. DynamoDB deletes it
    /// within a few days of that.
    pub expires: Option<u64>,
}

impl OwnerRecord {
    /// Whether the newest request is the one with this hash.
    #[must_use]
    pub fn is_latest(&self, request_hash: &str) -> bool {
        self.latest.as_ref().is_some_and(|latest| latest.request_hash == request_hash)
    }

    /// Whether a newer request than this one is noted.
    #[must_use]
    pub fn has_overtaken(&self, latest_request: &LatestRequest) -> bool {
        self.latest.as_ref().is_some_and(|latest| !latest_request.beats(latest))
    }

    /// Whether the answer to the request with this hash has arrived.
    #[must_use]
    pub fn has_responded(&self, request_hash: &str) -> bool {
        self.responses.iter().any(|response| response.request_hash == request_hash)
    }

    /// The delete that is under way, if one is.
    #[must_use]
    pub fn running_delete(&self) -> Option<&LatestRequest> {
        let unanswered = self.latest.as_ref().filter(|_| self.response_due_ms.is_some());
        unanswered.filter(|latest| latest.kind == Kind::Delete)
    }

    /// One that knows nothing yet.
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
            latest: None,
            response_due_ms: None,
            progress: None,
            decided: None,
            responses: Vec::new(),
            gone: false,
            expires: None,
        }
    }
}
