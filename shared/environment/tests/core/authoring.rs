//! Valid and invalid inputs of stack authors: for each property by its type, and for each rule. The parser's verdicts on them are
//! the file `tests/authoring/inputs.jsonl`, with which the Python tests compare the schemas.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use environment::property::{self, Property, ValueType};
use serde_json::{Map, Value, json};

use crate::bad_inputs;
use crate::common::read;

/// The inputs with the parser's verdict, one a line: `properties`, and the paths of their `violations`. Inputs without a violation
/// are valid.
///
/// # Panics
/// If the parser accepts an invalid input, or refuses a valid one.
pub fn verdicts() -> String {
    let (mut valid, mut invalid) = (Vec::new(), Vec::new());
    for property in property::ALL {
        let values = values(&property.value_type);
        valid.extend(values.0.into_iter().map(|value| with(property, value)));
        let wrong_types = [Value::Null, json!({ "a": { "b": 1 } }), json!([[1]])];
        invalid.extend(values.1.into_iter().chain(wrong_types).map(|value| with(property, value)));
        let misspelt = property.name.to_lowercase();
        invalid.push(json!({ "EnvironmentSuffix": "dev", misspelt: "1" }));
    }
    invalid.extend(bad_inputs::of_rules());
    let line = |input: Value, is_valid: bool| {
        let violations = read(input.clone()).err().unwrap_or_default();
        assert_eq!(violations.is_empty(), is_valid, "{input}: {violations:?}");
        let paths: Vec<String> = violations.into_iter().map(|it| it.property).collect();
        format!("{}\n", json!({ "properties": input, "violations": paths }))
    };
    let valid: String = valid.into_iter().map(|input| line(input, true)).collect();
    let invalid: String = invalid.into_iter().map(|input| line(input, false)).collect();
    valid + &invalid
}

/// The properties of a request with this value, and with those that the rules between properties require beside it.
fn with(property: &Property, value: Value) -> Value {
    let mut properties = Map::from_iter([("EnvironmentSuffix".to_owned(), json!("dev"))]);
    let beside = match property.name {
        "VpcId" => json!({ "SubnetIds": "subnet-12345678" }),
        "SubnetIds" => json!({ "VpcId": "vpc-12345678" }),
        "MinSize" => json!({ "MaxSize": 1000 }),
        "MaxSize" | "DesiredCapacity" => json!({ "MinSize": 0 }),
        "MinHealthyPercentage" => json!({ "MaxHealthyPercentage": 100 }),
        "ScaleUpCpuThreshold" => json!({ "ScaleDownCpuThreshold": 0 }),
        "ScaleDownCpuThreshold" => json!({ "ScaleUpCpuThreshold": 100 }),
        "AlarmActions" => json!({ "MinSize": 0, "MaxSize": 1000 }),
        _ => json!({}),
    };
    properties.extend(beside.as_object().cloned().unwrap_or_default());
    if property.name == "DesiredCapacity" {
        properties.insert("MaxSize".to_owned(), json!(1000));
    }
    properties.insert(property.name.to_owned(), value);
    Value::Object(properties)
}

