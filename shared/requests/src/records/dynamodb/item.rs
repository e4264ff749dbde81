//! Conversion of the table's items. Every error is a sentence for [`super::RecordsError::Unreadable`] and names attributes,
//! never values: one of the values is a secret.

use super::NEVER_S;
use crate::records::{DecidedResponse, LatestRequest, OwnerRecord, RuleExecution};
use crate::{Kind, Owner, ResponseAddress};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn bool(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// A value of this crate as JSON.
pub(super) fn write_json(value: &impl Serialize) -> AttributeValue {
    text(serde_json::to_value(value).unwrap_or_default().to_string())
}

/// The latest request is one map, so that a new request replaces all of the old one.
pub(super) fn write_latest_request(latest_request: &LatestRequest) -> AttributeValue {
    let mut map = Item::from([
        ("request_hash".to_owned(), text(&latest_request.request_hash)),
        ("kind".to_owned(), text(latest_request.kind.as_str())),
        ("sent_ms".to_owned(), number(latest_request.sent_ms)),
        ("deadline_ms".to_owned(), number(latest_request.deadline_ms)),
        ("stack_id".to_owned(), text(&latest_request.response_address.stack_id)),
        ("request_id".to_owned(), text(&latest_request.response_address.request_id)),
        ("logical_id".to_owned(), text(&latest_request.response_address.logical_id)),
    ]);
    let optional =
        [("physical_id", &latest_request.physical_id), ("response_url", &latest_request.response_address.response_url)];
    for (name, value) in optional {
        if let Some(value) = value {
            map.insert(name.to_owned(), text(value));
        }
    }
    AttributeValue::M(map)
}

/// The last execution of a rule.
pub(super) fn read_rule_execution(item: &Item) -> Result<RuleExecution, String> {
    let remediation = required(item, "remediation")?;
    Ok(RuleExecution {
        since_ms: read_number(item, "since_ms")?.ok_or_else(|| missing("since_ms"))?,
        at_ms: read_number(item, "at_ms")?.ok_or_else(|| missing("at_ms"))?,
        remediation: serde_json::from_str(&remediation).map_err(|_| "remediation is not JSON".to_owned())?,
        done: item.get("done").and_then(|it| it.as_bool().ok()).copied().unwrap_or_default(),
    })
}

/// The latest request of an owner, if there is one.
pub(super) fn read_latest_request(item: &Item) -> Result<Option<LatestRequest>, String> {
    let Some(latest_request) = item.get("latest_request") else { return Ok(None) };
    let map = latest_request.as_m().map_err(|_| "latest_request is not a map".to_owned())?;
    let kind = required(map, "kind")?;
    Ok(Some(LatestRequest {
        request_hash: required(map, "request_hash")?,
        kind: Kind::parse(&kind).ok_or_else(|| "latest_request.kind is unknown".to_owned())?,
        sent_ms: read_number(map, "sent_ms")?.ok_or_else(|| missing("sent_ms"))?,
        deadline_ms: read_number(map, "deadline_ms")?.ok_or_else(|| missing("deadline_ms"))?,
        physical_id: optional(map, "physical_id")?,
        response_address: ResponseAddress {
            response_url: optional(map, "response_url")?,
            stack_id: required(map, "stack_id")?,
            request_id: required(map, "request_id")?,
            logical_id: required(map, "logical_id")?,
        },
    }))
}

pub(super) fn read_record(owner: &Owner, item: &Item) -> Result<OwnerRecord, String> {
    Ok(OwnerRecord {
        owner: owner.clone(),
        environment: optional(item, "environment")?,
        desired: read_json(item, "desired")?,
        frozen: read_json(item, "frozen")?,
        retired_tags: read_typed(item, "retired_tags")?.unwrap_or_default(),
        settled_spec: read_json(item, "settled_spec")?,
        settled: read_bool(item, "settled")?,
        unlocked: read_bool(item, "unlocked")?,
        create_intent_ms: read_number(item, "create_intent_ms")?,
        latest_request: read_latest_request(item)?,
        response_due_ms: read_number(item, "response_due_ms")?,
        // These only inform operators, or save a second observation: a value that another version wrote is not an error.
        decided_response: read_decided_response(item),
        progress: read_typed(item, "progress").ok().flatten(),
        responses: read_typed(item, "responses").ok().flatten().unwrap_or_default(),
        deleted: read_bool(item, "deleted")?,
        expires: read_number(item, "expires")?.filter(|expires| *expires < NEVER_S),
    })
}

/// The decided response, if this version can read it.
pub(super) fn read_decided_response(item: &Item) -> Option<DecidedResponse> {
    read_typed(item, "decided_response").ok().flatten()
}

pub(super) fn read_holder(environment: &str, item: &Item) -> Result<Owner, String> {
    let holder = required(item, "held_by")?;
    Owner::parse(&holder).ok_or_else(|| format!("held_by of environment {environment} is not an owner"))
}

fn missing(name: &str) -> String {
    format!("{name} is missing")
}

fn required(item: &Item, name: &str) -> Result<String, String> {
    optional(item, name)?.ok_or_else(|| missing(name))
}

fn optional(item: &Item, name: &str) -> Result<Option<String>, String> {
    let read = item.get(name).map(|value| value.as_s().cloned());
    read.transpose().map_err(|_| format!("{name} is not a string"))
}

fn read_number(item: &Item, name: &str) -> Result<Option<u64>, String> {
    let read = item.get(name).map(|value| value.as_n().ok().and_then(|digits| digits.parse().ok()));
    read.map(|number| number.ok_or_else(|| format!("{name} is not a whole number"))).transpose()
}

fn read_bool(item: &Item, name: &str) -> Result<bool, String> {
    let read = item.get(name).map(|value| value.as_bool().copied());
    read.transpose().map(Option::unwrap_or_default).map_err(|_| format!("{name} is not a boolean"))
}

fn read_json(item: &Item, name: &str) -> Result<Option<Value>, String> {
    let read = optional(item, name)?.map(|json| serde_json::from_str(&json));
    read.transpose().map_err(|_| format!("{name} is not JSON"))
}

/// A value that [`write_json`] wrote.
fn read_typed<T: DeserializeOwned>(item: &Item, name: &str) -> Result<Option<T>, String> {
    let read = optional(item, name)?.map(|json| serde_json::from_str(&json));
    read.transpose().map_err(|_| format!("{name} does not have the form that this version writes"))
}
