//! Tasks: work on an environment that no request of CloudFormation asked for.

use crate::Owner;

/// A task: its owner, and since when the next due pass of the owner is due.
///
/// The order is the order in which due passes start: the oldest first, and by owner among equals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueTask {
    /// When the due pass is due.
    pub due_ms: u64,
    /// The owner.
    pub owner: Owner,
}
