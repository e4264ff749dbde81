//! The operator request `validate`.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{failed, handler_with, read, sample, with, writes};
use serde_json::{Value, json};

const LIMITS: [(&str, &str); 3] =
    [("ALLOWED_INSTANCE_TYPES", "t3.*"), ("MAX_INSTANCES", "2"), ("PROPERTY_DEFAULTS", r#"{"MinSize": 1}"#)];

fn validate(properties: &Value) -> Value {
    let handler = handler_with(&LIMITS);
    let result = read(&handler, &json!({ "Request": "validate", "ResourceProperties": properties }).to_string());
    assert_eq!(handler.cloud_factory.call_count(), 0, "no call to AWS");
    assert!(result["Error"].is_null(), "{result}");
    result
}

#[test]
fn valid_properties_have_no_violation() {
    let result = validate(
        &with(sample("validate.json"), json!({ "ResourceProperties": { "MaxSize": "2" } }))["ResourceProperties"],
    );
    assert_eq!((&result["Valid"], &result["Violations"], &result["Count"]), (&json!(true), &json!([]), &json!(0)));
    assert!(result["Text"].as_str().is_some_and(|it| it.starts_with("The properties are valid.")), "{result}");
}

/// Each violation is the one of a Create, in the same words.
#[test]
fn invalid_properties_have_the_violations_of_a_create() {
    let properties = json!({
        "EnvironmentSuffix": "dev", "InstanceType": "m5.large", "MaxSize": "3", "VpcCidr": "10.40.0.0/30", "Nope": "1",
    });
    let result = validate(&properties);
    assert_eq!(result["Valid"], json!(false));
    let handler = handler_with(&LIMITS);
    let mut create = sample("create.json");
    create["ResourceProperties"] = properties;
    let reason = failed(&handler, create);
    let violations = result["Violations"].as_array().expect("a list");
    assert!(violations.len() >= 2, "{result}");
    for violation in violations {
        let text = |key: &str| violation[key].as_str().expect("a text").to_owned();
        let line = format!("{} is {}: {}", text("Property"), text("Value"), text("Valid"));
        assert!(reason.contains(&line), "{line}\n{reason}");
    }
    assert_eq!((result["Text"].as_str(), writes(&handler)), (Some(reason.as_str()), 0));
}

#[test]
fn the_limits_of_the_deployment_apply() {
    let result = validate(&json!({ "EnvironmentSuffix": "dev", "InstanceType": "m5.large", "MaxSize": "3" }));
    let text = result["Text"].as_str().expect("a text");
    for expected in [
        "InstanceType is \"m5.large\": one of AllowedInstanceTypes of this deployment: t3.*",
        "MaxSize is 3: at most MaxInstances of this deployment, which is 2",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(result["Count"], json!(2), "{result}");
}

/// `VpcId` and `MaxSize` are known to CloudFormation alone.
#[test]
fn unresolved_properties_are_not_checked() {
    let properties = json!({
        "EnvironmentSuffix": "dev", "InstanceType": "m5.large", "SubnetIds": ["subnet-0a1b2c3d4e5f60718"],
    });
    let paths = |unresolved: Value| {
        let request = json!({ "Request": "validate", "ResourceProperties": properties, "Unresolved": unresolved });
        let result = read(&handler_with(&LIMITS), &request.to_string());
        let violations = result["Violations"].as_array().expect("a list").clone();
        violations.iter().map(|it| it["Property"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(json!([])), ["SubnetIds"]);
    assert_eq!(paths(json!(["VpcId", "MaxSize"])), ["InstanceType"]);
    assert!(paths(json!(["VpcId", "MaxSize", "InstanceType"])).is_empty());
    let request = json!({ "Request": "validate", "ResourceProperties": properties, "Unresolved": ["Vpc"] });
    let error = read(&handler_with(&LIMITS), &request.to_string())["Error"].clone();
    assert_eq!(error, "Unresolved is a list of 1 item: valid is a list of names of properties");
}

#[test]
fn a_list_of_violations_ends() {
    let unknown: serde_json::Map<String, Value> = (0..60).map(|it| (format!("Nope{it}"), json!("1"))).collect();
    let result = validate(&Value::Object(unknown));
    assert_eq!(result["Violations"].as_array().map(Vec::len), Some(50));
    assert!(result["Count"].as_u64().is_some_and(|it| it > 60), "{result}");
}
