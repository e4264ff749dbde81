//! The state that the cloud can't hold: the latest request, the desired state, the settled state, and the owner of each
//! environment.
//!
//! One table with a string key `pk`, a TTL attribute `expires` (seconds since the epoch), and two sparse indexes.
//! `pending_response` (`pending_response`, `response_due_ms`) has the requests that wait for their response, under `yes`, and
//! the tasks, under one of sixteen pages, `due#<0-15>`, by the first digit of their owner. `environments` (`listed`,
//! `listed_as`) has the owners with an environment or with the tombstone of one. Four kinds of items:
//!
//! - `owner#<owner>`: the latest request of an owner, the desired spec, the settled spec;
//! - `task#<owner>`: when the next due pass of an owner is due;
//! - `environment#<id>`: the owner of that environment;
//! - `rule_execution#<owner>#<rule>`: the last execution of that owner's rule.
//!
//! # Guarantees
//!
//! - Every write is either conditional or idempotent: the SDK may repeat a call whose response was lost.
//! - Only a newer request replaces the latest request. An environment is claimed only if it is free or already belongs to
//!   the same owner, and released only by its owner.
//! - Reads are strongly consistent.
//!
//! # Assumptions
//!
//! One writer for each owner at a time, which the FIFO queue ensures; only [`Records::record_request`] and
//! [`Records::claim`] have concurrent callers. The records may be lost: the next Update rebuilds them, and the ownership
//! marks remain in the cloud.

mod dynamodb;
mod error;
mod listing;
mod memory;
mod owner_record;
mod rule_execution;
mod task;

pub use dynamodb::DynamoRecords;
pub use error::RecordsError;
pub use listing::{EnvironmentPage, InvalidPageToken, ListedEnvironment, PageToken, RecordedState};
pub use memory::MemoryRecords;
pub use owner_record::{
    Claim, CreateIntent, DesiredRecord, HistoryEntry, LatestRequest, MAX_SPEC_BYTES, OwnerRecord, Progress,
    RecordedRequest,
};
pub use rule_execution::{ExecutionClaim, RuleExecution};
pub use task::DueTask;

use crate::{CfnResponse, Owner, RolloutRequest};
use serde_json::Value;
use std::future::Future;

/// How long a request without an environment, or the tombstone of a deleted environment, is kept: 24 hours after the
/// deadline or the deletion.
///
/// Lambda redelivers an asynchronous event for up to 6 hours, and an operator may redrive a dead letter the same day; a
/// later delivery is past its own deadline, by hours, and changes nothing for that reason.
pub const TOMBSTONE_TTL_S: u64 = 86_400;

/// How long the last execution of a rule is kept: a week, which is longer than any cooldown, and longer than any message
/// about an alarm is in transit.
pub const RULE_EXECUTION_TTL_S: u64 = 604_800;

/// The records, in DynamoDB ([`DynamoRecords`]) or in memory ([`MemoryRecords`]). The same contract test checks both.
///
/// Every method fails with a [`RecordsError`], which names the table and the next check.
pub trait Records: Send + Sync {
    /// The record of an owner; `None` if the owner never sent a request, or the record has expired.
    fn owner(&self, owner: &Owner) -> impl Future<Output = Result<Option<OwnerRecord>, RecordsError>> + Send;

    /// Records a request as waiting for its response, unless a newer request is already recorded.
    ///
    /// The newer request is the one that CloudFormation sent later. The time has whole seconds, so two requests can share
    /// one: then a Delete replaces a Create and an Update, the same request (by its hash) is the latest again, and
    /// otherwise the later arrival wins.
    fn record_request(
        &self,
        owner: &Owner,
        latest_request: LatestRequest,
    ) -> impl Future<Output = Result<RecordedRequest, RecordsError>> + Send;

