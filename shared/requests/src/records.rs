//! What the cloud can't hold: who asked last, what is wanted, what was settled, who owns a name.
//!
//! One table with a string key `pk`, a TTL attribute `expires` (seconds since the epoch), and a sparse index `unanswered`
//! (`unanswered`, `response_due_ms`) of the requests that wait for their answer. Three kinds of items:
//!
//! - `owner#<owner>`: the newest request of an owner, the wanted spec, the settled one;
//! - `environment#<id>`: which owner has that environment;
//! - `rule_execution#<owner>#<rule>`: when an automation of that owner last acted.
//!
//! # Guarantees
//!
//! - Every write is either conditional or the same when it is made twice: the SDK may repeat
//!   a call whose answer was lost.
//! - A note is only replaced by a newer one; an environment is only claimed when it is free or ours, and only released when
//!   it is ours.
//! - Reads are strongly consistent.
//!
//! # Assumptions
//!
//! One writer for each owner at a time, which the FIFO queue sees to; only [`Records::record_request`] and [`Records::claim`] are
//! raced for. The records may be lost: the next Update rebuilds them, and ownership stays marked in the cloud.

mod dynamodb;
mod error;
mod memory;
mod owner_record;
mod rule_execution;

pub use dynamodb::DynamoRecords;
pub use error::RecordsError;
pub use memory::MemoryRecords;
pub(crate) use owner_record::REASON;
pub use owner_record::{
    Claim, CreateIntent, DecidedResponse, DesiredRecord, LatestRequest, OwnerRecord, Progress, RecordedRequest,
    SentResponse,
};
pub use rule_execution::{ExecutionClaim, RuleExecution};

use crate::Owner;
use std::future::Future;

/// How long a note without an environment, or the tombstone of one that is gone, is kept: 24 hours after the deadline or
/// the end.
///
/// Lambda redelivers an asynchronous event for up to 6 hours, and a person may redrive a dead letter the same day; what
/// comes later than that has passed its own deadline, by hours, and changes nothing for that reason.
pub const TOMBSTONE_TTL_S: u64 = 86_400;

/// How long it is known when an automation last acted: a week, which is longer than any rest, and than anything that tells
/// of an alarm is under way.
pub const RULE_EXECUTION_TTL_S: u64 = 604_800;

/// The records, in DynamoDB ([`DynamoRecords`]) or in memory ([`MemoryRecords`]). The same contract test holds both.
///
/// Every method fails with a [`RecordsError`], which names the table and what to check.
pub trait Records: Send + Sync {
    /// What is known of an owner; `None` if it never asked, or the record has expired.
    fn owner(&self, owner: &Owner) -> impl Future<Output = Result<Option<OwnerRecord>, RecordsError>> + Send;

    /// Notes a request as waiting for its answer, unless a newer one is noted already.
    ///
    /// Newer is what CloudFormation sent later. The time has whole seconds, so two requests can share one: then a Delete
    /// beats a Create and an Update, the same request (by its hash) is the newest again, and else the later arrival wins.
    fn record_request(
        &self,
        owner: &Owner,
        latest_request: LatestRequest,
    ) -> impl Future<Output = Result<RecordedRequest, RecordsError>> + Send;

    /// Notes that a run is about to make what cannot be made twice without making two, and tells whether its request is
    /// still the newest one.
    ///
    /// Nothing is written if it isn't.
    fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: u64,
    ) -> impl Future<Output = Result<CreateIntent, RecordsError>> + Send;

    /// Notes what a request waits for. Nothing is written if it isn't the newest one.
    fn record_progress(
        &self,
        owner: &Owner,
        request_hash: &str,
        progress: Progress,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Decides what a request is answered, if it is the newest one and nobody has decided before; gives what is decided.
    /// An older request's answer is not kept: it is given back as it came.
    fn decide_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: DecidedResponse,
    ) -> impl Future<Output = Result<DecidedResponse, RecordsError>> + Send;

    /// Writes the answers of an owner ([`SentResponse::beside`]), the last of which has just arrived: if that request is the
    /// newest one, it no longer waits. An owner without a record gets none.
    fn record_sent_responses(
        &self,
        owner: &Owner,
        responses: Vec<SentResponse>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// The owners whose newest request was due to be answered by `now_ms`, and was not. May lag by a second or so.
    fn overdue(&self, now_ms: u64) -> impl Future<Output = Result<Vec<Owner>, RecordsError>> + Send;

    /// When a rule of an owner's environment last acted.
    fn rule_execution(
        &self,
        owner: &Owner,
        rule: &str,
    ) -> impl Future<Output = Result<Option<RuleExecution>, RecordsError>> + Send;

    /// Writes down that a rule acts, unless it acted on this state of its alarm or a newer one, or began to, or did act on
    /// another within the last `cooldown_ms`. It is kept for [`RULE_EXECUTION_TTL_S`].
    fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> impl Future<Output = Result<ExecutionClaim, RecordsError>> + Send;

    /// What was written down by [`Records::begin_execution`] is done. Nothing changes if the rule has acted on another state since.
    fn finish_execution(
        &self,
        owner: &Owner,
        rule: &str,
        since_ms: u64,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Claims an environment for an owner. Claiming it again is [`Claim::Owned`] again.
    fn claim(&self, environment: &str, owner: &Owner) -> impl Future<Output = Result<Claim, RecordsError>> + Send;

    /// Who has an environment.
    fn environment_owner(&self, environment: &str) -> impl Future<Output = Result<Option<Owner>, RecordsError>> + Send;

    /// Gives an environment back, if it is still this owner's; else nothing changes.
    fn release(&self, environment: &str, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Writes what is wanted, as not yet settled. What was settled last stays. The record no longer expires.
    fn save_desired(
        &self,
        owner: &Owner,
        desired: DesiredRecord,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Lifts the deletion protection of what is wanted, until something is wanted anew.
    ///
    /// Fails with [`RecordsError::Unreadable`] if nothing is wanted.
    fn unlock(&self, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// What is wanted is there: it becomes what was settled last.
    ///
    /// Fails with [`RecordsError::Unreadable`] if nothing is wanted.
    fn mark_settled(&self, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// The environment is deleted: everything about it goes, and the newest note stays for [`TOMBSTONE_TTL_S`] as a tombstone, so
    /// that an older request that arrives late changes nothing. The environment's name is given back by
    /// [`Records::release`].
    fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> impl Future<Output = Result<(), RecordsError>> + Send;
}
