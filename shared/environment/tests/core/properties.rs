//! Properties: valid values, rejected values, and the texts of the violations.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use crate::bad_inputs;
use crate::common::{deployment, read};
use environment::{Defaults, Spec, check_change, property};
use serde_json::{Value, json};

/// The violations of a request with these properties.
fn violations(properties: Value) -> Vec<String> {
    read(properties).expect_err("rejected properties").iter().map(ToString::to_string).collect()
}

/// The only violation of a request with one property in addition to a valid suffix.
fn violation(name: &str, value: Value) -> String {
    let violations = violations(json!({ "EnvironmentSuffix": "dev", name: value }));
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations[0].clone()
}

#[test]
fn all_violations_are_reported_together() {
    insta::assert_snapshot!(
        violations(json!({
            "ServiceToken": "arn", "ServiceTimeout": "600",
            "EnvironmentSuffix": "my suffix", "MinSize": "maybe", "ZoneCount": "4", "VpcCidr": "8.8.0.0/16",
            "LogRetentionDays": "42", "Instancetype": "t3.micro", "Whatever": {"a": [1]}, "MaxSize": null,
            "Tags": { "Name": "mine", "aws:x": "y" }, "ImageId": "ami-1", "UserDataScript": ["a"],
        }))
        .join("\n")
    );
}

#[test]
fn every_scalar_may_be_text_or_a_json_scalar() {
    let text = read(json!({ "EnvironmentSuffix": "dev", "MinSize": "2", "ZoneCount": "3" })).expect("valid");
    let number = read(json!({ "EnvironmentSuffix": "dev", "MinSize": 2, "ZoneCount": 3 })).expect("valid");
    assert_eq!(text, number);
    assert_eq!(text.desired_capacity, 2, "the default of DesiredCapacity is MinSize");
}

#[test]
fn a_number_consists_of_digits_only() {
    for bad in bad_inputs::NUMBERS {
        let text = violation("MinSize", json!(bad));
        assert!(text.starts_with("MinSize is ") && text.ends_with("a whole number from 0 to 1000"), "{text}");
    }
    for bad in [json!(true), json!(2.5), json!(-1), json!([2]), json!({ "a": 1 })] {
        assert!(violation("MinSize", bad).contains("a whole number from 0 to 1000"));
    }
}

#[test]
fn sizes_have_to_be_consistent() {
    let violations = violations(json!({ "EnvironmentSuffix": "dev", "MinSize": "5", "MaxSize": "3" }));
    assert_eq!(violations, ["MinSize is 5: at most MaxSize, which is 3"]);
    assert_eq!(violation("DesiredCapacity", json!("9")), "DesiredCapacity is 9: from MinSize to MaxSize, 1 to 3");
}

#[test]
fn a_rule_between_properties_is_checked_when_each_of_them_is_valid() {
    let texts = violations(json!({ "MinSize": 20, "MaxSize": 10, "ZoneCount": 9, "ScaleUpCpuThreshold": "high" }));
    let of = |name: &str| texts.iter().filter(|it| it.starts_with(name)).count();
    assert_eq!(of("MinSize is 20: at most MaxSize"), 1, "{texts:?}");
    assert_eq!(
        (of("ZoneCount"), of("ScaleUpCpuThreshold"), of("EnvironmentSuffix is missing")),
        (1, 1, 1),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 4, "no rule reads a property that is not valid: {texts:?}");

    let subnets = json!({ "EnvironmentSuffix": "dev", "VpcId": "vpc-0123456789abcdef0", "SubnetIds": "subnet" });
    let texts = violations(subnets);
    assert_eq!(texts.len(), 1, "an invalid list of subnets is not a missing one: {texts:?}");
}

#[test]
fn networks_are_private_large_enough_and_written_with_their_network_address() {
    for good in bad_inputs::VALID_NETWORKS {
        assert!(read(json!({ "EnvironmentSuffix": "dev", "VpcCidr": good })).is_ok(), "{good}");
    }
    for bad in bad_inputs::NETWORKS {
        assert!(violation("VpcCidr", json!(bad)).contains("between /16 and /25"), "{bad}");
    }
}

#[test]
fn a_suffix_that_is_too_long_is_rejected_with_the_maximum_length() {
    let longest = "x".repeat(24);
    assert!(read(json!({ "EnvironmentSuffix": longest })).is_ok());
    let violations = violations(json!({ "EnvironmentSuffix": "x".repeat(25) }));
    assert_eq!(violations.len(), 1);
    assert!(
        violations[0].ends_with("at most 24 characters, so that the bucket's name is within the limit of its service"),
        "{violations:?}"
    );
}

