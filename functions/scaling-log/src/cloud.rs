//! The seam between deciding and doing.

use std::collections::BTreeSet;

use ledger::Activity;
use ledger::batch::LogEvent;

/// What CloudWatch Logs did with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It took it.
    Taken {
        /// But for the lines with these places, counted from 0.
        rejected: Vec<usize>,
    },
    /// There is no such log group.
    NoGroup,
}

/// AWS, or a test. Every error is a sentence, and may pass.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Cloud {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// Whether somebody has this environment, by the records.
    async fn exists(&self, environment: &str) -> Result<bool, String>;

    /// Writes a batch, which is within the limits, to a stream, which is made if need be; the group is not.
    async fn put(&self, log_group: &str, stream: &str, lines: &[&LogEvent]) -> Result<Put, String>;

    /// The names of our groups.
    async fn groups(&self) -> Result<Vec<String>, String>;

    /// The activities of a group that began since then, and those that are under way.
    async fn activities(&self, group: &str, since_ms: u64) -> Result<Vec<Activity>, String>;

    /// The ids of the lines in streams with this beginning that are filed between the two times, both included. None, if there
    /// is no such log group.
    async fn written(
        &self,
        log_group: &str,
        streams: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<BTreeSet<String>, String>;
}

/// Where messages go that nobody understands.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait DeadLetters {
    /// Puts a message away for people, with the reason.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), String>;
}
