//! The life of each instance: the phases from its launch to its end, from the events and the observations of the group.

use std::collections::{BTreeMap, BTreeSet};

use super::Range;
use crate::entry::{ENTERED_WARM_POOL, Entry, Kind};
use crate::group_state::GroupState;

/// A phase of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Pending,
    /// Waits for the launch gate.
    Gate,
    Service,
    Terminating,
    /// In the warm pool, or on standby.
    Aside,
}

impl Phase {
    pub const ALL: [Phase; 5] = [Phase::Pending, Phase::Gate, Phase::Service, Phase::Terminating, Phase::Aside];

    /// The phase for operators.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Gate => "in the launch gate",
            Phase::Service => "in service",
            Phase::Terminating => "terminating",
            Phase::Aside => "warm pool or standby",
        }
    }
}

/// A phase from a time until a time, in ms since the epoch. A phase that has not ended lasts until [`OPEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub phase: Phase,
    pub from_ms: u64,
    pub until_ms: u64,
}

/// The end of a phase that has not ended.
pub(super) const OPEN: u64 = u64::MAX;

/// The life of an instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Life<'a> {
    pub instance: &'a str,
    pub zone: Option<&'a str>,
    pub version: Option<u64>,
    /// In the order of time, without overlaps. The first one begins at 0 if no entry shows its beginning.
    pub spans: Vec<Span>,
    /// The last launch and the last termination that the ledger has.
    pub launch: Option<&'a Entry>,
    pub termination: Option<&'a Entry>,
}

impl Life<'_> {
    /// The times in service.
    pub fn in_service(&self) -> impl Iterator<Item = (u64, u64)> {
        self.spans.iter().filter(|it| it.phase == Phase::Service).map(|it| (it.from_ms, it.until_ms))
    }

    /// The times from the launch to the end, without those in the warm pool or on standby.
    pub fn active(&self) -> impl Iterator<Item = (u64, u64)> {
        self.spans.iter().filter(|it| it.phase != Phase::Aside).map(|it| (it.from_ms, it.until_ms))
    }

    /// Ends the last phase, if it is open. A phase without a duration is left out.
    fn close(&mut self, at_ms: u64) {
        if let Some(open) = self.spans.last_mut().filter(|it| it.until_ms == OPEN) {
            open.until_ms = at_ms;
        }
        self.spans.pop_if(|it| it.from_ms >= it.until_ms);
    }

    pub fn begin_ms(&self) -> u64 {
        self.spans.first().map_or(OPEN, |it| it.from_ms)
    }

    pub fn end_ms(&self) -> u64 {
        self.spans.last().map_or(0, |it| it.until_ms)
    }

    pub fn is_within(&self, range: Range) -> bool {
        self.spans.iter().any(|it| it.from_ms < range.until_ms && it.until_ms > range.from_ms)
    }
}

/// A change that an entry shows, at its own time, which may be earlier than that of the entry.
enum Change<'a> {
    Enters(&'a str, Phase),
    Leaves(&'a str),
    Observed(&'a GroupState),
}

/// The lives of all instances, in the order of their beginnings; entries in the order of time.
pub(super) fn lives<'a>(entries: &[&'a Entry]) -> Vec<Life<'a>> {
    let mut changes: Vec<(u64, Change<'a>)> = entries.iter().flat_map(|it| changes(it)).collect();
    changes.sort_by_key(|it| it.0);
    let mut group = Group::default();
    for (at_ms, change) in changes {
        match change {
            Change::Enters(instance, phase) => group.enters(instance, phase, at_ms),
            Change::Leaves(instance) => group.leaves(instance, at_ms),
            Change::Observed(state) => group.is_observed(state, at_ms),
        }
    }
    let mut lives = group.lives;
    for entry in entries {
        let Some(life) = entry.instance.as_deref().and_then(|it| lives.get_mut(it)) else { continue };
        life.zone = entry.zone.as_deref().or(life.zone);
        match entry.kind {
            Kind::Launch => life.launch = Some(entry),
            Kind::Terminate => life.termination = Some(entry),
            _ => {}
        }
        life.version = entry.template_version.or(life.version);
    }
    let mut lives: Vec<Life<'a>> = lives.into_values().filter(|it| !it.spans.is_empty()).collect();
    lives.sort_by_key(|it| (it.begin_ms(), it.instance));
    lives
}

