//! The limits of PutLogEvents (its API reference): at most 1,048,576 bytes, counting
//! 26 more for each event, at most 10,000 events, in the order of time, within 24 hours; none older than 14 days or
//! further ahead than 2 hours.

use crate::entry::Entry;
use crate::time;

/// Bytes of a batch.
pub const LARGEST_BATCH: usize = 1_048_576;
/// What an event takes beside its text, in bytes.
pub const OVERHEAD: usize = 26;
/// Events of a batch.
pub const MOST_EVENTS: usize = 10_000;
/// What a batch may span: less than 24 h.
const DAY_MS: u64 = 86_400_000;
/// How old an event may be: 14 days, less an hour for the way there.
const OLDEST_MS: u64 = 14 * DAY_MS - 3_600_000;
/// How far ahead of our clock one may be: 2 hours, less a minute for the clocks.
const AHEAD_MS: u64 = 7_140_000;

/// A line for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// The time that CloudWatch files it under, in ms since the epoch.
    pub at_ms: u64,
    /// JSON, of at most [`LONGEST_LINE`](crate::LONGEST_LINE) bytes.
    pub text: String,
}

impl LogEvent {
    /// An entry's line, filed under its own time, or the nearest to it that CloudWatch takes at `now_ms`. The entry's field
    /// `time` says when it really was.
    #[must_use]
    pub fn of(entry: &Entry, now_ms: u64) -> LogEvent {
        let at_ms = entry.at_ms.clamp(now_ms.saturating_sub(OLDEST_MS), now_ms.saturating_add(AHEAD_MS));
        LogEvent { at_ms, text: entry.filed_at(at_ms) }
    }

    fn bytes(&self) -> usize {
        self.text.len() + OVERHEAD
    }
}

/// The stream of a line: of its group and day.
#[must_use]
pub fn stream(group: &str, at_ms: u64) -> String {
    format!("{}{}", streams(group), time::day(at_ms))
}

/// What the names of a group's streams begin with. A name has at most 512 characters, and neither colon nor asterisk; what can't
/// stand in one is written as `%` and its number.
#[must_use]
pub fn streams(group: &str) -> String {
    let written = |c: char| match c {
        ':' | '*' | '%' => format!("%{:02X}", u32::from(c)),
        c if c.is_control() => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    let name: Vec<String> = group.chars().map(written).collect();
    // A group's name has 255 characters at most; this is for what is none.
    let name: String = name.concat().chars().take(490).collect();
    format!("{name}/")
}

/// The fewest batches that hold all lines, in the order of time. Each of an item is the line of what it is given with.
#[must_use]
pub fn batches<T>(mut lines: Vec<(LogEvent, T)>) -> Vec<Vec<(LogEvent, T)>> {
    lines.sort_by_key(|(line, _)| line.at_ms);
    let mut all: Vec<Vec<(LogEvent, T)>> = Vec::new();
    let mut bytes = 0;
    for (line, of) in lines {
        let size = line.bytes();
        let goes_in = all.last().is_some_and(|batch| {
            let first = batch.first().map_or(line.at_ms, |(first, _)| first.at_ms);
            batch.len() < MOST_EVENTS && bytes + size <= LARGEST_BATCH && line.at_ms - first < DAY_MS
        });
        match all.last_mut() {
            Some(batch) if goes_in => {
                bytes += size;
                batch.push((line, of));
            }
            _ => {
                bytes = size;
                all.push(vec![(line, of)]);
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
    fn a_stream_is_of_a_group_and_a_day_and_has_a_valid_name() {
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
        fn no_batch_breaks_a_limit_and_nothing_is_lost(
            sizes in prop::collection::vec((0_u64..40 * DAY_MS, prop_oneof![9 => 0_usize..300, 1 => 1_000_usize..1_048_550]), 0..40),
            small in 0_usize..12_000,
        ) {
            // Many small ones only now and then: they are what takes time.
            let small = if small > 11_900 { small } else { 0 };
            let sizes = sizes.into_iter().chain((0..small).map(|at| (at as u64, 1)));
            let lines: Vec<(LogEvent, usize)> = sizes
                .enumerate()
                .map(|(at, (at_ms, size))| (LogEvent { at_ms, text: "x".repeat(size) }, at))
                .collect();
            let mut given: Vec<(u64, usize, usize)> =
                lines.iter().map(|(line, at)| (line.at_ms, line.text.len(), *at)).collect();
            let all = batches(lines);
            for batch in &all {
                prop_assert!(!batch.is_empty() && batch.len() <= MOST_EVENTS);
                prop_assert!(batch.iter().map(|(line, _)| line.bytes()).sum::<usize>() <= LARGEST_BATCH);
                prop_assert!(batch.is_sorted_by_key(|(line, _)| line.at_ms));
                let span = batch.last().map(|(line, _)| line.at_ms).unwrap() - batch[0].0.at_ms;
                prop_assert!(span < DAY_MS);
            }
            let mut got: Vec<(u64, usize, usize)> =
                all.iter().flatten().map(|(line, at)| (line.at_ms, line.text.len(), *at)).collect();
            given.sort_unstable();
            got.sort_unstable();
            prop_assert_eq!(given, got);
        }
    }
}
