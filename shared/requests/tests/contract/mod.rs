//! The contract of every implementation of `Records`: one list, checked for the records in memory and for a table.

mod latest_requests;
mod listing;
mod responses;
mod rule_executions;
mod tasks;

use latest_requests::{create, latest_request};
use requests::records::{Claim, CreateIntent, DesiredRecord, RecordedRequest, Records, RecordsError, TOMBSTONE_TTL_S};
use requests::{Kind, Owner};
use serde_json::json;

/// Checks the whole contract. Each part names its own owners and environments, so that one table serves all parts.
pub async fn check(records: &impl Records) {
    an_owner_without_a_request_has_no_record(records).await;
    latest_requests::all(records).await;
    a_create_intent_distinguishes_the_latest_from_a_superseded_request(records).await;
    an_environment_has_one_owner(records).await;
    one_of_many_concurrent_claims_is_granted(records).await;
    the_desired_state_is_saved_and_settled(records).await;
    a_missing_desired_state_cannot_be_settled(records).await;
    an_unlock_lasts_until_the_next_save_of_a_desired_state(records).await;
    a_tombstone_is_retained_when_the_environment_is_deleted(records).await;
    a_record_with_an_environment_does_not_expire(records).await;
    responses::all(records).await;
    rule_executions::all(records).await;
    tasks::all(records).await;
    listing::all(records).await;
}

fn owner(name: &str) -> Owner {
    Owner::of("arn:aws:cloudformation:us-west-2:111122223333:stack/contract/1", name)
}

fn desired(size: u32) -> DesiredRecord {
    DesiredRecord {
        environment: "scalable-ec2-us-west-2-dev".to_owned(),
        spec: json!({ "MinSize": size, "Tags": { "Team": "größe \"1\"\n" }, "Zones": [] }),
        frozen: json!({ "LogRetentionDays": 14, "Proxy": null }),
        retired_tags: vec!["Old".to_owned(), String::new()],
        keeps_unlock: false,
    }
}

async fn an_owner_without_a_request_has_no_record(records: &impl Records) {
    assert_eq!(records.owner(&owner("Never")).await, Ok(None));
    assert_eq!(records.environment_owner("never").await, Ok(None));
}

async fn a_create_intent_distinguishes_the_latest_from_a_superseded_request(records: &impl Records) {
    let own = owner("CreateIntent");
    assert_eq!(records.record_create_intent(&own, "first", Some(5), json!({})).await, Ok(CreateIntent::NoRequest));
    assert_eq!(records.owner(&own).await, Ok(None), "a create intent creates no record");

    records.record_request(&own, create(1_000, "first")).await.unwrap();
    assert_eq!(records.record_create_intent(&own, "first", Some(1_500), json!([1])).await, Ok(CreateIntent::Recorded));
    assert_eq!(records.record_create_intent(&own, "first", None, json!([2])).await, Ok(CreateIntent::Recorded));
    records.record_request(&own, latest_request(Kind::Delete, 2_000, "second")).await.unwrap();
    let superseded = CreateIntent::Superseded { kind: Kind::Delete, sent_ms: 2_000 };
    assert_eq!(records.record_create_intent(&own, "first", Some(2_500), json!([3])).await, Ok(superseded));
    let record = records.owner(&own).await.unwrap().unwrap();
    let expected = (Some(1_500), Some(json!([2])));
    assert_eq!((record.create_intent_ms, record.proofs), expected, "a superseded request records no create intent");
    records.record_proofs(&own, json!([4])).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().proofs, Some(json!([4])), "ids are recorded in any case");
    let unknown = owner("WithoutRecord");
    records.record_proofs(&unknown, json!([5])).await.unwrap();
    assert_eq!(records.owner(&unknown).await, Ok(None), "proofs create no record");
}

async fn an_unlock_lasts_until_the_next_save_of_a_desired_state(records: &impl Records) {
    let own = owner("Unlock");
    assert!(matches!(records.unlock(&own).await, Err(RecordsError::Unreadable { .. })));
    records.save_desired(&own, desired(1)).await.unwrap();
    let unlocked = async || records.owner(&own).await.unwrap().unwrap().unlocked;
    assert!(!unlocked().await);
    records.unlock(&own).await.unwrap();
    records.mark_settled(&own, json!([6])).await.unwrap();
    assert!(unlocked().await);
    let keeps_unlock = DesiredRecord { keeps_unlock: true, ..desired(1) };
    records.save_desired(&own, keeps_unlock.clone()).await.unwrap();
    assert!(unlocked().await, "a repair keeps it");
    records.save_desired(&own, desired(2)).await.unwrap();
    assert!(!unlocked().await);
    records.save_desired(&own, keeps_unlock).await.unwrap();
    assert!(!unlocked().await, "a repair unlocks nothing");
}

async fn an_environment_has_one_owner(records: &impl Records) {
    let (own, other) = (owner("Claim"), owner("Other"));
    let taken = Claim::Taken { owner: own.clone() };
    for _ in 0..2 {
        assert_eq!(records.claim("claimed", &own).await, Ok(Claim::Owned));
    }
    assert_eq!(records.claim("claimed", &other).await, Ok(taken));
    assert_eq!(records.claim("claimed2", &other).await, Ok(Claim::Owned));

    records.release("claimed", &other).await.unwrap();
    assert_eq!(records.environment_owner("claimed").await, Ok(Some(own.clone())));
    for _ in 0..2 {
        records.release("claimed", &own).await.unwrap();
    }
    assert_eq!(records.environment_owner("claimed").await, Ok(None));
    assert_eq!(records.claim("claimed", &other).await, Ok(Claim::Owned));
    records.release("never-claimed", &own).await.unwrap();
}

