//! Requests that wait, are answered, and are found when nobody answers them.

use super::latest_requests::{latest_request, sent};
use super::owner;
use requests::Kind;
use requests::records::{DecidedResponse, Progress, Records, SentResponse};

pub async fn all(records: &impl Records) {
    who_is_overdue_is_found_until_it_is_answered(records).await;
    only_the_newest_request_waits(records).await;
    the_answer_to_an_older_request_leaves_the_newest_waiting(records).await;
    an_answer_makes_no_record(records).await;
    an_answer_is_decided_once(records).await;
}

fn decided(body: &str) -> DecidedResponse {
    DecidedResponse { success: false, reason: "no".to_owned(), body: body.to_owned() }
}

async fn an_answer_is_decided_once(records: &impl Records) {
    let own = owner("Decides");
    assert_eq!(records.decide_response(&own, "first", decided("of nobody")).await, Ok(decided("of nobody")));
    assert_eq!(records.owner(&own).await, Ok(None), "which makes no record");
    records.record_request(&own, sent(1_000, "first")).await.unwrap();
    assert_eq!(records.decide_response(&own, "first", decided("one")).await, Ok(decided("one")));
    assert_eq!(records.decide_response(&own, "first", decided("other")).await, Ok(decided("one")));
    assert_eq!(
        records.decide_response(&own, "older", decided("of an older one")).await,
        Ok(decided("of an older one"))
    );
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, Some(decided("one")));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, None);
    records.decide_response(&own, "second", decided("two")).await.unwrap();
    records.record_sent_responses(&own, answered("second").beside(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, None);
}

fn answered(hash: &str) -> SentResponse {
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

async fn who_is_overdue_is_found_until_it_is_answered(records: &impl Records) {
    let (own, later) = (owner("Overdue"), owner("DueLater"));
    let mut due_later = sent(1_000, "later");
    due_later.deadline_ms = 9_000_000;
    records.record_request(&own, sent(1_000, "first")).await.unwrap();
    records.record_request(&later, due_later).await.unwrap();
    let due = records.owner(&own).await.unwrap().unwrap().response_due_ms.unwrap();
    let overdue = async |now| records.overdue(now).await.unwrap();
    assert!(!overdue(due - 1).await.contains(&own));
    assert!(overdue(due).await.contains(&own));
    assert!(!overdue(due).await.contains(&later));
    for _ in 0..2 {
        records.record_sent_responses(&own, answered("first").beside(&[])).await.unwrap();
    }
    assert!(!overdue(due).await.contains(&own));
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.response_due_ms, record.responses), (None, vec![answered("first")]));
}

async fn only_the_newest_request_waits(records: &impl Records) {
    let own = owner("Waits");
    records.record_request(&own, sent(1_000, "first")).await.unwrap();
    let progress = Progress { waiting_for: vec!["the NAT gateway".to_owned()], since_ms: 5 };
    records.record_progress(&own, "first", progress.clone()).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, Some(progress.clone()));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
    records.record_progress(&own, "first", progress).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
}

async fn the_answer_to_an_older_request_leaves_the_newest_waiting(records: &impl Records) {
    let own = owner("Older");
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "delete")).await.unwrap();
    records.record_sent_responses(&own, answered("create").beside(&[])).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert!(record.response_due_ms.is_some());
    assert_eq!(record.responses, vec![answered("create")]);
}

async fn an_answer_makes_no_record(records: &impl Records) {
    let own = owner("Unknown");
    records.record_sent_responses(&own, answered("create").beside(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await, Ok(None));
}
