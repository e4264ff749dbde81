//! Inputs that the parser refuses, and some that it accepts, for the tests of the parser and of the schemas.

use serde_json::{Map, Value, json};

pub const NUMBERS: [&str; 10] = ["maybe", "", " 2", "+2", "-1", "2.0", "1e3", "0x2", "٣", "99999999999999999999"];

pub const SUFFIXES: [&str; 9] = ["", "Dev", "my suffix", "-dev", "dev-", "dev_1", "dév", "a/b", "dev\n"];

pub const VALID_NETWORKS: [&str; 5] =
    ["10.0.0.0/16", "10.255.0.0/16", "172.16.0.0/16", "172.31.255.128/25", "192.168.0.0/24"];

pub const NETWORKS: [&str; 8] =
    ["10.0.0.0/8", "10.0.0.0/26", "8.8.0.0/16", "172.32.0.0/16", "192.169.0.0/16", "10.0.0.1/16", "10.0.0.0", "x"];

/// Texts with a character that no tag may have: vowel signs of Devanagari and a combining accent are marks, a circled letter is a
/// symbol.
pub const TAG_TEXTS: [&str; 8] = ["विकास", "कार", "cafe\u{301}", "ⓐ", "🚀", "a\u{a0}b", "a,b", "a\nb"];

pub const VALID_IMAGE_PARAMETERS: [&str; 8] = [
    "/my/ami",
    "/my/ami:3",
    "/my/ami:stable",
    "/my/ami:_v1.2-x",
    "/my/ami:1234567890123456789",
    "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023",
    "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023:3",
    "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023:stable",
];

pub const IMAGE_PARAMETERS: [&str; 15] = [
    "",
    "/",
    "my/ami",
    "/my ami",
    "/my/ami:",
    "/my/ami:3:4",
    "/my/ami:3x",
    "/my/ami:aws-1",
    "/my/ami:SSM",
    "/my/ami:12345678901234567890",
    "arn:aws:ssm:us-west-2:210987654321:parameter",
    "arn:aws:ssm:us-west-2:210987654321:document/golden",
    "arn:aws:ssm:us-west-2:2109:parameter/golden",
    "arn:aws:ssm::210987654321:parameter/golden",
    "arn:aws:sns:us-west-2:210987654321:golden",
];

pub const PARAMETER_PATHS: [&str; 16] = [
    "",
    "/",
    "team/app",
    "//",
    "/team/",
    "/team//app",
    "/team/*",
    "/team/a?",
    "/team/${x}",
    "/team app",
    "/aws",
    "/aws/service",
    "/AWS-x",
    "/ssm",
    "/SsmAgent/x",
    "arn:aws:ssm:us-west-2:123456789012:parameter/team",
];

/// Scripts that no instance would run as their author means them.
pub const SCRIPTS: [&str; 6] = [
    "",
    "#cloud-config\npackages: [nginx]",
    "<powershell>",
    "IyEvYmluL2Jhc2gKZWNobyBoaQo=",
    "#!/bin/bash\r\necho a\r\n",
    "echo a\nENVKEEPER-END-OF-USER-SCRIPT\necho b",
];

pub fn valid_tags() -> Vec<Value> {
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    vec![
        json!({}),
        json!([]),
        json!({ "team": "web", "cost-centre": 4711, "on": true, "empty": "" }),
        json!({ "awsome": "x", "names": "y", "日本": "語", "k".repeat(127): "v".repeat(256) }),
        json!([tag("team"), { "Key": 1, "Value": 2, "PropagateAtLaunch": true }]),
        json!((0..40).map(|n| (format!("k{n}"), json!("v"))).collect::<Map<_, _>>()),
    ]
}

