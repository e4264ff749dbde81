//! The times of the axis.

use super::Range;
use crate::time;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The distances between two times of the axis, in ms.
const STEPS: [u64; 24] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    28 * DAY,
    91 * DAY,
    364 * DAY,
    3_640 * DAY,
];

/// The smallest distance between two times, in pixels: wider than the longest label and half of the next one.
const DISTANCE: u64 = 116;

/// The times of the axis with their labels: the clock within a day, the date at midnight and for the first time.
pub(super) fn ticks(range: Range, width: i32) -> Vec<(u64, String)> {
    let length = range.until_ms - range.from_ms;
    let number = u64::try_from(width).unwrap_or_default() / DISTANCE;
    let fits = |step: &u64| length / step <= number;
    let step = STEPS.into_iter().find(fits).unwrap_or(36_400 * DAY);
    let first = range.from_ms.div_ceil(step);
    let times = (first..).map(|it| it * step).take_while(|at| *at <= range.until_ms);
    times.enumerate().map(|(index, at)| (at, label(at, step, index == 0))).collect()
}

fn label(at_ms: u64, step: u64, is_first: bool) -> String {
    let text = time::text(at_ms);
    let (date, clock) = text.trim_end_matches('Z').split_once('T').unwrap_or((&text, ""));
    let clock = if step < MINUTE { clock } else { clock.get(..5).unwrap_or(clock) };
    let day = date.get(5..).unwrap_or(date);
    match (step >= DAY, at_ms.is_multiple_of(DAY), is_first && step >= MINUTE) {
        (true, ..) => date.to_owned(),
        (false, true, _) => day.to_owned(),
        (false, false, true) => format!("{day} {clock}"),
        (false, false, false) => clock.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:00:00Z.
    const THREE: u64 = 1_767_322_800_000;

    fn labels(length: u64, width: i32) -> Vec<String> {
        let range = Range { from_ms: THREE, until_ms: THREE + length };
        ticks(range, width).into_iter().map(|it| it.1).collect()
    }

    #[test]
    fn the_axis_has_the_clock_and_the_date_at_midnight() {
        assert_eq!(labels(DAY, 500), ["01-02 06:00", "12:00", "18:00", "01-03"]);
        assert_eq!(labels(HOUR, 300), ["01-02 03:00", "03:30", "04:00"]);
        assert_eq!(labels(20 * SECOND, 300), ["03:00:00", "03:00:10", "03:00:20"]);
        assert_eq!(labels(14 * DAY, 300), ["2026-01-08", "2026-01-15"]);
        assert_eq!(labels(1, 300), ["03:00:00"]);
    }

    #[test]
    fn the_times_of_the_axis_have_space_for_their_labels() {
        for length in (0..42).map(|it| 1_u64 << it).filter(|it| THREE + it < time::END_MS) {
            for width in [284, 700, 1_400] {
                let range = Range { from_ms: THREE, until_ms: THREE + length };
                let count = u64::try_from(ticks(range, width).len()).unwrap_or_default();
                assert!(count <= u64::try_from(width).unwrap_or_default() / DISTANCE + 1, "{length} {width}: {count}");
            }
        }
    }
}
