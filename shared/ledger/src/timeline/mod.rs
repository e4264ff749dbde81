//! The timeline: the life of an environment's group as a picture, from the entries of its ledger alone. Pure: the same
//! entries, range, size and theme always result in the same text.
//!
//! `model` (entries → sizes, gaps, marks) and `lives` (entries → the phases of each instance) → `layout` (positions in
//! pixels: `axis`, `fold`, `bars`, `steps`) → `svg` and `page` (text). `theme` has the colours, `text` the escaping.
//!
//! The picture has, from top to bottom: the time axis, the sizes of the group, a lane of marks for each kind of event
//! that occurred, a bar for each instance (or a density row for each template version), and a legend.

mod axis;
mod bars;
mod fold;
mod layout;
mod lives;
mod model;
mod page;
mod steps;
mod svg;
mod text;
mod theme;

pub use theme::{Theme, UnknownTheme};

use crate::entry::Entry;
use crate::time;

/// The picture as SVG, without scripts, styles and external resources. The titles of its links have the sentences; the
/// targets of the links are the rows of the table in [`page`].
///
/// Entries may be in any order, and repeated; each id counts once. They should begin at [`Range::entries_from_ms`]: the
/// observation of the group before the range says which instances were in service at its beginning.
#[must_use]
pub fn svg(entries: &[Entry], range: Range, size: Size, theme: Theme) -> String {
    svg::text(&layout::Layout::of(&model::Model::of(entries, range), range, size), theme, "")
}

/// A self-contained HTML page: the picture, and a table with the sentence of each mark, instance and gap.
#[must_use]
pub fn page(entries: &[Entry], range: Range, size: Size, theme: Theme) -> String {
    page::text(&layout::Layout::of(&model::Model::of(entries, range), range, size), theme)
}

/// The picture and its table as a part of another document: HTML in one element, with styles for this element alone.
///
/// `ids` begins all ids, so that a document may contain several timelines: letters, digits, dashes and underscores; all
/// other characters are left out.
#[must_use]
pub fn part(entries: &[Entry], range: Range, size: Size, theme: Theme, ids: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let ids: String = ids.chars().filter(is_plain).collect();
    page::part(&layout::Layout::of(&model::Model::of(entries, range), range, size), theme, &ids)
}

/// A sentence as a paragraph of HTML, in which no character is markup.
#[must_use]
pub fn paragraph(sentence: &str) -> String {
    format!("<p>{}</p>\n", text::escaped(sentence))
}

/// The time that a timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from_ms: u64,
    until_ms: u64,
}

impl Range {
    /// From a time until a time that is not in the future, in ms since the epoch.
    ///
    /// # Errors
    /// [`InvalidPicture::Range`], unless the end is after the beginning, and before the year 2100.
    pub fn new(from_ms: u64, until_ms: u64) -> Result<Range, InvalidPicture> {
        if from_ms < until_ms && until_ms < time::END_MS {
            return Ok(Range { from_ms, until_ms });
        }
        Err(InvalidPicture::Range(time::text(from_ms), time::text(until_ms)))
    }

    /// The end of the range, in ms since the epoch.
    #[must_use]
    pub fn until_ms(self) -> u64 {
        self.until_ms
    }

    /// The range up to an earlier end; `None` if that is not after the beginning.
    #[must_use]
    pub fn until(self, until_ms: u64) -> Option<Range> {
        Range::new(self.from_ms, until_ms.min(self.until_ms)).ok()
    }

    /// The time from which a picture needs entries, in ms since the epoch: 35 minutes before the range.
    #[must_use]
    pub fn entries_from_ms(self) -> u64 {
        self.from_ms.saturating_sub(model::MAX_UNOBSERVED_MS)
    }
}

/// The size of the picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: i32,
    height: i32,
}

/// The limits of the width, in pixels: a narrower picture has no space for its labels.
const WIDTHS: std::ops::RangeInclusive<u32> = 400..=4_096;
/// The limits of the height, in pixels.
const HEIGHTS: std::ops::RangeInclusive<u32> = 100..=4_096;

impl Size {
    /// The nearest size to this one that a picture can have, for a place whose size is not chosen for the picture.
    #[must_use]
    pub fn nearest(width: u64, height: u64) -> Size {
        let pixels = |value: u64, limits: std::ops::RangeInclusive<u32>| {
            let (low, high) = (u64::from(*limits.start()), u64::from(*limits.end()));
            i32::try_from(value.clamp(low, high)).unwrap_or(i32::MAX)
        };
        Size { width: pixels(width, WIDTHS), height: pixels(height, HEIGHTS) }
    }

    /// A picture of this width. Its rows fill the height, or exceed it: a row is never lower than its label.
    ///
    /// # Errors
    /// [`InvalidPicture::Width`] or [`InvalidPicture::Height`], for a size outside the limits.
    pub fn new(width: u32, height: u32) -> Result<Size, InvalidPicture> {
        let pixels = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        match (WIDTHS.contains(&width), HEIGHTS.contains(&height)) {
            (true, true) => Ok(Size { width: pixels(width), height: pixels(height) }),
            (false, _) => Err(InvalidPicture::Width(width)),
            (true, false) => Err(InvalidPicture::Height(height)),
        }
    }
}

/// A range or a size that has no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPicture {
    /// The range, as its two times.
    #[error("range: from {0} until {1}; the end is later than the beginning, and before 2100")]
    Range(String, String),
    /// The width, in pixels.
    #[error("width: {0}; a width has {low} to {high} pixels", low = WIDTHS.start(), high = WIDTHS.end())]
    Width(u32),
    /// The height, in pixels.
    #[error("height: {0}; a height has {low} to {high} pixels", low = HEIGHTS.start(), high = HEIGHTS.end())]
    Height(u32),
}