pub fn tags() -> Vec<Value> {
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    let mut all = vec![
        json!("x"),
        json!([1]),
        json!({ "a": null }),
        json!({ "a": [] }),
        json!({ "": "x" }),
        json!({ "envkeeper:owner": "me" }),
        json!({ "aws:x": "y" }),
        json!({ "AWS:x": "y" }),
        json!({ "name": "x" }),
        json!({ "ManagedBy": "x" }),
        json!({ "team ": "x" }),
        json!({ "team": " x" }),
        json!({ "k".repeat(128): "x" }),
        json!({ "team": "x".repeat(257) }),
        json!({ "Team": "a", "team": "b" }),
        json!([{ "Key": "team" }]),
        json!([{ "Value": "web" }]),
        json!([{ "Key": null, "Value": "web" }]),
        json!([tag("team"), tag("team")]),
        json!([tag("team"), tag("Team")]),
        json!([tag("Project")]),
        json!(["team=web"]),
    ];
    all.extend(TAG_TEXTS.map(|it| json!({ "Team": it })));
    all.push(json!((0..40).map(|n| tag(&format!("k{n}"))).chain([tag("k40")]).collect::<Vec<_>>()));
    all
}

pub fn valid_alarm_actions() -> Vec<Value> {
    let by = |amount: Value| json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": amount }]);
    let to = |capacity: Value| json!([{ "Alarm": "x: y*1", "Action": "ScaleTo", "Capacity": capacity }]);
    let topic = "arn:aws:sns:us-west-2:123456789012:on-call";
    let unhealthy = |cooldown: Value, dry: Value| json!([{ "Alarm": "healthy-low", "Action": "ReplaceUnhealthy", "CooldownSeconds": cooldown, "DryRun": dry }]);
    vec![
        json!([]),
        by(json!(-100)),
        by(json!("100")),
        by(json!("-007")),
        to(json!(0)),
        to(json!("1000")),
        unhealthy(json!(0), json!(true)),
        unhealthy(json!("86400"), json!("false")),
        json!([{ "Alarm": 5, "Action": "Notify", "TopicArn": topic }, { "Alarm": true, "Action": "Notify", "TopicArn": topic }]),
    ]
}

