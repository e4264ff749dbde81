//! Checks that each response body matches its request.

use std::collections::BTreeSet;

use serde_json::Value;

/// The keys that `Fn::GetAtt` finds in an environment's data, except `LaunchTemplateVersion`, which the in-memory cloud
/// does not have.
const DATA: [&str; 14] = [
    "AutoScalingGroupArn",
    "AutoScalingGroupName",
    "AutoScalingLogGroup",
    "BucketName",
    "DashboardUrl",
    "EnvironmentId",
    "InstanceLogGroup",
    "InstanceProfileArn",
    "LaunchTemplateId",
    "LogBucketName",
    "RoleArn",
    "SecurityGroupId",
    "SubnetIds",
    "VpcId",
];

/// The flaws of the bodies that arrived for an event, in their order.
pub fn flaws(event: &Value, bodies: &[Value]) -> Vec<String> {
    let mut flaws: Vec<String> = bodies.iter().filter_map(|body| flaw(event, body)).collect();
    let statuses: BTreeSet<String> = bodies.iter().map(|body| body["Status"].to_string()).collect();
    if statuses.len() > 1 {
        let statuses: Vec<String> =
            bodies.iter().map(|body| format!("{} {}", body["Status"], body["Reason"])).collect();
        flaws.push(format!("the statuses differ: {}", statuses.join(" / ")));
    }
    let subject = format!("the responses to {} {}", event["RequestType"], event["RequestId"]);
    flaws.into_iter().map(|flaw| format!("; {subject}: {flaw}")).collect()
}

fn flaw(event: &Value, body: &Value) -> Option<String> {
    let mismatch = ["StackId", "RequestId", "LogicalResourceId"].into_iter().find(|key| body[*key] != event[*key]);
    if let Some(key) = mismatch {
        return Some(format!("{key} is {}", body[key]));
    }
    let id = &body["PhysicalResourceId"];
    if body["Status"] != "SUCCESS" {
        let has_reason_and_id =
            body["Reason"].as_str().is_some_and(|it| !it.is_empty()) && id.as_str().is_some_and(|it| !it.is_empty());
        return (!has_reason_and_id).then(|| format!("FAILED without a reason or an id: {body}"));
    }
    let suffix = event["ResourceProperties"]["EnvironmentSuffix"].as_str().unwrap_or_default();
    let of_a_create = Value::from(format!("scalable-ec2-us-west-2-{suffix}"));
    let expected = event.get("PhysicalResourceId").unwrap_or(&of_a_create);
    if id != expected {
        return Some(format!("PhysicalResourceId is {id}, expected {expected}"));
    }
    let is_empty = |key: &&str| body["Data"][*key].as_str().is_none_or(str::is_empty);
    let missing: Vec<&str> = DATA.into_iter().filter(is_empty).collect();
    (event["RequestType"] != "Delete" && !missing.is_empty()).then(|| format!("Data lacks {}", missing.join(", ")))
}
