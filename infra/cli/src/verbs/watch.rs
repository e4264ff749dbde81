//! `watch`: one screen with the state of an environment, and the changes between two states.

use std::collections::BTreeSet;
use std::time::Duration;

use ledger::{Entry, Kind};
use serde_json::{Value, json};

use super::ledger::{entry_line, seconds_text};
use super::status::exit_of;
use super::{cell, items, tone};
use crate::report::Report;
use crate::style::{Line, Tone};

/// The number of entries of the ledger at the end of the screen.
const SHOWN_ENTRIES: usize = 8;

/// How much of the time before the latest entry a refresh reads again: entries do not arrive in the order of their times, such
/// as the verdict of a gate, which the ledger has by another way than the launch. 5 min. A backfilled entry comes later; `events`
/// has it.
const LATE: Duration = Duration::from_mins(5);

/// The width of the bar of a rollout, in characters.
const BAR: usize = 30;

/// The last entries of the ledger, over all refreshes.
#[derive(Debug, Default)]
pub struct LastEntries {
    /// At most [`SHOWN_ENTRIES`], in the order of time.
    shown: Vec<Entry>,
    /// The time of the latest entry that was read, in ms since the epoch.
    latest_ms: Option<u64>,
}

impl LastEntries {
    /// The beginning of the next reading, in ms since the epoch: `first_ms` for the first, then shortly before the latest entry.
    #[must_use]
    pub fn from_ms(&self, first_ms: u64) -> u64 {
        let late_ms = u64::try_from(LATE.as_millis()).unwrap_or(u64::MAX);
        self.latest_ms.map_or(first_ms, |it| it.saturating_sub(late_ms).max(first_ms))
    }

    /// Adds the entries of a reading, each once. The observations of the group are not shown.
    pub fn add(&mut self, read: Vec<Entry>) {
        self.latest_ms = read.iter().map(|it| it.at_ms).chain(self.latest_ms).max();
        let known: BTreeSet<String> = self.shown.iter().map(|it| it.id.clone()).collect();
        self.shown.extend(read.into_iter().filter(|it| it.kind != Kind::State && !known.contains(&it.id)));
        self.shown.sort_by_key(|it| it.at_ms);
        self.shown.drain(..self.shown.len().saturating_sub(SHOWN_ENTRIES));
    }

    /// The entries of the screen.
    #[must_use]
    pub fn shown(&self) -> &[Entry] {
        &self.shown
    }
}

/// The screen: state, sizes, versions, rollout, waiting instances, and the last entries of the ledger.
#[must_use]
pub fn screen(status: &Value, entries: &[Entry], now_ms: u64) -> Report {
    let exit = exit_of(status);
    let environment = cell(&status["Environment"]);
    let mut lines = vec![
        Line::of(Tone::Faint, format!("{environment}  {}  Ctrl-C ends", seconds_text(now_ms))),
        Line::of(tone(exit), headline(status)),
    ];
    lines.extend(hold(status));
    lines.push(Line::plain(format!("sizes     {}", sizes(status))));
    lines.push(Line::plain(format!("versions  {}", versions(status))));
    lines.extend(rollout(status));
    lines.extend(waiting(status));
    lines.extend(entries.iter().map(entry_line));
    let last: Vec<&str> = entries.iter().map(|it| it.id.as_str()).collect();
    Report { screen: lines, result: json!({ "Status": status, "LastEntries": last }), exit }
}

/// The text of the state: the first line of the function's text that is not the hold.
fn headline(status: &Value) -> String {
    let text = cell(&status["Text"]);
    text.lines().find(|it| !it.starts_with("Hold: ")).unwrap_or_default().to_owned()
}

fn hold(status: &Value) -> Option<Line> {
    let until = status["HeldUntil"].as_str()?;
    Some(Line::of(Tone::Notice, format!("hold      until {until}")))
}

fn sizes(status: &Value) -> String {
    let capacity = &status["Capacity"];
    if capacity.is_null() {
        return String::from("unknown");
    }
    let of = |name: &str| cell(&capacity[name]);
    format!(
        "{} of {} in service, {} launching, at least {}",
        of("InService"),
        of("Desired"),
        of("Launching"),
        of("MinSize")
    )
}

fn versions(status: &Value) -> String {
    let rollout = &status["Rollout"];
    let counts = rollout["InstancesByVersion"].as_object().into_iter().flatten();
    let counts: Vec<String> =
        counts.map(|(version, it)| format!("{} × {version} ({} in service)", it["Total"], it["InService"])).collect();
    let launched = cell(&rollout["Launched"]);
    let suffix = if launched.is_empty() { String::new() } else { format!("; new instances get {launched}") };
    if counts.is_empty() { format!("no instance{suffix}") } else { format!("{}{suffix}", counts.join(", ")) }
}

fn rollout(status: &Value) -> Option<Line> {
    let refresh = &status["Rollout"]["Refresh"];
    let percent = refresh["PercentageComplete"].as_u64();
    if refresh.is_null() {
        return None;
    }
    let reason = refresh["StatusReason"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
    let text = format!("rollout   {} {}{reason}", bar(percent.unwrap_or(0)), cell(&refresh["Status"]));
    Some(Line::of(Tone::Notice, text))
}

/// A bar of a percentage: `[#####-----] 50 %`.
fn bar(percent: u64) -> String {
    let percent = usize::try_from(percent.min(100)).unwrap_or(100);
    let filled = BAR * percent / 100;
    format!("[{}{}] {percent} %", "#".repeat(filled), "-".repeat(BAR - filled))
}

/// The instances that wait for a hook: those at the launch gate, and those that are drained.
fn waiting(status: &Value) -> Vec<Line> {
    let state = |it: &Value| cell(&it["LifecycleState"]);
    let waits = items(status, "Instances").iter().filter(|it| state(it).ends_with(":Wait"));
    let line = |it: &Value| {
        let place = if state(it).starts_with("Terminating") { "drain" } else { "gate" };
        Line::of(Tone::Notice, format!("{place:<8}  {} waits ({})", cell(&it["Id"]), state(it)))
    };
    waits.map(line).collect()
}

/// The line of a state where the output is not a terminal; printed when it differs from the line before.
#[must_use]
pub fn change_line(status: &Value, entries: &[Entry]) -> String {
    let last = entries.last().map(|it| format!("; last: {}", ledger::sentence(it))).unwrap_or_default();
    let refresh = status["Rollout"]["Refresh"]["PercentageComplete"].as_u64();
    let progress = refresh.map(|it| format!("; rollout {it} %")).unwrap_or_default();
    format!("{}: {}{progress}{last}", cell(&status["State"]), sizes(status))
}
