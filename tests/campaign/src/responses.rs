//! Whether what arrived at an address is an answer to what was asked.

use std::collections::BTreeSet;

use serde_json::Value;

/// What `Fn::GetAtt` finds of an environment, but for `LaunchTemplateVersion`, which the in-memory cloud doesn't show.
const DATA: [&str; 13] = [
    "AutoScalingGroupArn",
    "AutoScalingGroupName",
    "AutoScalingLogGroup",
    "BucketName",
    "DashboardUrl",
    "InstanceLogGroup",
    "InstanceProfileArn",
    "LaunchTemplateId",
    "LogBucketName",
    "RoleArn",
    "SecurityGroupId",
    "SubnetIds",
    "VpcId",
];

/// What is wrong with the bodies that arrived for an event, in their order.
pub fn flaws(event: &Value, bodies: &[Value]) -> Vec<String> {
    let mut flaws: Vec<String> = bodies.iter().filter_map(|body| unfit(event, body)).collect();
    let statuses: BTreeSet<String> = bodies.iter().map(|body| body["Status"].to_string()).collect();
    if statuses.len() > 1 {
        let told: Vec<String> = bodies.iter().map(|body| format!("{} {}", body["Status"], body["Reason"])).collect();
        flaws.push(format!("they disagree: {}", told.join(" / ")));
    }
    let of = format!("the answers to {} {}", event["RequestType"], event["RequestId"]);
    flaws.into_iter().map(|flaw| format!("; {of}: {flaw}")).collect()
}

fn unfit(event: &Value, body: &Value) -> Option<String> {
    let echoed = ["StackId", "RequestId", "LogicalResourceId"].into_iter().find(|key| body[*key] != event[*key]);
    if let Some(key) = echoed {
        return Some(format!("{key} is {}", body[key]));
    }
    let id = &body["PhysicalResourceId"];
    if body["Status"] != "SUCCESS" {
        let told =
            body["Reason"].as_str().is_some_and(|it| !it.is_empty()) && id.as_str().is_some_and(|it| !it.is_empty());
        return (!told).then(|| format!("FAILED without a reason or an id: {body}"));
    }
    let suffix = event["ResourceProperties"]["EnvironmentSuffix"].as_str().unwrap_or_default();
    let of_a_create = Value::from(format!("scalable-ec2-us-west-2-{suffix}"));
    let expected = event.get("PhysicalResourceId").unwrap_or(&of_a_create);
    if id != expected {
        return Some(format!("PhysicalResourceId is {id}, and not {expected}"));
    }
    let is_empty = |key: &&str| body["Data"][*key].as_str().is_none_or(str::is_empty);
    let missing: Vec<&str> = DATA.into_iter().filter(is_empty).collect();
    (event["RequestType"] != "Delete" && !missing.is_empty()).then(|| format!("Data lacks {}", missing.join(", ")))
}
