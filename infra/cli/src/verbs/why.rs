//! `why`: the life of one instance, from its entries in the ledger.

use ledger::{Entry, Kind, sentence, time, trigger};
use serde_json::json;

use super::ledger::seconds_text;
use crate::exit::Exit;
use crate::report::{Failure, Report};
use crate::style::{Line, Tone};

/// The life of an instance of an environment: launch, verdict of the gate, service, drain and end, each with its reason.
/// `entries` are those of the instance, in the order of time.
///
/// # Errors
/// [`Exit::Error`]: there is no entry.
pub fn why(instance: &str, environment: &str, group: &str, entries: &[Entry]) -> Result<Report, Failure> {
    if entries.is_empty() {
        return Err(not_found(instance, &format!("the ledger {group}")));
    }
    let mut screen = vec![Line::plain(format!("{instance} of {environment}:"))];
    screen.extend(launch(entries));
    screen.extend(gate(entries));
    screen.extend(lifetime(entries));
    screen.extend(end(entries));
    let places = places(entries, environment, instance);
    screen.push(Line::of(Tone::Faint, format!("Source: {} in {group}.", counted(entries.len()))));
    screen.extend(places.iter().map(|it| Line::plain(it.clone())));
    let story: Vec<&str> = screen.iter().map(|it| it.text.as_str()).collect();
    let result = json!({
        "Instance": instance, "Environment": environment, "LogGroup": group, "Story": story, "Entries": entries,
    });
    Ok(Report { screen, result, exit: Exit::Settled })
}

/// The failure of a search without an entry.
#[must_use]
pub fn not_found(instance: &str, place: &str) -> Failure {
    Failure::new(
        Exit::Error,
        format!(
            "{instance} has no entry in {place} in the time range; the ledger has launches and terminations of environments' instances"
        ),
        format!("envkeeper why {instance} --since 60d"),
    )
}

fn launch(entries: &[Entry]) -> Option<Line> {
    let entry = last(entries, Kind::Launch)?;
    let because = entry.cause.as_ref().map(|it| format!(", because of {}", trigger(it))).unwrap_or_default();
    let zone = entry.zone.as_ref().map(|it| format!(" in {it}")).unwrap_or_default();
    let at = seconds_text(entry.at_ms);
    Some(match entry.outcome.as_str() {
        "successful" => {
            let took = entry.seconds.map(|it| format!(", {it:.0} s after the launch began")).unwrap_or_default();
            Line::plain(format!("It was launched{zone}{because}, and in service at {at}{took}."))
        }
        "failed" | "cancelled" => {
            let reason = entry.reason.as_deref().unwrap_or("Auto Scaling gave no reason");
            Line::of(
                Tone::Bad,
                format!("It was launched{zone}{because}. The launch ended at {at}, {}: {reason}.", entry.outcome),
            )
        }
        _ => Line::plain(format!("{at}: {}.", sentence(entry))),
    })
}

fn gate(entries: &[Entry]) -> Option<Line> {
    let entry = last(entries, Kind::Gate)?;
    let took = entry.seconds.map(|it| format!(" after {it:.0} s")).unwrap_or_default();
    let reason = entry.reason.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    let at = seconds_text(entry.at_ms);
    Some(match entry.outcome.as_str() {
        "continue" => Line::plain(format!("The launch gate let it pass at {at}{took}{reason}.")),
        "abandon" => Line::of(Tone::Bad, format!("The launch gate abandoned it at {at}{took}{reason}.")),
        _ => Line::plain(format!("{at}: {}.", sentence(entry))),
    })
}

/// The time from service to the end, if the ledger has both.
fn lifetime(entries: &[Entry]) -> Option<Line> {
    let begin = last(entries, Kind::Launch).filter(|it| it.outcome == "successful")?;
    let end = last(entries, Kind::Terminate).filter(|it| it.at_ms > begin.at_ms)?;
    let seconds = end.at_ms.saturating_sub(begin.at_ms) / 1_000;
    Some(Line::plain(format!("It ended {} after it was in service.", duration(seconds))))
}

fn end(entries: &[Entry]) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(entry) = last(entries, Kind::Drain) {
        let tone = if entry.outcome == "drained" { Tone::Plain } else { Tone::Bad };
        lines.push(Line::of(tone, format!("{}: {}.", seconds_text(entry.at_ms), sentence(entry))));
    }
    match last(entries, Kind::Terminate) {
        Some(entry) if entry.outcome == "successful" => {
            let because = entry.cause.as_ref().map(|it| format!(", because of {}", trigger(it))).unwrap_or_default();
            lines.push(Line::plain(format!("It was terminated at {}{because}.", seconds_text(entry.at_ms))));
            let words = entry.cause.as_ref().map(|it| it.text.as_str()).filter(|it| !it.is_empty());
            lines.extend(words.map(|it| Line::of(Tone::Faint, format!("Auto Scaling's words: {it}"))));
        }
        Some(entry) => lines.push(Line::of(Tone::Bad, format!("{}: {}.", seconds_text(entry.at_ms), sentence(entry)))),
        None if last(entries, Kind::Launch).is_some_and(|it| it.outcome == "successful") => {
            lines.push(Line::plain("It has not ended, by the ledger."));
        }
        None => lines.push(Line::plain("By the ledger, it was not in service.")),
    }
    lines
}

/// The longest wait at the launch gate, before the first entry of an instance: 7,200 s (`LaunchGateSeconds`).
const LONGEST_GATE_MS: u64 = 7_200_000;

/// Where the evidence is, and the command that shows it.
fn places(entries: &[Entry], environment: &str, instance: &str) -> Vec<String> {
    let evidence = last(entries, Kind::Gate).and_then(|it| it.reason.as_deref());
    let evidence = evidence.and_then(|it| it.split("evidence in ").nth(1));
    let since = entries.first().map(|it| time::text(it.at_ms.saturating_sub(LONGEST_GATE_MS))).unwrap_or_default();
    let mut lines: Vec<String> = evidence.map(|it| format!("Evidence: {it}.")).into_iter().collect();
    lines.push(format!("next: envkeeper logs {environment} {instance} --since {since}"));
    lines
}

/// The last entry of a kind: an instance of a warm pool is launched more than once.
fn last(entries: &[Entry], kind: Kind) -> Option<&Entry> {
    entries.iter().rfind(|it| it.kind == kind)
}

fn counted(entries: usize) -> String {
    if entries == 1 { String::from("one entry") } else { format!("{entries} entries") }
}

/// A duration in its two largest units.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}
