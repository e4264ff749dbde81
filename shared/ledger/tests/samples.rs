//! Every sample event, and the lines of the ledger that it produces.

#![allow(clippy::unwrap_used, reason = "a test stops at the first unexpected value")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use environment::Deployment;
use ledger::envelope::topic_messages;
use ledger::read::{Reading, body};
use ledger::{Entry, SCHEMA, sentence};

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

/// The send time of the messages, for events without a time.
const SENT_MS: u64 = 1_767_323_100_000;

#[test]
fn every_sample_has_its_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/scaling-log");
    let mut samples: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    samples.sort();
    let mut lines = String::new();
    for path in samples {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // `queue` is a batch of other samples, `backfill` the schedule.
        if ["queue", "backfill"].contains(&name.as_str()) {
            continue;
        }
        lines.extend(["== ", &name, "\n"]);
        let text = fs::read_to_string(&path).unwrap();
        let event = serde_json::from_str(&text).unwrap();
        let message = topic_messages(&event).map_or(text.as_str(), |messages| messages[0]);
        match body(&deployment(), message, SENT_MS).unwrap() {
            Reading::Entries { suffix, entries } => {
                assert_eq!(suffix, "dev");
                lines.extend(entries.iter().map(|entry| entry.line() + "\n"));
            }
            Reading::NotOwned(reason) => lines.extend(["not owned: ", &reason, "\n"]),
        }
    }
    insta::assert_snapshot!(lines);
}

/// The entries of all samples, in the order of the files' names.
fn entries() -> Vec<Entry> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/scaling-log");
    let mut samples: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    samples.sort();
    let of_sample = |path| match body(&deployment(), &fs::read_to_string(path).unwrap(), SENT_MS) {
        Ok(Reading::Entries { entries, .. }) => entries,
        _ => Vec::new(),
    };
    samples.into_iter().flat_map(of_sample).collect()
}

#[test]
fn every_entry_is_one_sentence() {
    let lines: Vec<String> = entries().iter().map(|it| format!("{:<11} {}", it.kind.as_str(), sentence(it))).collect();
    assert!(lines.len() > 15, "{lines:?}");
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_line_of_the_ledger_is_read_as_the_entry_that_was_written() {
    for entry in entries() {
        assert_eq!(Entry::of_line(&entry.line()), Some(entry));
    }
}

#[test]
fn a_line_of_a_later_version_is_read_as_far_as_it_is_known() {
    let line = entries()[0].line();
    let mut later: serde_json::Value = serde_json::from_str(&line).unwrap();
    later["kind"] = "sleep".into();
    later["cause"] = serde_json::json!({ "actor": "moon", "phase": "full" });
    let entry = Entry::of_line(&later.to_string()).unwrap();
    assert_eq!(entry.kind.as_str(), "other");
    later["v"] = (SCHEMA + 1).into();
    assert_eq!(Entry::of_line(&later.to_string()), None, "the fields of another schema have other meanings");
    assert_eq!(Entry::of_line("not JSON"), None);
}

/// LEDGER.md describes every field, kind and metric of the samples.
#[test]
fn the_page_of_the_schema_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("functions/scaling-log/LEDGER.md")).unwrap();
    assert!(page.contains(&format!("version {SCHEMA}")));
    let mut words = BTreeSet::new();
    for path in fs::read_dir(root.join("events/scaling-log")).unwrap().map(|it| it.unwrap().path()) {
        let Ok(Reading::Entries { entries, .. }) = body(&deployment(), &fs::read_to_string(path).unwrap(), SENT_MS)
        else {
            continue;
        };
        for entry in entries {
            let line: serde_json::Value = serde_json::from_str(&entry.line()).unwrap();
            let of_cause = line["cause"].as_object().into_iter().flatten().map(|(name, _)| format!("cause.{name}"));
            words.extend(of_cause);
            words.extend(line.as_object().unwrap().keys().filter(|name| *name != "_aws").cloned());
            words.extend([entry.kind.as_str().to_owned(), entry.outcome]);
            words.extend(line["cause"]["actor"].as_str().map(str::to_owned));
        }
    }
    assert!(words.len() > 30, "{words:?}");
    let missing: Vec<&String> = words.iter().filter(|word| !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
