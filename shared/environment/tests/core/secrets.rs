//! No text repeats a part of a script, of an unknown property, or of a value that may be a secret in the wrong place.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use crate::common::{deployment, read, spec};
use environment::{Defaults, Spec, property};
use serde_json::{Value, json};

const SECRET: &str = "hunter2-correct-horse";

/// Values of every type that contain the secret: short, long, multi-line, nested, as a name, and encoded.
fn values() -> Vec<Value> {
    let long = format!("{SECRET}{}", "x".repeat(450_000));
    vec![
        json!(SECRET),
        json!(format!("{SECRET}\n{SECRET}")),
        json!(format!("#cloud-config\npassword: {SECRET}")),
        json!(format!("#!/bin/bash\r\necho {SECRET}")),
        json!(format!("#!/bin/bash\necho {SECRET}\0")),
        json!(format!("echo {SECRET}\nENVKEEPER-END-OF-USER-SCRIPT\n")),
        json!(format!("{SECRET},{SECRET}")),
        json!(long),
        json!([SECRET, { "a": SECRET }]),
        json!({ SECRET: SECRET, "nested": { "a": [SECRET] } }),
        json!([{ "Key": "key", "Value": format!("{SECRET}!") }, { "Key": "key", "Value": "v" }]),
        json!([{ "Alarm": [SECRET], "Action": SECRET, SECRET.repeat(4): SECRET }]),
        json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": SECRET, "Amount": SECRET }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": SECRET, "DryRun": SECRET }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": { "a": SECRET }, "CooldownSeconds": SECRET }]),
    ]
}

#[test]
fn no_violation_repeats_a_value_that_is_not_valid() {
    let unknown = ["Password", "UserDataScripts", "Instancetype"];
    for name in property::ALL.iter().map(|it| it.name).chain(unknown) {
        for value in values() {
            let mut all = json!({ "EnvironmentSuffix": "dev" });
            all[name] = value;
            let Err(violations) = read(all) else { continue };
            for violation in violations {
                let text = format!("{violation} {violation:?}");
                assert!(!text.contains("hunter2"), "{name}: {text}");
                assert!(violation.to_string().chars().count() < 1_500, "{name}: {text}");
            }
        }
    }
}

#[test]
fn a_refused_script_and_an_unknown_property_are_described_by_type_and_length() {
    let text = |properties: Value| read(properties).expect_err("rejected")[0].to_string();
    let script = format!("#cloud-config\n{}", "x".repeat(5_106));
    let text_of_script = text(json!({ "EnvironmentSuffix": "dev", "UserDataScript": script }));
    assert!(text_of_script.starts_with("UserDataScript is a string of 5,120 characters: a script"), "{text_of_script}");
    let unknown = text(json!({ "EnvironmentSuffix": "dev", "Passwd": { "a": 1 } }));
    assert_eq!(unknown, "Passwd is an object of 1 member: unknown property");
    let name = text(json!({ "EnvironmentSuffix": "dev", "p ssw0rd": true }));
    assert_eq!(name, "(a name of 8 characters) is a boolean: unknown property");
}

#[test]
fn a_text_that_resembles_a_valid_value_is_quoted() {
    let text = |name: &str, value: Value| {
        let mut all = json!({ "EnvironmentSuffix": "dev" });
        all[name] = value;
        read(all).expect_err("rejected")[0].to_string()
    };
    for (name, value, quoted) in [
        ("MinSize", json!("-1"), "MinSize is \"-1\":"),
        ("VpcCidr", json!("8.8.0.0/16"), "VpcCidr is \"8.8.0.0/16\":"),
        ("Egress", json!("natgateway"), "Egress is \"natgateway\":"),
        ("ImageId", json!("ami-1"), "ImageId is \"ami-1\":"),
        (
            "SubnetIds",
            json!(["subnet-11111111", "subnet-x"]),
            "SubnetIds is a list of 2 items, of which number 2 is \"subnet-x\":",
        ),
        ("DeletionProtection", json!("True"), "DeletionProtection is \"True\":"),
    ] {
        assert!(text(name, value).starts_with(quoted), "{}", text(name, json!(quoted)));
    }
}

#[test]
fn the_debug_text_of_a_spec_and_of_its_resources_contains_no_script() {
    let script = format!("echo {SECRET}");
    let spec = spec(json!({ "UserDataScript": script, "DrainScript": script }));
    let desired = crate::common::resources(&spec);
    let defaults = Defaults::from_vars(|name| (name == "USER_DATA_SCRIPT").then(|| script.clone()));
    for text in [format!("{spec:?}"), format!("{spec:#?}"), format!("{desired:?}"), format!("{defaults:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let plan = environment::plan(&desired, &[]);
    assert!(!format!("{plan:?} {plan}").contains("hunter2"));
    let json = serde_json::to_string(&spec).expect("JSON");
    assert_eq!(json.matches("hunter2").count(), 2, "the record contains the scripts: they are desired state");
}

#[test]
fn a_default_that_is_not_valid_is_not_repeated() {
    for property in property::ALL {
        let defaults = Defaults::from_vars(|name| (name == property.variable).then(|| format!("{SECRET}\0")));
        let given = json!({ "EnvironmentSuffix": "dev" });
        let read = Spec::read(given.as_object().expect("an object"), &defaults, &deployment());
        let text = read.err().map(|all| format!("{all:?}")).unwrap_or_default();
        assert!(!text.contains("hunter2"), "{}: {text}", property.name);
    }
}
