//! Verdicts about new instances. They are observed, not stored: launch activities that ended as Cancelled or Failed, and the
//! instances' tags `aws:ec2launchtemplate:version` and `envkeeper:user-data`.

use std::fmt;
use std::time::Duration;

use crate::engine::cloud::Timestamp;

/// How long launches fail for want of capacity, or by throttling, until that counts: both end without a change of the
/// version, and Auto Scaling retries them.
pub const TRANSIENT_LIMIT: Duration = Duration::from_mins(10);

/// An unhealthy instance, or a failed launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The number of the template version. A failed launch without an instance has the version that the active refresh
    /// launches, else the group's.
    pub version: u64,
    /// When the activity ended, by Auto Scaling's clock.
    pub at: Timestamp,
    /// The beginning of the evidence, and where the rest is.
    pub evidence: String,
    /// What was observed.
    pub kind: VerdictKind,
}

/// What a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// The instance with this id is unhealthy: the gate abandoned it, its user data failed, or EC2 terminated it before it
    /// was in service.
    Unhealthy(String),
    /// A launch failed without an instance.
    LaunchFailed(LaunchFailure),
}

/// The class of a failed launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchFailure {
    /// EC2 has no capacity for the type in this zone.
    Capacity,
    /// EC2 throttled the launch.
    Throttling,
    /// A quota of the account is exhausted.
    Quota,
    /// The image is gone, or cannot be used with another value of the version.
    Image,
    /// A permission is missing.
    Permission,
    /// The key that encrypts the volume is gone, or cannot be used.
    Key,
    /// The activity's message is not known. It counts as the transient classes do.
    Other,
}

impl LaunchFailure {
    /// Whether a retry of the same launch can succeed.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, LaunchFailure::Capacity | LaunchFailure::Throttling | LaunchFailure::Other)
    }
}

impl Verdict {
    fn is_transient(&self) -> bool {
        matches!(self.kind, VerdictKind::LaunchFailed(failure) if failure.is_transient())
    }
}

/// The first verdict that counts against a version, of those since `since`: earlier ones belong to an earlier attempt.
///
/// An unhealthy instance counts at once, and so does a failed launch that a retry cannot help. The transient classes count
/// when the first of them after `last_success`, the latest time at which an instance of the version came into service, is
/// [`TRANSIENT_LIMIT`] old.
#[must_use]
pub fn counting_verdict(
    verdicts: &[Verdict],
    version: u64,
    since: Timestamp,
    last_success: Option<Timestamp>,
    now: Timestamp,
) -> Option<&Verdict> {
    let of_attempt = || verdicts.iter().filter(|it| it.version == version && it.at >= since);
    let at_once = of_attempt().filter(|it| !it.is_transient()).min_by_key(|it| it.at);
    let unsuccessful =
        of_attempt().filter(|it| it.is_transient() && last_success.is_none_or(|success| it.at > success));
    let first_transient = unsuccessful.min_by_key(|it| it.at);
    at_once.or_else(|| first_transient.filter(|it| now - it.at >= TRANSIENT_LIMIT))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            VerdictKind::Unhealthy(id) => write!(f, "instance {id} of version {} is unhealthy", self.version)?,
            VerdictKind::LaunchFailed(failure) => {
                let class = match failure {
                    LaunchFailure::Capacity => "no capacity",
                    LaunchFailure::Throttling => "throttling",
                    LaunchFailure::Quota => "a quota",
                    LaunchFailure::Image => "the image",
                    LaunchFailure::Permission => "a permission",
                    LaunchFailure::Key => "the volume's key",
                    LaunchFailure::Other => "an unknown cause",
                };
                write!(f, "a launch of version {} failed ({class})", self.version)?;
            }
        }
        write!(f, ": {}", self.evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    fn minute(count: u64) -> Timestamp {
        START + Duration::from_mins(count)
    }

    fn verdict(version: u64, at: Timestamp, kind: VerdictKind) -> Verdict {
        Verdict { version, at, evidence: String::from("…"), kind }
    }

    fn counts(verdicts: &[Verdict], last_success: Option<Timestamp>, now: Timestamp) -> bool {
        counting_verdict(verdicts, 7, START, last_success, now).is_some()
    }

    #[test]
    fn an_unhealthy_instance_and_a_lasting_failure_count_at_once() {
        let lasting = [LaunchFailure::Quota, LaunchFailure::Image, LaunchFailure::Permission, LaunchFailure::Key];
        let kinds = lasting.map(VerdictKind::LaunchFailed);
        for kind in kinds.into_iter().chain([VerdictKind::Unhealthy("i-1".into())]) {
            assert!(counts(&[verdict(7, minute(1), kind.clone())], None, minute(1)), "{kind:?}");
            assert!(counts(&[verdict(7, minute(1), kind.clone())], Some(minute(2)), minute(2)), "{kind:?}");
        }
    }

    #[test]
    fn a_transient_failure_counts_after_ten_minutes_without_a_success() {
        for failure in [LaunchFailure::Capacity, LaunchFailure::Throttling, LaunchFailure::Other] {
            let failed = |at| verdict(7, at, VerdictKind::LaunchFailed(failure));
            let all = [failed(minute(9)), failed(minute(3)), failed(minute(12))];
            assert!(!counts(&all, None, Timestamp(minute(13).0 - 1)), "{failure:?}");
            assert!(counts(&all, None, minute(13)), "{failure:?}: ten minutes after the first");
            // A success ends the row of failures; the next row begins with the failure after it.
            assert!(!counts(&all, Some(minute(10)), minute(21)), "{failure:?}");
            assert!(counts(&all, Some(minute(10)), minute(22)), "{failure:?}");
            assert!(!counts(&all, Some(minute(12)), minute(60)), "{failure:?}");
        }
    }

    #[test]
    fn a_verdict_of_another_version_or_of_an_earlier_attempt_does_not_count() {
        let unhealthy = |version, at| verdict(version, at, VerdictKind::Unhealthy("i-1".into()));
        assert!(!counts(&[unhealthy(6, minute(1))], None, minute(60)));
        assert!(!counts(&[unhealthy(7, Timestamp(START.0 - 1))], None, minute(60)));
        assert!(counts(&[unhealthy(7, START)], None, minute(60)));
    }
}
