//! Inputs on which other products failed, with the report of each.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{BEGIN_S, failed, handler, handler_with, sample, send, succeeded, with, writes};
use request_pass::{Settings, StackState};
use serde_json::{Value, json};

fn create(properties: &Value) -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": properties }))
}

/// CloudFormation discards such a reason (aws-cloudformation/cloudformation-coverage-roadmap #1601).
#[test]
fn a_reason_is_printable_whatever_the_properties_contain() {
    for properties in [
        json!({ "Colour\u{1b}[31mRed": "x" }),
        json!({ "EnvironmentSuffix": "dev\u{1b}[0m" }),
        json!({ "InstanceType": "t3\0micro" }),
        json!({ "InstanceType": "t3\u{ffff}micro" }),
        json!({ "Col\u{fffe}": "x", "Col\u{85}": "x" }),
        json!({ "Tags": { "Te\u{1b}am": "a\u{1b}b" } }),
        json!({ "Environment": "a\u{1b}[31mb" }),
        json!({ "AlarmActions": [{ "Alarm": "x", "Action": "Sca\u{1b}leBy", "Odd\u{1b}": "1" }] }),
        json!({ "Größe😀": "ü" }),
    ] {
        let handler = handler();
        let response = send(&handler, create(&properties));
        let reason = response["Reason"].as_str().expect("a FAILED has a reason");
        assert!(reason.chars().all(|it| matches!(it, ' '..='~' | '\t' | '\n')), "{reason:?}");
        assert_eq!((response["Status"].as_str(), writes(&handler)), (Some("FAILED"), 0));
    }
}

/// aws-cdk #24491; binxio/cfn-postgresql-user-provider #2.
#[test]
fn a_response_to_many_faults_in_characters_of_several_bytes_fits() {
    let properties: serde_json::Map<String, Value> =
        (0..90).map(|number| (format!("Größe😀{number}"), json!("ü".repeat(250)))).collect();
    let response = send(&handler(), create(&properties.into()));
    assert_eq!(response["Status"], "FAILED");
    assert!(response.to_string().len() <= 4_096, "{response}");
}

/// aws-cdk #13486: a Delete repeats the properties of an older version.
#[test]
fn a_delete_with_200_kb_of_unusable_properties_deletes_the_environment() {
    let mut handler = handler();
    succeeded(&handler, sample("create.json"));
    handler.cloud_factory.stack = Some(StackState::Deleting);
    let mut delete = sample("delete.json");
    delete["ResourceProperties"] = json!({
        "EnvironmentSuffix": { "Fn": "dev" }, "MinSize": [1, 2], "MaxSize": { "a": null }, "VpcCidr": true,
        "Tags": "{\"a\":", "AlarmActions": "[object Object]", "Egress": null, "Create": "{\"service\":\"EC2\"}",
        "UserDataScript": format!("#!/bin/bash\n{}", "# padding \n".repeat(20_000)),
    });
    succeeded(&handler, delete);
    assert!(handler.cloud_factory.account.inventory().is_empty());
}

/// qnabot #108.
#[test]
fn missing_settings_are_named_in_one_response() {
    let mut handler = handler();
    handler.settings =
        Settings::from_vars("custom-resource", |name| (name == "AWS_REGION").then(|| "us-west-2".to_owned()));
    let reason = failed(&handler, sample("create.json"));
    assert!(reason.contains("RECORDS_TABLE") && reason.contains("ACCOUNT_ID"), "{reason}");
}

/// aws-cdk #30517: CloudFormation sends the timeout as text, beside the properties and among them. A NAT gateway alone takes
/// longer.
#[test]
fn a_service_timeout_of_40_seconds_has_its_response_before() {
    let handler = handler();
    let begin = handler.cloud_factory.account.clock.now();
    let timed = with(create(&json!({ "ServiceTimeout": "40" })), json!({ "ServiceTimeout": "40" }));
    let reason = failed(&handler, timed);
    let took = (handler.cloud_factory.account.clock.now() - begin).as_secs();
    assert!(took < 40, "{took} s: {reason}");
    assert!(!reason.contains("ServiceTimeout"), "the property is known: {reason}");
}

/// The same, with an instance that waits for its launch hook and a function for hooks that never answers.
#[test]
fn a_service_timeout_of_40_seconds_is_kept_while_a_launch_hook_waits() {
    let handler = handler_with(&[("LIFECYCLE_HOOKS", "true")]);
    let begin = handler.cloud_factory.account.clock.now();
    let properties =
        json!({ "ServiceTimeout": "40", "MinSize": "1", "MaxSize": "1", "Egress": "PublicIp", "LaunchGate": "true" });
    let reason = failed(&handler, with(create(&properties), json!({ "ServiceTimeout": "40" })));
    let took = (handler.cloud_factory.account.clock.now() - begin).as_secs();
    assert!(took < 40, "{took} s: {reason}");
}

/// pulumi-aws-native PR 1806, and the sample event of the AWS SAM CLI.
#[test]
fn a_response_address_of_another_host_gets_no_response_and_fails_no_invocation() {
    for url in [
        "https://my-pulumi-bucket.s3.us-west-2.amazonaws.com/custom-resource/abc?X-Amz-Date=20261129T163646Z&X-Amz-Expires=3600&X-Amz-Signature=0",
        "http://pre-signed-S3-url-for-response",
    ] {
        let rejected = with(create(&json!({ "Nope": "1" })), json!({ "ResponseURL": url }));
        let reason = failed(&handler(), rejected);
        assert!(reason.contains("Nope"), "{reason}");
    }
}

/// Emulators sign the address with boto3's default, an hour, and version 2 of the signature shows only its end.
#[test]
fn a_response_address_that_expires_in_an_hour_is_of_a_new_request() {
    let expires = BEGIN_S + 3_600;
    let url = format!("http://127.0.0.1:9/x?AWSAccessKeyId=AKIAEXAMPLE&Expires={expires}&Signature=abc%3D");
    succeeded(&handler(), with(sample("create.json"), json!({ "ResponseURL": url })));
}

/// aws-cdk #22670: another id would make CloudFormation replace the environment.
#[test]
fn an_update_that_fails_has_the_id_of_its_event() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let update = with(sample("update.json"), json!({ "ResourceProperties": { "Nope": "1" } }));
    let response = send(&handler, update.clone());
    assert_eq!(response["Status"], "FAILED");
    assert_eq!(response["PhysicalResourceId"], update["PhysicalResourceId"]);
}
