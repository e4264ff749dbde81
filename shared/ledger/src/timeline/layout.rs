//! The positions of everything in the picture, in whole pixels, and the rows of the table. Pure numbers: `svg` writes
//! them.

use super::bars::{self, Bar, Density, clock, proportion};
use super::fold::{NUMBER_OFFSET, fold, width};
use super::lives::Phase;
use super::model::{Lane, Model, is_bad};
use super::steps::{Steps, clipped, corners};
use super::text::shortened;
use super::{Range, Size, axis};
use crate::entry::Entry;
use crate::sentence;

/// The picture, and the table below it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub title: String,
    pub width: i32,
    pub height: i32,
    pub left: i32,
    pub right: i32,
    /// The rows between the axis and the legend.
    pub top: i32,
    pub bottom: i32,
    pub texts: Vec<Text>,
    /// The vertical lines of the axis.
    pub ticks: Vec<i32>,
    /// Position and length of the gaps; they are hatched in the strips.
    pub gaps: Vec<(i32, i32)>,
    /// Top and bottom of the rows that show the state of the group.
    pub strips: Vec<(i32, i32)>,
    pub sizes: Option<Sizes>,
    pub marks: Vec<Mark>,
    pub bars: Vec<Bar>,
    pub densities: Vec<Density>,
    pub legend: Vec<(Sample, i32, i32)>,
    /// In the order of the picture.
    pub rows: Vec<Row>,
}

/// A row of the table. Its index is its id.
#[derive(Debug)]
pub(super) struct Row {
    pub at_ms: u64,
    pub kind: &'static str,
    pub sentence: String,
}

/// A text of one line; `y` is its baseline.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub x: i32,
    pub y: i32,
    pub anchor: Anchor,
    pub font: Font,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    Label,
    Mono,
}

/// The lines of the group's sizes, as [`corners`] has them; empty if a size is unknown.
#[derive(Debug)]
pub(super) struct Sizes {
    pub min: Vec<(i32, i32)>,
    pub max: Vec<(i32, i32)>,
    pub desired: Vec<(i32, i32)>,
    pub in_service: Vec<(i32, i32)>,
    /// The height of number 0.
    pub bottom: i32,
    pub row: usize,
}

/// A mark in a lane.
#[derive(Debug)]
pub(super) struct Mark {
    pub x: i32,
    pub y: i32,
    pub lane: Lane,
    /// Whether one of its entries is a failure or an alarm: then the mark is filled, else hollow.
    pub is_bad: bool,
    pub row: usize,
}

/// An entry of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    Band,
    Desired,
    InService,
    Phase(Phase),
    Density,
    Gap,
    Mark { is_bad: bool },
}

impl Sample {
    fn label(self) -> &'static str {
        match self {
            Sample::Band => "minimum to maximum",
            Sample::Desired => "desired",
            Sample::InService => "in service",
            Sample::Phase(Phase::Service) => "instance in service",
            Sample::Phase(phase) => phase.label(),
            Sample::Density => "instances of a version, with their maximum",
            Sample::Gap => "not observed",
            Sample::Mark { is_bad: true } => "failure or alarm",
            Sample::Mark { is_bad: false } => "other event",
        }
    }
}

/// The horizontal scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub range: Range,
    pub left: i32,
    pub right: i32,
}

impl Scale {
    /// The position of a time; that of the nearest edge for a time outside the range.
    pub fn x(&self, at_ms: u64) -> i32 {
        let Range { from_ms, until_ms } = self.range;
        // A range before 2100 has 42 bits, a width 12.
        let length = u64::from((self.right - self.left).unsigned_abs());
        let offset = (at_ms.clamp(from_ms, until_ms) - from_ms) * length / (until_ms - from_ms);
        self.left + i32::try_from(offset).unwrap_or_default()
    }
}

/// The distance from a label to the chart.
pub(super) const LABEL_GAP: i32 = 8;
/// The distance from the chart to the right edge of the picture: a mark's number, or half of a date.
const RIGHT: i32 = 40;
/// The width for labels beside the chart: a lane's label, or, in a wide picture, an instance's id and version.
const NARROW: i32 = 112;
const WIDE: i32 = 192;
/// The width from which a picture is wide.
const WIDE_FROM: i32 = 700;
const AXIS_HEIGHT: i32 = 24;
const SIZES_HEIGHT: i32 = 72;
const LANE_HEIGHT: i32 = 20;
const LEGEND_HEIGHT: i32 = 18;
/// The width of a sample in the legend, with the distance to its text.
const SAMPLE_WIDTH: i32 = 26;

/// The maximum size of the sentence of a mark, and of an instance, in bytes once it is escaped: a page with the maximum
/// number of marks and instances is smaller than 400 KB.
const MARK_BYTES: usize = 200;
const INSTANCE_BYTES: usize = 480;

