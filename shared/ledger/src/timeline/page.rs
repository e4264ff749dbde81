//! The picture and its table as a page.

use std::fmt::Write as _;

use super::bars::clock;
use super::layout::{Layout, Row};
use super::text::escaped;
use super::theme::Palette;
use super::{Theme, svg};

/// The page of a layout: HTML, without scripts and external resources, which its policy denies too.
pub(super) fn text(layout: &Layout, theme: Theme) -> String {
    let title = escaped(&layout.title);
    let Palette { text, background, .. } = theme.palette();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{margin:16px;color:{text};background:{background};font:14px/1.4 system-ui,sans-serif}}\
         h1{{font-size:18px}}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{}</body>\n</html>\n",
        part(layout, theme, ""),
    )
}

/// The picture and its table in one element, to which the styles are limited.
pub(super) fn part(layout: &Layout, theme: Theme, ids: &str) -> String {
    let (style, picture, table) = (style(theme), svg::text(layout, theme, ids), table(layout, ids));
    format!(
        "<div class=\"timeline\">\n<style>{style}</style>\n<div class=\"picture\">\n{picture}</div>\n{table}</div>\n"
    )
}

fn style(theme: Theme) -> String {
    let Palette { text, background, line, band, .. } = theme.palette();
    let rules = [
        ("", format!("container-type:inline-size;color:{text};background:{background}")),
        (".picture", String::from("overflow-x:auto")),
        ("table", String::from("border-collapse:collapse")),
        ("th", format!("padding:4px 12px 4px 0;border-bottom:1px solid {line};text-align:left;vertical-align:top")),
        ("td", format!("padding:4px 12px 4px 0;border-bottom:1px solid {line};text-align:left;vertical-align:top")),
        ("td:nth-child(-n+2)", String::from("white-space:nowrap")),
        ("td:last-child", String::from("overflow-wrap:anywhere")),
        ("td:target", format!("background:{band};outline:2px solid {line}")),
        ("a:focus-visible", format!("outline:2px solid {text};outline-offset:2px")),
    ];
    // Space for the sentences: a time takes two lines.
    let narrow = "@container (max-width:600px){.timeline th,.timeline td{padding-right:8px;font-size:13px}\
                  .timeline td:nth-child(-n+2){width:1%;white-space:normal}}";
    rules.map(|(of, rule)| format!(".timeline {of}{{{rule}}}")).concat() + narrow
}

/// The rows in the order of time: each mark, instance and gap of the picture, with its sentence.
fn table(layout: &Layout, ids: &str) -> String {
    let mut rows: Vec<(usize, &Row)> = layout.rows.iter().enumerate().collect();
    rows.sort_by_key(|(_, row)| row.at_ms);
    let mut table =
        String::from("<table>\n<thead><tr><th>Time (UTC)</th><th>Kind</th><th>Event</th></tr></thead>\n<tbody>\n");
    for (index, Row { at_ms, kind, sentence }) in rows {
        let (time, sentence) = (clock(*at_ms), escaped(sentence));
        // Writing to a `String` cannot fail.
        _ = writeln!(table, "<tr><td>{time}</td><td>{kind}</td><td id=\"{ids}e{index}\">{sentence}</td></tr>");
    }
    table.push_str("</tbody>\n</table>\n");
    table
}
