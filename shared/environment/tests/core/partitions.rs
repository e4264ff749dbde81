//! Environments in regions of every partition: ARNs, endpoint services and the console's page are those of the partition.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use std::collections::BTreeSet;

use crate::common::{OWNER, facts};
use environment::{Defaults, Deployment, Facts, Fields, Resource, Spec, desired, endpoint_services, outputs};
use serde_json::{Value, json};

/// A region of each partition, one that AWS launched since 2024, and another one, with the domain of the console's pages.
const REGIONS: [(&str, &str, &str); 6] = [
    ("eu-west-1", "aws", "console.aws.amazon.com"),
    ("mx-central-1", "aws", "console.aws.amazon.com"),
    ("cn-north-1", "aws-cn", "console.amazonaws.cn"),
    ("cn-northwest-1", "aws-cn", "console.amazonaws.cn"),
    ("us-gov-west-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
    ("eusc-de-east-1", "aws-eusc", "console.amazonaws-eusc.eu"),
];

/// The desired resources in a region, with every property that is an ARN.
fn resources(region: &str, partition: &str) -> (Deployment, Spec, Vec<Resource>) {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: region.into(), account: "123456789012".into() };
    let arn = |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:123456789012:{rest}");
    let properties = json!({
        "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints", "BucketOnDelete": "Empty",
        "KmsKeyArn": arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        "TargetGroupArns": arn("elasticloadbalancing", "targetgroup/web/0123456789abcdef"),
        "AlarmTopicArn": arn("sns", "on-call"), "ParameterPaths": "/team/app",
        "AlarmActions": [{ "Alarm": "healthy-low", "Action": "Notify", "TopicArn": arn("sns", "on-call") }],
        "PermissionsBoundaryArn": format!("arn:{partition}:iam::123456789012:policy/boundary"),
    });
    let given = properties.as_object().expect("an object");
    let spec = Spec::read(given, &Defaults::from_vars(|_| None), &deployment).expect("valid properties");
    let facts = Facts { partition: partition.into(), ..facts() };
    let resources = desired(&spec, &spec.names(&deployment), OWNER, &facts);
    (deployment, spec, resources)
}

/// The partitions of all ARNs in a text.
fn partitions(text: &str) -> Vec<&str> {
    text.split("arn:").skip(1).filter_map(|it| it.split(':').next()).collect()
}

#[test]
fn every_arn_is_of_the_regions_partition() {
    for (region, partition, _) in REGIONS {
        let (_, _, resources) = resources(region, partition);
        let mut count = 0;
        for resource in resources {
            let text = format!("{:?}", resource.fields);
            for found in partitions(&text) {
                assert_eq!(found, partition, "{region}: {text}");
                count += 1;
            }
        }
        assert!(count > 30, "{region}: {count} ARNs");
    }
}

#[test]
fn the_managed_policies_are_those_of_aws_in_the_partition() {
    for (region, partition, _) in REGIONS {
        let (_, _, resources) = resources(region, partition);
        let roles = resources.iter().filter_map(|it| match &it.fields {
            Fields::Role(role) => Some(role),
            _ => None,
        });
        for role in roles {
            let expected = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]
                .map(|name| format!("arn:{partition}:iam::aws:policy/{name}"));
            assert_eq!(role.managed_policies, expected.into(), "{region}");
            // IAM takes this name in every partition (aws-cdk, region-info; karpenter-provider-aws, pull request 6839).
            assert_eq!(role.trusts, "ec2.amazonaws.com", "{region}");
        }
    }
}

/// EC2's and CloudWatch's services in China have another prefix (DescribeVpcEndpointServices in both regions of China:
/// aws-cdk, pull requests 16139 and 25333). In the European Sovereign Cloud other services have one (aws-cdk, pull request
/// 36471). No region launched since 2024 has `ec2messages`.
#[test]
fn the_endpoint_services_have_the_prefixes_of_the_region() {
    for (region, partition, _) in REGIONS {
        let (deployment, spec, resources) = resources(region, partition);
        let prefix = if partition == "aws-cn" { "cn.com.amazonaws" } else { "com.amazonaws" };
        let expected = [
            format!("com.amazonaws.{region}.ssm"),
            format!("com.amazonaws.{region}.ssmmessages"),
            format!("{prefix}.{region}.ec2"),
            format!("com.amazonaws.{region}.logs"),
            format!("{prefix}.{region}.monitoring"),
            format!("com.amazonaws.{region}.s3"),
        ];
        assert_eq!(endpoint_services(&spec, &deployment.region, partition), expected);
        let desired: BTreeSet<&str> = resources
            .iter()
            .filter_map(|it| match &it.fields {
                Fields::VpcEndpoint(endpoint) => Some(endpoint.service.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(desired, expected.iter().map(String::as_str).collect(), "{region}");
    }
}

#[test]
fn the_page_of_the_dashboard_is_in_the_partitions_console() {
    for (region, partition, console) in REGIONS {
        let (deployment, spec, _) = resources(region, partition);
        let url = outputs(&[], &spec.names(&deployment)).remove("DashboardUrl").expect("an output");
        let expected = format!("https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/");
        assert!(url.starts_with(&expected), "{url}");
    }
}

/// An ARN of another partition has another region, too.
#[test]
fn an_arn_of_another_partition_is_rejected() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "cn-north-1".into(), account: "123456789012".into() };
    let read = |property: &str, value: &str| {
        let given: Value = json!({ "EnvironmentSuffix": "dev", property: value });
        Spec::read(given.as_object().expect("an object"), &Defaults::from_vars(|_| None), &deployment)
    };
    for (property, rest) in [
        ("KmsKeyArn", "kms:cn-north-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("AlarmTopicArn", "sns:cn-north-1:123456789012:on-call"),
        ("TargetGroupArns", "elasticloadbalancing:cn-north-1:123456789012:targetgroup/web/0123456789abcdef"),
        ("PermissionsBoundaryArn", "iam::123456789012:policy/boundary"),
        ("ImageParameter", "ssm:cn-north-1:123456789012:parameter/golden"),
    ] {
        assert!(read(property, &format!("arn:aws-cn:{rest}")).is_ok(), "{property}");
        let rejected = read(property, &format!("arn:aws:{rest}")).expect_err("of another partition");
        let expected = "an ARN of the environment's partition aws-cn";
        assert!(rejected.len() == 1 && rejected[0].to_string().ends_with(expected), "{property}: {rejected:?}");
    }
    let rule = |partition: &str| {
        let topic = format!("arn:{partition}:sns:cn-north-1:123456789012:on-call");
        let given = json!({ "EnvironmentSuffix": "dev", "AlarmActions": [{ "Alarm": "healthy-low", "Action": "Notify", "TopicArn": topic }] });
        Spec::read(given.as_object().expect("an object"), &Defaults::from_vars(|_| None), &deployment)
    };
    assert!(rule("aws-cn").is_ok() && rule("aws").is_err());
}
