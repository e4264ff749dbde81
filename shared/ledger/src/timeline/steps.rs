//! Numbers that change at times, and their lines.

use super::Range;
use super::layout::Scale;

/// A number over time: the changes in the order of their times, in ms since the epoch. The number is unknown before the
/// first one.
pub(super) type Steps = Vec<(u64, u32)>;

/// The number of intervals, each from a time until a time, that contain a time; 0 before the first one.
pub(super) fn counts(intervals: impl Iterator<Item = (u64, u64)>) -> Steps {
    let mut changes: Vec<(u64, bool)> = intervals
        .filter(|(from, until)| from < until)
        .flat_map(|(from, until)| [(from, true), (until, false)])
        .collect();
    changes.sort_unstable();
    let mut steps = vec![(0, 0)];
    let mut count = 0_u32;
    for (at, begins) in changes {
        count = if begins { count + 1 } else { count.saturating_sub(1) };
        push(&mut steps, at, count);
    }
    steps
}

/// Appends a change that is not earlier than the last one.
pub(super) fn push(steps: &mut Steps, at: u64, value: u32) {
    match steps.last_mut() {
        Some(last) if last.0 == at => last.1 = value,
        Some(last) if last.1 == value => {}
        _ => steps.push((at, value)),
    }
}

/// The changes within the range, beginning with the number at its start, if it is known.
pub(super) fn clipped(steps: &[(u64, u32)], range: Range) -> Steps {
    let inside = steps.partition_point(|(at, _)| *at <= range.from_ms);
    let end = steps.partition_point(|(at, _)| *at < range.until_ms);
    let first = inside.checked_sub(1).map(|before| (range.from_ms, steps[before].1));
    first.into_iter().chain(steps[inside..end.max(inside)].iter().copied()).collect()
}

/// The width of a column, in pixels: changes within a column are one vertical line, which keeps their extremes.
const COLUMN: i32 = 2;

/// The corners of the curve of a number: to each of them the curve runs first horizontally, then vertically. Empty if the
/// number is unknown in the whole range.
pub(super) fn corners(steps: &[(u64, u32)], scale: &Scale, y: impl Fn(u32) -> i32) -> Vec<(i32, i32)> {
    let steps = clipped(steps, scale.range);
    let Some(first) = steps.first() else { return Vec::new() };
    let column = |at: u64| scale.left + (scale.x(at) - scale.left) / COLUMN * COLUMN;
    let mut corners = vec![(column(first.0), y(first.1))];
    let mut rest = steps[1..].iter().peekable();
    while let Some((at, value)) = rest.next() {
        let (x, mut last) = (column(*at), y(*value));
        let (mut low, mut high) = (last, last);
        while let Some((_, value)) = rest.next_if(|(at, _)| column(*at) == x) {
            last = y(*value);
            (low, high) = (low.min(last), high.max(last));
        }
        corners.extend([low, high].into_iter().filter(|it| *it != last).map(|it| (x, it)));
        corners.push((x, last));
    }
    let y = corners.last().map_or(0, |it| it.1);
    corners.push((scale.right, y));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(from_ms: u64, until_ms: u64) -> Scale {
        Scale { range: Range { from_ms, until_ms }, left: 100, right: 200 }
    }

    #[test]
    fn intervals_are_counted() {
        let steps = counts([(10, 30), (20, 40), (20, 30), (5, 5)].into_iter());
        assert_eq!(steps, [(0, 0), (10, 1), (20, 3), (30, 1), (40, 0)]);
    }

    #[test]
    fn the_number_at_the_start_of_the_range_is_the_last_one_before_it() {
        let range = Range { from_ms: 15, until_ms: 30 };
        assert_eq!(clipped(&[(0, 1), (10, 2), (20, 3), (30, 4)], range), [(15, 2), (20, 3)]);
        assert_eq!(clipped(&[(20, 3)], range), [(20, 3)]);
        assert_eq!(clipped(&[(30, 3)], range), []);
        assert_eq!(clipped(&[(15, 3)], range), [(15, 3)]);
    }

    #[test]
    fn a_peak_within_a_column_stays_visible() {
        let y = |value: u32| -i32::try_from(value).unwrap_or_default();
        let steps = [(0, 2), (500, 9), (505, 1), (510, 3)];
        assert_eq!(corners(&steps, &scale(0, 1_000), y), [(100, -2), (150, -9), (150, -1), (150, -3), (200, -3)]);
        assert_eq!(corners(&[(5_000, 2)], &scale(0, 1_000), y), []);
    }
}
