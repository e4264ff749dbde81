//! The picture and its table as a page.

use std::fmt::Write as _;

use super::bars::clock;
use super::layout::{Layout, Row};
use super::text::escaped;
use super::{Theme, svg};

/// The page of a layout: HTML, without scripts and external resources, which its policy denies too.
pub(super) fn text(layout: &Layout, theme: Theme) -> String {
    let title = escaped(&layout.title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<div class=\"picture\">\n{}</div>\n{}</body>\n</html>\n",
        style(theme),
        svg::text(layout, theme),
        table(layout),
    )
}

fn style(theme: Theme) -> String {
    let palette = theme.palette();
    let (text, background, line, band) = (palette.text, palette.background, palette.line, palette.band);
    format!(
        "body{{margin:16px;color:{text};background:{background};font:14px/1.4 system-ui,sans-serif}}\
         h1{{font-size:18px}}.picture{{overflow-x:auto}}\
         table{{border-collapse:collapse}}\
         th,td{{padding:4px 12px 4px 0;border-bottom:1px solid {line};text-align:left;vertical-align:top}}\
         td:nth-child(-n+2){{white-space:nowrap}}td:last-child{{overflow-wrap:anywhere}}\
         td:target{{background:{band};outline:2px solid {line}}}\
         a:focus-visible{{outline:2px solid {text};outline-offset:2px}}"
    )
}

/// The rows in the order of time: each mark, instance and gap of the picture, with its sentence.
fn table(layout: &Layout) -> String {
    let mut rows: Vec<(usize, &Row)> = layout.rows.iter().enumerate().collect();
    rows.sort_by_key(|(_, row)| row.at_ms);
    let mut table =
        String::from("<table>\n<thead><tr><th>Time (UTC)</th><th>Kind</th><th>Event</th></tr></thead>\n<tbody>\n");
    for (index, Row { at_ms, kind, sentence }) in rows {
        let (time, sentence) = (clock(*at_ms), escaped(sentence));
        // Writing to a `String` cannot fail.
        _ = writeln!(table, "<tr><td>{time}</td><td>{kind}</td><td id=\"e{index}\">{sentence}</td></tr>");
    }
    table.push_str("</tbody>\n</table>\n");
    table
}
