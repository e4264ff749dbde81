//! Every sample event, as the lines that the ledger has of it.

#![allow(clippy::unwrap_used, reason = "a test stops where it finds nonsense")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use environment::Deployment;
use ledger::SCHEMA;
use ledger::envelope::of_topic;
use ledger::read::{Reading, body};

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

/// When messages were sent of which no event says when.
const SENT: u64 = 1_767_323_100_000;

#[test]
fn every_sample_has_its_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/scaling-log");
    let mut samples: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    samples.sort();
    let mut told = String::new();
    for path in samples {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // One is a batch of others, one is the schedule.
        if ["queue", "fill-gaps"].contains(&name.as_str()) {
            continue;
        }
        told.extend(["== ", &name, "\n"]);
        let text = fs::read_to_string(&path).unwrap();
        let event = serde_json::from_str(&text).unwrap();
        let message = of_topic(&event).map_or(text.as_str(), |messages| messages[0]);
        match body(&deployment(), message, SENT).unwrap() {
            Reading::Of { suffix, entries } => {
                assert_eq!(suffix, "dev");
                told.extend(entries.iter().map(|entry| entry.line() + "\n"));
            }
            Reading::Nobodys(reason) => told.extend(["nobody's: ", &reason, "\n"]),
        }
    }
    insta::assert_snapshot!(told);
}

/// The page that people read: every field, kind and metric of the samples is in it.
#[test]
fn the_page_of_the_schema_leaves_nothing_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("functions/scaling-log/LEDGER.md")).unwrap();
    assert!(page.contains(&format!("version {SCHEMA}")));
    let mut words = BTreeSet::new();
    for path in fs::read_dir(root.join("events/scaling-log")).unwrap().map(|it| it.unwrap().path()) {
        let Ok(Reading::Of { entries, .. }) = body(&deployment(), &fs::read_to_string(path).unwrap(), SENT) else {
            continue;
        };
        for entry in entries {
            let line: serde_json::Value = serde_json::from_str(&entry.line()).unwrap();
            let inside = line["cause"].as_object().into_iter().flatten().map(|(name, _)| format!("cause.{name}"));
            words.extend(inside);
            words.extend(line.as_object().unwrap().keys().filter(|name| *name != "_aws").cloned());
            words.extend([entry.kind.as_str().to_owned(), entry.outcome]);
            words.extend(line["cause"]["actor"].as_str().map(str::to_owned));
        }
    }
    assert!(words.len() > 30, "{words:?}");
    let missing: Vec<&String> = words.iter().filter(|word| !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
