//! CloudWatch Logs. Error messages of AWS show that the resource of a log group's action ends with `:log-stream:` and the
//! name of the stream, if there is one.

use super::{Call, Requirements, no_resource, requirement, same};
use crate::{REGION, emulators::ACCOUNT};

pub(super) fn of(call: &Call<'_>) -> Requirements {
    let group = call.text("logGroupName").or_else(|| call.text("logGroupIdentifier"));
    let stream = call.text("logStreamName").unwrap_or_default();
    if call.operation == "DescribeLogGroups" {
        return Ok(vec![same(call, resource("", ""))]);
    }
    if let Some(arn) = call.text("resourceArn") {
        return Ok(vec![same(call, arn)]);
    }
    let group = group.ok_or_else(|| no_resource(call))?;
    let group = group.split_once(":log-group:").map_or(group, |(_, name)| name.trim_end_matches(":*"));
    let action = match call.operation {
        "DescribeLogStreams" | "FilterLogEvents" | "GetLogEvents" | "PutLogEvents" | "CreateLogStream"
        | "DeleteLogStream" | "CreateLogGroup" | "DeleteLogGroup" | "PutRetentionPolicy" => {
            format!("logs:{}", call.operation)
        }
        _ => return Err(no_resource(call)),
    };
    Ok(vec![requirement(action, resource(group, stream))])
}

fn resource(group: &str, stream: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{stream}")
}
