//! Each sample event is of the kind that its name says. Adding a file to the folder adds a case.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics at the first violation")]

use requests::{AllowedHosts, Event, Kind, ResponseAddress, ResponseUrl, enveloped_requests};
use serde_json::Value;
use std::fs;
use std::path::Path;

const NOW_MS: u64 = 1_767_323_050_000;

/// Name and content of each sample of the function custom-resource; of a sample in an envelope, the request in it.
fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/custom-resource");
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let text = enveloped_requests(&text).map_or(text, |requests| requests.concat());
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        samples.push((name, json));
    }
    assert!(samples.len() >= 7, "only {} samples", samples.len());
    samples
}

/// The kind of a file of this name.
fn expected(name: &str) -> Kind {
    match name.split(['-', '.']).next() {
        Some("create" | "bad" | "topic" | "queue") => Kind::Create,
        Some("update") => Kind::Update,
        Some("delete") => Kind::Delete,
        _ => panic!("add the kind of the sample {name} to this test"),
    }
}

#[test]
fn every_sample_is_of_the_kind_in_its_name() {
    for (name, json) in samples() {
        let event = Event::parse(&json, NOW_MS).unwrap_or_else(|malformed| panic!("{name}: {malformed}"));
        let kind = expected(&name);
        assert_eq!(event.kind, kind, "{name}");
        assert_eq!(event.physical_id.is_some(), kind != Kind::Create, "{name}");
        assert_eq!(event.old_properties.is_some(), kind == Kind::Update, "{name}");
    }
}

#[test]
fn a_sample_has_a_response_url_only_if_its_name_says_so() {
    for (name, json) in samples() {
        let url = ResponseAddress::of(&json).response_url;
        assert_eq!(url.is_some(), name.contains("response-url"), "{name}");
        if let Some(url) = url {
            assert!(ResponseUrl::parse(&url, &AllowedHosts::default()).is_ok(), "{name}");
            let event = Event::parse(&json, NOW_MS).unwrap();
            assert_eq!(event.sent_ms, 1_767_323_045_000, "{name}: read from the URL's signature");
        }
    }
}

#[test]
fn the_scalars_of_the_samples_are_strings_as_cloudformation_sends_them() {
    for (name, json) in samples() {
        for field in ["ResourceProperties", "OldResourceProperties"] {
            let Some(properties) = json.get(field) else { continue };
            assert!(only_strings(properties), "{name}: {field}");
        }
    }
}

fn only_strings(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.values().all(only_strings),
        Value::Array(items) => items.iter().all(only_strings),
        other => other.is_string(),
    }
}
