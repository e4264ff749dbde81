//! The facts of a timeline: sizes, gaps and marks from the entries. `lives` has the instances.

use std::collections::HashSet;

use super::Range;
use super::lives::{Life, lives};
use super::steps::{Steps, counts, push};
use crate::entry::{Entry, Kind};

/// The longest time between two observations of a group that is not a gap, in ms: 35 minutes. The group is observed
/// half-hourly; a schedule of EventBridge may be a minute late, and its event is delivered at least once.
pub(super) const MAX_UNOBSERVED_MS: u64 = 35 * 60 * 1_000;

/// The facts of a timeline.
#[derive(Debug)]
pub(super) struct Model<'a> {
    /// The environment's id; empty without entries.
    pub environment: &'a str,
    pub min: Steps,
    pub max: Steps,
    pub desired: Steps,
    /// The instances in service, as far as the entries show; unknown before the first observation of the group.
    pub in_service: Steps,
    /// In the order of their beginnings.
    pub lives: Vec<Life<'a>>,
    /// In the order of time.
    pub marks: Vec<(Lane, &'a Entry)>,
    /// The parts of the range in which the group was not observed, in the order of time.
    pub gaps: Vec<(u64, u64)>,
}

/// The lanes of marks, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Failures,
    Alarms,
    Interruptions,
    Rollouts,
    Requests,
    Capacity,
    Other,
}

impl Lane {
    pub const ALL: [Lane; 7] = [
        Lane::Failures,
        Lane::Alarms,
        Lane::Interruptions,
        Lane::Rollouts,
        Lane::Requests,
        Lane::Capacity,
        Lane::Other,
    ];

    /// The label of the lane, and the kind of its marks in the table.
    pub fn label(self) -> &'static str {
        match self {
            Lane::Failures => "Failures",
            Lane::Alarms => "Alarms",
            Lane::Interruptions => "Interruptions",
            Lane::Rollouts => "Rollouts",
            Lane::Requests => "Requests",
            Lane::Capacity => "Capacity",
            Lane::Other => "Other",
        }
    }

    /// The lane of an entry; `None` for the events that the bars of the instances show, and for observations.
    pub fn of(entry: &Entry) -> Option<Lane> {
        match entry.kind {
            Kind::Launch | Kind::Terminate => {
                matches!(entry.outcome.as_str(), "failed" | "cancelled").then_some(Lane::Failures)
            }
            Kind::Gate => (entry.outcome == "abandon").then_some(Lane::Failures),
            Kind::Drain => (entry.outcome == "not-drained").then_some(Lane::Failures),
            Kind::Alarm | Kind::Remediation => Some(Lane::Alarms),
            Kind::Interruption => Some(Lane::Interruptions),
            Kind::Rollout | Kind::Refresh => Some(Lane::Rollouts),
            Kind::Request => Some(Lane::Requests),
            Kind::Capacity => Some(Lane::Capacity),
            Kind::Other => Some(Lane::Other),
            Kind::Lifecycle | Kind::State => None,
        }
    }
}

/// Whether an entry is a failure, an alarm, or the notice of one.
pub(super) fn is_bad(entry: &Entry) -> bool {
    match (entry.kind, entry.outcome.as_str()) {
        (Kind::Launch | Kind::Terminate | Kind::Gate | Kind::Drain, _) => Lane::of(entry) == Some(Lane::Failures),
        (Kind::Alarm, "alarm")
        | (Kind::Interruption, "interruption-warning")
        | (Kind::Rollout, "needs-operator")
        | (Kind::Remediation, "unknown") => true,
        (Kind::Alarm | Kind::Interruption, _) => false,
        // `events::RequestProgress` writes the type of the request and its result.
        (Kind::Request, "responded") => {
            entry.reason.as_deref().is_some_and(|it| it.split(' ').nth(1) == Some("failed:"))
        }
        (_, outcome) => outcome.ends_with("failed"),
    }
}

