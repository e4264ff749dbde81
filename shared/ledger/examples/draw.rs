//! Draws the timeline of a ledger from the standard input, one entry in each line, for the browser tests and the pictures
//! of the documents.
//!
//! ```sh
//! draw page FROM UNTIL WIDTH THEME < ledger.jsonl > page.html
//! ```
//!
//! `part` in place of `page` writes the part of a document that a dashboard shows. The times are in ms since the epoch.

use std::error::Error;
use std::io::{Read as _, stdin};

use ledger::Entry;
use ledger::timeline::{Range, Size, page, part};

/// The height of a picture in pixels. Bars fill it, or exceed it.
const HEIGHT: u32 = 420;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [form, from, until, width, theme] = arguments.as_slice() else {
        return Err("usage: draw page|part FROM UNTIL WIDTH THEME < LEDGER".into());
    };
    let mut lines = String::new();
    stdin().read_to_string(&mut lines)?;
    let entry =
        |line: &str| Entry::of_line(line).ok_or_else(|| format!("this line is not an entry of a ledger: {line}"));
    let entries: Vec<Entry> = lines.lines().map(entry).collect::<Result<_, _>>()?;
    let (range, size) = (Range::new(from.parse()?, until.parse()?)?, Size::new(width.parse()?, HEIGHT)?);
    let theme = theme.parse()?;
    match form.as_str() {
        "page" => print!("{}", page(&entries, range, size, theme)),
        "part" => print!("{}", part(&entries, range, size, theme, "widget-1-")),
        other => return Err(format!("{other} is not page or part").into()),
    }
    Ok(())
}