    /// Records the creates that a run is about to send, among its proofs of ownership, and returns whether the run's
    /// request is still the latest. `now_ms` is the time, if a repeated call of one of them would create a second
    /// resource.
    ///
    /// Nothing is written if it isn't.
    fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: Option<u64>,
        proofs: Value,
    ) -> impl Future<Output = Result<CreateIntent, RecordsError>> + Send;

    /// Records the proofs of ownership after creates have returned ids, also if a newer request is recorded. An owner
    /// without a record gets none.
    fn record_proofs(&self, owner: &Owner, proofs: Value) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records the progress of a request. Nothing is written if the request isn't the latest.
    fn record_progress(
        &self,
        owner: &Owner,
        request_hash: &str,
        progress: Progress,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records the response to a request, if the request is the latest and has no recorded response; returns the recorded
    /// response. The response to an older request is not stored: it is returned unchanged.
    fn record_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: CfnResponse,
    ) -> impl Future<Output = Result<CfnResponse, RecordsError>> + Send;

    /// Writes the history of an owner ([`HistoryEntry::appended_to`]). The response of the last entry has just arrived: if
    /// its request is the latest, that request no longer waits. An owner without a record gets none.
    fn record_history(
        &self,
        owner: &Owner,
        history: Vec<HistoryEntry>,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Writes the state of the owner's rollout, of at most 12,000 bytes of JSON; this crate does not know the shape. An
    /// owner without a record gets none. The caller is the pass of the latest request, or a due pass.
    fn save_rollout(&self, owner: &Owner, rollout: Value) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records an operator's request about the rollout, for the next due pass, in place of the one before. A message could be
    /// forged, and the record could not.
    ///
    /// Fails with [`RecordsError::Unreadable`] without a desired state: a deleted environment takes no request.
    fn request_rollout(
        &self,
        owner: &Owner,
        request: RolloutRequest,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Removes an operator's request about the rollout. Another one, which the operator has sent meanwhile, stays.
    fn remove_rollout_request(
        &self,
        owner: &Owner,
        request: RolloutRequest,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Records an operator's request to hold the rollout until this time, in ms since the epoch, for the next pass of the owner;
    /// zero releases it. It replaces the one before. A request of CloudFormation leaves it: no update loses a hold.
    ///
    /// Fails with [`RecordsError::Unreadable`] without a desired state: a deleted environment takes no request.
    fn request_hold(&self, owner: &Owner, until_ms: u64) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Removes the request to hold the rollout until this time. Another one, which the operator has sent meanwhile, stays.
    fn remove_hold_request(
        &self,
        owner: &Owner,
        until_ms: u64,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Makes the next due pass of an owner due at `due_ms`, in place of the time before. Only passes of the owner call
    /// this. The task has no expiry: the due pass of an owner without an environment removes it.
    fn schedule(&self, owner: &Owner, due_ms: u64) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Removes the task of an owner: no due pass is due. Only passes of the owner call this.
    fn unschedule(&self, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// The first `limit` tasks that were due by `now_ms`, the oldest first; without the tasks of owners whose latest request
    /// waits for its response: its own passes do their work. May lag by a second or so. `limit` is at least one.
    fn due(&self, now_ms: u64, limit: usize) -> impl Future<Output = Result<Vec<DueTask>, RecordsError>> + Send;

    /// The owners whose latest request was due for a response by `now_ms`, and has none. May lag by a second or so.
    fn overdue(&self, now_ms: u64) -> impl Future<Output = Result<Vec<Owner>, RecordsError>> + Send;

    /// The last execution of a rule of an owner's environment.
    fn rule_execution(
        &self,
        owner: &Owner,
        rule: &str,
    ) -> impl Future<Output = Result<Option<RuleExecution>, RecordsError>> + Send;

    /// Records the execution of a rule, unless the rule acted, or began to act, on this state of its alarm or a newer one,
    /// or acted on another state within the last `cooldown_ms`. The record is kept for [`RULE_EXECUTION_TTL_S`].
    fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> impl Future<Output = Result<ExecutionClaim, RecordsError>> + Send;

    /// Marks the execution that [`Records::begin_execution`] recorded as done. Nothing changes if the rule has acted on
    /// another state since.
    fn finish_execution(
        &self,
        owner: &Owner,
        rule: &str,
        since_ms: u64,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Claims an environment for an owner. A repeated claim returns [`Claim::Owned`] again.
    fn claim(&self, environment: &str, owner: &Owner) -> impl Future<Output = Result<Claim, RecordsError>> + Send;

    /// The owner of an environment.
    fn environment_owner(&self, environment: &str) -> impl Future<Output = Result<Option<Owner>, RecordsError>> + Send;

    /// Releases an environment, if it still belongs to this owner; otherwise nothing changes.
    fn release(&self, environment: &str, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// The first `limit` environments of the list after a place, or from its beginning: those with a desired state, and the
    /// deleted ones whose tombstone exists. May lag by a second or so. `limit` is 1 to 100.
    fn environments(
        &self,
        after: Option<&PageToken>,
        limit: usize,
    ) -> impl Future<Output = Result<EnvironmentPage, RecordsError>> + Send;

    /// The environments of the list with this id: the present one, and deleted ones of this and of other owners. May lag by a
    /// second or so.
    fn environments_named(
        &self,
        environment: &str,
    ) -> impl Future<Output = Result<Vec<ListedEnvironment>, RecordsError>> + Send;

    /// Writes the desired state, as not yet settled. The last settled state is retained. The record no longer expires.
    fn save_desired(
        &self,
        owner: &Owner,
        desired: DesiredRecord,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Lifts the deletion protection of the desired state, until the next [`Records::save_desired`] that does not keep it
    /// lifted.
    ///
    /// Fails with [`RecordsError::Unreadable`] without a desired state.
    fn unlock(&self, owner: &Owner) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Marks the desired state as reached: it becomes the last settled state, with these proofs of ownership.
    ///
    /// Fails with [`RecordsError::Unreadable`] without a desired state.
    fn mark_settled(&self, owner: &Owner, proofs: Value) -> impl Future<Output = Result<(), RecordsError>> + Send;

    /// Marks the environment as deleted, at `now_ms` if it was not before: its task and all its attributes are removed. The
    /// latest request, the time of the deletion and the place in the list are retained for [`TOMBSTONE_TTL_S`] as a tombstone,
    /// so that an older request that arrives late changes nothing. The name of the environment is released by
    /// [`Records::release`].
    fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> impl Future<Output = Result<(), RecordsError>> + Send;
}
