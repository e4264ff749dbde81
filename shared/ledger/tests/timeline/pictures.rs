//! The pictures: goldens, labels that do not overlap, and links that assistive technology can name.

use std::collections::BTreeSet;

use ledger::timeline::{InvalidPicture, Range, Size, Theme, page, paragraph, part, svg};

use crate::ledgers::{Ledger, MIDNIGHT, mixed, six_hours};
use crate::reading::{attribute, between, range, rows, size, tags};

/// 80 instances, each replaced by one of the next version.
fn eighty() -> Ledger {
    let mut ledger = Ledger::default();
    let old: Vec<(usize, u64)> = (0..80).map(|it| (it, 6)).collect();
    ledger.state(0, 80, &old);
    for number in 0..80 {
        ledger.launch(100 + number, 60 + number as u64 * 2, 7);
        ledger.terminate(number, 64 + number as u64 * 2);
    }
    ledger
}

#[test]
fn six_hours_with_a_rollout() {
    insta::assert_snapshot!(svg(&six_hours().entries, range(0, 360), size(900), Theme::Light));
}

#[test]
fn a_narrow_page_without_colours() {
    insta::assert_snapshot!(page(&six_hours().entries, range(0, 80), size(400), Theme::Monochrome));
}

#[test]
fn eighty_instances_in_the_dark() {
    insta::assert_snapshot!(svg(&eighty().entries, range(0, 360), size(900), Theme::Dark));
}

#[test]
fn an_empty_ledger_is_a_gap() {
    let empty = page(&[], range(0, 60), size(400), Theme::Light);
    assert_eq!(between(&empty, "<h1>", "</h1>"), "No entries from 2026-01-02 00:00:00 to 2026-01-02 01:00:00 UTC");
    let rows: Vec<String> = rows(&empty).into_iter().map(|it| it.sentence).collect();
    assert_eq!(rows, ["not observed from 2026-01-02 00:00:00 to 2026-01-02 01:00:00"]);
}

#[test]
fn an_invalid_range_or_size_is_rejected_by_its_value() {
    let text = |it: Result<(), InvalidPicture>| it.map_err(|error| error.to_string());
    assert_eq!(
        text(Range::new(MIDNIGHT, MIDNIGHT).map(drop)),
        Err("range: from 2026-01-02T00:00:00Z until 2026-01-02T00:00:00Z; the end is later than the beginning, and before 2100".into())
    );
    assert!(Range::new(MIDNIGHT, u64::MAX).is_err());
    assert_eq!(text(Size::new(399, 400).map(drop)), Err("width: 399; a width has 400 to 4096 pixels".into()));
    assert_eq!(text(Size::new(400, 0).map(drop)), Err("height: 0; a height has 100 to 4096 pixels".into()));
}

/// Screen readers name a link by its row, and each link can be reached by the keyboard because it has a target.
#[test]
fn every_link_is_named_by_its_row_and_every_row_is_in_the_picture_or_a_gap() {
    for ledger in [six_hours(), eighty(), mixed(500)] {
        let page = page(&ledger.entries, range(0, 360), size(900), Theme::Light);
        let rows = rows(&page);
        let titled: Vec<(&str, &str)> = page
            .split("<a ")
            .skip(1)
            .map(|it| {
                let target = attribute(&format!(" {it}"), "href").map(str::to_owned);
                let label = between(it, "aria-labelledby=\"", "\"");
                assert_eq!(target, Some(format!("#{label}")));
                (label, between(it, "<title>", "</title>"))
            })
            .collect();
        for (id, title) in &titled {
            let row: Vec<&str> = rows.iter().filter(|it| it.id == **id).map(|it| it.sentence.as_str()).collect();
            assert_eq!(row, [*title]);
        }
        let linked: BTreeSet<&str> = titled.iter().map(|it| it.0).collect();
        assert_eq!(linked.len(), titled.len());
        for row in rows.iter().filter(|it| it.kind != "Gap") {
            assert!(linked.contains(row.id.as_str()) && !row.sentence.is_empty(), "{row:?}");
        }
    }
}

/// Without colours, a failure or an alarm is a filled mark, and another event a hollow one.
#[test]
fn failures_and_alarms_are_filled_and_other_events_are_hollow() {
    let is_filled = |kind: &str, outcome: &str, reason: &str| {
        let mut ledger = Ledger::default();
        ledger.add(kind, outcome, MIDNIGHT + 600_000, serde_json::json!({ "reason": reason }));
        let picture = svg(&ledger.entries, range(0, 60), size(900), Theme::Monochrome);
        let (_, marks) = picture.split_once("<g stroke=\"#555555\" fill=\"#ffffff\">").unwrap();
        between(marks, "</title>", "</a>").contains("fill=\"#000000\"")
    };
    assert!(is_filled("request", "responded", "Update failed: the subnet does not exist"));
    assert!(!is_filled("request", "responded", "Update succeeded"));
    for (kind, outcome, expected) in [
        ("alarm", "alarm", true),
        ("alarm", "ok", false),
        ("alarm", "insufficient-data", false),
        ("remediation", "done", false),
        ("remediation", "failed", true),
        ("interruption", "interruption-warning", true),
        ("interruption", "rebalance-recommendation", false),
        ("rollout", "complete", false),
        ("rollout", "failed", true),
        ("rollout", "needs-operator", true),
        ("refresh", "rollback-failed", true),
        ("request", "started", false),
        ("launch", "failed", true),
        ("gate", "abandon", true),
        ("drain", "not-drained", true),
    ] {
        assert_eq!(is_filled(kind, outcome, "a reason"), expected, "{kind} {outcome}");
    }
}

