//! The durations of a simulated account.

use std::time::Duration;

/// The durations of launches, of terminations, and of Auto Scaling's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From a launch to the end of Pending: to `Pending:Wait` if the group has hooks, else to `InService`.
    pub launch: Duration,
    /// From Terminating, or from `Terminating:Proceed` if the group has hooks, until the group no longer lists the
    /// instance.
    pub terminate: Duration,
    /// The durations of Auto Scaling's own work.
    pub latency: Latency,
}

/// How long Auto Scaling takes for its own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// From a change of the desired capacity until the launch or the termination starts.
    pub decision: Duration,
    /// From SetInstanceHealth until an Unhealthy instance is replaced.
    pub health: Duration,
    /// How long an instance is `EnteringStandby`, or `Detaching`.
    pub leaving: Duration,
    /// How long an instance that leaves Standby is `Pending`.
    pub returning: Duration,
    /// From an accepted delete until a group without instances is gone.
    pub group_removal: Duration,
    /// How long a target group is being added to a group.
    pub attachment: Duration,
}

impl Latency {
    /// No time: for tests of rules that do not depend on it.
    pub const NONE: Self = Self {
        decision: Duration::ZERO,
        health: Duration::ZERO,
        leaving: Duration::ZERO,
        returning: Duration::ZERO,
        group_removal: Duration::ZERO,
        attachment: Duration::ZERO,
    };

    /// The durations recorded on AWS, September 2026 (stackd 9dc356f5). `decision`: the median of 0 to 14 s for launches
    /// and 5 to 11 s for terminations (`lifecycle_native`, `refresh_native`, `termination_qualified_native`). `health`:
    /// 15.1 s (`lifecycle_native`). `leaving` and `returning`: 1 s and 6.4 s (`failure_boundaries_native_complete`).
    /// `group_removal`: within the 10.5 to 15.6 s of `lifecycle_native`; 4.5 to 10.8 s in other files. `attachment`: an estimate.
    pub const RECORDED: Self = Self {
        decision: Duration::from_secs(8),
        health: Duration::from_secs(15),
        leaving: Duration::from_secs(1),
        returning: Duration::from_secs(6),
        group_removal: Duration::from_secs(12),
        attachment: Duration::from_secs(5),
    };

    /// The same latency, the given number of times as short.
    ///
    /// # Panics
    /// If `times` is 0.
    #[must_use]
    pub fn faster(self, times: u32) -> Self {
        Self {
            decision: self.decision / times,
            health: self.health / times,
            leaving: self.leaving / times,
            returning: self.returning / times,
            group_removal: self.group_removal / times,
            attachment: self.attachment / times,
        }
    }
}
