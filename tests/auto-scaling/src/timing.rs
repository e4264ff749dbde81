//! The durations of a simulated account.

use std::time::Duration;

/// A shorter interval would only cost time.
const SHORTEST_CHECK: Duration = Duration::from_millis(50);

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
    /// From a start call until an instance refresh begins.
    pub refresh_start: Duration,
    /// The interval between two checks of an instance refresh. Never zero.
    pub refresh_check: Duration,
    /// From a new instance's `InService` until an instance refresh knows its health.
    pub refresh_health: Duration,
    /// From the last replacement of a rollback until the rollback has succeeded.
    pub refresh_settling: Duration,
    /// How long an instance refresh is `Cancelling`, if the call does not wait for its instances.
    pub refresh_cancel: Duration,
    /// How long an instance refresh retries when its replacements fail or cannot continue.
    pub refresh_retries: Duration,
}

impl Latency {
    /// No time, except the interval of checks and the hour of retries: for tests of rules that do not depend on it.
    pub const NONE: Self = Self {
        decision: Duration::ZERO,
        health: Duration::ZERO,
        leaving: Duration::ZERO,
        returning: Duration::ZERO,
        group_removal: Duration::ZERO,
        attachment: Duration::ZERO,
        refresh_start: Duration::ZERO,
        refresh_check: Duration::from_secs(1),
        refresh_health: Duration::ZERO,
        refresh_settling: Duration::ZERO,
        refresh_cancel: Duration::ZERO,
        refresh_retries: Duration::from_hours(1),
    };

    /// The durations recorded on AWS, September 2026 (stackd 9dc356f5). `decision`: the median of 0 to 14 s for launches
    /// and 5 to 11 s for terminations (`lifecycle_native`, `refresh_native`, `termination_qualified_native`). `health`:
    /// 15.1 s (`lifecycle_native`). `leaving` and `returning`: 1 s and 6.4 s (`failure_boundaries_native_complete`).
    /// `group_removal`: within the 10.5 to 15.6 s of `lifecycle_native`; 4.5 to 10.8 s in other files. `attachment`: an estimate.
    ///
    /// `refresh_native` shows one refresh of one instance at these times after the call: `refresh_start` 8 to 11 s.
    /// `refresh_check`: steps 10, 21, 87, 98 and 120 s after the call. `refresh_health`: 60 to 70 s from `InService` to
    /// the step. `refresh_settling`: a rollback of 140 s has 30 to 40 s left for it. `refresh_cancel`: 5.5 s.
    /// `refresh_retries`: an hour (the user guide, "one-hour timeout").
    pub const RECORDED: Self = Self {
        decision: Duration::from_secs(8),
        health: Duration::from_secs(15),
        leaving: Duration::from_secs(1),
        returning: Duration::from_secs(6),
        group_removal: Duration::from_secs(12),
        attachment: Duration::from_secs(5),
        refresh_start: Duration::from_secs(10),
        refresh_check: Duration::from_secs(11),
        refresh_health: Duration::from_mins(1),
        refresh_settling: Duration::from_secs(30),
        refresh_cancel: Duration::from_millis(5500),
        refresh_retries: Duration::from_hours(1),
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
            refresh_start: self.refresh_start / times,
            refresh_check: (self.refresh_check / times).max(SHORTEST_CHECK),
            refresh_health: self.refresh_health / times,
            refresh_settling: self.refresh_settling / times,
            refresh_cancel: self.refresh_cancel / times,
            refresh_retries: self.refresh_retries / times,
        }
    }
}