/// CloudWatch's custom widgets strip scripts, frames and `use`; a page loads nothing.
#[test]
fn the_page_has_few_elements_and_loads_nothing() {
    let text = page(&mixed(500).entries, range(0, 24 * 60), size(900), Theme::Light);
    let elements: BTreeSet<&str> = tags(&text)
        .into_iter()
        .map(|it| it.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default())
        .collect();
    let known = [
        "!DOCTYPE", "a", "body", "circle", "defs", "div", "g", "h1", "head", "html", "meta", "path", "pattern", "rect",
        "style", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
    ];
    assert!(elements.iter().all(|it| known.contains(it)), "{elements:?}");
    let hosts: Vec<&str> = text.split("://").skip(1).map(|it| it.split('"').next().unwrap_or_default()).collect();
    assert_eq!(hosts, ["www.w3.org/2000/svg"], "the namespace alone");
}

/// A text of a picture: its left edge, right edge and baseline. Widths are those of DejaVu Sans, the widest of the
/// fonts.
#[derive(Debug)]
struct Label {
    left: f64,
    right: f64,
    baseline: f64,
    text: String,
}

fn width(text: &str, is_mono: bool) -> f64 {
    let of = |c: char| match c {
        _ if is_mono => 0.61,
        'm' | 'M' | 'W' => 1.0,
        'w' => 0.82,
        'i' | 'j' | 'l' | '.' | ':' | '-' | ' ' => 0.4,
        'A'..='Z' => 0.78,
        _ => 0.64,
    };
    text.chars().map(of).sum::<f64>() * 11.0
}

fn labels(picture: &str) -> Vec<Label> {
    let label = |it: &str| {
        let tag = format!(" {}", it.split('>').next().unwrap());
        let text = between(it, ">", "</text>").to_owned();
        let [x, baseline]: [f64; 2] = ["x", "y"].map(|name| attribute(&tag, name).unwrap().parse().unwrap());
        let width = width(&text, attribute(&tag, "font-family").is_some());
        let left = match attribute(&tag, "text-anchor") {
            Some("end") => x - width,
            Some(_) => x - width / 2.0,
            None => x,
        };
        Label { left, right: left + width, baseline, text }
    };
    picture.split("<text ").skip(1).map(label).collect()
}

#[test]
fn no_label_overlaps_another_or_leaves_the_picture() {
    let mut many_alarms = Ledger::default();
    for minute in 0..1_440 {
        many_alarms.alarm("alarm", minute);
        many_alarms.alarm("ok", minute);
    }
    for (name, ledger) in [
        ("six hours", six_hours()),
        ("eighty", eighty()),
        ("mixed", mixed(10_000)),
        ("few", mixed(300)),
        ("alarms", many_alarms),
        ("empty", Ledger::default()),
    ] {
        for pixels in [400, 900, 1_600] {
            for hours in [1, 6, 24, 24 * 14, 24 * 365] {
                let picture = svg(&ledger.entries, range(0, hours * 60), size(pixels), Theme::Light);
                let place = format!("{name}, {pixels} pixels, {hours} hours");
                let height: f64 = attribute(tags(&picture)[0], "height").unwrap().parse().unwrap();
                let labels = labels(&picture);
                assert!(labels.len() > 2, "{place}");
                assert!(labels.iter().all(|it| !it.text.is_empty()), "{place}");
                for (at, one) in labels.iter().enumerate() {
                    assert!(one.left >= 0.0 && one.right <= f64::from(pixels), "{place}: {one:?}");
                    assert!(one.baseline >= 9.0 && one.baseline <= height - 3.0, "{place}: {one:?}");
                    for other in &labels[at + 1..] {
                        let is_near = (one.baseline - other.baseline).abs() < 12.0;
                        let is_beside = one.right <= other.left || other.right <= one.left;
                        assert!(!is_near || is_beside, "{place}: {one:?} {other:?}");
                    }
                }
            }
        }
    }
}

/// A document may contain several timelines, and texts of its own with the same ids.
#[test]
fn the_part_of_a_document_has_ids_and_styles_of_its_own() {
    let text = part(&six_hours().entries, range(0, 360), size(900), Theme::Light, "widget 1\"-");
    assert!(text.starts_with("<div class=\"timeline\">") && text.ends_with("</div>\n"), "{text}");
    for tag in tags(&text) {
        if let Some(id) = attribute(tag, "id") {
            assert!(id.starts_with("widget1-"), "{tag}");
        }
        for (name, before) in [("href", "#"), ("aria-labelledby", ""), ("fill", "url(#")] {
            let reference = attribute(tag, name).filter(|it| name != "fill" || it.starts_with("url"));
            assert!(reference.is_none_or(|it| it.starts_with(&format!("{before}widget1-"))), "{tag}");
        }
    }
    let style = between(&text, "<style>", "</style>");
    let blocks: Vec<&str> = style.split('{').collect();
    let selectors =
        blocks[..blocks.len() - 1].iter().filter_map(|it| it.rsplit('}').next()).flat_map(|it| it.split(','));
    for selector in selectors {
        assert!(selector.starts_with(".timeline ") || selector.starts_with("@container"), "{selector}");
    }
    assert_eq!(paragraph("a <b>"), "<p>a &lt;b&gt;</p>\n");
}