/// Valid and invalid values of a type.
fn values(value_type: &ValueType) -> (Vec<Value>, Vec<Value>) {
    match value_type {
        ValueType::Suffix => {
            let longest = "x".repeat(24);
            let mut valid = texts(&["dev", "a", "7", "a-b-c", "2-x", &longest]);
            valid.extend([json!(42), json!(true)]);
            let mut invalid = texts(&bad_inputs::SUFFIXES);
            invalid.extend([json!("x".repeat(64)), json!(-1), json!(1.5), json!(["dev"])]);
            (valid, invalid)
        }
        ValueType::Text(most) => {
            let longest = "x".repeat(*most);
            let mut valid = texts(&["production", "a b", "Team-1_a.b:c/d=e+f@g", "кот", "日本語", "½", &longest]);
            valid.extend([json!(1.5), json!(-3), json!(false)]);
            let mut invalid = texts(&bad_inputs::TAG_TEXTS);
            invalid.extend([json!(""), json!(" a"), json!("a "), json!("x".repeat(*most + 1)), json!(["a"])]);
            (valid, invalid)
        }
        ValueType::Network => (texts(&bad_inputs::VALID_NETWORKS), texts(&bad_inputs::NETWORKS)),
        ValueType::Whole(least, most) => {
            let valid = vec![json!(least), json!(most), json!(least.to_string()), json!(format!("00{most}"))];
            let mut invalid = texts(&bad_inputs::NUMBERS);
            let above = most + 1;
            invalid.extend([
                json!(above),
                json!(above.to_string()),
                json!(most * 10),
                json!(2.5),
                json!(-1),
                json!(true),
            ]);
            if let Some(below) = least.checked_sub(1) {
                invalid.extend([json!(below), json!(below.to_string())]);
            }
            (valid, invalid)
        }
        ValueType::OneOf(numbers) => {
            let valid = numbers.iter().flat_map(|it| [json!(it), json!(it.to_string())]).collect();
            let mut invalid = texts(&bad_inputs::NUMBERS);
            invalid.extend([json!(0), json!(42), json!("42"), json!(100_000), json!(false)]);
            (valid, invalid)
        }
        ValueType::Choice(words) => {
            let mut invalid: Vec<Value> = words.iter().map(|it| json!(it.to_lowercase())).collect();
            invalid.extend([json!(""), json!("Other"), json!(1), json!(true), json!([words[0]])]);
            (texts(words), invalid)
        }
        ValueType::Bool => {
            let valid = vec![json!(true), json!(false), json!("true"), json!("false")];
            (valid, vec![json!("True"), json!("yes"), json!(""), json!(1), json!(0), json!([true])])
        }
        ValueType::Id(prefix) => ids(prefix),
        ValueType::ImageId => ids("ami-"),
        ValueType::Ids(prefix) => lists(ids(prefix), |at| format!("{prefix}{at:08x}"), 20),
        ValueType::Arn(service, prefix) => arns(service, prefix),
        ValueType::Arns(service, prefix) => {
            let numbered = |at| format!("arn:aws:{service}:us-west-2:123456789012:{prefix}a/{at:016x}");
            lists(arns(service, prefix), numbered, 20)
        }
        ValueType::Units => units(),
        ValueType::InstanceType => {
            let longest = format!("m7i.{}", "x".repeat(60));
            let mut invalid = texts(&["t3", "t3.", ".micro", "T3.micro", "t3.micro.x", "t3_micro", ""]);
            invalid.extend([json!(format!("{longest}x")), json!(3), json!(true), json!(["t3.micro"])]);
            (texts(&["t3.micro", "u-6tb1.112xlarge", &longest]), invalid)
        }
        ValueType::ParameterName => {
            let longest = format!("/{}", "p".repeat(199));
            let mut valid = texts(&bad_inputs::VALID_IMAGE_PARAMETERS);
            let mut invalid = texts(&bad_inputs::IMAGE_PARAMETERS);
            valid.push(json!(longest));
            invalid.extend([json!(format!("{longest}p")), json!(1), json!(["/my/ami"])]);
            (valid, invalid)
        }
        ValueType::ParameterPaths => {
            let (longest, deepest) = (format!("/{}", "a".repeat(99)), "/a".repeat(15));
            let valid = texts(&["/team", "/team/app", "/Team_1/app.v2-x", "/team/aws", &longest, &deepest]);
            let mut invalid = texts(&bad_inputs::PARAMETER_PATHS);
            invalid.extend([json!(format!("{longest}a")), json!(format!("{deepest}/a"))]);
            lists((valid, invalid), |at| format!("/team/{at}"), 20)
        }
        ValueType::Script => {
            let mut invalid = texts(&bad_inputs::SCRIPTS);
            invalid.extend([json!("#".repeat(16_385)), json!("a\0b"), json!(["a"])]);
            (vec![json!("#!/bin/sh\necho a\n"), json!("echo"), json!(5), json!(true)], invalid)
        }
        ValueType::AlarmNames => alarm_names(),
        ValueType::Tags => (bad_inputs::valid_tags(), bad_inputs::tags()),
        ValueType::AlarmActions => (bad_inputs::valid_alarm_actions(), bad_inputs::alarm_actions()),
    }
}

