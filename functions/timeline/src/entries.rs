//! Reads the entries of a range from the ledger, within limits.

use ledger::Entry;
use ledger::timeline::Range;
use serde_json::Value;

use crate::logs::{LogApi, LogError, LogQuery};

/// The most entries of a picture: as many as the command line reads.
const MAX_ENTRIES: usize = 20_000;

/// The most bytes of log events: with them and their entries, the function stays below its memory of 256 MB
/// (infra/template.yaml). An observation of 1,000 instances has 65 KB, so these are ten days of the largest group.
const MAX_BYTES: usize = 32 << 20;

/// The time after which no further page is read, in ms. A call ends after 25 s (`lambda_kit::sdk_config`), the function
/// after 60 s.
const MAX_READ_MS: u64 = 20_000;

/// The entries of a range.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// In the order of the log events.
    pub entries: Vec<Entry>,
    /// The time of the last entry, in ms since the epoch, if a limit ended the reading before the end of the range.
    pub ended_ms: Option<u64>,
}

/// Reads the entries that the picture of a range needs.
pub(crate) async fn read(logs: &impl LogApi, group: &str, range: Range) -> Result<Reading, LogError> {
    let query = LogQuery { group, from_ms: range.entries_from_ms(), until_ms: range.until_ms() };
    let end_ms = logs.now_ms().saturating_add(MAX_READ_MS);
    let mut reading = Reading::default();
    let (mut bytes, mut token) = (0, None);
    loop {
        let page = logs.page(&query, token.as_deref()).await?;
        bytes += page.texts.iter().map(String::len).sum::<usize>();
        reading.entries.extend(page.texts.iter().filter_map(|it| entry(it)));
        token = page.next;
        if token.is_none() {
            return Ok(reading);
        }
        if reading.entries.len() >= MAX_ENTRIES || bytes >= MAX_BYTES || logs.now_ms() >= end_ms {
            reading.ended_ms = Some(reading.entries.iter().map(|it| it.at_ms).max().unwrap_or_default());
            return Ok(reading);
        }
    }
}

/// An entry without its detail, which no picture shows.
fn entry(line: &str) -> Option<Entry> {
    Entry::of_line(line).map(|entry| Entry { detail: Value::Null, ..entry })
}
