//! Properties: what is taken, what is refused and in which words.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use common::{deployment, read};
use environment::{Defaults, Spec, check_change, property};
use serde_json::{Value, json};

/// What a request with these properties is told.
fn told(properties: Value) -> Vec<String> {
    read(properties).expect_err("it is refused").iter().map(ToString::to_string).collect()
}

/// What is told of one property beside a valid suffix.
fn told_of(name: &str, value: Value) -> String {
    let told = told(json!({ "EnvironmentSuffix": "dev", name: value }));
    assert_eq!(told.len(), 1, "{told:?}");
    told[0].clone()
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    insta::assert_snapshot!(
        told(json!({
            "ServiceToken": "arn", "ServiceTimeout": "600",
            "EnvironmentSuffix": "my suffix", "MinSize": "maybe", "ZoneCount": "4", "VpcCidr": "8.8.0.0/16",
            "LogRetentionDays": "42", "Instancetype": "t3.micro", "Whatever": {"a": [1]}, "MaxSize": null,
            "Tags": { "Name": "mine", "aws:x": "y" }, "ImageId": "ami-1", "UserDataScript": ["a"],
        }))
        .join("\n")
    );
}

#[test]
fn every_scalar_may_come_as_text_or_as_itself() {
    let text = read(json!({ "EnvironmentSuffix": "dev", "MinSize": "2", "ZoneCount": "3" })).expect("valid");
    let number = read(json!({ "EnvironmentSuffix": "dev", "MinSize": 2, "ZoneCount": 3 })).expect("valid");
    assert_eq!(text, number);
    assert_eq!(text.desired_capacity, 2, "DesiredCapacity follows MinSize");
}

#[test]
fn a_number_is_digits_and_nothing_else() {
    for bad in ["maybe", "", " 2", "+2", "-1", "2.0", "1e3", "0x2", "٣", "99999999999999999999"] {
        let told = told_of("MinSize", json!(bad));
        assert!(told.starts_with("MinSize is ") && told.ends_with("a whole number from 0 to 1000"), "{told}");
    }
    for bad in [json!(true), json!(2.5), json!(-1), json!([2]), json!({ "a": 1 })] {
        assert!(told_of("MinSize", bad).contains("a whole number from 0 to 1000"));
    }
}

#[test]
fn sizes_have_to_fit_each_other() {
    let told = told(json!({ "EnvironmentSuffix": "dev", "MinSize": "5", "MaxSize": "3" }));
    assert_eq!(told, ["MinSize is 5: at most MaxSize, which is 3"]);
    assert_eq!(told_of("DesiredCapacity", json!("9")), "DesiredCapacity is 9: from MinSize to MaxSize, 1 to 3");
}

#[test]
fn networks_are_private_large_enough_and_written_with_their_own_address() {
    let good = ["10.0.0.0/16", "10.255.0.0/16", "172.16.0.0/16", "172.31.255.128/25", "192.168.0.0/24"];
    for good in good {
        assert!(read(json!({ "EnvironmentSuffix": "dev", "VpcCidr": good })).is_ok(), "{good}");
    }
    let bad =
        ["10.0.0.0/8", "10.0.0.0/26", "8.8.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "10.0.0.1/16", "10.0.0.0", "x"];
    for bad in bad {
        assert!(told_of("VpcCidr", json!(bad)).contains("between /16 and /25"), "{bad}");
    }
}

#[test]
fn a_suffix_that_is_too_long_is_told_how_long_it_may_be() {
    let longest = "x".repeat(24);
    assert!(read(json!({ "EnvironmentSuffix": longest })).is_ok());
    let told = told(json!({ "EnvironmentSuffix": "x".repeat(25) }));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].ends_with("at most 24 characters, so that the bucket's name keeps to its service's limit"),
        "{told:?}"
    );
}

#[test]
fn suffixes_are_lower_case_words() {
    for bad in ["", "Dev", "my suffix", "-dev", "dev-", "dev_1", "dév", "a/b", "dev\n"] {
        assert_eq!(told(json!({ "EnvironmentSuffix": bad })).len(), 1, "{bad:?}");
    }
    assert!(told(json!({}))[0].starts_with("EnvironmentSuffix is missing: lower case"));
}

#[test]
fn null_is_not_left_out() {
    let told = told_of("MaxSize", Value::Null);
    assert!(told.starts_with("MaxSize is \"null\": leave the property out to have its default, or give"), "{told}");
}

#[test]
fn unknown_properties_are_told_the_nearest_known_name() {
    assert!(told_of("MinSizee", json!("1")).ends_with("did you mean MinSize?"));
    assert!(told_of("minsize", json!("1")).ends_with("did you mean MinSize?"));
    assert!(told_of("Flavour", json!("1")).ends_with("there is no such property"));
}