impl Layout {
    /// The picture of a model.
    pub fn of(model: &Model<'_>, range: Range, size: Size) -> Layout {
        let left = if size.width < WIDE_FROM { NARROW } else { WIDE };
        let scale = Scale { range, left, right: size.width - RIGHT };
        let layout = Layout { width: size.width, left, right: scale.right, top: AXIS_HEIGHT, ..Layout::default() };
        let mut builder = Builder { scale, layout, y: AXIS_HEIGHT };
        builder.layout.title = title(model, range);
        builder.axis();
        builder.gaps(model);
        builder.sizes(model);
        builder.marks(model);
        let space = size.height - builder.y - 3 * LEGEND_HEIGHT;
        builder.y += 4;
        let top = builder.y;
        bars::add(&mut builder, model, space);
        if builder.y > top {
            builder.layout.strips.push((top, builder.y));
        }
        builder.y += 4;
        builder.layout.bottom = builder.y;
        builder.legend();
        builder.layout.height = builder.y;
        builder.layout
    }
}

fn title(model: &Model<'_>, range: Range) -> String {
    let (from, until) = (clock(range.from_ms), clock(range.until_ms));
    match model.environment {
        "" => format!("No entries from {from} to {until} UTC"),
        environment => format!("{}, {from} to {until} UTC", shortened(environment, MARK_BYTES)),
    }
}

/// A layout in the making, from top to bottom.
pub(super) struct Builder {
    pub scale: Scale,
    pub layout: Layout,
    /// The top of the next row.
    pub y: i32,
}

impl Builder {
    pub fn text(&mut self, x: i32, y: i32, anchor: Anchor, font: Font, text: &str) {
        self.layout.texts.push(Text { x, y, anchor, font, content: text.to_owned() });
    }

    /// Adds a row of the table, and returns its index.
    pub fn row(&mut self, at_ms: u64, kind: &'static str, sentence: &str) -> usize {
        let bytes = if kind.starts_with("Instance") { INSTANCE_BYTES } else { MARK_BYTES };
        self.layout.rows.push(Row { at_ms, kind, sentence: shortened(sentence, bytes) });
        self.layout.rows.len() - 1
    }

    fn axis(&mut self) {
        self.text(self.scale.left - LABEL_GAP, 15, Anchor::End, Font::Label, "UTC");
        for (at_ms, label) in axis::ticks(self.scale.range, self.scale.right - self.scale.left) {
            let x = self.scale.x(at_ms);
            self.layout.ticks.push(x);
            // At the left edge, half of the label would cover the label of the axis.
            let is_left = x - width(&label) / 2 <= self.scale.left;
            let (x, anchor) = if is_left { (self.scale.left, Anchor::Start) } else { (x, Anchor::Middle) };
            self.text(x, 15, anchor, Font::Label, &label);
        }
    }

    /// Gaps; those that are nearer to each other than four pixels are one.
    fn gaps(&mut self, model: &Model<'_>) {
        let mut shown: Vec<(i32, i32, u64, u64, usize)> = Vec::new();
        for (from_ms, until_ms) in &model.gaps {
            let (from, until) = (self.scale.x(*from_ms), self.scale.x(*until_ms));
            match shown.last_mut() {
                Some(last) if from - last.1 < 4 => (last.1, last.3, last.4) = (until, *until_ms, last.4 + 1),
                _ => shown.push((from, until, *from_ms, *until_ms, 1)),
            }
        }
        for (from, until, from_ms, until_ms, count) in shown {
            self.layout.gaps.push((from, (until - from).max(1)));
            let number = if count > 1 { format!("{count} gaps: ") } else { String::new() };
            self.row(from_ms, "Gap", &format!("{number}not observed from {} to {}", clock(from_ms), clock(until_ms)));
        }
    }

    fn sizes(&mut self, model: &Model<'_>) {
        let range = self.scale.range;
        let named = [
            ("in service", &model.in_service),
            ("desired", &model.desired),
            ("minimum", &model.min),
            ("maximum", &model.max),
        ];
        let known: Vec<(&str, Steps)> =
            named.iter().map(|(name, steps)| (*name, clipped(steps, range))).filter(|it| !it.1.is_empty()).collect();
        if known.is_empty() && model.gaps.is_empty() {
            return;
        }
        let highest = known.iter().flat_map(|it| &it.1).map(|it| it.1).max().unwrap_or_default().max(1);
        let (top, bottom) = (self.y + 8, self.y + SIZES_HEIGHT - 6);
        let x = self.scale.left - LABEL_GAP;
        self.layout.strips.push((self.y, self.y + SIZES_HEIGHT));
        self.y += SIZES_HEIGHT;
        self.text(x, i32::midpoint(top, bottom) + 4, Anchor::End, Font::Label, "Instances");
        if known.is_empty() {
            return;
        }
        self.text(x, top + 4, Anchor::End, Font::Label, &highest.to_string());
        self.text(x, bottom + 4, Anchor::End, Font::Label, "0");
        let summary: Vec<String> = known.iter().map(|(name, steps)| size_summary(name, steps)).collect();
        let row = self.row(range.from_ms, "Sizes", &summary.join("; "));
        let scale = self.scale;
        let corners = |steps: &Steps| corners(steps, &scale, |value| bottom - proportion(value, highest, bottom - top));
        self.layout.sizes = Some(Sizes {
            min: corners(&model.min),
            max: corners(&model.max),
            desired: corners(&model.desired),
            in_service: corners(&model.in_service),
            bottom,
            row,
        });
    }

