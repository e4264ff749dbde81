//! The required access of calls to services other than EC2: the action, the ARN of the resource in the call, and the
//! facts that IAM knows about the resource.

use std::collections::BTreeMap;

use auto_scaling::LaunchTemplate;
use permissions::{actions_of, judge::Access};
use serde_json::Value;

use super::{Call, access, assumed_owned, ec2};
use crate::{REGION, auto_scaling::AutoScalingService, emulators::ACCOUNT};

const NO_FACTS: BTreeMap<String, String> = BTreeMap::new();

pub(super) async fn required_access(call: &Call<'_>, scaling: &AutoScalingService) -> Vec<Access> {
    match call.service {
        "autoscaling" => run_instances(call, scaling).await.into_iter().chain([auto_scaling(call, scaling)]).collect(),
        "iam" => iam(call, scaling).await,
        "ssm" => ssm(call, scaling).await,
        "s3" => s3(call),
        "monitoring" => vec![access(format!("cloudwatch:{}", call.operation), None, NO_FACTS)],
        "dynamodb" => {
            let index = call.text("IndexName").map(|index| format!("/index/{index}")).unwrap_or_default();
            let table = call.text("TableName").map(|table| regional_arn("dynamodb", &format!("table/{table}{index}")));
            vec![access(format!("dynamodb:{}", call.operation), table, leading_key(call))]
        }
        "sqs" => single(call, call.text("QueueUrl").and_then(|url| Some(regional_arn("sqs", url.rsplit_once('/')?.1)))),
        "events" => events(call),
        "logs" => single(call, log_group(call)),
        "sns" => single(call, call.text("TopicArn").map(str::to_owned)),
        "cloudformation" => single(
            call,
            call.text("StackName").map(|stack| {
                if stack.starts_with("arn:") {
                    stack.to_owned()
                } else {
                    regional_arn("cloudformation", &format!("stack/{stack}/0"))
                }
            }),
        ),
        "elasticloadbalancing" => {
            single(call, call.text("TargetGroupArn").filter(|_| !is_read(call)).map(str::to_owned))
        }
        // Links without a signature are not calls of a function.
        _ => Vec::new(),
    }
}

/// The key of the item that a call names (DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access
/// control").
fn leading_key(call: &Call<'_>) -> BTreeMap<String, String> {
    let key = call.json.pointer("/Key/pk/S").and_then(Value::as_str);
    key.map(|key| ("dynamodb:LeadingKeys".to_owned(), key.to_owned())).into_iter().collect()
}

fn single(call: &Call<'_>, resource: Option<String>) -> Vec<Access> {
    vec![access(format!("{}:{}", call.service, call.operation), resource, NO_FACTS)]
}

fn regional_arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

fn is_read(call: &Call<'_>) -> bool {
    call.operation.starts_with("Describe") || call.operation.starts_with("List")
}

/// The access to the bus of each entry, with the entry's source.
fn events(call: &Call<'_>) -> Vec<Access> {
    let entries = call.json.get("Entries").and_then(Value::as_array).into_iter().flatten();
    let access_of = |entry: &Value| {
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        let source = entry["Source"].as_str().unwrap_or_default().to_owned();
        let facts = BTreeMap::from([("events:source".to_owned(), source)]);
        access(format!("events:{}", call.operation), Some(regional_arn("events", &format!("event-bus/{bus}"))), facts)
    };
    entries.map(access_of).collect()
}

/// The ARN of a call's log group. `None` for listings of log groups and of saved queries, which cover all of them.
fn log_group(call: &Call<'_>) -> Option<String> {
    if call.operation.starts_with("Describe") {
        return None;
    }
    let by_arn = || call.text("resourceArn").map(str::to_owned);
    call.text("logGroupName").map(|name| regional_arn("logs", &format!("log-group:{name}"))).or_else(by_arn)
}

/// Auto Scaling checks, in the caller's name, whether a group may launch instances from its launch template, and tag what the
/// template specifies tags for.
async fn run_instances(call: &Call<'_>, scaling: &AutoScalingService) -> Vec<Access> {
    let under = match call.operation {
        "CreateAutoScalingGroup" | "UpdateAutoScalingGroup" => "LaunchTemplate",
        "StartInstanceRefresh" => "DesiredConfiguration.LaunchTemplate",
        _ => return Vec::new(),
    };
    let Some(id) = call.text(&format!("{under}.LaunchTemplateId")) else { return Vec::new() };
    let ec2 = scaling.ec2();
    let tags = ec2::resource_tags(id, ec2, "aws:ResourceTag").await;
    let mut accesses = vec![access("ec2:RunInstances", Some(ec2::arn("launch-template", id)), tags)];
    let version = call.text(&format!("{under}.Version")).unwrap_or("$Default").to_owned();
    let template = LaunchTemplate { id: id.to_owned(), name: String::new(), version };
    // A version that does not exist is the service's error.
    if let Ok(version) = ec2.template_version(&template).await {
        let by_launch = BTreeMap::from([("ec2:CreateAction".to_owned(), "RunInstances".to_owned())]);
        // moto keeps the template's own tags in the data.
        let tagged = version.tagged_types().into_iter().filter(|kind| *kind != "launch-template");
        accesses.extend(tagged.map(|kind| access("ec2:CreateTags", Some(ec2::arn(kind, "*")), by_launch.clone())));
    }
    accesses
}