impl<'a> Model<'a> {
    /// The facts of the range.
    pub fn of(entries: &'a [Entry], range: Range) -> Model<'a> {
        let mut ids = HashSet::new();
        let mut sorted: Vec<&Entry> = entries.iter().filter(|it| ids.insert(it.id.as_str())).collect();
        sorted.sort_by_key(|it| it.at_ms);

        let observed: Vec<u64> = sorted.iter().filter(|it| it.state.is_some()).map(|it| it.at_ms).collect();
        let (mut min, mut max, mut desired) = (Steps::new(), Steps::new(), Steps::new());
        for entry in &sorted {
            if let Some(state) = &entry.state {
                push(&mut min, entry.at_ms, state.min);
                push(&mut max, entry.at_ms, state.max);
                push(&mut desired, entry.at_ms, state.desired);
            }
            let change = entry.cause.as_ref().filter(|_| entry.kind == Kind::Capacity);
            if let Some((before, after)) = change.and_then(|it| Some((it.desired_before?, it.desired_after?))) {
                if desired.is_empty() {
                    desired.push((0, before));
                }
                push(&mut desired, entry.at_ms, after);
            }
        }
        let is_shown = |entry: &&Entry| (range.from_ms..range.until_ms).contains(&entry.at_ms);
        let all = lives(&sorted);
        Model {
            environment: sorted.first().map_or("", |it| &it.environment),
            in_service: since(&counts(all.iter().flat_map(Life::in_service)), observed.first().copied()),
            min,
            max,
            desired,
            gaps: gaps(&observed, range),
            marks: sorted.iter().copied().filter(is_shown).filter_map(|it| Some((Lane::of(it)?, it))).collect(),
            lives: all.into_iter().filter(|it| it.is_within(range)).collect(),
        }
    }
}

/// The steps from the first observation on: the number of instances before it is unknown. Without an observation, from
/// the first event of an instance on.
fn since(steps: &[(u64, u32)], first_ms: Option<u64>) -> Steps {
    let first_ms = first_ms.or_else(|| steps.get(1).map(|it| it.0)).unwrap_or(u64::MAX);
    let inside = steps.partition_point(|(at, _)| *at <= first_ms);
    let first = inside.checked_sub(1).filter(|_| first_ms < u64::MAX).map(|before| (first_ms, steps[before].1));
    first.into_iter().chain(steps[inside..].iter().copied()).collect()
}

/// The parts of the range without an observation for longer than [`MAX_UNOBSERVED_MS`].
fn gaps(observed: &[u64], range: Range) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut last = None;
    for at in observed.iter().copied().map(Some).chain([None]) {
        let (from, until) = (last.unwrap_or(range.from_ms), at.unwrap_or(range.until_ms));
        let is_edge = last.is_none() || at.is_none();
        let shown = (from.max(range.from_ms), until.min(range.until_ms));
        // At an edge of the range, the next observation may follow outside.
        let length = if is_edge { shown.1.saturating_sub(from) } else { until.saturating_sub(from) };
        if length > MAX_UNOBSERVED_MS && shown.0 < shown.1 {
            gaps.push(shown);
        }
        last = at;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn a_gap_is_longer_than_the_time_between_two_observations() {
        let range = Range { from_ms: 100 * MINUTE, until_ms: 300 * MINUTE };
        let gaps_of = |minutes: &[u64]| {
            let observed: Vec<u64> = minutes.iter().map(|it| it * MINUTE).collect();
            gaps(&observed, range).iter().map(|(from, until)| (from / MINUTE, until / MINUTE)).collect::<Vec<_>>()
        };
        let half_hourly = [90, 120, 150, 180, 210, 240, 270, 300];
        assert_eq!(gaps_of(&half_hourly), []);
        assert_eq!(gaps_of(&[90, 120, 155, 190, 225, 260, 295]), []);
        assert_eq!(gaps_of(&[90, 120, 156, 190, 225, 260, 295]), [(120, 156)]);
        assert_eq!(gaps_of(&[10, 120, 150, 180, 210, 240, 275]), [(100, 120)], "it began before the range");
        assert_eq!(gaps_of(&[150, 180, 210, 240]), [(100, 150), (240, 300)]);
        assert_eq!(gaps_of(&[]), [(100, 300)]);
        assert_eq!(gaps_of(&[50, 400]), [(100, 300)]);
    }
}