    /// A row for each lane that has marks.
    fn marks(&mut self, model: &Model<'_>) {
        let of_lane = |lane| model.marks.iter().filter(|it| it.0 == lane).map(|it| it.1).collect::<Vec<_>>();
        let lanes: Vec<(Lane, Vec<&Entry>)> =
            Lane::ALL.map(|lane| (lane, of_lane(lane))).into_iter().filter(|it| !it.1.is_empty()).collect();
        for (lane, folds) in fold(&lanes, &self.scale) {
            let y = self.y + LANE_HEIGHT / 2;
            self.text(self.scale.left - LABEL_GAP, y + 4, Anchor::End, Font::Label, lane.label());
            for mark in folds {
                let row = self.row(mark.entries[0].at_ms, lane.label(), &mark_sentence(&mark.entries));
                let is_bad = mark.entries.iter().any(|it| is_bad(it));
                self.layout.marks.push(Mark { x: mark.x, y, lane, is_bad, row });
                if let Some(number) = mark.number() {
                    self.text(mark.x + NUMBER_OFFSET, y + 4, Anchor::Start, Font::Label, &number);
                }
            }
            self.y += LANE_HEIGHT;
        }
    }

    /// The samples of what the picture has.
    fn legend(&mut self) {
        let layout = &self.layout;
        let sizes = layout.sizes.as_ref();
        let has_phase = |phase: Phase| layout.bars.iter().any(|bar| bar.parts.iter().any(|it| it.0 == phase));
        let has_mark = |is_bad: bool| layout.marks.iter().any(|it| it.is_bad == is_bad);
        let mut samples = vec![
            (Sample::Band, sizes.is_some_and(|it| !it.max.is_empty())),
            (Sample::Desired, sizes.is_some_and(|it| !it.desired.is_empty())),
            (Sample::InService, sizes.is_some_and(|it| !it.in_service.is_empty())),
        ];
        samples.extend(Phase::ALL.map(|it| (Sample::Phase(it), has_phase(it))));
        samples.push((Sample::Density, !layout.densities.is_empty()));
        samples.extend([true, false].map(|is_bad| (Sample::Mark { is_bad }, has_mark(is_bad))));
        samples.push((Sample::Gap, !layout.gaps.is_empty()));
        let (mut x, right) = (LABEL_GAP, self.layout.width);
        self.y += LEGEND_HEIGHT;
        for (sample, _) in samples.into_iter().filter(|it| it.1) {
            let needed = SAMPLE_WIDTH + width(sample.label());
            if x > LABEL_GAP && x + needed > right {
                (x, self.y) = (LABEL_GAP, self.y + LEGEND_HEIGHT);
            }
            self.layout.legend.push((sample, x, self.y - 4));
            self.text(x + SAMPLE_WIDTH, self.y, Anchor::Start, Font::Label, sample.label());
            x += needed + 14;
        }
        self.y += LEGEND_HEIGHT / 2;
    }
}

/// A size over the range: its extremes, and its last value.
fn size_summary(name: &str, steps: &Steps) -> String {
    let values = || steps.iter().map(|it| it.1);
    let (low, high) = (values().min().unwrap_or_default(), values().max().unwrap_or_default());
    match (low == high, values().next_back()) {
        (false, Some(last)) => format!("{name} {low} to {high}, at the end {last}"),
        _ => format!("{name} {low}"),
    }
}

/// The sentence of a mark: that of its entry, or the numbers of its entries by outcome with the first sentence.
fn mark_sentence(entries: &[&Entry]) -> String {
    let [first, .., last] = entries else { return entries.first().map(|it| sentence(it)).unwrap_or_default() };
    let mut outcomes: Vec<(&str, usize)> = Vec::new();
    for entry in entries {
        match outcomes.iter().position(|it| it.0 == entry.outcome) {
            Some(at) => outcomes[at].1 += 1,
            // Known entries have few outcomes.
            None if outcomes.len() < 6 => outcomes.push((&entry.outcome, 1)),
            None => {}
        }
    }
    let outcomes: Vec<String> = outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let (count, until) = (entries.len(), clock(last.at_ms));
    format!("{count} entries until {until} ({}); the first: {}", outcomes.join(", "), sentence(first))
}
