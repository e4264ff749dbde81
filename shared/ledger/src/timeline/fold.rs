//! Marks that are too near to each other fold into one, with their number.

use super::layout::Scale;
use super::model::Lane;
use super::text::LABEL_WIDTH;
use crate::entry::Entry;

/// A mark of one entry, or of several.
#[derive(Clone, Debug)]
pub(super) struct Fold<'a> {
    /// The position of the first entry, in pixels.
    pub x: i32,
    /// In the order of time; never empty.
    pub entries: Vec<&'a Entry>,
}

/// The smallest distance between two marks, in pixels.
const DISTANCE: i32 = 4;
/// The distance from the middle of a mark to its number, in pixels.
pub(super) const NUMBER_OFFSET: i32 = 7;
/// The maximum number of marks in a picture. A mark and its row have about 550 bytes, so all of them have 275 KB.
const MAX_MARKS: usize = 500;

/// The marks of each lane. Entries nearer than four pixels to the first entry of a mark belong to it, and so do those
/// that its number would cover. If the picture has more than [`MAX_MARKS`] marks, the distance is doubled until it has
/// fewer.
pub(super) fn fold<'a>(lanes: &[(Lane, Vec<&'a Entry>)], scale: &Scale) -> Vec<(Lane, Vec<Fold<'a>>)> {
    let mut distance = DISTANCE;
    loop {
        let folds: Vec<_> = lanes.iter().map(|(lane, entries)| (*lane, folded(entries, scale, distance))).collect();
        if folds.iter().map(|it| it.1.len()).sum::<usize>() <= MAX_MARKS {
            return folds;
        }
        distance *= 2;
    }
}

fn folded<'a>(entries: &[&'a Entry], scale: &Scale, distance: i32) -> Vec<Fold<'a>> {
    let mut folds: Vec<Fold<'a>> = Vec::new();
    for entry in entries {
        let x = scale.x(entry.at_ms);
        match folds.last_mut() {
            Some(last) if x - last.x < distance.max(last.reach()) => last.entries.push(entry),
            _ => folds.push(Fold { x, entries: vec![entry] }),
        }
    }
    folds
}

impl Fold<'_> {
    /// The number of entries as the picture shows it, in four characters at most; `None` for one entry.
    pub fn number(&self) -> Option<String> {
        match self.entries.len() {
            0 | 1 => None,
            count @ 2..=9_999 => Some(count.to_string()),
            count @ 10_000..=999_999 => Some(format!("{}k", count / 1_000)),
            count => Some(format!("{}M", count / 1_000_000)),
        }
    }

    /// The distance from the middle of the mark to the place of the next one, in pixels.
    fn reach(&self) -> i32 {
        let digits = match self.entries.len() {
            0 | 1 => return 0,
            2..=9 => 1,
            10..=99 => 2,
            100..=999 => 3,
            _ => 4,
        };
        NUMBER_OFFSET + columns_width(digits) + NUMBER_OFFSET
    }
}

/// The width of a label, at most, in pixels.
pub(super) fn width(label: &str) -> i32 {
    columns_width(u16::try_from(label.chars().count()).unwrap_or(u16::MAX))
}

#[expect(clippy::cast_possible_truncation, reason = "a label has 65,535 characters at most")]
fn columns_width(characters: u16) -> i32 {
    (f64::from(characters) * LABEL_WIDTH).ceil() as i32
}
