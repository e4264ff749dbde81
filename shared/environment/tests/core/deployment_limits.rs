//! The values that an operator sets for a deployment: defaults of properties, and the values that stack authors may use.
#![allow(clippy::expect_used, clippy::needless_pass_by_value, reason = "a test fails on an unexpected value")]

use crate::common::{deployment, spec};
use environment::{AllowLists, Defaults, ImageOwner, PropertyDefaults, Spec, property};
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:pages";
const TARGETS: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef";

fn property_defaults(json: Value) -> PropertyDefaults {
    PropertyDefaults::read(&json.to_string()).expect("valid defaults")
}

fn problems(json: &str) -> String {
    PropertyDefaults::read(json).expect_err("rejected defaults")
}

#[test]
fn a_property_comes_from_the_template_else_its_variable_else_the_object_else_the_table() {
    let object = property_defaults(json!({ "MaxSize": 9, "MinSize": "2", "RootVolumeGiB": 20 }));
    let variable = |name: &str| (name == "MAX_SIZE").then(|| "8".to_owned());
    let defaults = Defaults::of_deployment(variable, &object);
    let given = json!({ "EnvironmentSuffix": "dev", "RootVolumeGiB": "30" });
    let spec = Spec::read(given.as_object().expect("an object"), &defaults, &deployment()).expect("valid");
    assert_eq!((spec.root_volume_gib, spec.max_size, spec.min_size, spec.network.zone_count), (30, 8, 2, 2));

    let frozen: Defaults = serde_json::from_value(serde_json::to_value(&defaults).expect("JSON")).expect("defaults");
    assert_eq!(frozen, defaults, "the record freezes the object's values too");
}

#[test]
fn every_type_of_value_can_have_a_default() {
    let object = property_defaults(json!({
        "WaitForInstances": false, "DrainServices": ["nginx", "worker"], "TargetGroupArns": TARGETS,
        "Tags": { "team": "shop", "cost": 42 }, "AlarmActions": [], "UserDataScript": "#!/bin/sh\ntrue",
        "InstanceType": "t3.small",
    }));
    let defaults = Defaults::of_deployment(|_| None, &object);
    let given = json!({ "EnvironmentSuffix": "dev" });
    let spec = Spec::read(given.as_object().expect("an object"), &defaults, &deployment()).expect("valid");
    assert!(!spec.wait_for_instances);
    assert_eq!(spec.hooks.drain_services, ["nginx", "worker"]);
    assert_eq!(spec.target_group_arns, [TARGETS]);
    assert_eq!((spec.tags["team"].as_str(), spec.tags["cost"].as_str()), ("shop", "42"));
    assert_eq!((spec.user_data_script.as_deref(), spec.instance_type.as_str()), (Some("#!/bin/sh\ntrue"), "t3.small"));
}

#[test]
fn invalid_defaults_name_the_property_and_the_valid_form_and_repeat_no_value() {
    let secret = "hunter2";
    let all = json!({
        "MaxSizes": secret, "MinSize": secret, "EnvironmentSuffix": "dev", "ServiceToken": secret,
        "PermissionsBoundaryArn": secret, "UserDataScript": [secret], "Tags": secret, "RootVolumeGiB": 7, "Egress": null,
    });
    let text = problems(&all.to_string());
    for expected in [
        "EnvironmentSuffix: it cannot have a default, since each environment has its own",
        "PermissionsBoundaryArn: it cannot have a default, since the deployment parameter InstancesBoundaryArn sets it",
        "ServiceToken: it cannot have a default",
        "MaxSizes: unknown property; did you mean MaxSize?",
        "MinSize: a whole number from 0 to 1000",
        "UserDataScript: a plain-text script",
        "Tags: a map of at most",
        "RootVolumeGiB: a whole number from 8 to 16384",
        "Egress: omit the property to use its default, or set one of NatGateway",
    ] {
        assert!(text.contains(expected), "{expected} is missing: {text}");
    }
    assert!(!text.contains(secret), "{text}");
    assert!(!text.contains('\n'), "one line: {text}");

    for not_an_object in ["[]", "MaxSize=3", "{\"MaxSize\": 3", "\"hunter2\""] {
        let text = problems(not_an_object);
        assert!(
            text.starts_with("it is not a JSON object; valid is a JSON object") && !text.contains(secret),
            "{text}"
        );
    }
    let long = json!({ "UserDataScript": "x".repeat(PropertyDefaults::MAX_BYTES) }).to_string();
    assert!(problems(&long).starts_with("it has 2021 bytes; valid is a JSON object of at most 2,000 bytes"));
}

#[test]
fn each_property_but_two_can_have_a_default() {
    let without: Vec<&str> = property::ALL
        .iter()
        .map(|it| it.name)
        .filter(|name| problems(&json!({ *name: null }).to_string()).contains("it cannot have a default"))
        .collect();
    assert_eq!(without, ["EnvironmentSuffix", "PermissionsBoundaryArn"]);
}