/// The changes that an entry shows.
fn changes(entry: &Entry) -> Vec<(u64, Change<'_>)> {
    let end_ms = entry.at_ms;
    let start_ms = entry.seconds.map_or(end_ms, |seconds| end_ms.saturating_sub(millis(seconds)));
    if let Some(state) = &entry.state {
        return vec![(end_ms, Change::Observed(state))];
    }
    let Some(instance) = entry.instance.as_deref() else { return Vec::new() };
    let enters = |at_ms, phase| (at_ms, Change::Enters(instance, phase));
    let leaves = (end_ms, Change::Leaves(instance));
    let is_termination = || entry.event.to_ascii_lowercase().contains("terminat");
    match (entry.kind, entry.outcome.as_str()) {
        (Kind::Launch, "successful") => vec![enters(start_ms, Phase::Pending), enters(end_ms, Phase::Service)],
        (Kind::Launch, ENTERED_WARM_POOL) => vec![enters(start_ms, Phase::Pending), enters(end_ms, Phase::Aside)],
        (Kind::Launch, _) => vec![enters(start_ms, Phase::Pending), leaves],
        (Kind::Terminate, "successful") => vec![enters(start_ms, Phase::Terminating), leaves],
        (Kind::Terminate, ENTERED_WARM_POOL) => {
            vec![enters(start_ms, Phase::Terminating), enters(end_ms, Phase::Aside)]
        }
        // After a failed termination the instance still exists; the next observation shows its phase.
        (Kind::Terminate | Kind::Drain, _) => vec![enters(start_ms, Phase::Terminating)],
        (Kind::Lifecycle, _) if is_termination() => vec![enters(end_ms, Phase::Terminating)],
        (Kind::Lifecycle, _) => vec![enters(end_ms, Phase::Gate)],
        (Kind::Gate, "abandon") => vec![enters(start_ms, Phase::Gate), enters(end_ms, Phase::Terminating)],
        // The end of the launch follows, and says whether the instance is in service or in the warm pool.
        (Kind::Gate, _) => vec![enters(start_ms, Phase::Gate)],
        _ => Vec::new(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of f64 saturates")]
fn millis(seconds: f64) -> u64 {
    (seconds * 1_000.0) as u64
}

/// The instances of a group while its changes are read.
#[derive(Default)]
struct Group<'a> {
    lives: BTreeMap<&'a str, Life<'a>>,
    /// The instances whose last phase has not ended.
    open: BTreeSet<&'a str>,
    observed_ms: Option<u64>,
}

impl<'a> Group<'a> {
    fn enters(&mut self, instance: &'a str, phase: Phase, at_ms: u64) {
        let life = self.lives.entry(instance).or_insert_with(|| Life { instance, ..Life::default() });
        let last = life.spans.last().map(|it| it.phase).filter(|_| self.open.contains(instance));
        if last == Some(phase) {
            return;
        }
        if life.spans.is_empty() && phase == Phase::Terminating {
            // No entry shows the launch: the instance was in service before, unless the last observation lacks it.
            let from_ms = self.observed_ms.unwrap_or_default();
            life.spans.push(Span { phase: Phase::Service, from_ms, until_ms: at_ms });
        }
        life.close(at_ms);
        life.spans.push(Span { phase, from_ms: at_ms, until_ms: OPEN });
        self.open.insert(instance);
    }

    fn leaves(&mut self, instance: &str, at_ms: u64) {
        self.open.remove(instance);
        if let Some(life) = self.lives.get_mut(instance) {
            life.close(at_ms);
        }
    }

    /// An observation begins the phases that no event reported, and ends those of instances that are gone.
    fn is_observed(&mut self, state: &'a GroupState, at_ms: u64) {
        let gone: Vec<&str> = self.open.iter().copied().filter(|it| !state.instances.contains_key(*it)).collect();
        for instance in gone {
            self.leaves(instance, at_ms);
        }
        for (instance, observed) in &state.instances {
            match phase(&observed.state) {
                Observed::In(phase) => self.enters(instance, phase, at_ms),
                Observed::Gone => self.leaves(instance, at_ms),
                Observed::Unknown => {}
            }
            if let Some(life) = self.lives.get_mut(instance.as_str()) {
                life.version = observed.template_version.or(life.version);
            }
        }
        self.observed_ms = Some(at_ms);
    }
}

enum Observed {
    In(Phase),
    Gone,
    Unknown,
}

/// The phase of a lifecycle state (the Auto Scaling API reference, `LifecycleState` of Instance).
fn phase(state: &str) -> Observed {
    match state {
        "Pending:Wait" => Observed::In(Phase::Gate),
        "InService" => Observed::In(Phase::Service),
        "Terminated" | "Detached" => Observed::Gone,
        "Standby" | "EnteringStandby" => Observed::In(Phase::Aside),
        state if state.starts_with("Warmed:") => Observed::In(Phase::Aside),
        state if state.starts_with("Pending") => Observed::In(Phase::Pending),
        state if state.starts_with("Terminating") || state == "Detaching" => Observed::In(Phase::Terminating),
        _ => Observed::Unknown,
    }
}