async fn one_of_many_concurrent_claims_is_granted(records: &impl Records) {
    let owners = [0, 1, 2, 3].map(|n| owner(&format!("Race{n}")));
    let [a, b, c, d] = owners.each_ref().map(|own| records.claim("raced", own));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let results = [a, b, c, d].map(Result::unwrap);
    let owned = results.iter().filter(|claim| **claim == Claim::Owned).count();
    assert_eq!(owned, 1, "{results:?}");
}

async fn the_desired_state_is_saved_and_settled(records: &impl Records) {
    let own = owner("Save");
    records.save_desired(&own, desired(1)).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!(record.owner, own);
    assert_eq!(record.environment.as_deref(), Some("scalable-ec2-us-west-2-dev"));
    assert_eq!((record.desired, record.frozen), (Some(desired(1).spec), Some(desired(1).frozen)));
    assert_eq!(record.retired_tags, desired(1).retired_tags);
    assert_eq!((record.settled, record.settled_spec, record.deleted), (false, None, false));

    for _ in 0..2 {
        records.mark_settled(&own, json!([6])).await.unwrap();
    }
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.settled, record.settled_spec), (true, Some(desired(1).spec)));
    assert_eq!(record.proofs, Some(json!([6])));

    records.save_desired(&own, desired(2)).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.settled, record.desired), (false, Some(desired(2).spec)));
    assert_eq!(record.settled_spec, Some(desired(1).spec), "the last settled state is retained");
}

async fn a_missing_desired_state_cannot_be_settled(records: &impl Records) {
    let own = owner("Unsaved");
    let unreadable = |result| matches!(result, Err(RecordsError::Unreadable { .. }));
    assert!(unreadable(records.mark_settled(&own, json!([6])).await));
    assert_eq!(records.owner(&own).await, Ok(None), "a rejected write creates no record");
    records.record_request(&own, create(1, "a")).await.unwrap();
    assert!(unreadable(records.mark_settled(&own, json!([6])).await));
}

async fn a_tombstone_is_retained_when_the_environment_is_deleted(records: &impl Records) {
    let own = owner("Deleted");
    records.record_request(&own, create(1_000, "create")).await.unwrap();
    records.save_desired(&own, desired(1)).await.unwrap();
    records.mark_settled(&own, json!([6])).await.unwrap();
    let delete = latest_request(Kind::Delete, 9_000, "delete");
    records.record_request(&own, delete.clone()).await.unwrap();
    records.record_create_intent(&own, "delete", Some(9_500), json!([7])).await.unwrap();
    for now_ms in [10_000, 10_900] {
        records.mark_deleted(&own, now_ms).await.unwrap();
    }
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.environment, record.desired, record.frozen), (None, None, None));
    assert_eq!((record.settled, record.settled_spec, record.proofs), (false, None, None));
    assert_eq!(record.retired_tags, Vec::<String>::new());
    assert_eq!((record.deleted, record.deleted_ms), (true, Some(10_000)), "the first time counts");
    assert_eq!(record.expires, Some(10 + TOMBSTONE_TTL_S));
    assert_eq!((record.latest_request, record.create_intent_ms), (Some(delete.clone()), Some(9_500)));

    let older = RecordedRequest::Superseded { kind: Kind::Delete, sent_ms: 9_000 };
    assert_eq!(records.record_request(&own, create(1_000, "create")).await, Ok(older));
    assert_eq!(records.record_request(&own, delete).await, Ok(RecordedRequest::Latest), "delivered twice");
}

async fn a_record_with_an_environment_does_not_expire(records: &impl Records) {
    let own = owner("Expiry");
    let expires = async || records.owner(&own).await.unwrap().unwrap().expires;
    let first = create(1_000, "create");
    let until = first.deadline_ms / 1_000 + TOMBSTONE_TTL_S;
    records.record_request(&own, first).await.unwrap();
    assert_eq!(expires().await, Some(until), "a request without an environment");
    records.save_desired(&own, desired(1)).await.unwrap();
    assert_eq!(expires().await, None, "an environment");
    records.record_request(&own, create(2_000, "update")).await.unwrap();
    assert_eq!(expires().await, None, "a request with an environment");
    records.mark_deleted(&own, 5_000_000).await.unwrap();
    assert_eq!(expires().await, Some(5_000 + TOMBSTONE_TTL_S), "a tombstone");

    let again = create(6_000_000, "create again");
    let until = again.deadline_ms / 1_000 + TOMBSTONE_TTL_S;
    records.record_request(&own, again).await.unwrap();
    assert_eq!(expires().await, Some(until), "a request after the tombstone");
    assert!(records.owner(&own).await.unwrap().unwrap().deleted, "requested, not yet desired");
    records.save_desired(&own, desired(1)).await.unwrap();
    let record = records.owner(&own).await.unwrap().unwrap();
    assert_eq!((record.expires, record.deleted, record.deleted_ms), (None, false, None));
}
