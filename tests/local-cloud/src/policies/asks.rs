//! What the other services ask for: an action, the ARN of what the call names, and what IAM knows of it.

use std::collections::BTreeMap;

use permissions::{actions_of, judge::Asked};
use serde_json::Value;

use super::{Call, asked, ec2, taken_for_ours};
use crate::{REGION, auto_scaling::AutoScalingService, emulators::ACCOUNT};

const NOTHING: BTreeMap<String, String> = BTreeMap::new();

pub(super) async fn asks(call: &Call<'_>, held: &AutoScalingService) -> Vec<Asked> {
    match call.service {
        "autoscaling" => launches(call, held).await.into_iter().chain([auto_scaling(call, held)]).collect(),
        "iam" => iam(call, held).await,
        "ssm" => ssm(call, held).await,
        "s3" => s3(call),
        "monitoring" => vec![asked(format!("cloudwatch:{}", call.operation), None, NOTHING)],
        "dynamodb" => {
            let index = call.text("IndexName").map(|index| format!("/index/{index}")).unwrap_or_default();
            one(call, call.text("TableName").map(|table| here("dynamodb", &format!("table/{table}{index}"))))
        }
        "sqs" => one(call, call.text("QueueUrl").and_then(|url| Some(here("sqs", url.rsplit_once('/')?.1)))),
        "logs" => one(call, log_group(call)),
        "sns" => one(call, call.text("TopicArn").map(str::to_owned)),
        "cloudformation" => one(
            call,
            call.text("StackName").map(|stack| {
                if stack.starts_with("arn:") {
                    stack.to_owned()
                } else {
                    here("cloudformation", &format!("stack/{stack}/0"))
                }
            }),
        ),
        "elasticloadbalancing" => one(call, call.text("TargetGroupArn").filter(|_| !is_read(call)).map(str::to_owned)),
        // Links without a signature are nobody's call.
        _ => Vec::new(),
    }
}

fn one(call: &Call<'_>, resource: Option<String>) -> Vec<Asked> {
    vec![asked(format!("{}:{}", call.service, call.operation), resource, NOTHING)]
}

fn here(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

fn is_read(call: &Call<'_>) -> bool {
    call.operation.starts_with("Describe") || call.operation.starts_with("List")
}

/// Listings of log groups and of saved queries are about all of them.
fn log_group(call: &Call<'_>) -> Option<String> {
    if call.operation.starts_with("Describe") {
        return None;
    }
    let by_arn = || call.text("resourceArn").map(str::to_owned);
    call.text("logGroupName").map(|name| here("logs", &format!("log-group:{name}"))).or_else(by_arn)
}

/// A group with a launch template asks, in the caller's name, whether it may launch by that.
async fn launches(call: &Call<'_>, held: &AutoScalingService) -> Option<Asked> {
    let takes_one = ["CreateAutoScalingGroup", "UpdateAutoScalingGroup"].contains(&call.operation);
    let id = call.text("LaunchTemplate.LaunchTemplateId").filter(|_| takes_one)?;
    let tags = ec2::resource_tags(id, held.ec2(), "aws:ResourceTag").await;
    Some(asked("ec2:RunInstances", Some(ec2::arn("launch-template", id)), tags))
}

/// A group's call, by the group's own tags; one that makes a group, by those that it gives.
fn auto_scaling(call: &Call<'_>, held: &AutoScalingService) -> Asked {
    let action = format!("autoscaling:{}", call.operation);
    let by_tag = || call.all("Tags.member.", "ResourceId").next().map(|(_, name)| name);
    let group = call.text("AutoScalingGroupName").or_else(by_tag);
    let Some(group) = group.filter(|_| !is_read(call)) else { return asked(action, None, taken_for_ours()) };
    let facts = if call.operation == "CreateAutoScalingGroup" {
        call.request_tags("Tags.member.")
    } else {
        let tags = held.tags(group).into_iter();
        tags.map(|(key, value)| (format!("aws:ResourceTag/{key}"), value)).collect()
    };
    let arn = here("autoscaling", &format!("autoScalingGroup:0:autoScalingGroupName/{group}"));
    asked(action, Some(arn), facts)
}

async fn iam(call: &Call<'_>, held: &AutoScalingService) -> Vec<Asked> {
    let global = |rest: String| format!("arn:aws:iam::{ACCOUNT}:{rest}");
    let role = call.text("RoleName").map(|name| global(format!("role/{name}")));
    let profile = call.text("InstanceProfileName").map(|name| global(format!("instance-profile/{name}")));
    let action = format!("iam:{}", call.operation);
    let mut facts = BTreeMap::new();
    let given = call.text("PermissionsBoundary").map(str::to_owned);
    let boundary = match (given, call.text("RoleName")) {
        (None, Some(name)) if call.operation != "CreateRole" => held.ec2().role_boundary(name).await,
        (given, _) => given,
    };
    facts.extend(boundary.map(|arn| ("iam:PermissionsBoundary".to_owned(), arn)));
    facts.extend(call.text("PolicyArn").map(|arn| ("iam:PolicyARN".to_owned(), arn.to_owned())));
    let mut asks = vec![asked(action, profile.or_else(|| role.clone()), facts)];
    match call.operation {
        "CreateRole" => asks.push(asked("iam:TagRole", role, NOTHING)),
        "AddRoleToInstanceProfile" => {
            let to_ec2 = BTreeMap::from([("iam:PassedToService".to_owned(), "ec2.amazonaws.com".to_owned())]);
            asks.push(asked("iam:PassRole", role, to_ec2));
        }
        _ => {}
    }
    asks
}

/// A command is about its document, and about each instance.
async fn ssm(call: &Call<'_>, held: &AutoScalingService) -> Vec<Asked> {
    match call.operation {
        "SendCommand" => {
            let document = call.text("DocumentName").unwrap_or_default();
            let mut asks =
                vec![asked("ssm:SendCommand", Some(format!("arn:aws:ssm:{REGION}::document/{document}")), NOTHING)];
            let ids = call.json.get("InstanceIds").and_then(Value::as_array).into_iter().flatten();
            for id in ids.filter_map(Value::as_str) {
                let tags = ec2::resource_tags(id, held.ec2(), "ssm:resourceTag").await;
                asks.push(asked("ssm:SendCommand", Some(ec2::arn("instance", id)), tags));
            }
            asks
        }
        "GetParameter" => {
            let name = call.text("Name").unwrap_or_default().trim_start_matches('/');
            let account = if name.starts_with("aws/service/") { "" } else { ACCOUNT };
            one(call, Some(format!("arn:aws:ssm:{REGION}:{account}:parameter/{name}")))
        }
        _ => one(call, None),
    }
}

/// The bucket, and the key where there is one, stand in the path. Deleting many is about all that is in the bucket.
fn s3(call: &Call<'_>) -> Vec<Asked> {
    let path = call.path.trim_start_matches('/').trim_end_matches('/');
    let whole = if call.operation == "DeleteObjects" { format!("{path}/*") } else { path.to_owned() };
    let operation = format!("s3:{}", call.operation);
    let mut actions = actions_of(&operation);
    if call.operation == "CreateBucket" {
        actions.push("s3:TagResource");
    }
    actions.into_iter().map(|action| asked(action, Some(format!("arn:aws:s3:::{whole}")), NOTHING)).collect()
}