fn allow_lists() -> AllowLists {
    AllowLists {
        vpcs: vec!["vpc-11111111".into()],
        instance_types: vec!["t3.*".into(), "m5.large".into()],
        image_owners: vec!["amazon".into(), "123456789012".into()],
        target_groups: vec![TARGETS.into()],
        topics: vec![TOPIC.into()],
        max_instances: Some(10),
    }
}

fn outside() -> Value {
    let other = |arn: &str| arn.replace("pages", "other").replace("web/", "other/");
    json!({
        "VpcId": "vpc-22222222", "SubnetIds": ["subnet-11111111"], "InstanceType": "t3a.small", "MaxSize": "11",
        "TargetGroupArns": [TARGETS, other(TARGETS)], "AlarmTopicArn": other(TOPIC),
        "AlarmActions": [{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": other(TOPIC) }],
    })
}

fn violations(before: Option<&Spec>, spec: &Spec) -> Vec<String> {
    allow_lists().violations(before, spec).iter().map(ToString::to_string).collect()
}

#[test]
fn all_values_that_the_deployment_does_not_allow_are_named_with_their_lists() {
    let found = violations(None, &spec(outside()));
    let expected = [
        "VpcId is \"vpc-22222222\": one of AllowedVpcs of this deployment: vpc-11111111",
        "InstanceType is \"t3a.small\": one of AllowedInstanceTypes of this deployment: t3.*, m5.large",
        "TargetGroupArns is \"",
        "AlarmTopicArn is \"",
        "AlarmActions[0].TopicArn is \"",
        "MaxSize is 11: at most MaxInstances of this deployment, which is 10",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    assert_eq!(AllowLists::default().violations(None, &spec(outside())), [], "an empty list allows every value");
}

#[test]
fn allowed_values_and_managed_networks_pass() {
    let inside = json!({
        "VpcId": "vpc-11111111", "SubnetIds": ["subnet-11111111"], "InstanceType": "m5.large", "MaxSize": "10",
        "TargetGroupArns": [TARGETS], "AlarmTopicArn": TOPIC,
    });
    assert_eq!(violations(None, &spec(inside)), [""; 0]);
    assert_eq!(violations(None, &spec(json!({ "InstanceType": "t3.small" }))), [""; 0]);
}

#[test]
fn a_shorter_list_blocks_neither_other_updates_nor_rollbacks() {
    let settled = spec(outside());
    let mut tagged = outside();
    tagged["Tags"] = json!({ "team": "shop" });
    assert_eq!(violations(Some(&settled), &spec(tagged)), [""; 0], "an update of another property");
    assert_eq!(violations(Some(&settled), &settled), [""; 0], "a rollback");
    let mut resized = outside();
    resized["MaxSize"] = json!("12");
    assert_eq!(violations(Some(&spec(outside())), &spec(resized.clone())).len(), 1, "a larger MaxSize");
    assert_eq!(violations(Some(&spec(resized)), &spec(outside())), [""; 0], "a smaller MaxSize");
}

#[test]
fn an_images_owner_is_an_account_or_its_alias() {
    let lists = allow_lists();
    let spec = spec(json!({ "ImageId": "ami-0123456789abcdef0" }));
    let owner =
        |account: &str, alias: Option<&str>| ImageOwner { account: account.into(), alias: alias.map(Into::into) };
    for allowed in [owner("123456789012", None), owner("137112412989", Some("amazon"))] {
        assert_eq!(lists.image_violation(&spec, &allowed), None);
    }
    let text = |owner: &ImageOwner| lists.image_violation(&spec, owner).expect("rejected").to_string();
    let list = "valid is an image of one of AllowedImageOwners of this deployment: amazon, 123456789012";
    assert_eq!(
        text(&owner("999999999999", Some("aws-marketplace"))),
        format!("ImageId is \"ami-0123456789abcdef0\": its image belongs to 999999999999 (aws-marketplace); {list}")
    );
    assert!(text(&owner("999999999999", None)).contains("its image belongs to 999999999999; valid is"));
    assert!(lists.needs_image_owner(None, &spec) && !lists.needs_image_owner(Some(&spec), &spec));
    assert!(!AllowLists::default().needs_image_owner(None, &spec), "an empty list needs no call");
}

#[test]
fn a_list_is_read_with_spaces_and_rejected_with_an_invalid_element() {
    assert_eq!(
        AllowLists::list(" t3.*, m5.large ,", AllowLists::is_instance_type),
        Some(vec!["t3.*".into(), "m5.large".into()])
    );
    for (text, admits) in [
        ("vpc-1", AllowLists::is_vpc as fn(&str) -> bool),
        ("*", AllowLists::is_instance_type),
        ("t*.small", AllowLists::is_instance_type),
        (".*", AllowLists::is_instance_type),
        ("self", AllowLists::is_image_owner),
        ("arn:aws:sns:us-west-2:123456789012:pages", AllowLists::is_target_group),
        ("pages", AllowLists::is_topic),
    ] {
        assert_eq!(AllowLists::list(text, admits), None, "{text}");
    }
    assert_eq!([AllowLists::max_instances("0"), AllowLists::max_instances("1001")], [None, None]);
    assert_eq!(AllowLists::max_instances("1000"), Some(1000));
}
