//! The newest word wins.

use super::owner;
use requests::records::{LatestRequest, RecordedRequest, Records};
use requests::{Kind, ResponseAddress};

/// A note of a Create, by when it was sent and its hash.
pub fn sent(sent_ms: u64, hash: &str) -> LatestRequest {
    latest_request(Kind::Create, sent_ms, hash)
}

pub fn latest_request(kind: Kind, sent_ms: u64, hash: &str) -> LatestRequest {
    LatestRequest {
        request_hash: hash.to_owned(),
        kind,
        sent_ms,
        deadline_ms: sent_ms + 3_480_000,
        physical_id: (kind != Kind::Create).then(|| "scalable-ec2-us-west-2-dev".to_owned()),
        reply: ResponseAddress {
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
    a_request_that_arrives_twice_is_the_newest_twice(records).await;
    in_the_same_second_a_delete_wins_and_else_the_later_arrival(records).await;
    a_note_is_replaced_whole(records).await;
    of_many_notes_at_once_the_newest_stays(records).await;
}

async fn a_later_request_replaces_an_older_one(records: &impl Records) {
    let own = owner("Later");
    let kinds = [Kind::Create, Kind::Update, Kind::Delete, Kind::Create];
    for (sent_ms, kind) in (1_000..).zip(kinds) {
        let latest = latest_request(kind, sent_ms, kind.as_str());
        assert_eq!(records.record_request(&own, latest.clone()).await, Ok(RecordedRequest::Latest), "{kind}");
        assert_eq!(records.owner(&own).await.unwrap().unwrap().latest, Some(latest));
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

async fn a_request_that_arrives_twice_is_the_newest_twice(records: &impl Records) {
    let own = owner("Twice");
    for _ in 0..2 {
        assert_eq!(records.record_request(&own, sent(1_000, "same")).await, Ok(RecordedRequest::Latest));
    }
}

async fn in_the_same_second_a_delete_wins_and_else_the_later_arrival(records: &impl Records) {
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
        let noted = records.record_request(&own, latest_request(second, 1_000, "second")).await;
        let older = RecordedRequest::Superseded { kind: first, sent_ms: 1_000 };
        assert_eq!(noted, Ok(if wins { RecordedRequest::Latest } else { older }), "{first}, then {second}");
    }
}

async fn a_note_is_replaced_whole(records: &impl Records) {
    let own = owner("Whole");
    records.record_request(&own, latest_request(Kind::Update, 1_000, "full")).await.unwrap();
    let bare = LatestRequest { physical_id: None, reply: ResponseAddress::default(), ..sent(2_000, "bare") };
    records.record_request(&own, bare.clone()).await.unwrap();
    assert_eq!(records.owner(&own).await.unwrap().unwrap().latest, Some(bare));
}

async fn of_many_notes_at_once_the_newest_stays(records: &impl Records) {
    let own = owner("Many");
    let [a, b, c, d] = [3_000, 1_000, 4_000, 2_000].map(|at| records.record_request(&own, sent(at, "x")));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    for noted in [a, b, c, d] {
        noted.unwrap();
    }
    assert_eq!(records.owner(&own).await.unwrap().unwrap().latest.unwrap().sent_ms, 4_000);
}
