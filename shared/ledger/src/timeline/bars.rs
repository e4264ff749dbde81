//! The rows of the instances: a bar for each, or, of more than sixty instances, a density row for each template
//! version.

use std::collections::BTreeMap;

use super::layout::{Anchor, Builder, Font, Scale};
use super::lives::{Life, Phase};
use super::model::Model;
use super::steps::{clipped, corners, counts};
use super::text::{MONO_WIDTH, tail};
use crate::entry::Entry;
use crate::{sentence, time, trigger};

/// The maximum number of instances that have a bar.
const MAX_BARS: usize = 60;
/// The limits of a bar's row, in pixels: its label has 11, and a higher bar shows nothing more.
const BAR_HEIGHTS: (i32, i32) = (14, 22);
/// The maximum number of density rows; the oldest versions share the first one.
const MAX_DENSITY_ROWS: usize = 12;
/// The limits of a density row, in pixels.
const DENSITY_HEIGHTS: (i32, i32) = (28, 48);

/// The bar of an instance.
#[derive(Debug)]
pub(super) struct Bar {
    /// The middle of the bar.
    pub y: i32,
    /// The height of an instance in service.
    pub thickness: i32,
    /// The index of the template version among those of the picture.
    pub version: Option<usize>,
    /// The parts of each phase: position and length.
    pub parts: Vec<(Phase, Vec<(i32, i32)>)>,
    /// The row of the table.
    pub row: usize,
}

/// The number of instances of a template version over time, from their launches to their ends.
#[derive(Debug)]
pub(super) struct Density {
    /// The height of number 0.
    pub bottom: i32,
    /// The index of the template version among those of the picture.
    pub version: Option<usize>,
    /// The corners of the curve, as [`corners`] has them.
    pub corners: Vec<(i32, i32)>,
    /// The row of the table.
    pub row: usize,
}

/// Adds the rows of the instances; at most `space` pixels high, if they are not too many.
pub(super) fn add(builder: &mut Builder, model: &Model<'_>, space: i32) {
    let mut versions: Vec<u64> = model.lives.iter().filter_map(|it| it.version).collect();
    versions.sort_unstable();
    versions.dedup();
    if model.lives.len() <= MAX_BARS {
        add_bars(builder, &model.lives, &versions, space);
    } else {
        add_densities(builder, &model.lives, &versions, space);
    }
}

fn share(space: i32, rows: usize, (low, high): (i32, i32)) -> i32 {
    (space / i32::try_from(rows.max(1)).unwrap_or(i32::MAX)).clamp(low, high)
}

