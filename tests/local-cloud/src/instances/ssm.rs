//! Operations of SSM on instances of groups. A parameter that is not simulated is rejected by name.

use std::{collections::BTreeMap, time::Duration};

use auto_scaling::{Command, Fault, Fleet, Invocation, Timestamp};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{responses, router::Body};

/// The operations that this module implements.
pub const OPERATIONS: [&str; 4] =
    ["DescribeInstanceInformation", "SendCommand", "GetCommandInvocation", "ListCommandInvocations"];
const DOCUMENT: &str = "AWS-RunShellScript";
const ONE_HOUR: u64 = 3600;
const LONGEST_DELIVERY: u64 = 2_592_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeInput {
    #[serde(default)]
    filters: Vec<Filter>,
    // The response has one page with all entries.
    #[serde(rename = "MaxResults")]
    _max_results: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendInput {
    instance_ids: Vec<String>,
    document_name: String,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    timeout_seconds: Option<u64>,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetInput {
    command_id: String,
    instance_id: String,
    #[serde(rename = "PluginName")]
    _plugin_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    instance_id: String,
    #[serde(default)]
    filters: Vec<CommandFilter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandFilter {
    key: String,
    value: String,
}

pub fn response(fleet: &mut Fleet, operation: &str, input: &[u8], now: Timestamp) -> Response<Body> {
    let response = match operation {
        "DescribeInstanceInformation" => read(input).and_then(|describe| information(fleet, &describe, now)),
        "SendCommand" => read(input).and_then(|send| command(fleet, send, now)),
        "GetCommandInvocation" => read(input).and_then(|get| invocation(fleet, &get, now)),
        _ => read(input).and_then(|list| invocations(fleet, &list, now)),
    };
    match response {
        Ok(response) => responses::json(StatusCode::OK, &response),
        Err(Fault { code, message }) => {
            responses::json(StatusCode::BAD_REQUEST, &json!({"__type": code, "message": message}))
        }
    }
}

fn read<'a, T: Deserialize<'a>>(input: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(input).map_err(|error| Fault::validation(format!("not simulated: {error}")))
}

fn information(fleet: &Fleet, describe: &DescribeInput, now: Timestamp) -> Result<Value, Fault> {
    if let Some(filter) = describe.filters.iter().find(|it| !["InstanceIds", "PingStatus"].contains(&it.key.as_str())) {
        let message = format!("{}: the local cloud simulates InstanceIds and PingStatus only", filter.key);
        return Err(Fault { code: "InvalidFilterKey", message });
    }
    let is_selected = |id: &str, ping: &str| {
        describe.filters.iter().all(|filter| {
            let value = if filter.key == "InstanceIds" { id } else { ping };
            filter.values.iter().any(|it| it == value)
        })
    };
    let listed = fleet.members().filter_map(|(id, member)| {
        let (ping, last) = (member.agent(now)?.as_str(), member.last_ping(now)?);
        is_selected(id, ping).then(|| agent(id, ping, last))
    });
    Ok(json!({"InstanceInformationList": listed.collect::<Vec<_>>()}))
}

fn agent(id: &str, ping: &str, last: Timestamp) -> Value {
    json!({
        "InstanceId": id,
        "PingStatus": ping,
        "LastPingDateTime": seconds(last),
        "AgentVersion": "3.3.0.0",
        "IsLatestVersion": true,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
    })
}

fn command(fleet: &mut Fleet, send: SendInput, now: Timestamp) -> Result<Value, Fault> {
    let SendInput { instance_ids, document_name, parameters, timeout_seconds, comment } = send;
    if document_name != DOCUMENT {
        return Err(Fault {
            code: "InvalidDocument",
            message: format!("{document_name}: the local cloud simulates {DOCUMENT} only"),
        });
    }
    let known = |name: &&String| ["commands", "executionTimeout", "workingDirectory"].contains(&name.as_str());
    if let Some(unknown) = parameters.keys().find(|name| !known(name)) {
        return Err(Fault {
            code: "InvalidParameters",
            message: format!("{unknown} is not a parameter of {DOCUMENT}"),
        });
    }
    let delivery = timeout_seconds.unwrap_or(ONE_HOUR);
    if !(30..=LONGEST_DELIVERY).contains(&delivery) {
        return Err(Fault::validation(format!("TimeoutSeconds is {delivery}: expected 30 to {LONGEST_DELIVERY}")));
    }
    let execution = parameters.get("executionTimeout").and_then(|it| it.first()).map_or(Ok(ONE_HOUR), |it| it.parse());
    let bad =
        |_| Fault { code: "InvalidParameters", message: "executionTimeout is not a number of seconds".to_owned() };
    let script = parameters.get("commands").map(|lines| lines.join("\n"));
    let script = script.filter(|it| !it.is_empty());
    let missing = || Fault { code: "InvalidParameters", message: "commands is missing".to_owned() };
    let command = Command {
        instance_ids: instance_ids.clone(),
        script: script.ok_or_else(missing)?,
        comment: comment.clone().unwrap_or_default(),
        delivery_timeout: Duration::from_secs(delivery),
        execution_timeout: Duration::from_secs(execution.map_err(bad)?),
    };
    let expires = command.expires(now);
    let id = fleet.send_command(command, now)?;
    Ok(json!({"Command": {
        "CommandId": id,
        "DocumentName": document_name,
        "Comment": comment.unwrap_or_default(),
        "InstanceIds": instance_ids,
        "TargetCount": instance_ids.len(),
        "Parameters": parameters,
        "RequestedDateTime": seconds(now),
        "ExpiresAfter": seconds(expires),
        "TimeoutSeconds": delivery,
        "Status": "Pending",
        "StatusDetails": "Pending",
    }}))
}

fn invocation(fleet: &Fleet, get: &GetInput, now: Timestamp) -> Result<Value, Fault> {
    let found: Invocation = fleet.invocation(&get.command_id, &get.instance_id, now)?;
    let timestamp = |it: Option<Timestamp>| it.map(Timestamp::with_millis).unwrap_or_default();
    let elapsed = found.started.zip(found.ended).map(|(from, to)| format!("PT{}S", to.since(from).as_secs_f64()));
    Ok(json!({
        "CommandId": get.command_id,
        "InstanceId": get.instance_id,
        "DocumentName": DOCUMENT,
        "PluginName": "aws:runShellScript",
        "Status": found.status,
        "StatusDetails": found.details,
        "ResponseCode": found.response_code,
        "StandardOutputContent": found.output,
        "StandardErrorContent": "",
        "ExecutionStartDateTime": timestamp(found.started),
        "ExecutionEndDateTime": timestamp(found.ended),
        "ExecutionElapsedTime": elapsed.unwrap_or_default(),
    }))
}

fn invocations(fleet: &Fleet, list: &ListInput, now: Timestamp) -> Result<Value, Fault> {
    if let Some(filter) = list.filters.iter().find(|it| it.key != "InvokedAfter") {
        return Err(Fault {
            code: "InvalidFilterKey",
            message: format!("{}: the local cloud simulates InvokedAfter only", filter.key),
        });
    }
    // The text order of times in this form equals their time order.
    let is_selected = |at: Timestamp| list.filters.iter().all(|filter| at.to_string() >= filter.value);
    let all = fleet.invocations_on(&list.instance_id, now).into_iter().filter(|(_, at, ..)| is_selected(*at));
    let listed = all.map(|(id, at, comment, found)| {
        json!({
            "CommandId": id,
            "InstanceId": list.instance_id,
            "Comment": comment,
            "DocumentName": DOCUMENT,
            "RequestedDateTime": seconds(at),
            "Status": found.status,
            "StatusDetails": found.details,
        })
    });
    Ok(json!({"CommandInvocations": listed.collect::<Vec<_>>()}))
}

/// Seconds since 1970, the JSON protocol's form of timestamps.
fn seconds(timestamp: Timestamp) -> f64 {
    timestamp.since(Timestamp(0)).as_secs_f64()
}
