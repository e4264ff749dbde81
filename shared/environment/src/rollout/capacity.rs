//! Whether a group has the instances that it should have: the part of an environment's state that Auto Scaling controls.

use std::fmt;

use std::time::Duration;

use super::observed::ObservedRollout;
use super::verdict::Verdict;
use crate::engine::cloud::Timestamp;

/// How long a failed launch counts. Auto Scaling launches again within minutes as long as instances are missing, so the
/// failures of a group that stays too small are newer; an older one may be of a launch whose success is no longer visible, since
/// its instance has terminated.
const FAILURE_AGE: Duration = Duration::from_hours(1);

/// The instances of a group beside its desired capacity, from one observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The instances in service.
    pub in_service: usize,
    /// The instances that are not in service yet, and not terminating. Those in Standby are not among them.
    pub launching: usize,
    /// The desired capacity of the group.
    pub desired: u32,
    /// `MinSize` of the environment.
    pub min_size: u32,
    /// The last launch of the last hour that failed, or whose instance did not come into service, if none came into service
    /// after it.
    pub last_failure: Option<Verdict>,
}

/// The state of the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityState {
    /// As many instances are in service as desired.
    Complete,
    /// Fewer are in service, without a failure: Auto Scaling launches the others, or is about to.
    Launching,
    /// Fewer are in service, and the last launch failed, or nothing is launching and fewer than `MinSize` are in service.
    Degraded,
}

impl Capacity {
    /// The capacity of the observed group of an environment with this `MinSize`.
    #[must_use]
    pub fn of(observed: &ObservedRollout, min_size: u32, now: Timestamp) -> Capacity {
        let successes = observed.instances.iter().filter_map(|it| it.in_service_since);
        let last_success: Option<Timestamp> = successes.max();
        let is_recent = |it: &&Verdict| now - it.at < FAILURE_AGE && last_success.is_none_or(|success| it.at > success);
        let failures = observed.verdicts.iter().filter(is_recent);
        Capacity {
            in_service: observed.instances.iter().filter(|it| it.in_service_since.is_some()).count(),
            launching: observed.instances.iter().filter(|it| it.in_service_since.is_none() && !it.is_ignored).count(),
            desired: observed.desired_capacity,
            min_size,
            last_failure: failures.max_by_key(|it| it.at).cloned(),
        }
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> CapacityState {
        let has = |count: u32| u32::try_from(self.in_service).is_ok_and(|in_service| in_service >= count);
        if has(self.desired) {
            CapacityState::Complete
        } else if self.last_failure.is_some() || (self.launching == 0 && !has(self.min_size)) {
            CapacityState::Degraded
        } else {
            CapacityState::Launching
        }
    }
}

impl fmt::Display for Capacity {
    /// A sentence, and one about the last failure where it counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Capacity { in_service, launching, desired, min_size, last_failure } = self;
        write!(f, "{in_service} of {desired} instances in service (MinSize {min_size})")?;
        if *launching > 0 {
            write!(f, ", {launching} launching")?;
        }
        f.write_str(".")?;
        match last_failure.as_ref().filter(|_| self.state() == CapacityState::Degraded) {
            Some(failure) => write!(f, " The last launch failed: {failure}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{LaunchFailure, RolloutInstance, SavedVersion, VerdictKind};
    use std::collections::BTreeSet;

    fn capacity(in_service: usize, launching: usize, desired: u32) -> Capacity {
        Capacity { in_service, launching, desired, min_size: 2, last_failure: None }
    }

    fn failed(in_service: usize, launching: usize, desired: u32) -> Capacity {
        let kind = VerdictKind::LaunchFailed(LaunchFailure::Quota);
        let verdict = Verdict { version: 3, at: Timestamp(1), evidence: String::from("VcpuLimitExceeded"), kind };
        Capacity { last_failure: Some(verdict), ..capacity(in_service, launching, desired) }
    }

    #[test]
    fn fewer_instances_than_desired_are_degraded_only_if_none_is_on_its_way() {
        for (capacity, state) in [
            (capacity(2, 0, 2), CapacityState::Complete),
            (capacity(3, 0, 2), CapacityState::Complete),
            (capacity(0, 0, 0), CapacityState::Complete),
            (failed(2, 0, 2), CapacityState::Complete),
            (capacity(0, 2, 2), CapacityState::Launching),
            (capacity(2, 0, 3), CapacityState::Launching),
            (capacity(0, 0, 2), CapacityState::Degraded),
            (capacity(1, 0, 3), CapacityState::Degraded),
            (failed(0, 1, 2), CapacityState::Degraded),
            (failed(2, 0, 3), CapacityState::Degraded),
        ] {
            assert_eq!(capacity.state(), state, "{capacity}");
        }
    }

    #[test]
    fn an_old_failure_and_an_instance_in_standby_do_not_count() {
        let now = Timestamp(10_000_000);
        let instance = |id: &str, in_service_since, is_ignored| RolloutInstance {
            id: id.to_owned(),
            zone: String::from("us-west-2a"),
            lifecycle_state: String::from("InService"),
            health: String::from("Healthy"),
            version: None,
            in_service_since,
            is_ignored,
        };
        let observed = |failed_at| ObservedRollout {
            group: String::from("g"),
            versions: vec![],
            default_version: None,
            saved: SavedVersion::Other(String::from("$Latest")),
            launchable: BTreeSet::new(),
            instances: vec![instance("i-1", Some(Timestamp(1)), false), instance("i-2", None, true)],
            refreshes: vec![],
            verdicts: vec![Verdict {
                version: 3,
                at: failed_at,
                evidence: String::new(),
                kind: VerdictKind::LaunchFailed(LaunchFailure::Capacity),
            }],
            alarms: vec![],
            refresh_is_suspended: false,
            launches: vec![],
            max_size: 3,
            desired_capacity: 2,
        };
        let recent = Capacity::of(&observed(Timestamp(now.0 - 60_000)), 1, now);
        assert_eq!((recent.state(), recent.launching), (CapacityState::Degraded, 0));
        let old = Capacity::of(&observed(Timestamp(now.0 - 3_600_000)), 1, now);
        assert_eq!((old.state(), old.last_failure), (CapacityState::Launching, None));
    }

    #[test]
    fn the_text_names_the_reason_of_a_degraded_group() {
        let text = failed(0, 1, 2).to_string();
        let expected = "0 of 2 instances in service (MinSize 2), 1 launching. The last launch failed: a launch of version 3 failed (a quota): VcpuLimitExceeded";
        assert_eq!(text, expected);
        assert_eq!(failed(2, 0, 2).to_string(), "2 of 2 instances in service (MinSize 2).");
    }
}
