//! Properties whose values are not known yet, as in a template with intrinsic functions.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use std::collections::BTreeSet;

use environment::{Defaults, Spec};
use serde_json::{Value, json};

use crate::common::deployment;

fn violations(given: &Value, unresolved: &[&str]) -> Vec<String> {
    let given = given.as_object().expect("an object");
    let unresolved: BTreeSet<&str> = unresolved.iter().copied().collect();
    let read = Spec::read_partial(given, &unresolved, &Defaults::from_vars(|_| None), &deployment());
    read.err().unwrap_or_default().into_iter().map(|it| it.property).collect()
}

#[test]
fn an_unresolved_property_is_not_missing() {
    assert_eq!(violations(&json!({}), &[]), ["EnvironmentSuffix"]);
    assert!(violations(&json!({}), &["EnvironmentSuffix"]).is_empty());
}

#[test]
fn a_rule_that_reads_an_unresolved_property_is_not_checked() {
    let given = json!({ "EnvironmentSuffix": "dev", "SubnetIds": ["subnet-0a1b2c3d4e5f60718"], "MinSize": "4" });
    assert_eq!(violations(&given, &[]), ["MinSize", "SubnetIds"]);
    assert_eq!(violations(&given, &["VpcId"]), ["MinSize"]);
    assert!(violations(&given, &["VpcId", "MaxSize"]).is_empty());
}

#[test]
fn other_properties_are_checked_as_ever() {
    let given = json!({ "EnvironmentSuffix": "dev", "ZoneCount": "9", "Egres": "PublicIp" });
    assert_eq!(violations(&given, &["MinSize", "UserDataScript"]), ["Egres", "ZoneCount"]);
}
