//! The table in `infra/OPERATIONS.md` comes from the table of requests, and every request has a sample.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::fs;
use std::path::{Path, PathBuf};

use operator_requests::{Form, REQUESTS, RequestKind, RequestRow};
use serde_json::Value;

const HEADER: &str = "| request | function | result |\n|---|---|---|\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn line(row: &RequestRow, form: &Form) -> String {
    let members = if form.members.is_empty() { String::new() } else { format!(", {}", form.members) };
    let functions = match row.kind {
        RequestKind::Read(_) => "both",
        RequestKind::Change(_) => "`operator`",
    };
    format!("| `{{\"Request\": \"{}\"{members}}}` | {functions} | {} |\n", row.name, form.result)
}

#[test]
fn the_page_has_the_table_of_requests() {
    let path = root().join("infra/OPERATIONS.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, after) = page.split_once(HEADER).expect("the header of the table");
    let (_, after) = after.split_once("\n\n").expect("the end of the table");
    let lines: String = REQUESTS.iter().flat_map(|row| row.forms.iter().map(move |form| line(row, form))).collect();
    let renewed = format!("{before}{HEADER}{lines}\n{after}");
    if renewed != page {
        fs::write(&path, renewed).expect("the page can be written");
        panic!("infra/OPERATIONS.md was stale and has been regenerated: review and commit it");
    }
}

#[test]
fn every_request_has_a_sample_in_the_folder_of_its_function_and_every_sample_its_request() {
    let mut named = Vec::new();
    for (folder, reads) in [("operator-read", true), ("operator", false)] {
        for entry in fs::read_dir(root().join("events").join(folder)).expect("the folder") {
            let path = entry.expect("an entry").path();
            let sample: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a text")).expect("JSON");
            let row = sample["Request"].as_str().and_then(RequestRow::named);
            let row = row.unwrap_or_else(|| panic!("{}: {sample}", path.display()));
            assert_eq!(matches!(row.kind, RequestKind::Read(_)), reads, "{}", path.display());
            named.push(row.name);
        }
    }
    for row in REQUESTS {
        assert!(named.contains(&row.name), "{} has no sample", row.name);
    }
}