#[test]
fn suffixes_are_lowercase_words() {
    for bad in bad_inputs::SUFFIXES {
        assert_eq!(violations(json!({ "EnvironmentSuffix": bad })).len(), 1, "{bad:?}");
    }
    assert!(violations(json!({}))[0].starts_with("EnvironmentSuffix is missing: 1 to 63 lowercase"));
}

#[test]
fn null_is_not_an_omitted_property() {
    let text = violation("MaxSize", Value::Null);
    assert!(text.starts_with("MaxSize is null: omit the property to use its default, or set"), "{text}");
}

#[test]
fn an_unknown_property_is_rejected_with_the_most_similar_known_name() {
    assert!(violation("MinSizee", json!("1")).ends_with("did you mean MinSize?"));
    assert!(violation("minsize", json!("1")).ends_with("did you mean MinSize?"));
    assert!(violation("Flavour", json!("1")).ends_with("unknown property"));
}

#[test]
fn a_script_that_is_too_long_is_rejected_with_the_maximum_length() {
    let text = violation("UserDataScript", json!("#".repeat(16_384)));
    let room: usize =
        text.split("at most ").nth(1).and_then(|it| it.split(' ').next()?.parse().ok()).expect("a number");
    assert!((10_000..16_384).contains(&room), "{text}");
    let fits = format!("#!{}", "a".repeat(room - 2));
    assert!(read(json!({ "EnvironmentSuffix": "dev", "UserDataScript": "#".repeat(room + 1) })).is_err());
    assert!(read(json!({ "EnvironmentSuffix": "dev", "UserDataScript": fits })).is_ok());
}

#[test]
fn a_script_cannot_contain_its_own_end_marker() {
    let script = "echo a\nENVKEEPER-END-OF-USER-SCRIPT\necho b";
    assert!(
        violation("UserDataScript", json!(script)).contains("a script without the line ENVKEEPER-END-OF-USER-SCRIPT")
    );
}

#[test]
fn only_one_image_can_be_set() {
    let violations =
        violations(json!({ "EnvironmentSuffix": "dev", "ImageId": "ami-12345678", "ImageParameter": "/a/b" }));
    assert!(violations[0].ends_with("only one of ImageId and ImageParameter can be set"), "{violations:?}");
    let spec = read(json!({ "EnvironmentSuffix": "dev", "ImageId": "ami-12345678" })).expect("valid");
    assert_eq!(spec.image_source(), "ami-12345678", "the image id replaces the default parameter");
}

#[test]
fn an_image_parameter_is_named_as_get_parameter_takes_it() {
    let longest = format!("/{}", "p".repeat(199));
    for good in bad_inputs::VALID_IMAGE_PARAMETERS.into_iter().chain([longest.as_str()]) {
        let spec = read(json!({ "EnvironmentSuffix": "dev", "ImageParameter": good })).expect("valid");
        assert_eq!(spec.image_source(), good);
    }
    let too_long = format!("{longest}p");
    for bad in bad_inputs::IMAGE_PARAMETERS.into_iter().chain([too_long.as_str()]) {
        let violations = violations(json!({ "EnvironmentSuffix": "dev", "ImageParameter": bad }));
        assert_eq!(violations.len(), 1, "{bad}: {violations:?}");
        assert!(violations[0].starts_with("ImageParameter is "), "{violations:?}");
    }
    let elsewhere = "arn:aws:ssm:eu-west-1:210987654321:parameter/golden/al2023";
    let violations = violations(json!({ "EnvironmentSuffix": "dev", "ImageParameter": elsewhere }));
    assert!(violations[0].ends_with("an ARN of the environment's region us-west-2"), "{violations:?}");
}

#[test]
fn parameter_paths_are_names_that_an_account_can_have() {
    let longest = format!("/{}", "a".repeat(99));
    let deepest = "/a".repeat(15);
    for good in ["/team", "/team/app", "/Team_1/app.v2-x", "/team/aws", &longest, &deepest] {
        let spec = read(json!({ "EnvironmentSuffix": "dev", "ParameterPaths": [good] })).expect("valid");
        assert_eq!(spec.parameter_paths, [good]);
    }
    let too_long = format!("{longest}a");
    let too_deep = format!("{deepest}/a");
    for bad in bad_inputs::PARAMETER_PATHS.into_iter().chain([too_long.as_str(), too_deep.as_str(), "/team,/team"]) {
        assert!(violation("ParameterPaths", json!([bad])).starts_with("ParameterPaths is "), "{bad}");
    }
    let many: Vec<String> = (0..21).map(|n| format!("/team/{n}")).collect();
    assert!(violation("ParameterPaths", json!(many)).contains("1 to 20 different paths"));
}

