//! Due passes: passes of the reconciler that no request of CloudFormation asked for.
//!
//! The message is `{"Due": "<owner>"}`, in the message group of its owner. It is a hint: the pass observes what there is to
//! do, and a repeated or forged message costs one pass. An operator's request about the
//! rollout is in the owner's record; the message only wakes its pass.
//!
//! # How many are in flight
//!
//! The watchdog, each minute, and a due pass that ends send messages for the oldest due tasks
//! ([`due_passes_at_once`] of them), with the owner and the due time as deduplication id. The set of the oldest changes
//! only when a pass writes a task, so that the queue has at most as many messages for tasks; messages of requests are
//! not counted. One exception: SQS forgets a deduplication id after five minutes, so a message that waits for longer gets a
//! successor.
//!
//! The index of tasks lags by a fraction of a second. A due pass that ends leaves out its own owner, whose old due time the
//! index may still show. Where another pass has just ended too, one message fewer is sent, until the watchdog's next
//! minute.

use crate::{Owner, QueueError, Records, RecordsError, RequestQueue};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The only member of a message.
const DUE: &str = "Due";

/// An operator's request about the rollout of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutRequest {
    /// `roll`: replace every instance, and try a failed version again.
    Roll,
    /// `rollback`: return to the version that ran before.
    Rollback,
    /// `cancel`: end the rollout, and leave the instances as they are.
    Cancel,
}

impl RolloutRequest {
    /// All requests.
    pub const ALL: [RolloutRequest; 3] = [RolloutRequest::Roll, RolloutRequest::Rollback, RolloutRequest::Cancel];

    /// The name in an operator's event and in a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RolloutRequest::Roll => "roll",
            RolloutRequest::Rollback => "rollback",
            RolloutRequest::Cancel => "cancel",
        }
    }

    /// The request with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<RolloutRequest> {
        RolloutRequest::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// How many messages are sent at once. A due pass that ends sends at most as many: those of the newest of the oldest
/// tasks, since the older ones were sent before. SQS accepts 300 messages a second in a FIFO queue (SQS developer guide,
/// "Amazon SQS message quotas").
const SENT_AT_ONCE: usize = 10;

/// How many due passes are in flight at most: half of the reconcilers, at least one. The other half is free for requests.
#[must_use]
pub fn due_passes_at_once(reconcilers_at_once: u32) -> usize {
    usize::try_from(reconcilers_at_once / 2).unwrap_or(usize::MAX).max(1)
}

/// Why a due pass is requested. The queue accepts one message for each reason within five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueReason<'a> {
    /// The owner's task is due since then, in milliseconds since the epoch.
    Task(u64),
    /// The launch gate has abandoned the instance with this id.
    Abandoned(&'a str),
    /// An operator has sent the request with this name at this time, in milliseconds since the epoch.
    Operator(&'a str, u64),
}

impl DueReason<'_> {
    pub(crate) fn deduplication_id(&self, owner: &Owner) -> String {
        match self {
            DueReason::Task(due_ms) => format!("due-{owner}-{due_ms}"),
            DueReason::Abandoned(instance) => format!("due-{owner}-{instance}"),
            DueReason::Operator(request, at_ms) => format!("due-{owner}-{request}-{at_ms}"),
        }
    }
}

/// A message that names no owner. The name is not repeated: anyone may have sent the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Due is not an owner, valid are 20 lower-case hexadecimal digits")]
pub struct InvalidDue;

/// The message for a due pass of this owner.
pub(crate) fn due_message(owner: &Owner) -> Value {
    json!({ DUE: owner.as_str() })
}

/// The owner in the message for a due pass; `None` for any other message.
#[must_use]
pub fn read_due_message(body: &Value) -> Option<Result<Owner, InvalidDue>> {
    let owner = body.as_object().filter(|members| members.len() == 1)?.get(DUE)?;
    Some(owner.as_str().and_then(Owner::parse).ok_or(InvalidDue))
}

/// Who sends messages for due tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueSender<'a> {
    /// The watchdog, which starts the chain of due passes and repairs it: it sends all.
    Watchdog,
    /// A due pass of this owner that ends, after it has recorded the next due time.
    DuePass(&'a Owner),
}

/// A message for a due task could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DueError {
    /// The tasks could not be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A message was not confirmed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Sends messages for the oldest tasks that are due, `at_once` of them, and returns the number of messages. The queue drops
/// those that it already has.
///
/// # Errors
/// The first error, after an attempt for each task.
pub async fn send_oldest_due(
    sender: DueSender<'_>,
    records: &impl Records,
    queue: &impl RequestQueue,
    at_once: usize,
    now_ms: u64,
) -> Result<usize, DueError> {
    let mut tasks = records.due(now_ms, at_once.saturating_add(1)).await?;
    let mut first = 0;
    if let DueSender::DuePass(own) = sender {
        tasks.retain(|task| task.owner != *own);
        first = tasks.len().min(at_once).saturating_sub(SENT_AT_ONCE);
    }
    tasks.truncate(at_once);
    let tasks = &tasks[first..];
    let mut results = Vec::with_capacity(tasks.len());
    for some in tasks.chunks(SENT_AT_ONCE) {
        let sent = some.iter().map(|task| queue.send_due(&task.owner, DueReason::Task(task.due_ms)));
        results.extend(join_all(sent).await);
    }
    results.into_iter().collect::<Result<(), QueueError>>()?;
    Ok(tasks.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_reconcilers_and_at_least_one_take_due_passes() {
        assert_eq!([2, 3, 5, 1_000].map(due_passes_at_once), [1, 1, 2, 500]);
    }

    #[test]
    fn a_message_has_one_owner_and_no_other_member() {
        let owner = Owner::of("stack", "Web");
        assert_eq!(read_due_message(&due_message(&owner)), Some(Ok(owner.clone())));
        for invalid in [json!(7), json!("0123"), json!({}), json!(null)] {
            assert_eq!(read_due_message(&json!({ "Due": invalid })), Some(Err(InvalidDue)));
        }
        for other in [json!({ "Due": owner.as_str(), "RequestType": "Delete" }), json!([]), json!({})] {
            assert_eq!(read_due_message(&other), None, "{other}");
        }
    }

    #[test]
    fn each_reason_has_its_own_message() {
        let owner = Owner::of("stack", "Web");
        let cancel = DueReason::Operator("cancel", 9);
        let ids = [DueReason::Task(1), DueReason::Task(2), DueReason::Abandoned("i-1"), cancel];
        let ids = ids.map(|reason| reason.deduplication_id(&owner));
        assert_eq!(ids, ["1", "2", "i-1", "cancel-9"].map(|end| format!("due-{owner}-{end}")));
    }
}
