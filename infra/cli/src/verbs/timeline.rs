//! `timeline`: where the page was written. The page itself is `ledger::timeline`.

use ledger::Entry;
use serde_json::json;

use super::ledger::cut;
use crate::exit::Exit;
use crate::report::Report;
use crate::session::Events;
use crate::style::Line;

/// The page of these entries was written to the file `output`.
#[must_use]
pub fn written(group: &str, output: &str, entries: &Events<Entry>) -> Report {
    let count = entries.all.len();
    let number = if count == 1 { String::from("one entry") } else { format!("{count} entries") };
    let mut screen = vec![Line::plain(format!("{output} has the timeline of {number} of {group}."))];
    screen.extend(cut(entries.is_cut));
    let result = json!({ "LogGroup": group, "Output": output, "Entries": count, "More": entries.is_cut });
    Report { screen, result, exit: Exit::Settled }
}
