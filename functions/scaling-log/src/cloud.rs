//! The seam between the function and AWS.

use std::collections::{BTreeMap, BTreeSet};

use lambda_kit::AwsCallError;
use ledger::batch::LogEvent;
use ledger::{Activity, GroupState};
use requests::{QueueError, RecordsError};

/// The outcome of a batch in CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// CloudWatch Logs accepted the batch,
    Written {
        /// except the log events with these indexes, counted from 0.
        rejected: Vec<usize>,
    },
    /// The log group does not exist.
    LogGroupNotFound,
}

/// An Auto Scaling group as Auto Scaling reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedGroup {
    /// The name of the group.
    pub name: String,
    /// Its sizes and its instances, without those of a warm pool.
    pub state: GroupState,
}

/// The calls to AWS, which tests replace. Every error is retryable.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bound")]
pub trait LogApi {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// Whether the records contain an owner of this environment.
    async fn environment_exists(&self, environment: &str) -> Result<bool, RecordsError>;

    /// Writes a batch, which is within the limits, to a stream. A missing stream is created; a missing log group is
    /// not.
    async fn put_events(&self, log_group: &str, stream: &str, events: &[&LogEvent])
    -> Result<PutOutcome, AwsCallError>;

    /// The owned Auto Scaling groups.
    async fn groups(&self) -> Result<Vec<ObservedGroup>, AwsCallError>;

    /// The Auto Scaling group with this name; `None` if it does not exist.
    async fn group(&self, name: &str) -> Result<Option<ObservedGroup>, AwsCallError>;

    /// The versions of the launch template of these instances, at least one and 50 at most. An instance that is in no
    /// group, or has no version, is left out. Fails after 3 s.
    async fn template_versions(&self, instances: &[String]) -> Result<BTreeMap<String, u64>, AwsCallError>;

    /// The observations and launches among the lines in streams with this prefix whose timestamps are between the two
    /// times, both included. Empty if the log group does not exist. Fails after 3 s.
    async fn lines_with_versions(
        &self,
        log_group: &str,
        stream_prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<Vec<String>, AwsCallError>;

    /// The activities of a group that began at `since_ms` or later, and those in progress.
    async fn activities(&self, group: &str, since_ms: u64) -> Result<Vec<Activity>, AwsCallError>;

    /// The ids of the lines in streams with this prefix whose timestamps are between the two times, both included.
    /// Empty if the log group does not exist.
    async fn written_ids(
        &self,
        log_group: &str,
        stream_prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<BTreeSet<String>, AwsCallError>;
}

/// The dead-letter queue for poison messages.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bound")]
pub trait DeadLetters {
    /// Stores a poison message with the reason, for operators.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), DeadLetterError>;
}

/// A poison message that could not be dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadLetterError {
    /// The deployment has no queue for poison messages.
    #[error("EVENT_DEAD_LETTERS_URL is not set: the URL of the dead-letter queue for poison messages")]
    NotConfigured,
    /// The queue did not confirm the message.
    #[error(transparent)]
    Queue(#[from] QueueError),
}