fn add_bars(builder: &mut Builder, lives: &[Life<'_>], versions: &[u64], space: i32) {
    let height = share(space, lives.len(), BAR_HEIGHTS);
    for life in lives {
        let y = builder.y + height / 2;
        builder.label(y, &label(life, builder.columns()), Font::Mono);
        let row = builder.row(life.begin_ms().max(builder.scale.range.from_ms), "Instance", &summary(life));
        let parts = parts(life, &builder.scale);
        builder.layout.bars.push(Bar {
            y,
            thickness: height - 4,
            version: life.version.and_then(|it| versions.binary_search(&it).ok()),
            parts,
            row,
        });
        builder.y += height;
    }
}

/// The end of the instance's id, and the version.
fn label(life: &Life<'_>, columns: usize) -> String {
    let version = life.version.map(|it| format!(" v{}", tail(&it.to_string(), 6))).unwrap_or_default();
    tail(life.instance, columns.saturating_sub(version.len())) + &version
}

/// The parts of the bar by phase. A phase has at least one pixel, and only the first of several phases within one pixel
/// is drawn.
fn parts(life: &Life<'_>, scale: &Scale) -> Vec<(Phase, Vec<(i32, i32)>)> {
    let mut parts: BTreeMap<Phase, Vec<(i32, i32)>> = BTreeMap::new();
    let mut drawn_until = i32::MIN;
    for span in &life.spans {
        if span.from_ms >= scale.range.until_ms || span.until_ms <= scale.range.from_ms {
            continue;
        }
        let from = scale.x(span.from_ms).max(drawn_until);
        let until = scale.x(span.until_ms).max(scale.x(span.from_ms) + 1);
        if from < until {
            parts.entry(span.phase).or_default().push((from, until - from));
            drawn_until = until;
        }
    }
    parts.into_iter().collect()
}

/// The life of an instance as a sentence: its phases with their times, and the causes of its launch and its end.
fn summary(life: &Life<'_>) -> String {
    let version = life.version.map(|it| format!("version {it}"));
    let known: Vec<String> = version.into_iter().chain(life.zone.map(str::to_owned)).collect();
    let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    let mut phases: Vec<(u64, &str)> = life.spans.iter().map(|it| (it.from_ms, it.phase.label())).collect();
    if life.end_ms() != super::lives::OPEN {
        phases.push((life.end_ms(), "ended"));
    }
    // A life with many phases, such as returns to a warm pool, is described by its first and last ones.
    let phases = match phases.len() {
        0..=8 => dated(&phases),
        count => format!("{}, {} more phases, {}", dated(&phases[..4]), count - 7, dated(&phases[count - 3..])),
    };
    let causes = [("Launched", life.launch), ("Terminated", life.termination)];
    let causes: String = causes.iter().filter_map(|(verb, entry)| cause(verb, (*entry)?)).collect();
    format!("{}{known}: {phases}{causes}", life.instance)
}

/// Phases with their times; each date once.
fn dated(phases: &[(u64, &str)]) -> String {
    let mut day = String::new();
    let phase = |(at, label): &(u64, &str)| {
        if *at == 0 {
            return format!("{label} before the first entry");
        }
        let text = clock(*at);
        let (date, time) = text.split_once(' ').unwrap_or(("", &text));
        if date == day {
            return format!("{label} {time}");
        }
        date.clone_into(&mut day);
        format!("{label} {text}")
    };
    phases.iter().map(phase).collect::<Vec<_>>().join(", ")
}

/// The cause of a launch or an end; of one that failed, its sentence with the reason. `None` if no cause is known.
fn cause(verb: &str, entry: &Entry) -> Option<String> {
    match entry.outcome.as_str() {
        "successful" => entry.cause.as_ref().map(|it| format!(". {verb} because of {}", trigger(it))),
        _ => Some(format!(". {}", sentence(entry))),
    }
}

/// A time to the second: `2026-01-02 03:04:05`.
pub(super) fn clock(at_ms: u64) -> String {
    time::text(at_ms / 1_000 * 1_000).trim_end_matches('Z').replace('T', " ")
}

/// Adds a row for each version; the oldest ones share a row if there are more than [`MAX_DENSITY_ROWS`].
fn add_densities(builder: &mut Builder, lives: &[Life<'_>], versions: &[u64], space: i32) {
    let mut groups: BTreeMap<Option<u64>, Vec<&Life<'_>>> = BTreeMap::new();
    for life in lives {
        groups.entry(life.version).or_default().push(life);
    }
    let mut rows: Vec<(Option<u64>, String, Vec<&Life<'_>>)> = groups
        .into_iter()
        .map(|(version, lives)| (version, version.map_or("no version".into(), |it| format!("v{it}")), lives))
        .collect();
    if rows.len() > MAX_DENSITY_ROWS {
        let oldest: Vec<&Life<'_>> = rows.drain(..=rows.len() - MAX_DENSITY_ROWS).flat_map(|it| it.2).collect();
        rows.insert(0, (None, String::from("older"), oldest));
    }
    let range = builder.scale.range;
    let active: Vec<_> = rows.iter().map(|it| counts(it.2.iter().flat_map(|life| life.active()))).collect();
    let peak_of = |steps: &[(u64, u32)]| clipped(steps, range).iter().map(|it| it.1).max().unwrap_or_default();
    let highest = active.iter().map(|it| peak_of(it)).max().unwrap_or_default().max(1);
    let height = share(space, rows.len(), DENSITY_HEIGHTS);
    for ((version, name, lives), steps) in rows.iter().zip(&active) {
        let (bottom, peak) = (builder.y + height - 2, peak_of(steps));
        let label = format!("{}: {peak}", tail(name, builder.columns().saturating_sub(6)));
        builder.label(builder.y + height / 2, &label, Font::Mono);
        let row = builder.row(range.from_ms, "Instances", &density_summary(name, lives, peak));
        let y = |value: u32| bottom - proportion(value, highest, height - 4);
        let corners = corners(steps, &builder.scale, y);
        let version = version.and_then(|it| versions.binary_search(&it).ok());
        builder.layout.densities.push(Density { bottom, version, corners, row });
        builder.y += height;
    }
}

fn density_summary(name: &str, lives: &[&Life<'_>], peak: u32) -> String {
    let open = lives.iter().filter(|it| it.end_ms() == super::lives::OPEN).count();
    let begin = lives.iter().map(|it| it.begin_ms()).min().unwrap_or_default();
    let begin = if begin == 0 { String::from("before the first entry") } else { clock(begin) };
    let last = lives.last().map_or("", |it| it.instance);
    format!(
        "{name}: {} instances, at most {peak} at the same time, the first {begin}, the last {last}; {open} have not ended",
        lives.len()
    )
}

/// The length of a value on a scale from 0 to `highest`, in pixels.
pub(super) fn proportion(value: u32, highest: u32, length: i32) -> i32 {
    i32::try_from(i64::from(value) * i64::from(length) / i64::from(highest.max(1))).unwrap_or(length)
}

/// The number of monospaced characters that a width in pixels has space for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the width of a label")]
pub(super) fn columns(width: i32) -> usize {
    (f64::from(width) / MONO_WIDTH) as usize
}

impl Builder {
    fn columns(&self) -> usize {
        columns(self.scale.left - super::layout::LABEL_GAP)
    }

    fn label(&mut self, y: i32, text: &str, font: Font) {
        let x = self.scale.left - super::layout::LABEL_GAP;
        self.text(x, y + 4, Anchor::End, font, text);
    }
}
