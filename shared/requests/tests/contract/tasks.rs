//! Tasks, and the state of a rollout.

use super::latest_requests::create;
use super::responses::entry_of;
use super::{desired, owner};
use requests::records::{DueTask, Records, RecordsError};
use requests::{Owner, RolloutRequest};
use serde_json::json;

pub async fn all(records: &impl Records) {
    a_task_is_due_until_it_is_scheduled_again_or_removed(records).await;
    the_oldest_tasks_of_all_pages_come_first(records).await;
    a_task_waits_until_the_request_of_its_owner_has_its_response(records).await;
    a_deleted_environment_has_no_task(records).await;
    the_rollout_lasts_as_long_as_the_environment(records).await;
}

/// An owner in the page of this hexadecimal digit; no other part of the contract has such an owner.
fn owner_in_page(digit: char) -> Owner {
    Owner::parse(&format!("{digit}000000000000000000{digit}")).unwrap()
}

/// When the task of an owner was due, if it is due by now.
async fn due(records: &impl Records, owner: &Owner, now_ms: u64) -> Option<u64> {
    let all = records.due(now_ms, 100).await.unwrap();
    all.iter().find(|task| task.owner == *owner).map(|task| task.due_ms)
}

async fn a_task_is_due_until_it_is_scheduled_again_or_removed(records: &impl Records) {
    let own = owner("Task");
    assert_eq!(due(records, &own, u64::MAX).await, None);
    for due_ms in [5_000, 9_000, 9_000] {
        records.schedule(&own, due_ms).await.unwrap();
    }
    assert_eq!(due(records, &own, 8_999).await, None, "in place of the time before");
    assert_eq!(due(records, &own, 9_000).await, Some(9_000));
    assert_eq!(records.owner(&own).await, Ok(None), "a task creates no record");
    for _ in 0..2 {
        records.unschedule(&own).await.unwrap();
    }
    assert_eq!(due(records, &own, 9_000).await, None);
}

async fn the_oldest_tasks_of_all_pages_come_first(records: &impl Records) {
    let owners: Vec<Owner> = "0123456789abcdef".chars().map(owner_in_page).collect();
    for (age, own) in (0_u64..).zip(&owners) {
        records.schedule(own, 1_000 - age).await.unwrap();
    }
    let oldest = records.due(1_000, 3).await.unwrap();
    let oldest: Vec<(u64, &str)> = oldest.iter().map(|task| (task.due_ms, task.owner.as_str())).collect();
    let expected = [(985, owners[15].as_str()), (986, owners[14].as_str()), (987, owners[13].as_str())];
    assert_eq!(oldest, expected);
    assert_eq!(records.due(1_000, 100).await.unwrap().len(), 16);
    let equal = [owner_in_page('7'), owner_in_page('3')];
    for own in &equal {
        records.schedule(own, 900).await.unwrap();
    }
    let first = DueTask { due_ms: 900, owner: owner_in_page('3') };
    assert_eq!(records.due(1_000, 1).await, Ok(vec![first]), "by owner among equals");
    for own in &owners {
        records.unschedule(own).await.unwrap();
    }
}

async fn a_task_waits_until_the_request_of_its_owner_has_its_response(records: &impl Records) {
    let (own, next) = (owner_in_page('5'), Owner::parse("50000000000000000006").unwrap());
    records.record_request(&own, create(1_000, "first")).await.unwrap();
    records.schedule(&own, 20).await.unwrap();
    records.schedule(&next, 30).await.unwrap();
    let oldest = async || records.due(30, 1).await.unwrap().remove(0).owner;
    assert_eq!(oldest().await, next, "a task that waits takes no place");
    assert!(!records.overdue(30).await.unwrap().contains(&own), "a task is no overdue request");
    let due_ms = records.owner(&own).await.unwrap().unwrap().response_due_ms.unwrap();
    assert!(records.overdue(due_ms).await.unwrap().contains(&own));
    records.record_history(&own, entry_of("first").appended_to(&[])).await.unwrap();
    assert_eq!(oldest().await, own);
    for own in [own, next] {
        records.unschedule(&own).await.unwrap();
    }
}