#[test]
fn a_script_that_is_too_long_is_told_how_long_it_may_be() {
    let told = told_of("UserDataScript", json!("#".repeat(16_385)));
    let room: usize =
        told.split("at most ").nth(1).and_then(|it| it.split(' ').next()?.parse().ok()).expect("a number");
    assert!((10_000..16_384).contains(&room), "{told}");
    let fits = format!("#!{}", "a".repeat(room - 2));
    assert!(read(json!({ "EnvironmentSuffix": "dev", "UserDataScript": "#".repeat(room + 1) })).is_err());
    assert!(read(json!({ "EnvironmentSuffix": "dev", "UserDataScript": fits })).is_ok());
}

#[test]
fn a_script_cannot_end_itself_early() {
    let script = "echo a\nENVKEEPER-END-OF-USER-SCRIPT\necho b";
    assert!(told_of("UserDataScript", json!(script)).contains("without a line that is just"));
}

#[test]
fn only_one_image_can_be_given() {
    let told = told(json!({ "EnvironmentSuffix": "dev", "ImageId": "ami-12345678", "ImageParameter": "/a/b" }));
    assert!(told[0].ends_with("only one of ImageId and ImageParameter can be given"), "{told:?}");
    let spec = read(json!({ "EnvironmentSuffix": "dev", "ImageId": "ami-12345678" })).expect("valid");
    assert_eq!(spec.image_source(), "ami-12345678", "the default parameter steps back");
}

#[test]
fn tags_come_as_a_map_or_as_a_list() {
    let map = read(json!({ "EnvironmentSuffix": "dev", "Tags": { "team": "web", "n": 1 } })).expect("valid");
    let list = json!([{ "Key": "team", "Value": "web" }, { "Key": "n", "Value": "1" }]);
    assert_eq!(map, read(json!({ "EnvironmentSuffix": "dev", "Tags": list })).expect("valid"));
    let bad =
        [json!("x"), json!([1]), json!({ "a": null }), json!({ "envkeeper:owner": "me" }), json!({ "name": "x" })];
    for bad in bad {
        assert!(told_of("Tags", bad.clone()).starts_with("Tags is "), "{bad}");
    }
    let many: serde_json::Map<String, Value> = (0..41).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert!(told_of("Tags", json!(many)).starts_with("Tags is 41 tags"));
}

#[test]
fn tag_keys_that_iam_takes_for_one_are_refused() {
    let told =
        ["Tags is \"Team\" and \"team\": keys that differ by more than their case, since IAM takes these for one"];
    let map = json!({ "Team": "a", "cost": "x", "team": "b" });
    assert_eq!([told_of("Tags", map.clone())], told);
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    assert_eq!([told_of("Tags", json!([tag("team"), tag("cost"), tag("Team")]))], told);
    let twice = told_of("Tags", json!([tag("team"), tag("team")]));
    assert!(twice.contains("no key twice, in whatever case"), "{twice}");

    let mut record = serde_json::to_value(common::spec(json!({}))).expect("JSON");
    record["Tags"] = map;
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("it can be read");
    assert_eq!(recorded.tags.len(), 3, "what an older version took stays known, so that it can be taken away");
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
fn a_bad_variable_is_told_to_be_the_functions_default() {
    let defaults = Defaults::from_vars(|name| (name == "MAX_SIZE").then(|| "many".to_owned()));
    let properties = json!({ "EnvironmentSuffix": "dev" }).as_object().cloned().unwrap_or_default();
    let told = Spec::read(&properties, &defaults, &deployment()).expect_err("refused");
    assert_eq!(told[0].to_string(), "MaxSize is \"many\" by the function's default: a whole number from 0 to 1000");
}

#[test]
fn a_deployment_that_bounds_roles_takes_no_other_boundary() {
    let ours = "arn:aws:iam::123456789012:policy/ours";
    let defaults = Defaults::from_vars(|name| (name == "PERMISSIONS_BOUNDARY_ARN").then(|| ours.to_owned()));
    let read = |arn: &str| {
        let given = json!({ "EnvironmentSuffix": "dev", "PermissionsBoundaryArn": arn });
        Spec::read(given.as_object().expect("an object"), &defaults, &deployment())
    };
    assert_eq!(read(ours).expect("it is the same").permissions_boundary_arn.as_deref(), Some(ours));
    let told = read("arn:aws:iam::123456789012:policy/theirs").expect_err("it is another");
    assert_eq!(
        told.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "PermissionsBoundaryArn is \"arn:aws:iam::123456789012:policy/theirs\": leave it out, or deploy Envkeeper with it: \
          the roles of this deployment get arn:aws:iam::123456789012:policy/ours, and no other"
        ]
    );
}

