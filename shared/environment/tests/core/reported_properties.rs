//! Forms of properties that people used with other products, with the report of each.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use crate::common::read;
use serde_json::{Value, json};

/// The violations of a request with these properties, in one text.
fn violations(properties: &Value) -> String {
    let mut all = json!({ "EnvironmentSuffix": "pl", "MinSize": "1", "MaxSize": "3" });
    all.as_object_mut().expect("an object").extend(properties.as_object().expect("an object").clone());
    let rejected = read(all).err().unwrap_or_default();
    rejected.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn reported_forms_are_accepted() {
    let script = |text: &str| json!({ "UserDataScript": text });
    for properties in [
        // hetznercloud/cli #511: a byte order mark, a blank line or spaces before the interpreter.
        script("\u{feff}#!/bin/bash\nset -e\necho hi\n"),
        script("\u{feff}#!/usr/bin/env python3\nimport os\nprint(os.name)\n"),
        script("\n#!/usr/bin/env python3\nimport os\nprint(os.name)\n"),
        script("  #!/bin/bash\n  dnf install -y zsh\n"),
        json!({ "DrainScript": "#!/bin/bash\ncat <<ENVKEEPER-END-OF-DRAIN\nx\nENVKEEPER-END-OF-DRAIN\n" }),
        // PutMetricAlarm: a week is the limit where the period is an hour or more.
        json!({ "AlarmPeriodSeconds": "3600", "AlarmEvaluationPeriods": "100" }),
        json!({ "Tags": { "Owner": "" } }),
        // kubernetes/kops #11545
        json!({ "KmsKeyArn": "arn:aws:kms:us-west-2:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab" }),
        // aws/containers-roadmap #705: a version, a label, and a parameter of another account.
        json!({ "ImageParameter": "/my/ami:3" }),
        json!({ "ImageParameter": "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023" }),
        json!({ "MinSize": "0", "MaxSize": "0" }),
        // EC2's documents reserve `aws:` for values too, and EC2 rejects keys alone.
        json!({ "Tags": { "a": "aws:x" } }),
        script("\u{1f}\u{8}binary"),
    ] {
        assert_eq!(violations(&properties), "", "{properties}");
    }
}

#[test]
fn reported_mistakes_are_rejected_with_the_valid_form() {
    let script = |text: &str| json!({ "UserDataScript": text });
    let many: serde_json::Map<String, Value> = (0..41).map(|at| (format!("k{at}"), json!("v"))).collect();
    let duplicate = json!([{ "Key": "a", "Value": "b" }, { "Key": "a", "Value": "c" }]);
    let subnets = "subnet-0123456789abcdef0,subnet-0123456789abcdef0";
    let target_group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
    for (properties, expected) in [
        // terraform-aws-modules/terraform-aws-autoscaling takes base64; cloud-init takes more formats than scripts.
        (script("IyEvYmluL2Jhc2gKZWNobyBoaQo="), "base64"),
        (script("#cloud-config\npackages: [nginx]\n"), "not another format of user data"),
        (script("#!/bin/bash\r\necho hi\r\n"), "line"),
        (script(&"echo 0123456789\n".repeat(1_100)), "the other parts of the user data need the rest"),
        (
            script("#!/bin/bash\ncat <<ENVKEEPER-END-OF-USER-SCRIPT\nx\nENVKEEPER-END-OF-USER-SCRIPT\n"),
            "ENVKEEPER-END-OF-USER-SCRIPT",
        ),
        (json!({ "AlarmPeriodSeconds": "1800", "AlarmEvaluationPeriods": "60" }), "at most 48"),
        (json!({ "Tags": { "team": "a", "Team": "b" } }), "differ by more than their case"),
        // juspay/hyperswitch-suite PR #323: vowel signs are marks, which IAM rejects.
        (json!({ "Tags": { "Team": "विकास" } }), "without combining marks"),
        (json!({ "Tags": { "Team": "🚀" } }), "letters and digits"),
        (json!({ "Tags": { "aws:cloudformation:stack-name": "x" } }), "aws:"),
        (json!({ "Tags": { "AWS:thing": "x" } }), "aws:"),
        (json!({ "Tags": many }), "Tags is 41 tags"),
        // Some services trim: IAM's and EC2's tag would differ.
        (json!({ "Tags": { " a": "b " } }), "space"),
        (json!({ "Tags": duplicate }), "no duplicate keys"),
        (json!({ "KmsKeyArn": "arn:aws:kms:us-west-2:123456789012:alias/my-key" }), "KmsKeyArn"),
        (
            json!({ "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }),
            "us-west-2",
        ),
        (json!({ "VpcCidr": "10.0.1.0/16" }), "between /16 and /25"),
        (json!({ "VpcCidr": "100.64.0.0/16" }), "between /16 and /25"),
        (json!({ "MinSize": "1.0" }), "a whole number"),
        (json!({ "DeletionProtection": "True" }), "true"),
        (json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": subnets }), "SubnetIds"),
        (json!({ "TargetGroupArns": target_group }), "us-west-2"),
        (json!({ "ScaleUpCpuThreshold": "30", "ScaleDownCpuThreshold": "70" }), "ScaleUpCpuThreshold"),
        (json!({ "CooldownSeconds": "90000" }), "86400"),
        (json!({ "DrainServices": "nginx;reboot" }), "DrainServices"),
    ] {
        let rejected = violations(&properties);
        assert!(rejected.contains(expected), "{properties}: {rejected}");
    }
}
