//! Services whose calls name one resource.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Call, Requirement, Requirements, arn, no_resource, required, requirement, same};

pub(super) fn of(call: &Call<'_>) -> Requirements {
    match call.service {
        "cloudformation" => cloudformation(call),
        "elasticloadbalancing" => load_balancing(call),
        "events" => events(call),
        "lambda" => lambda(call),
        "sns" => sns(call),
        // "No permissions are required to perform this operation" (STS API Reference, GetCallerIdentity).
        "sts" if call.operation == "GetCallerIdentity" => Ok(Vec::new()),
        "tagging" if call.operation.starts_with("Get") => Ok(vec![requirement(format!("tag:{}", call.operation), "*")]),
        service => Err(format!("the permissions of {service}:{} are not derived", call.operation)),
    }
}

fn is_list(call: &Call<'_>) -> bool {
    call.operation.starts_with("List")
}

fn cloudformation(call: &Call<'_>) -> Requirements {
    if is_list(call) || call.operation == "ValidateTemplate" {
        return Ok(vec![same(call, "*")]);
    }
    let stack = required(call, "StackName")?;
    let stack = if stack.starts_with("arn:") {
        stack.to_owned()
    } else {
        arn("cloudformation", "stack/", &format!("{stack}/0"))
    };
    Ok(vec![same(call, stack)])
}

fn load_balancing(call: &Call<'_>) -> Requirements {
    if call.operation.starts_with("Describe") {
        return Ok(vec![same(call, "*")]);
    }
    Ok(vec![same(call, required(call, "TargetGroupArn")?)])
}

fn events(call: &Call<'_>) -> Requirements {
    match call.operation {
        "PutEvents" => Ok(put_events(call)),
        "TestEventPattern" | "ListRules" | "ListRuleNamesByTarget" | "ListEventBuses" => Ok(vec![same(call, "*")]),
        "CreateEventBus" | "DescribeEventBus" | "DeleteEventBus" => {
            Ok(vec![same(call, arn("events", "event-bus/", call.text("Name").unwrap_or("default")))])
        }
        "PutRule" | "DescribeRule" | "DeleteRule" | "EnableRule" | "DisableRule" => {
            Ok(vec![same(call, rule(call, "Name")?)])
        }
        "PutTargets" | "RemoveTargets" | "ListTargetsByRule" => {
            let mut requirements = vec![same(call, rule(call, "Rule")?)];
            let targets = call.json.get("Targets").and_then(Value::as_array).into_iter().flatten();
            for role in targets.filter_map(|it| it["RoleArn"].as_str()) {
                let mut pass = requirement("iam:PassRole", role);
                pass.context.set("iam:PassedToService", "events.amazonaws.com");
                requirements.push(pass);
            }
            Ok(requirements)
        }
        _ => Err(no_resource(call)),
    }
}

/// The ARN of a rule, which names the bus unless it is the default one.
fn rule(call: &Call<'_>, parameter: &str) -> Result<String, String> {
    let bus = call.text("EventBusName").unwrap_or("default").rsplit('/').next().unwrap_or_default();
    let prefix = if bus == "default" { String::from("rule/") } else { format!("rule/{bus}/") };
    Ok(arn("events", &prefix, required(call, parameter)?))
}

/// Each entry needs the permission on its bus, for its source and its detail type (Service Authorization Reference, EventBridge).
fn put_events(call: &Call<'_>) -> Vec<Requirement> {
    let entries = call.json.get("Entries").and_then(Value::as_array).into_iter().flatten();
    let requirement_of = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        let mut put = same(call, arn("events", "event-bus/", bus));
        put.context.set("events:source", text("Source"));
        put.context.set("events:detail-type", text("DetailType"));
        put
    };
    entries.map(requirement_of).collect()
}

/// The function in the path, by name or ARN: `/DATE/functions/NAME/…`.
fn lambda(call: &Call<'_>) -> Requirements {
    if call.operation == "ListFunctions" {
        return Ok(vec![same(call, "*")]);
    }
    let parts: Vec<&str> = call.path.split('/').filter(|it| !it.is_empty()).collect();
    match parts[..] {
        [_, "functions", name, ..] if !call.operation.contains(' ') => {
            let name = percent_decode_str(name).decode_utf8_lossy();
            let action = if call.operation == "Invoke" { "InvokeFunction" } else { call.operation };
            Ok(vec![requirement(format!("lambda:{action}"), arn("lambda", "function:", &name))])
        }
        _ => Err(no_resource(call)),
    }
}

fn sns(call: &Call<'_>) -> Requirements {
    if is_list(call) {
        return Ok(vec![same(call, "*")]);
    }
    let topic = call.text("TopicArn").or_else(|| call.text("TargetArn")).or_else(|| call.text("Name"));
    let topic = arn("sns", "", topic.ok_or_else(|| no_resource(call))?);
    let action = if call.operation == "PublishBatch" { "Publish" } else { call.operation };
    Ok(vec![requirement(format!("sns:{action}"), topic)])
}