#[test]
fn what_cannot_change_is_refused_and_everything_else_is_not() {
    let old = common::spec(json!({}));
    let moved = common::spec(json!({ "VpcCidr": "10.1.0.0/16", "EnvironmentSuffix": "other" }));
    let told: Vec<String> = check_change(&old, &moved).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2);
    assert!(told[1].starts_with("VpcCidr is \"10.1.0.0/16\": it is \"10.0.0.0/16\" and cannot change. Add a second"));
    let other = json!({
        "Environment": "x", "ZoneCount": 1, "InstanceType": "m5.large", "ImageId": "ami-12345678", "MinSize": 0,
        "UserDataScript": "x", "MaxSize": 9, "DesiredCapacity": 5, "LogRetentionDays": 1, "Tags": { "a": "b" }
    });
    assert!(check_change(&old, &common::spec(other)).is_empty());
    assert!(check_change(&old, &old).is_empty());
}

#[test]
fn the_reference_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/custom-resource/PROPERTIES.md");
    let page = property::reference_page();
    if std::fs::read_to_string(path).ok().as_ref() != Some(&page) {
        std::fs::write(path, &page).expect("the page can be written");
        panic!("functions/custom-resource/PROPERTIES.md was stale and has been written anew: look at it and commit it");
    }
}

proptest::proptest! {
    /// Whatever CloudFormation sends, the answer is a spec or sentences, never a panic.
    #[test]
    fn any_text_is_taken_or_refused(name in "[A-Za-z]{1,20}", value in "\\PC{0,40}", index in 0_usize..13) {
        let known = property::ALL[index].name;
        let _ = read(json!({ "EnvironmentSuffix": "dev", known: value.clone() }));
        let _ = read(json!({ name: value }));
    }
}

#[test]
fn every_fault_of_every_rule_is_told_at_once() {
    let told = told(json!({
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
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn rules_stay_within_the_group_and_the_region() {
    let actions = json!([
        { "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": "9" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:210987654321:on-call" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call.fifo" },
        { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call" },
    ]);
    let told = told(json!({ "EnvironmentSuffix": "dev", "MaxSize": "4", "AlarmActions": actions }));
    let topic = "a standard topic of the region us-west-2 and the account 123456789012, where the environment is";
    assert_eq!(
        told,
        [
            "AlarmActions[0].Capacity is 9: from MinSize to MaxSize, 1 to 4".to_owned(),
            format!("AlarmActions[1].TopicArn is \"arn:aws:sns:eu-west-1:123456789012:on-call\": {topic}"),
            format!("AlarmActions[2].TopicArn is \"arn:aws:sns:us-west-2:210987654321:on-call\": {topic}"),
            format!("AlarmActions[3].TopicArn is \"arn:aws:sns:us-west-2:123456789012:on-call.fifo\": {topic}"),
        ]
    );
    for bad in [json!("cpu-high"), json!({ "Alarm": "cpu-high" }), json!(vec![json!({}); 21])] {
        assert!(told_of("AlarmActions", bad).contains("a list of at most 20 different rules"));
    }
}

#[test]
fn one_rule_by_two_names_of_its_alarm_is_refused() {
    let whole = "scalable-ec2-cpu-high-uswest2-dev";
    let rule = |alarm: &str, amount: &str| json!({ "Alarm": alarm, "Action": "ScaleBy", "Amount": amount });
    let actions = json!([rule("cpu-high", "1"), rule(whole, "1"), rule(whole, "2")]);
    let told = told(json!({ "EnvironmentSuffix": "dev", "AlarmActions": actions }));
    assert_eq!(
        told,
        [format!(
            "AlarmActions[1].Alarm is {whole:?}: another alarm, or another action: AlarmActions[0] is the same rule"
        )]
    );
}

#[test]
fn rules_are_read_again_from_the_record_as_they_were() {
    let rules = json!([
        { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "-2", "CooldownSeconds": "0" },
        { "Alarm": "memory full: web*1", "Action": "ScaleTo", "Capacity": 2, "DryRun": true },
        { "Alarm": "healthy-low", "Action": "ReplaceUnhealthy" },
        { "Alarm": "launch-failures", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call" },
    ]);
    let spec = read(json!({ "EnvironmentSuffix": "dev", "AlarmActions": rules })).expect("valid");
    let lines: Vec<String> = spec.alarm_actions.iter().map(environment::AlarmAction::summary).collect();
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
