//! The latest request wins.

use super::owner;
use requests::records::{LatestRequest, RecordedRequest, Records};
use requests::{Kind, ResponseAddress};

/// A Create, by the time of sending and its hash.
pub fn create(sent_ms: u64, hash: &str) -> LatestRequest {
    latest_request(Kind::Create, sent_ms, hash)
}

pub fn latest_request(kind: Kind, sent_ms: u64, hash: &str) -> LatestRequest {
    LatestRequest {
        request_hash: hash.to_owned(),
        kind,
        sent_ms,
        asked_ms: (kind == Kind::Repair).then_some(sent_ms + 900_000),
        deadline_ms: sent_ms + 3_480_000,
        physical_id: (kind != Kind::Create).then(|| "scalable-ec2-us-west-2-dev".to_owned()),
        response_address: ResponseAddress {
            response_url: Some(format!("https://host.example/{hash}?x=1&y=%2F")),
            stack_id: "arn:aws:cloudformation:us-west-2:111122223333:stack/contract/1".to_owned(),
            request_id: String::new(),
            logical_id: "Web".to_owned(),
        },
    }
}

pub async fn all(records: &impl Records) {
    a_later_request_replaces_an_older_one(records).await;
    an_older_request_that_arrives_late_changes_nothing(records).await;
    a_request_that_arrives_twice_is_the_latest_twice(records).await;
    a_delete_and_otherwise_the_later_arrival_wins_in_the_same_second(records).await;
    a_newer_request_replaces_the_whole_older_one(records).await;
    the_latest_of_many_concurrent_requests_is_retained(records).await;
    a_repair_follows_the_latest_request_and_precedes_every_newer_one(records).await;
}

async fn a_later_request_replaces_an_older_one(records: &impl Records) {
    let own = owner("Later");
    let kinds = [Kind::Create, Kind::Update, Kind::Repair, Kind::Update, Kind::Delete, Kind::Create];
    for (sent_ms, kind) in (1_000..).zip(kinds) {
        let latest = latest_request(kind, sent_ms, kind.as_str());
        assert_eq!(records.record_request(&own, latest.clone()).await, Ok(RecordedRequest::Latest), "{kind}");
        assert_eq!(records.owner(&own).await.unwrap().unwrap().latest_request, Some(latest));
    }
}

async fn an_older_request_that_arrives_late_changes_nothing(records: &impl Records) {
    let own = owner("Late");
    let update = latest_request(Kind::Update, 2_000, "update");
    records.record_request(&own, update.clone()).await.unwrap();
    let before = records.owner(&own).await;
    for kind in [Kind::Create, Kind::Update, Kind::Delete] {
        let older = RecordedRequest::Superseded { kind: Kind::Update, sent_ms: 2_000 };
        assert_eq!(records.record_request(&own, latest_request(kind, 1_999, "late")).await, Ok(older), "{kind}");
    }
    assert_eq!(records.owner(&own).await, before);
}

async fn a_request_that_arrives_twice_is_the_latest_twice(records: &impl Records) {
    let own = owner("Twice");
    for _ in 0..2 {
        assert_eq!(records.record_request(&own, create(1_000, "same")).await, Ok(RecordedRequest::Latest));
    }
}

async fn a_delete_and_otherwise_the_later_arrival_wins_in_the_same_second(records: &impl Records) {
    use Kind::{Create, Delete, Update};
    let cases = [
        (Create, Delete, true),
        (Update, Delete, true),
        (Delete, Delete, true),
        (Create, Update, true),
        (Update, Update, true),
        (Delete, Create, false),
        (Delete, Update, false),
    ];
    for (first, second, wins) in cases {
        let own = owner(&format!("Same{first}{second}"));
        records.record_request(&own, latest_request(first, 1_000, "first")).await.unwrap();
        let recorded = records.record_request(&own, latest_request(second, 1_000, "second")).await;
        let older = RecordedRequest::Superseded { kind: first, sent_ms: 1_000 };
        assert_eq!(recorded, Ok(if wins { RecordedRequest::Latest } else { older }), "{first}, then {second}");
    }
}

async fn a_newer_request_replaces_the_whole_older_one(records: &impl Records) {
    let own = owner("Whole");
    records.record_request(&own, latest_request(Kind::Update, 1_000, "full")).await.unwrap();
    let bare =
        LatestRequest { physical_id: None, response_address: ResponseAddress::default(), ..create(2_000, "bare") };
    records.record_request(&own, bare.clone()).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().latest_request, Some(bare));
}

async fn the_latest_of_many_concurrent_requests_is_retained(records: &impl Records) {
    let own = owner("Many");
    let [a, b, c, d] = [3_000, 1_000, 4_000, 2_000].map(|at| records.record_request(&own, create(at, "x")));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    for recorded in [a, b, c, d] {
        recorded.unwrap();
    }
    assert_eq!(records.owner(&own).await.unwrap().unwrap().latest_request.unwrap().sent_ms, 4_000);
}

async fn a_repair_follows_the_latest_request_and_precedes_every_newer_one(records: &impl Records) {
    let own = owner("Repair");
    let update = latest_request(Kind::Update, 2_000, "update");
    records.record_request(&own, update.clone()).await.unwrap();
    // The operator asks long after the update, and CloudFormation's next request was sent before, but is delivered later.
    let repair = latest_request(Kind::Repair, 900_000, "repair");
    let repair = LatestRequest { asked_ms: Some(900_000), ..repair }.following(&update);
    assert_eq!(records.record_request(&own, repair.clone()).await, Ok(RecordedRequest::Latest));
    let recorded = records.owner(&own).await.unwrap().unwrap().latest_request.unwrap();
    assert_eq!((&recorded, recorded.began_ms()), (&repair, 900_000));
    let superseded = RecordedRequest::Superseded { kind: Kind::Repair, sent_ms: 2_001 };
    assert_eq!(records.record_request(&own, update).await, Ok(superseded), "delivered twice");
    for kind in [Kind::Update, Kind::Delete] {
        let newer = latest_request(kind, 3_000, kind.as_str());
        assert_eq!(records.record_request(&own, newer).await, Ok(RecordedRequest::Latest), "{kind}");
    }
    assert_eq!(
        records.record_request(&own, repair).await,
        Ok(RecordedRequest::Superseded { kind: Kind::Delete, sent_ms: 3_000 })
    );
}