async fn a_deleted_environment_has_no_task(records: &impl Records) {
    let own = owner("DeletedTask");
    records.save_desired(&own, desired(1)).await.unwrap();
    records.schedule(&own, 2_000).await.unwrap();
    records.mark_deleted(&own, 10_000).await.unwrap();
    assert_eq!(due(records, &own, u64::MAX).await, None);
}

async fn the_rollout_lasts_as_long_as_the_environment(records: &impl Records) {
    let own = owner("Rollout");
    records.save_rollout(&own, json!({ "running": "a" })).await.unwrap();
    assert_eq!(records.owner(&own).await, Ok(None), "a rollout creates no record");
    let rollout = async || records.owner(&own).await.unwrap().unwrap().rollout;
    records.save_desired(&own, desired(1)).await.unwrap();
    assert_eq!(rollout().await, None);
    for running in ["a", "b"] {
        records.save_rollout(&own, json!({ "running": running })).await.unwrap();
    }
    let saved = Some(json!({ "running": "b" }));
    assert_eq!(rollout().await, saved);
    records.mark_settled(&own, json!([6])).await.unwrap();
    records.save_desired(&own, desired(2)).await.unwrap();
    records.record_request(&own, create(1_000, "next")).await.unwrap();
    assert_eq!(rollout().await, saved, "an update keeps it");
    let requested = async || records.owner(&own).await.unwrap().unwrap().rollout_request;
    for request in RolloutRequest::ALL {
        records.request_rollout(&own, request).await.unwrap();
        assert_eq!(requested().await, Some(request));
    }
    let last = requested().await.unwrap();
    records.remove_rollout_request(&own, RolloutRequest::ALL[0]).await.unwrap();
    assert_eq!(requested().await, Some(last), "another request stays");
    records.remove_rollout_request(&own, last).await.unwrap();
    assert_eq!((requested().await, rollout().await), (None, saved), "the request alone is removed");
    records.request_rollout(&own, RolloutRequest::Roll).await.unwrap();
    records.record_request(&own, create(2_000, "newer")).await.unwrap();
    assert_eq!(requested().await, None, "the latest request wins");
    let hold = async || records.owner(&own).await.unwrap().unwrap().hold_request_ms;
    assert_eq!(hold().await, None);
    for until in [7, 0] {
        records.request_hold(&own, until).await.unwrap();
        assert_eq!(hold().await, Some(until));
    }
    records.remove_hold_request(&own, 7).await.unwrap();
    assert_eq!(hold().await, Some(0), "a release that was sent meanwhile stays");
    records.remove_hold_request(&own, 0).await.unwrap();
    assert_eq!(hold().await, None);
    records.remove_hold_request(&own, 0).await.unwrap();
    records.request_hold(&own, 9).await.unwrap();
    records.record_request(&own, create(3_000, "newest")).await.unwrap();
    assert_eq!(hold().await, Some(9), "no update loses a hold");
    records.request_rollout(&own, RolloutRequest::Roll).await.unwrap();
    records.mark_deleted(&own, 10_000).await.unwrap();
    assert_eq!((requested().await, hold().await, rollout().await), (None, None, None));
    for deleted in [&own, &owner("Nothing")] {
        let rolled = records.request_rollout(deleted, RolloutRequest::Roll).await;
        assert!(matches!(rolled, Err(RecordsError::Unreadable { .. })), "{rolled:?}");
        let answer = records.request_hold(deleted, 9).await;
        assert!(matches!(answer, Err(RecordsError::Unreadable { .. })), "{answer:?}");
        records.remove_hold_request(deleted, 9).await.unwrap();
    }
    assert_eq!(
        (requested().await, hold().await),
        (None, None),
        "no create takes up a request for a deleted environment"
    );
    assert_eq!(records.owner(&owner("Nothing")).await, Ok(None), "a request creates no record");
}
