//! What is written down about an owner.

use super::KEPT_S;
use crate::{Event, Kind, Owner, ReplyAddress};
use serde_json::Value;

/// One request, as far as others have to know of it: whether it is still the newest, until when it has to be answered,
/// and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
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
    pub reply: ReplyAddress,
}

impl Note {
    /// The note of an event.
    #[must_use]
    pub fn of(event: &Event, request_hash: String, reply: ReplyAddress) -> Note {
        Note {
            request_hash,
            kind: event.kind,
            sent_ms: event.sent_ms,
            deadline_ms: event.deadline_ms,
            physical_id: event.physical_id.clone(),
            reply,
        }
    }

    /// Whether this note replaces an older one. DynamoDB evaluates the same rule as a condition.
    pub(super) fn beats(&self, older: &Note) -> bool {
        let same = self.request_hash == older.request_hash;
        let delete_stays = older.kind == Kind::Delete && self.kind != Kind::Delete;
        self.sent_ms > older.sent_ms || (self.sent_ms == older.sent_ms && (same || !delete_stays))
    }

    /// When a record that holds nothing else expires, in seconds.
    pub(super) fn expires_s(&self) -> u64 {
        self.deadline_ms / 1_000 + KEPT_S
    }
}

/// What became of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is the newest word of its owner.
    Newest,
    /// It is not, and nothing was written. The newest one is:
    Older {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
}

/// Whether a run may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Its request is still the newest; the time is noted.
    Newest,
    /// A newer one is noted:
    Superseded {
        /// its kind;
        kind: Kind,
        /// when it was sent.
        sent_ms: u64,
    },
    /// No request is noted at all: the record has expired or was lost. [`super::Records::note`] makes a new one.
    NoNote,
}

/// Who has an environment after a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The owner that claimed it.
    Ours,
    /// Another one.
    Taken {
        /// That one.
        owner: Owner,
    },
}

/// What an owner wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The id of the environment.
    pub environment: String,
    /// The spec, as JSON; its shape is not this crate's business.
    pub spec: Value,
    /// The configuration that was resolved when the environment was made, as JSON.
    pub frozen: Value,
    /// Keys of tags that an earlier spec had and this one has not: they still have to be taken off.
    pub retired_tags: Vec<String>,
}

/// What is known of an owner.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerRecord {
    /// The owner.
    pub owner: Owner,
    /// The environment that it wants.
    pub environment: Option<String>,
    /// The spec that it wants.
    pub wanted: Option<Value>,
    /// The configuration that its environment was made with.
    pub frozen: Option<Value>,
    /// Keys of tags to take off, as saved last.
    pub retired_tags: Vec<String>,
    /// The spec that was reached last: an Update back to it is a rollback.
    pub settled_spec: Option<Value>,
    /// Whether `wanted` was reached.
    pub settled: bool,
    /// Whether somebody lifted the deletion protection since it was wanted.
    pub unlocked: bool,
    /// When a run last was about to make calls.
    pub touched_ms: Option<u64>,
    /// The newest request.
    pub newest: Option<Note>,
    /// Whether the last environment was deleted, and nothing was wanted since.
    pub gone: bool,
    /// When the record expires, in seconds since the epoch; `None` while there is an environment. DynamoDB deletes it
    /// within a few days of that.
    pub expires: Option<u64>,
}

impl OwnerRecord {
    /// One that knows nothing yet.
    pub(super) fn empty(owner: &Owner) -> OwnerRecord {
        OwnerRecord {
            owner: owner.clone(),
            environment: None,
            wanted: None,
            frozen: None,
            retired_tags: Vec::new(),
            settled_spec: None,
            settled: false,
            unlocked: false,
            touched_ms: None,
            newest: None,
            gone: false,
            expires: None,
        }
    }
}
