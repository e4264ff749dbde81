//! Requests that wait, are answered, and are found when nobody answers them.

use super::notes::{note, sent};
use super::owner;
use requests::Kind;
use requests::records::{Answered, Decided, Progress, Records};

pub async fn all(records: &impl Records) {
    who_is_overdue_is_found_until_it_is_answered(records).await;
    only_the_newest_request_waits(records).await;
    the_answer_to_an_older_request_leaves_the_newest_waiting(records).await;
    an_answer_makes_no_record(records).await;
    an_answer_is_decided_once(records).await;
}

fn decided(body: &str) -> Decided {
    Decided { success: false, reason: "no".to_owned(), body: body.to_owned() }
}

async fn an_answer_is_decided_once(records: &impl Records) {
    let own = owner("Decides");
    assert_eq!(records.decide(&own, "first", decided("of nobody")).await, Ok(decided("of nobody")));
    assert_eq!(records.owner(&own).await, Ok(None), "which makes no record");
    records.note(&own, sent(1_000, "first")).await.unwrap();
    assert_eq!(records.decide(&own, "first", decided("one")).await, Ok(decided("one")));
    assert_eq!(records.decide(&own, "first", decided("other")).await, Ok(decided("one")));
    assert_eq!(records.decide(&own, "older", decided("of an older one")).await, Ok(decided("of an older one")));
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, Some(decided("one")));
    records.note(&own, note(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, None);
    records.decide(&own, "second", decided("two")).await.unwrap();
    records.answered(&own, answered("second").beside(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().decided, None);
}

fn answered(hash: &str) -> Answered {
    let request_hash = hash.to_owned();
    Answered { request_hash, kind: Kind::Create, sent_ms: 1, answered_ms: 2, success: false, reason: "no".to_owned() }
}

async fn who_is_overdue_is_found_until_it_is_answered(records: &impl Records) {
    let (own, later) = (owner("Overdue"), owner("DueLater"));
    let mut due_later = sent(1_000, "later");
    due_later.deadline_ms = 9_000_000;
    records.note(&own, sent(1_000, "first")).await.unwrap();
    records.note(&later, due_later).await.unwrap();
    let due = records.owner(&own).await.unwrap().unwrap().answer_due_ms.unwrap();
    let overdue = async |now| records.overdue(now).await.unwrap();
    assert!(!overdue(due - 1).await.contains(&own));
    assert!(overdue(due).await.contains(&own));
    assert!(!overdue(due).await.contains(&later));
    for _ in 0..2 {
        records.answered(&own, answered("first").beside(&[])).await.unwrap();
    }
    assert!(!overdue(due).await.contains(&own));
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.answer_due_ms, record.answers), (None, vec![answered("first")]));
}

async fn only_the_newest_request_waits(records: &impl Records) {
    let own = owner("Waits");
    records.note(&own, sent(1_000, "first")).await.unwrap();
    let progress = Progress { waiting_for: vec!["the NAT gateway".to_owned()], since_ms: 5 };
    records.waits(&own, "first", progress.clone()).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, Some(progress.clone()));
    records.note(&own, note(Kind::Delete, 2_000, "second")).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
    records.waits(&own, "first", progress).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().progress, None);
}

async fn the_answer_to_an_older_request_leaves_the_newest_waiting(records: &impl Records) {
    let own = owner("Older");
    records.note(&own, note(Kind::Delete, 2_000, "delete")).await.unwrap();
    records.answered(&own, answered("create").beside(&[])).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert!(record.answer_due_ms.is_some());
    assert_eq!(record.answers, vec![answered("create")]);
}

async fn an_answer_makes_no_record(records: &impl Records) {
    let own = owner("Unknown");
    records.answered(&own, answered("create").beside(&[])).await.unwrap();
    assert_eq!(records.owner(&own).await, Ok(None));
}