#[test]
fn tags_are_a_map_or_a_list() {
    let map = read(json!({ "EnvironmentSuffix": "dev", "Tags": { "team": "web", "n": 1 } })).expect("valid");
    let list = json!([{ "Key": "team", "Value": "web" }, { "Key": "n", "Value": "1" }]);
    assert_eq!(map, read(json!({ "EnvironmentSuffix": "dev", "Tags": list })).expect("valid"));
    for bad in bad_inputs::tags() {
        assert!(violation("Tags", bad.clone()).starts_with("Tags is "), "{bad}");
    }
    let many: serde_json::Map<String, Value> = (0..41).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert!(violation("Tags", json!(many)).starts_with("Tags is 41 tags"));
}

/// IAM's set of characters, `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, decides: half of an environment would exist before IAM rejects
/// another character.
#[test]
fn tags_consist_of_characters_that_iam_accepts() {
    let tag = |text: &str| json!({ "EnvironmentSuffix": "dev", "Tags": { text: text } });
    for good in ["Team-1_a.b:c/d=e+f@g", "кот", "日本語", "عربي", "Ⅷ", "½", "a b"] {
        assert!(read(tag(good)).is_ok(), "{good}");
    }
    // Vowel signs of Devanagari and a combining accent are marks, a circled letter is a symbol.
    for bad in bad_inputs::TAG_TEXTS {
        let text = violation("Tags", json!({ "Team": bad }));
        assert!(text.contains("letters and digits without combining marks"), "{text}");
        assert!(violation("Tags", json!({ bad: "x" })).starts_with("Tags is not valid at"), "{bad}");
        assert!(violation("Environment", json!(bad)).contains("without combining marks"), "{bad}");
    }
}

#[test]
fn the_length_of_a_tag_is_counted_in_utf_16() {
    let is_valid =
        |key: String, value: String| read(json!({ "EnvironmentSuffix": "dev", "Tags": { key: value } })).is_ok();
    assert!(is_valid("k".repeat(127), "v".repeat(256)) && is_valid("k".into(), "𐐀".repeat(128)));
    assert!(is_valid("𐐀".repeat(63), String::new()));
    for (key, value) in [("k".repeat(128), ""), ("𐐀".repeat(64), "")] {
        assert!(!is_valid(key.clone(), value.into()), "{key}");
    }
    assert!(!is_valid("k".into(), "v".repeat(257)) && !is_valid("k".into(), "𐐀".repeat(129)));
}

#[test]
fn tag_keys_that_differ_only_by_case_are_rejected() {
    let expected = [
        "Tags is \"Team\" and \"team\": keys that differ by more than their case, since IAM treats these as the same key",
    ];
    let map = json!({ "Team": "a", "cost": "x", "team": "b" });
    assert_eq!([violation("Tags", map.clone())], expected);
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    assert_eq!([violation("Tags", json!([tag("team"), tag("cost"), tag("Team")]))], expected);
    let twice = violation("Tags", json!([tag("team"), tag("team")]));
    assert!(twice.contains("no duplicate keys, ignoring case"), "{twice}");

    let mut record = serde_json::to_value(crate::common::spec(json!({}))).expect("JSON");
    record["Tags"] = map;
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("a readable record");
    assert_eq!(recorded.tags.len(), 3, "tags that an older version accepted remain known, so that they can be removed");
}

#[test]
fn a_property_comes_from_the_template_else_the_variable_else_the_table() {
    let defaults = Defaults::from_vars(|name| (name == "MAX_SIZE").then(|| "9".to_owned()));
    let read = |properties: Value| {
        let properties = properties.as_object().cloned().unwrap_or_default();
        Spec::read(&properties, &defaults, &deployment()).expect("valid")
    };
    assert_eq!(read(json!({ "EnvironmentSuffix": "dev" })).max_size, 9);
    assert_eq!(read(json!({ "EnvironmentSuffix": "dev", "MaxSize": "4" })).max_size, 4);
    assert_eq!(read(json!({ "EnvironmentSuffix": "dev" })).min_size, 1);
}

