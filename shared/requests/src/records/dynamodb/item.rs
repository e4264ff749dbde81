//! Conversion of the table's items.

use super::NEVER_S;
use crate::records::{LatestRequest, OwnerRecord, RuleExecution};
use crate::{CfnResponse, Kind, Owner, ResponseAddress, RolloutRequest};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// An item that this version can't read. The fault names attributes, never values: one of the values is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ItemFault {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{name} is not {expected}")]
    Invalid { name: &'static str, expected: &'static str },
}

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
    if let Some(asked_ms) = latest_request.asked_ms {
        map.insert("asked_ms".to_owned(), number(asked_ms));
    }
    AttributeValue::M(map)
}

/// The last execution of a rule.
pub(super) fn read_rule_execution(item: &Item) -> Result<RuleExecution, ItemFault> {
    let remediation = read_json(item, "remediation")?.ok_or(ItemFault::Missing("remediation"))?;
    Ok(RuleExecution {
        since_ms: read_number(item, "since_ms")?.ok_or(ItemFault::Missing("since_ms"))?,
        at_ms: read_number(item, "at_ms")?.ok_or(ItemFault::Missing("at_ms"))?,
        remediation,
        done: item.get("done").and_then(|it| it.as_bool().ok()).copied().unwrap_or_default(),
    })
}

/// The latest request of an owner, if there is one.
pub(super) fn read_latest_request(item: &Item) -> Result<Option<LatestRequest>, ItemFault> {
    let Some(latest_request) = item.get("latest_request") else { return Ok(None) };
    let map = latest_request.as_m().map_err(|_| ItemFault::Invalid { name: "latest_request", expected: "a map" })?;
    let kind = required(map, "kind")?;
    Ok(Some(LatestRequest {
        request_hash: required(map, "request_hash")?,
        kind: Kind::parse(&kind)
            .ok_or(ItemFault::Invalid { name: "latest_request.kind", expected: "a request type" })?,
        sent_ms: read_number(map, "sent_ms")?.ok_or(ItemFault::Missing("sent_ms"))?,
        asked_ms: read_number(map, "asked_ms")?,
        deadline_ms: read_number(map, "deadline_ms")?.ok_or(ItemFault::Missing("deadline_ms"))?,
        physical_id: optional(map, "physical_id")?,
        response_address: ResponseAddress {
            response_url: optional(map, "response_url")?,
            stack_id: required(map, "stack_id")?,
            request_id: required(map, "request_id")?,
            logical_id: required(map, "logical_id")?,
        },
    }))
}

pub(super) fn read_record(owner: &Owner, item: &Item) -> Result<OwnerRecord, ItemFault> {
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
        // Without proofs less is owned, and nothing more is deleted.
        proofs: read_json(item, "proofs").ok().flatten(),
        // Without it a rollout is decided by the state of the group alone.
        rollout: read_json(item, "rollout").ok().flatten(),
        rollout_request: optional(item, "rollout_request").ok().flatten().and_then(|it| RolloutRequest::named(&it)),
        hold_request_ms: read_number(item, "hold_request_ms").ok().flatten(),
        latest_request: read_latest_request(item)?,
        response_due_ms: read_number(item, "response_due_ms")?,
        recorded_response: read_recorded_response(item),
        // These only inform operators: a value that another version wrote is not an error.
        progress: read_typed(item, "progress").ok().flatten(),
        history: read_typed(item, "history").ok().flatten().unwrap_or_default(),
        deleted: read_bool(item, "deleted")?,
        deleted_ms: read_number(item, "deleted_ms").ok().flatten(),
        expires: read_number(item, "expires")?.filter(|expires| *expires < NEVER_S),
    })
}

/// The recorded response. One that this version cannot read is logged and counts as absent: CloudFormation then gets a
/// second response, which is better than none.
pub(super) fn read_recorded_response(item: &Item) -> Option<CfnResponse> {
    read_typed(item, "recorded_response").unwrap_or_else(|fault| {
        tracing::error!(%fault, "recorded response not readable");
        None
    })
}

pub(super) fn read_holder(item: &Item) -> Result<Owner, ItemFault> {
    let holder = required(item, "held_by")?;
    Owner::parse(&holder).ok_or(ItemFault::Invalid { name: "held_by", expected: "an owner" })
}

fn required(item: &Item, name: &'static str) -> Result<String, ItemFault> {
    optional(item, name)?.ok_or(ItemFault::Missing(name))
}

fn optional(item: &Item, name: &'static str) -> Result<Option<String>, ItemFault> {
    let read = item.get(name).map(|value| value.as_s().cloned());
    read.transpose().map_err(|_| ItemFault::Invalid { name, expected: "a string" })
}

pub(super) fn read_number(item: &Item, name: &'static str) -> Result<Option<u64>, ItemFault> {
    let read = item.get(name).map(|value| value.as_n().ok().and_then(|digits| digits.parse().ok()));
    read.map(|number| number.ok_or(ItemFault::Invalid { name, expected: "a whole number" })).transpose()
}

fn read_bool(item: &Item, name: &'static str) -> Result<bool, ItemFault> {
    let read = item.get(name).map(|value| value.as_bool().copied());
    read.transpose().map(Option::unwrap_or_default).map_err(|_| ItemFault::Invalid { name, expected: "a boolean" })
}

