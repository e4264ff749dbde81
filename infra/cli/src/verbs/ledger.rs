//! `events` and `logs`: what happened.

use ledger::{Entry, Kind, sentence, time};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::report::Report;
use crate::service::LogEvent;
use crate::session::Events;
use crate::style::{Line, Tone};

/// `events`: the entries as sentences, oldest first. The waits for hooks are left out: each ends with a verdict or a drain.
/// So are the observations of the group, which `timeline` shows.
#[must_use]
pub fn events(group: &str, events: &Events<Entry>, since_ms: u64) -> Report {
    let shown = events.all.iter().filter(|it| !matches!(it.kind, Kind::Lifecycle | Kind::State));
    let mut screen: Vec<Line> = shown.map(entry_line).collect();
    if screen.is_empty() {
        screen.push(Line::plain(format!("The ledger {group} has no event since {}.", time::text(since_ms))));
        screen.push(Line::plain("next: repeat the command with an earlier --since, such as --since 14d"));
    }
    screen.extend(cut(events.is_cut));
    let entries: Vec<Value> = events.all.iter().map(entry_json).collect();
    let result = json!({ "LogGroup": group, "Since": time::text(since_ms), "Entries": entries, "More": events.is_cut });
    Report { screen, result, exit: Exit::Settled }
}

/// `logs`: the lines of the instances, each with its stream.
#[must_use]
pub fn logs(group: &str, events: &Events<LogEvent>, since_ms: u64) -> Report {
    let line = |it: &LogEvent| Line::plain(format!("{} {} {}", time::text(it.at_ms), it.stream, it.text.trim_end()));
    let mut screen: Vec<Line> = events.all.iter().map(line).collect();
    if screen.is_empty() {
        screen.push(Line::plain(format!("The log group {group} has no event since {}.", time::text(since_ms))));
        screen.push(Line::plain("next: repeat the command with an earlier --since, such as --since 14d"));
    }
    screen.extend(cut(events.is_cut));
    let one = |it: &LogEvent| json!({ "Time": time::text(it.at_ms), "Stream": it.stream, "Text": it.text });
    let all: Vec<Value> = events.all.iter().map(one).collect();
    let result = json!({ "LogGroup": group, "Since": time::text(since_ms), "Events": all, "More": events.is_cut });
    Report { screen, result, exit: Exit::Settled }
}

/// An entry as a line: its time, its kind, and the sentence.
#[must_use]
pub fn entry_line(entry: &Entry) -> Line {
    let tone = match (entry.kind, entry.outcome.as_str()) {
        (_, "failed" | "cancelled" | "abandon" | "not-drained" | "needs-operator" | "alarm") => Tone::Bad,
        (Kind::Capacity, _) => Tone::Notice,
        _ => Tone::Plain,
    };
    Line::of(tone, format!("{}  {:<11}  {}", seconds_text(entry.at_ms), entry.kind.as_str(), sentence(entry)))
}

/// A time in UTC to the second, as wide as every other.
pub(crate) fn seconds_text(at_ms: u64) -> String {
    time::text(at_ms / 1_000 * 1_000).replace('T', " ")
}

/// An entry for programs: the ledger's own fields, and the sentence.
fn entry_json(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["sentence"] = sentence(entry).into();
    value
}

/// The notice that only a part was read.
pub(crate) fn cut(is_cut: bool) -> Option<Line> {
    let text = "There are more events; only the oldest were read. next: repeat the command with a later --since";
    is_cut.then(|| Line::of(Tone::Notice, text))
}