#[test]
fn an_invalid_variable_is_reported_as_the_functions_default() {
    let defaults = Defaults::from_vars(|name| (name == "MAX_SIZE").then(|| "many".to_owned()));
    let properties = json!({ "EnvironmentSuffix": "dev" }).as_object().cloned().unwrap_or_default();
    let violations = Spec::read(&properties, &defaults, &deployment()).expect_err("rejected properties");
    assert_eq!(
        violations[0].to_string(),
        "MaxSize is a string of 4 characters from the function's default: a whole number from 0 to 1000"
    );
}

#[test]
fn a_deployment_with_a_permissions_boundary_rejects_another_boundary() {
    let required = "arn:aws:iam::123456789012:policy/required";
    let defaults = Defaults::from_vars(|name| (name == "PERMISSIONS_BOUNDARY_ARN").then(|| required.to_owned()));
    let read = |arn: &str| {
        let given = json!({ "EnvironmentSuffix": "dev", "PermissionsBoundaryArn": arn });
        Spec::read(given.as_object().expect("an object"), &defaults, &deployment())
    };
    assert_eq!(read(required).expect("the same boundary").permissions_boundary_arn.as_deref(), Some(required));
    let violations = read("arn:aws:iam::123456789012:policy/other").expect_err("another boundary");
    assert_eq!(
        violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "PermissionsBoundaryArn is \"arn:aws:iam::123456789012:policy/other\": omit it, or deploy Envkeeper with it: \
          roles of this deployment always have the boundary arn:aws:iam::123456789012:policy/required"
        ]
    );
}

#[test]
fn only_a_change_of_an_immutable_property_is_rejected() {
    let old = crate::common::spec(json!({}));
    let moved = crate::common::spec(json!({ "VpcCidr": "10.1.0.0/16", "EnvironmentSuffix": "other" }));
    let violations: Vec<String> = check_change(&old, &moved).iter().map(ToString::to_string).collect();
    assert_eq!(violations.len(), 2);
    assert!(
        violations[1].starts_with("VpcCidr is \"10.1.0.0/16\": it is \"10.0.0.0/16\" and cannot change. Add a second")
    );
    let other = json!({
        "Environment": "x", "ZoneCount": 1, "InstanceType": "m5.large", "ImageId": "ami-12345678", "MinSize": 0,
        "UserDataScript": "x", "MaxSize": 9, "DesiredCapacity": 5, "LogRetentionDays": 1, "Tags": { "a": "b" }
    });
    assert!(check_change(&old, &crate::common::spec(other)).is_empty());
    assert!(check_change(&old, &old).is_empty());
}

#[test]
fn a_variable_is_the_property_s_name_in_capitals_with_underscores() {
    for property in property::ALL {
        assert_eq!(property.variable.replace('_', ""), property.name.to_uppercase(), "{}", property.name);
    }
}

#[test]
fn each_property_has_one_short_row_on_the_reference_page() {
    let page = property::reference_page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| **")).collect();
    for property in property::ALL {
        let starts = [format!("| **{}**", property.name), format!("| **[{}]", property.name)];
        let found: Vec<_> = rows.iter().filter(|row| starts.iter().any(|start| row.starts_with(start))).collect();
        assert_eq!(found.len(), 1, "{}", property.name);
        assert!(found[0].chars().count() <= 260, "{}", found[0]);
    }
}

#[test]
fn the_reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/custom-resource/PROPERTIES.md");
    let page = property::reference_page();
    if std::fs::read_to_string(path).ok().as_ref() != Some(&page) {
        std::fs::write(path, &page).expect("the page can be written");
        panic!("functions/custom-resource/PROPERTIES.md was stale and is now regenerated: review and commit it");
    }
}

proptest::proptest! {
    /// For any properties from CloudFormation, the result is a spec or violations, never a panic.
    #[test]
    fn any_text_is_accepted_or_rejected(name in "[A-Za-z]{1,20}", value in "\\PC{0,40}", index in 0_usize..13) {
        let known = property::ALL[index].name;
        let _ = read(json!({ "EnvironmentSuffix": "dev", known: value.clone() }));
        let _ = read(json!({ name: value }));
    }
}

