//! Requests that wait, get a response, and are found overdue without one.

use super::latest_requests::{create, latest_request};
use super::owner;
use requests::Kind;
use requests::records::{DecidedResponse, Progress, Records, SentResponse};

pub async fn all(records: &impl Records) {
    an_overdue_owner_is_found_until_the_response_is_sent(records).await;
    only_the_latest_request_waits(records).await;
    the_response_to_an_older_request_leaves_the_latest_waiting(records).await;
    a_sent_response_creates_no_record(records).await;
    a_response_is_decided_once(records).await;
}

fn decided(body: &str) -> DecidedResponse {
    DecidedResponse { success: false, reason: "no".to_owned(), body: body.to_owned() }
}

async fn a_response_is_decided_once(records: &impl Records) {
    let own = owner("Decides");
    assert_eq!(
        records.decide_response(&own, "first", decided("without a request")).await,
        Ok(decided("without a request"))
    );
    assert_eq!(records.owner(&own).await, Ok(None), "a decision creates no record");
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    assert_eq!(records.decide_response(&own, "first", decided("one")).await, Ok(decided("one")));
    assert_eq!(records.decide_response(&own, "first", decided("other")).await, Ok(decided("one")));
    assert_eq!(
        records.decide_response(&own, "older", decided("to an older request")).await,
        Ok(decided("to an older request"))
    );
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided_response, Some(decided("one")));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided_response, None);
    records.decide_response(&own, "second", decided("two")).await.unwrap();
    records.record_sent_responses(&own, response_to("second").appended_to(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided_response, None);
}

fn response_to(hash: &str) -> SentResponse {
    let request_hash = hash.to_owned();
    SentResponse {
        request_hash,
        kind: Kind::Create,
        sent_ms: 1,
        responded_ms: 2,
        success: false,
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
        records.record_sent_responses(&own, response_to("first").appended_to(&[])).await.unwrap();
    }
    assert!(!overdue(due).await.contains(&own));
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.response_due_ms, record.responses), (None, vec![response_to("first")]));
}

async fn only_the_latest_request_waits(records: &impl Records) {
    let own = owner("Waits");
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    let progress = Progress {
        waiting_for: vec!["the NAT gateway (pending)".to_owned()],
        conditions: vec!["the NAT gateway".to_owned()],
        since_ms: 5,
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
    records.record_sent_responses(&own, response_to("create").appended_to(&[])).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert!(record.response_due_ms.is_some());
    assert_eq!(record.responses, vec![response_to("create")]);
}

async fn a_sent_response_creates_no_record(records: &impl Records) {
    let own = owner("Unknown");
    records.record_sent_responses(&own, response_to("create").appended_to(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await, Ok(None));
}
