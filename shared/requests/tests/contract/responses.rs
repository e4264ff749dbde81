//! Requests that wait, get a response, and are found overdue without one.

use super::latest_requests::{create, latest_request};
use super::owner;
use requests::records::{HistoryEntry, Progress, Records};
use requests::{CfnResponse, Kind, PhysicalId, Reason, ResponseAddress, Runbook};

pub async fn all(records: &impl Records) {
    an_overdue_owner_is_found_until_the_response_is_sent(records).await;
    only_the_latest_request_waits(records).await;
    the_response_to_an_older_request_leaves_the_latest_waiting(records).await;
    a_history_creates_no_record(records).await;
    a_response_is_recorded_once(records).await;
}

fn failed(message: &str) -> CfnResponse {
    let id = PhysicalId::new("scalable-ec2-us-west-2-dev").unwrap();
    let reason = Reason::with_runbook(message, Runbook::CallRejected);
    CfnResponse::failed(&ResponseAddress::default(), id, reason, "reconciler")
}

async fn a_response_is_recorded_once(records: &impl Records) {
    let own = owner("Responds");
    assert_eq!(
        records.record_response(&own, "first", failed("without a request")).await,
        Ok(failed("without a request"))
    );
    assert_eq!(records.owner(&own).await, Ok(None), "a response creates no record");
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    assert_eq!(records.record_response(&own, "first", failed("one")).await, Ok(failed("one")));
    assert_eq!(records.record_response(&own, "first", failed("other")).await, Ok(failed("one")));
    assert_eq!(
        records.record_response(&own, "older", failed("to an older request")).await,
        Ok(failed("to an older request"))
    );
    assert_eq!(records.owner(&own).await.unwrap().unwrap().recorded_response, Some(failed("one")));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().recorded_response, None);
    records.record_response(&own, "second", failed("two")).await.unwrap();
    records.record_history(&own, entry_of("second").appended_to(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().recorded_response, None);
}

/// The entry of a Create in its owner's history.
pub fn entry_of(hash: &str) -> HistoryEntry {
    let request_hash = hash.to_owned();
    HistoryEntry {
        request_hash,
        kind: Kind::Create,
        sent_ms: 1,
        responded_ms: 2,
        success: false,
        physical_id: "scalable-ec2-us-west-2-dev".to_owned(),
        reason: "no".to_owned(),
    }
}

async fn an_overdue_owner_is_found_until_the_response_is_sent(records: &impl Records) {
    let (own, later) = (owner("Overdue"), owner("DueLater"));
    let mut due_later = create(1_000, "later");
    due_later.deadline_ms = 9_000_000;
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    records.record_request(&later, due_later).await.unwrap();
    let due = records.owner(&own).await.unwrap().unwrap().response_due_ms.unwrap();
    let overdue = async |now| records.overdue(now).await.unwrap();
    assert!(!overdue(due - 1).await.contains(&own));
    assert!(overdue(due).await.contains(&own));
    assert!(!overdue(due).await.contains(&later));
    for _ in 0..2 {
        records.record_history(&own, entry_of("first").appended_to(&[])).await.unwrap();
    }
    assert!(!overdue(due).await.contains(&own));
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.response_due_ms, record.history), (None, vec![entry_of("first")]));
}

async fn only_the_latest_request_waits(records: &impl Records) {
    let own = owner("Waits");
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    let progress = Progress {
        waiting_for: vec!["the NAT gateway (pending)".to_owned()],
        open_since_ms: [("5f0d8f0e6d1c4c1b".to_owned(), 5)].into(),
        awaited: Some(serde_json::json!({ "observed_ms": 4, "awaited": [] })),
    };
    records.record_progress(&own, "first", progress.clone()).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, Some(progress.clone()));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
    records.record_progress(&own, "first", progress).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
}

async fn the_response_to_an_older_request_leaves_the_latest_waiting(records: &impl Records) {
    let own = owner("Older");
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "delete")).await.unwrap();
    records.record_history(&own, entry_of("create").appended_to(&[])).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert!(record.response_due_ms.is_some());
    assert_eq!(record.history, vec![entry_of("create")]);
}

async fn a_history_creates_no_record(records: &impl Records) {
    let own = owner("Unknown");
    records.record_history(&own, entry_of("create").appended_to(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await, Ok(None));
}