pub fn alarm_actions() -> Vec<Value> {
    let by = |amount: Value| json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": amount }]);
    let to = |capacity: Value| json!([{ "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": capacity }]);
    let notify = |topic: Value| json!([{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }]);
    let with = |field: &str, value: Value| json!([{ "Alarm": "cpu-low", "Action": "ReplaceUnhealthy", field: value }]);
    let twice = json!({ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": 1 });
    let mut all = vec![
        json!("cpu-high"),
        json!(["cpu-high"]),
        json!([{}]),
        json!([{ "Alarm": "cpu-high" }]),
        json!([{ "Action": "ReplaceUnhealthy" }]),
        json!([{ "Alarm": "", "Action": "ReplaceUnhealthy" }]),
        json!([{ "Alarm": "a\u{1}", "Action": "ReplaceUnhealthy" }]),
        json!([{ "Alarm": "x".repeat(256), "Action": "ReplaceUnhealthy" }]),
        json!([{ "Alarm": ["x"], "Action": "ReplaceUnhealthy" }]),
        json!([{ "Alarm": "cpu-high", "Action": "Scale" }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleBy" }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleTo" }]),
        json!([{ "Alarm": "cpu-high", "Action": "Notify" }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Capacity": 1 }]),
        json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": 1, "TopicArn": "x" }]),
        json!([twice, twice]),
        json!(vec![json!({}); 21]),
        notify(json!("on-call")),
        notify(json!("arn:aws:sqs:us-west-2:123456789012:on-call")),
        notify(json!(1)),
    ];
    all.extend(
        [json!(0), json!("0"), json!(-101), json!("101"), json!("+1"), json!("1.0"), json!("--1"), json!(true)].map(by),
    );
    all.extend([json!(-1), json!(1001), json!("1001"), json!("all"), json!(null)].map(to));
    all.extend([json!(86_401), json!("86401"), json!(-1), json!("1h")].map(|it| with("CooldownSeconds", it)));
    all.extend([json!("maybe"), json!(1), json!("True")].map(|it| with("DryRun", it)));
    all.extend(["Amount", "Capacity", "TopicArn", "Cooldown"].map(|it| with(it, json!(1))));
    all
}

/// Properties that each by itself are valid, and break a rule: the rules between properties, and those of the deployment.
pub fn of_rules() -> Vec<Value> {
    let input = |properties: Value| {
        let mut all = Map::from_iter([("EnvironmentSuffix".to_owned(), json!("dev"))]);
        all.extend(properties.as_object().cloned().unwrap_or_default());
        Value::Object(all)
    };
    let by = |alarm: &str| json!({ "Alarm": alarm, "Action": "ScaleBy", "Amount": 1 });
    let notify =
        |topic: &str| json!({ "AlarmActions": [{ "Alarm": "cpu-high", "Action": "Notify", "TopicArn": topic }] });
    let (vpc, subnet) = ("vpc-12345678", "subnet-12345678");
    let script = "#".repeat(16_000);
    let rules = [
        json!({ "MinSize": 5, "MaxSize": 3 }),
        json!({ "MinSize": "5" }),
        json!({ "DesiredCapacity": "9" }),
        json!({ "MinSize": 2, "DesiredCapacity": 1 }),
        json!({ "VpcId": vpc }),
        json!({ "SubnetIds": [subnet] }),
        json!({ "VpcId": vpc, "SubnetIds": subnet, "VpcCidr": "10.0.0.0/16" }),
        json!({ "VpcId": vpc, "SubnetIds": subnet, "ZoneCount": 2 }),
        json!({ "VpcId": vpc, "SubnetIds": subnet, "Egress": "PublicIp" }),
        json!({ "ImageId": "ami-12345678", "ImageParameter": "/a/b" }),
        json!({ "MinHealthyPercentage": 50, "MaxHealthyPercentage": 151 }),
        json!({ "RolloutAlarms": ["scalable-ec2-cpu-high-uswest2-dev"] }),
        json!({ "RolloutAlarms": "scalable-ec2-rollout-failed-uswest2-dev" }),
        json!({ "ScaleUpCpuThreshold": 30 }),
        json!({ "ScaleUpCpuThreshold": 50, "ScaleDownCpuThreshold": 50 }),
        json!({ "AlarmPeriodSeconds": 1800, "AlarmEvaluationPeriods": 49 }),
        json!({ "AlarmPeriodSeconds": "900", "AlarmEvaluationPeriods": "97" }),
        json!({ "AlarmActions": [{ "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": 9 }] }),
        json!({ "MinSize": 1, "AlarmActions": [{ "Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": "0" }] }),
        notify("arn:aws:sns:eu-west-1:123456789012:on-call"),
        json!({ "AlarmActions": [
            { "Alarm": "cpu-low", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:123456789012:on-call" },
            { "Alarm": "cpu-high", "Action": "Notify", "TopicArn": "arn:aws:sns:us-west-2:210987654321:on-call" },
        ] }),
        notify("arn:aws:sns:us-west-2:123456789012:on-call.fifo"),
        json!({ "AlarmActions": [by("cpu-high"), by("scalable-ec2-cpu-high-uswest2-dev")] }),
        json!({ "AlarmActions": [by("cpu-high"), { "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": "1", "DryRun": true }] }),
        json!({ "EnvironmentSuffix": "x".repeat(25) }),
        json!({ "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/a" }),
        json!({ "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call" }),
        json!({ "PermissionsBoundaryArn": "arn:aws-cn:iam::123456789012:policy/boundary" }),
        json!({ "ImageParameter": "arn:aws:ssm:eu-west-1:210987654321:parameter/golden/al2023" }),
        json!({ "TargetGroupArns": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef"] }),
        json!({ "UserDataScript": script }),
        json!({ "UserDataScript": "#cloud-config" }),
        json!({ "DrainScript": "IyEvYmluL2Jhc2gKZWNobyBoaQo=" }),
        json!({ "Tags": { "Team": "a", "cost": "x", "team": "b" } }),
        json!({ "MinSizee": "1" }),
        json!({ "Flavour": { "a": 1 } }),
        json!({ "Properties": { "MinSize": 1 } }),
    ];
    let mut all: Vec<Value> = rules.into_iter().map(input).collect();
    all.extend([json!({}), json!({ "MinSize": 1 })]);
    all
}
