//! The limits of PutLogEvents (its API reference). A batch has at most 1,048,576 bytes, counting 26 more for each
//! event, and at most 10,000 events, in chronological order, within 24 hours. No event is older than 14 days or more
//! than 2 hours ahead.

use crate::entry::Entry;
use crate::time;

/// The maximum size of a batch.
pub const MAX_BATCH_BYTES: usize = 1_048_576;
/// The size of an event in addition to its text, in bytes.
pub const EVENT_OVERHEAD_BYTES: usize = 26;
/// The maximum number of events in a batch.
pub const MAX_BATCH_EVENTS: usize = 10_000;
/// The limit of a batch's time span: less than 24 h.
const DAY_MS: u64 = 86_400_000;
/// The maximum age of an event: 14 days, minus an hour for the delivery.
const MAX_AGE_MS: u64 = 14 * DAY_MS - 3_600_000;
/// The maximum lead of an event over the function's clock: 2 hours, minus a minute for clock differences.
const MAX_AHEAD_MS: u64 = 7_140_000;

/// A log event for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// The timestamp of the log event, in ms since the epoch.
    pub at_ms: u64,
    /// JSON, of at most [`MAX_LINE_BYTES`](crate::MAX_LINE_BYTES) bytes.
    pub text: String,
}

impl LogEvent {
    /// An entry's line, with the entry's time as timestamp, or the nearest time that CloudWatch accepts at `now_ms`.
    /// The entry's field `time` always contains the real time.
    #[must_use]
    pub fn of(entry: &Entry, now_ms: u64) -> LogEvent {
        let at_ms = entry.at_ms.clamp(now_ms.saturating_sub(MAX_AGE_MS), now_ms.saturating_add(MAX_AHEAD_MS));
        LogEvent { at_ms, text: entry.line_at(at_ms) }
    }

    fn bytes(&self) -> usize {
        self.text.len() + EVENT_OVERHEAD_BYTES
    }
}

/// The name of the stream for a group and a day.
#[must_use]
pub fn stream(group: &str, at_ms: u64) -> String {
    format!("{}{}", stream_prefix(group), time::day(at_ms))
}

/// The prefix of the names of a group's streams. A name has at most 512 characters, and neither colon nor asterisk; an
/// invalid character is written as `%` and its number.
#[must_use]
pub fn stream_prefix(group: &str) -> String {
    let encoded = |c: char| match c {
        ':' | '*' | '%' => format!("%{:02X}", u32::from(c)),
        c if c.is_control() => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    let name: Vec<String> = group.chars().map(encoded).collect();
    // A group's name has at most 255 characters; this bounds a text that is not a group's name.
    let name: String = name.concat().chars().take(490).collect();
    format!("{name}/")
}

/// The smallest number of batches that contain all log events, in chronological order. Each log event keeps its
/// companion value.
#[must_use]
pub fn batches<T>(mut events: Vec<(LogEvent, T)>) -> Vec<Vec<(LogEvent, T)>> {
    events.sort_by_key(|(event, _)| event.at_ms);
    let mut all: Vec<Vec<(LogEvent, T)>> = Vec::new();
    let mut bytes = 0;
    for (event, companion) in events {
        let size = event.bytes();
        let fits = all.last().is_some_and(|batch| {
            let first = batch.first().map_or(event.at_ms, |(first, _)| first.at_ms);
            batch.len() < MAX_BATCH_EVENTS && bytes + size <= MAX_BATCH_BYTES && event.at_ms - first < DAY_MS
        });
        match all.last_mut() {
            Some(batch) if fits => {
                bytes += size;
                batch.push((event, companion));
            }
            _ => {
                bytes = size;
                all.push(vec![(event, companion)]);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stream_belongs_to_a_group_and_a_day_and_has_a_valid_name() {
        assert_eq!(
            stream("scalable-ec2-asg-uswest2-dev", 1_795_391_999_999),
            "scalable-ec2-asg-uswest2-dev/2026-11-22"
        );
        assert_eq!(stream("a:b*c%\n", 1_795_392_000_000), "a%3Ab%2Ac%25%0A/2026-11-23");
        assert!(stream(&"*".repeat(600), 0).chars().count() <= 512);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn every_batch_is_within_the_limits_and_no_event_is_lost(
            sizes in prop::collection::vec((0_u64..40 * DAY_MS, prop_oneof![9 => 0_usize..300, 1 => 1_000_usize..1_048_550]), 0..40),
            small in 0_usize..12_000,
        ) {
            // Few cases have many small events, because these cases take the most time.
            let small = if small > 11_900 { small } else { 0 };
            let sizes = sizes.into_iter().chain((0..small).map(|at| (at as u64, 1)));
            let events: Vec<(LogEvent, usize)> = sizes
                .enumerate()
                .map(|(at, (at_ms, size))| (LogEvent { at_ms, text: "x".repeat(size) }, at))
                .collect();
            let mut given: Vec<(u64, usize, usize)> =
                events.iter().map(|(event, at)| (event.at_ms, event.text.len(), *at)).collect();
            let all = batches(events);
            for batch in &all {
                prop_assert!(!batch.is_empty() && batch.len() <= MAX_BATCH_EVENTS);
                prop_assert!(batch.iter().map(|(event, _)| event.bytes()).sum::<usize>() <= MAX_BATCH_BYTES);
                prop_assert!(batch.is_sorted_by_key(|(event, _)| event.at_ms));
                let span = batch.last().map(|(event, _)| event.at_ms).unwrap() - batch[0].0.at_ms;
                prop_assert!(span < DAY_MS);
            }
            let mut batched: Vec<(u64, usize, usize)> =
                all.iter().flatten().map(|(event, at)| (event.at_ms, event.text.len(), *at)).collect();
            given.sort_unstable();
            batched.sort_unstable();
            prop_assert_eq!(given, batched);
        }
    }
}