fn units() -> (Vec<Value>, Vec<Value>) {
    let (valid, mut invalid) = (texts(&["nginx", "worker@2.service", "a_b:c-d"]), texts(&["-a", "a b", "a;b", "ä"]));
    invalid.push(json!("x".repeat(256)));
    let (mut valid, invalid) = lists((valid, invalid), |at| format!("unit-{at}"), 20);
    valid.extend([json!(5), json!(true)]);
    (valid, invalid)
}

fn alarm_names() -> (Vec<Value>, Vec<Value>) {
    let longest = "x".repeat(255);
    let valid = texts(&["storefront-5xx", "a b: c*", "Ünï", &longest]);
    let invalid = vec![json!(""), json!("a\u{7}b"), json!("x".repeat(256))];
    let (mut valid, invalid) = lists((valid, invalid), |at| format!("alarm {at}"), 10);
    valid.extend([json!(5), json!(1.5), json!(false)]);
    (valid, invalid)
}

fn texts(all: &[&str]) -> Vec<Value> {
    all.iter().map(|it| json!(it)).collect()
}

fn ids(prefix: &str) -> (Vec<Value>, Vec<Value>) {
    let id = |rest: &str| json!(format!("{prefix}{rest}"));
    let valid = vec![id("12345678"), id("0123456789abcdef0")];
    let mut invalid: Vec<Value> = ["", "1234567", "123456789", "1234567G", "0123456789ABCDEF0"].map(id).to_vec();
    invalid.extend([json!("i-12345678"), json!("12345678"), json!(12_345_678), json!(true)]);
    (valid, invalid)
}

fn arns(service: &str, prefix: &str) -> (Vec<Value>, Vec<Value>) {
    let (region, name) = match service {
        "iam" => ("", "team/boundary"),
        "elasticloadbalancing" => ("us-west-2", "web/0123456789abcdef"),
        _ => ("us-west-2", "0a1b2c3d-0000-4000-8000-0123456789ab"),
    };
    let arn = |service: &str, account: &str, name: &str| {
        json!(format!("arn:aws:{service}:{region}:{account}:{prefix}{name}"))
    };
    let account = "123456789012";
    let invalid = vec![
        arn("ec2", account, name),
        arn(service, "1234", name),
        arn(service, account, ""),
        arn(service, account, &"x".repeat(700)),
        arn(service, account, "a b"),
        json!(format!("arn:other:{service}:{region}:{account}:{prefix}{name}")),
        json!(name),
        json!(""),
        json!(1),
    ];
    (vec![arn(service, account, name)], invalid)
}

/// Lists of valid elements, with commas and as arrays, and lists with an invalid element, a duplicate, none or too many.
fn lists(
    (elements, bad): (Vec<Value>, Vec<Value>),
    numbered: impl Fn(usize) -> String,
    most: usize,
) -> (Vec<Value>, Vec<Value>) {
    let many = |count| (0..count).map(&numbered).collect::<Vec<_>>();
    let mut valid: Vec<Value> = elements.iter().flat_map(|it| [it.clone(), json!([it])]).collect();
    valid.extend([json!(many(2)), json!(many(most)), json!(many(most).join(", ")), json!([many(2).join(",")])]);
    let mut invalid: Vec<Value> = bad.iter().flat_map(|it| [it.clone(), json!([elements[0], it])]).collect();
    invalid.extend([json!([]), json!([1]), json!([elements[0], elements[0]]), json!(many(most + 1)), json!([null])]);
    let twice = format!("{0},{0}", many(1)[0]);
    invalid.extend([json!(twice), json!(many(most + 1).join(",")), json!(format!("{},", many(1)[0]))]);
    (valid, invalid)
}