/// The access to a group, with the group's own tags; for the call that creates a group, with the tags in the call.
fn auto_scaling(call: &Call<'_>, scaling: &AutoScalingService) -> Access {
    let action = format!("autoscaling:{}", call.operation);
    let by_tag = || call.all("Tags.member.", "ResourceId").next().map(|(_, name)| name);
    let group = call.text("AutoScalingGroupName").or_else(by_tag);
    let Some(group) = group.filter(|_| !is_read(call)) else { return access(action, None, assumed_owned()) };
    let facts = if call.operation == "CreateAutoScalingGroup" {
        call.request_tags("Tags.member.")
    } else {
        let tags = scaling.tags(group).into_iter();
        tags.map(|(key, value)| (format!("aws:ResourceTag/{key}"), value)).collect()
    };
    let arn = regional_arn("autoscaling", &format!("autoScalingGroup:0:autoScalingGroupName/{group}"));
    access(action, Some(arn), facts)
}

pub(super) async fn iam(call: &Call<'_>, scaling: &AutoScalingService) -> Vec<Access> {
    let global = |rest: String| format!("arn:aws:iam::{ACCOUNT}:{rest}");
    let role = call.text("RoleName").map(|name| global(format!("role/{name}")));
    let profile = call.text("InstanceProfileName").map(|name| global(format!("instance-profile/{name}")));
    let action = format!("iam:{}", call.operation);
    let mut facts = BTreeMap::new();
    let given = call.text("PermissionsBoundary").map(str::to_owned);
    let boundary = match (given, call.text("RoleName")) {
        (None, Some(name)) if call.operation != "CreateRole" => scaling.ec2().role_boundary(name).await,
        (given, _) => given,
    };
    facts.extend(boundary.map(|arn| ("iam:PermissionsBoundary".to_owned(), arn)));
    facts.extend(call.text("PolicyArn").map(|arn| ("iam:PolicyARN".to_owned(), arn.to_owned())));
    let mut accesses = vec![access(action, profile.or_else(|| role.clone()), facts)];
    match call.operation {
        "CreateRole" => accesses.push(access("iam:TagRole", role, NO_FACTS)),
        "AddRoleToInstanceProfile" => {
            let to_ec2 = BTreeMap::from([("iam:PassedToService".to_owned(), "ec2.amazonaws.com".to_owned())]);
            accesses.push(access("iam:PassRole", role, to_ec2));
        }
        _ => {}
    }
    accesses
}

/// SendCommand needs access to the document and to each instance.
async fn ssm(call: &Call<'_>, scaling: &AutoScalingService) -> Vec<Access> {
    match call.operation {
        "SendCommand" => {
            let document = call.text("DocumentName").unwrap_or_default();
            let mut accesses =
                vec![access("ssm:SendCommand", Some(format!("arn:aws:ssm:{REGION}::document/{document}")), NO_FACTS)];
            let ids = call.json.get("InstanceIds").and_then(Value::as_array).into_iter().flatten();
            for id in ids.filter_map(Value::as_str) {
                let tags = ec2::resource_tags(id, scaling.ec2(), "ssm:resourceTag").await;
                accesses.push(access("ssm:SendCommand", Some(ec2::arn("instance", id)), tags));
            }
            accesses
        }
        "GetParameter" => {
            let name = call.text("Name").unwrap_or_default();
            if name.starts_with("arn:") {
                return single(call, Some(name.to_owned()));
            }
            let name = name.trim_start_matches('/');
            let account = if name.starts_with("aws/service/") { "" } else { ACCOUNT };
            single(call, Some(format!("arn:aws:ssm:{REGION}:{account}:parameter/{name}")))
        }
        _ => single(call, None),
    }
}

/// The bucket and the optional key are in the path. DeleteObjects needs access to all objects in the bucket.
fn s3(call: &Call<'_>) -> Vec<Access> {
    let path = call.path.trim_start_matches('/').trim_end_matches('/');
    let whole = if call.operation == "DeleteObjects" { format!("{path}/*") } else { path.to_owned() };
    let operation = format!("s3:{}", call.operation);
    let mut actions = actions_of(&operation);
    if call.operation == "CreateBucket" {
        actions.push("s3:TagResource");
    }
    actions.into_iter().map(|action| access(action, Some(format!("arn:aws:s3:::{whole}")), NO_FACTS)).collect()
}