fn read_json(item: &Item, name: &'static str) -> Result<Option<Value>, ItemFault> {
    let read = optional(item, name)?.map(|json| serde_json::from_str(&json));
    read.transpose().map_err(|_| ItemFault::Invalid { name, expected: "JSON" })
}

/// A value that [`write_json`] wrote.
fn read_typed<T: DeserializeOwned>(item: &Item, name: &'static str) -> Result<Option<T>, ItemFault> {
    let read = optional(item, name)?.map(|json| serde_json::from_str(&json));
    read.transpose().map_err(|_| ItemFault::Invalid { name, expected: "in the form that this version writes" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{HistoryEntry, MAX_SPEC_BYTES, Progress};
    use crate::{PhysicalId, Request, Status};
    use serde_json::json;

    /// The largest item of DynamoDB in bytes (its developer guide, "Service quotas").
    const MAX_ITEM_BYTES: usize = 409_600;

    /// The size of a value as the DynamoDB developer guide counts it ("Item sizes and formats"), rounded up.
    fn size(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(_) => 21,
            AttributeValue::M(map) => map.iter().map(|(name, value)| name.len() + size(value) + 1).sum::<usize>() + 3,
            _ => 1,
        }
    }

    #[test]
    fn the_longest_record_fits_into_an_item() {
        // Four bytes a character, and an escape for every character: the worst cases of JSON.
        let event = json!({
            "RequestType": "Update", "StackId": "x".repeat(600), "LogicalResourceId": "x".repeat(255),
            "RequestId": "x".repeat(128), "PhysicalResourceId": "x".repeat(1_024), "ResponseURL": "x".repeat(8_192),
            "ResourceProperties": {},
        });
        let request = Request::read(&event, 1).unwrap();
        let conditions = || vec!["\u{1}😀".repeat(1_000); 100];
        let reason = "😀".repeat(4_000);
        let to = &request.response_address;
        let response = CfnResponse::failed(to, PhysicalId::new("x".repeat(1_024)).unwrap(), reason, "f");
        assert_eq!(response.status(), Status::Failed);
        let entry = |hash: u32| HistoryEntry {
            request_hash: format!("{hash:064}"),
            kind: Kind::Update,
            sent_ms: u64::MAX,
            responded_ms: u64::MAX,
            success: false,
            physical_id: "\"".repeat(1_024),
            reason: format!("{}{}", response.short_reason(1_000), "😀".repeat(200)),
        };
        let history = (0..9).fold(Vec::new(), |history, hash| entry(hash).appended_to(&history));
        let spec = || text("x".repeat(MAX_SPEC_BYTES + 300));
        let open_since = (0..200).map(|id| (format!("{id:016}"), u64::MAX)).collect();
        let key = json!({ "kind": "auto-scaling-group", "name": "x".repeat(64) });
        let awaited =
            json!({ "observed_ms": u64::MAX, "awaited": vec![json!({ "key": key, "in_service": u32::MAX }); 10] });
        let item = Item::from([
            ("pk".to_owned(), text("owner#0123456789abcdef0123")),
            ("environment".to_owned(), text("x".repeat(64))),
            ("desired".to_owned(), spec()),
            ("settled_spec".to_owned(), spec()),
            ("frozen".to_owned(), text("x".repeat(35_000))),
            ("retired_tags".to_owned(), write_json(&vec!["😀".repeat(128); 80])),
            ("latest_request".to_owned(), write_latest_request(&LatestRequest::of_request(&request))),
            ("progress".to_owned(), write_json(&Progress::new(conditions(), open_since, Some(awaited)))),
            ("recorded_response".to_owned(), write_json(&response)),
            ("history".to_owned(), write_json(&history)),
            ("rollout".to_owned(), text("x".repeat(12_000))),
        ]);
        let sizes: Vec<(&String, usize)> = item.iter().map(|(name, value)| (name, size(value))).collect();
        let total: usize = sizes.iter().map(|(name, size)| name.len() + size).sum::<usize>() + 1_000;
        assert!(total <= MAX_ITEM_BYTES, "{total}: {sizes:?}");
        let of = |attribute: &str| sizes.iter().find(|(name, _)| *name == attribute).map_or(0, |(_, size)| *size);
        // The bounds of the table in `owner_record.rs`.
        for (attribute, bound) in [
            ("retired_tags", 42_000),
            ("latest_request", 10_500),
            ("progress", 9_500),
            ("recorded_response", 5_000),
            ("history", 37_000),
        ] {
            assert!(of(attribute) <= bound, "{attribute}: {}", of(attribute));
        }
    }

    #[test]
    fn no_debug_text_of_a_record_contains_a_spec() {
        let owner = Owner::of("s", "l");
        let spec = json!({ "UserDataScript": "hunter2" });
        let record = OwnerRecord {
            desired: Some(spec.clone()),
            settled_spec: Some(spec.clone()),
            frozen: Some(spec.clone()),
            ..OwnerRecord::empty(&owner)
        };
        let desired = crate::records::DesiredRecord {
            environment: "e".into(),
            spec: spec.clone(),
            frozen: spec,
            retired_tags: vec![],
            keeps_unlock: false,
        };
        assert!(!format!("{record:?} {desired:?}").contains("hunter2"));
    }
}
