//! Reads the pages and pictures of the tests.

use ledger::Entry;
use ledger::timeline::{Range, Size, Theme, page};

use crate::ledgers::MIDNIGHT;

pub const MINUTE: u64 = 60_000;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub time: String,
    pub kind: String,
    pub sentence: String,
}

/// A range of minutes since midnight.
pub fn range(from: u64, until: u64) -> Range {
    Range::new(MIDNIGHT + from * MINUTE, MIDNIGHT + until * MINUTE).unwrap()
}

pub fn size(width: u32) -> Size {
    Size::new(width, 400).unwrap()
}

/// The rows of the page over these minutes, 900 pixels wide.
pub fn rows_of(entries: &[Entry], from: u64, until: u64) -> Vec<Row> {
    rows(&page(entries, range(from, until), size(900), Theme::Light))
}

/// The rows of a page.
pub fn rows(page: &str) -> Vec<Row> {
    let body = between(page, "<tbody>", "</tbody>");
    let row = |it: &str| {
        let cells: Vec<&str> = it.split("<td").skip(1).map(|cell| between(cell, ">", "</td>")).collect();
        let [time, kind, sentence] = [0, 1, 2].map(|at| cells[at].to_owned());
        Row { id: between(it, "id=\"", "\"").to_owned(), time, kind, sentence }
    };
    body.split("<tr>").skip(1).map(row).collect()
}

/// The sentences of the rows of a kind.
pub fn sentences(rows: &[Row], kind: &str) -> Vec<String> {
    rows.iter().filter(|it| it.kind == kind).map(|it| it.sentence.clone()).collect()
}

/// The text between two fragments.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|it| it.1.split_once(after)).map(|it| it.0).unwrap()
}

/// The tags of a document, with their attributes.
pub fn tags(text: &str) -> Vec<&str> {
    text.split('<').skip(1).map(|it| it.split('>').next().unwrap_or_default()).collect()
}

/// The value of an attribute of a tag.
pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\"")).and_then(|it| it.1.split_once('"')).map(|it| it.0)
}