#[test]
fn all_violations_of_all_alarm_actions_are_reported_together() {
    let violations = violations(json!({
        "EnvironmentSuffix": "dev", "MinSize": "1", "MaxSize": "4",
        "AlarmActions": [
            { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "2" },
            { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": 2, "CooldownSeconds": "9" },
            { "Alarm": "", "Action": "Scale", "DryRun": "maybe" },
            { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "0" },
            { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "-101", "CooldownSeconds": "86401" },
            { "Alarm": "cpu-high", "Action": "ScaleTo" },
            { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "on-call" },
            { "Alarm": "cpu-high", "Action": "ReplaceUnhealthy", "Amount": "1" },
            "cpu-high",
        ],
    }));
    insta::assert_snapshot!(violations.join("\n"));
}

#[test]
fn alarm_actions_are_limited_to_the_groups_sizes_and_the_own_region() {
    let actions = json!([
        { "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": "9" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:210987654321:on-call" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call.fifo" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call" },
    ]);
    let violations = violations(json!({ "EnvironmentSuffix": "dev", "MaxSize": "4", "AlarmActions": actions }));
    let topic = "a standard topic in the environment's region us-west-2 and account 123456789012";
    assert_eq!(
        violations,
        [
            "AlarmActions[0].Capacity is 9: from MinSize to MaxSize, 1 to 4".to_owned(),
            format!("AlarmActions[1].TopicArn is \"arn:aws:sns:eu-west-1:123456789012:on-call\": {topic}"),
            format!("AlarmActions[2].TopicArn is \"arn:aws:sns:us-west-2:210987654321:on-call\": {topic}"),
            format!("AlarmActions[3].TopicArn is \"arn:aws:sns:us-west-2:123456789012:on-call.fifo\": {topic}"),
        ]
    );
    for bad in [json!("cpu-high"), json!({ "Alarm": "cpu-high" }), json!(vec![json!({}); 21])] {
        assert!(violation("AlarmActions", bad).contains("a list of at most 20 different rules"));
    }
}

#[test]
fn a_rule_that_names_the_same_alarm_differently_is_a_duplicate() {
    let whole = "scalable-ec2-cpu-high-uswest2-dev";
    let rule = |alarm: &str, amount: &str| json!({ "Alarm": alarm, "Action": "ScaleBy", "Amount": amount });
    let actions = json!([rule("cpu-high", "1"), rule(whole, "1"), rule(whole, "2")]);
    let violations = violations(json!({ "EnvironmentSuffix": "dev", "AlarmActions": actions }));
    assert_eq!(
        violations,
        [format!(
            "AlarmActions[1].Alarm is {whole:?}: another alarm or another action, since AlarmActions[0] is the same rule"
        )]
    );
}

#[test]
fn rules_are_read_from_the_record_without_a_change() {
    let rules = json!([
        { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "-2", "CooldownSeconds": "0" },
        { "Alarm": "memory full: web*1", "Action": "ScaleTo", "Capacity": 2, "DryRun": true },
        { "Alarm": "healthy-low", "Action": "ReplaceUnhealthy" },
        { "Alarm": "launch-failures", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call" },
    ]);
    let spec = read(json!({ "EnvironmentSuffix": "dev", "AlarmActions": rules })).expect("valid");
    let lines: Vec<String> = spec.alarm_actions.iter().map(environment::AlarmAction::id).collect();
    let expected = [
        "cpu-high: ScaleBy -2",
        "memory full: web*1: ScaleTo 2",
        "healthy-low: ReplaceUnhealthy",
        "launch-failures: Notify arn:aws:sns:us-west-2:123456789012:on-call",
    ];
    assert_eq!(lines, expected);
    let record = serde_json::to_value(&spec).expect("JSON");
    assert_eq!(Spec::recorded(&record, &Defaults::from_vars(|_| None)), Some(spec));
}

/// S3 counts UTF-16 units, and the tags are the same on every resource.
#[test]
fn the_length_of_tags_is_counted_in_utf_16_units() {
    let letter = |count: usize| "\u{10428}".repeat(count);
    let tagged =
        |key: String, value: String| crate::common::read(json!({ "EnvironmentSuffix": "dev", "Tags": { key: value } }));
    assert!(tagged(letter(63), letter(128)).is_ok());
    assert!(tagged(letter(64), "a".into()).is_err());
    assert!(tagged("a".into(), letter(129)).is_err());
    let named = |value: String| crate::common::read(json!({ "EnvironmentSuffix": "dev", "Environment": value }));
    assert!(named(letter(64)).is_ok() && named(letter(65)).is_err());
}
