//! When automations acted last.

use super::owner;
use requests::records::{Fire, Fired, Records};
use serde_json::json;

const RULE: &str = "cpu-high: ScaleBy 2";

pub async fn all(records: &impl Records) {
    a_rule_acts_once_on_a_state_and_then_rests(records).await;
    what_was_begun_and_not_done_does_not_rest(records).await;
    what_is_done_is_so_until_the_next_time(records).await;
    of_many_at_once_one_acts(records).await;
}

fn fired(since_ms: u64, at_ms: u64) -> Fired {
    Fired { since_ms, at_ms, remedy: json!({ "Scale": { "from": 2, "to": 4 } }), done: false }
}

async fn a_rule_acts_once_on_a_state_and_then_rests(records: &impl Records) {
    let own = owner("Fires");
    assert_eq!(records.fired(&own, RULE).await, Ok(None));
    assert_eq!(records.fire(&own, RULE, fired(1_000, 1_500), 300).await, Ok(Fire::Yes));
    records.fire_done(&own, RULE, 1_000).await.unwrap();
    let first = Fired { done: true, ..fired(1_000, 1_500) };
    assert_eq!(records.fired(&own, RULE).await, Ok(Some(first.clone())));
    for (again, why) in [
        (fired(1_000, 9_000), "the same state"),
        (fired(999, 9_000), "an older one"),
        (fired(1_600, 1_799), "it rests"),
    ] {
        assert_eq!(records.fire(&own, RULE, again, 300).await, Ok(Fire::No(first.clone())), "{why}");
    }
    assert_eq!(
        records.fire(&own, "cpu-high: ScaleBy 3", fired(1_000, 1_500), 300).await,
        Ok(Fire::Yes),
        "another rule"
    );
    assert_eq!(records.fire(&owner("Other"), RULE, fired(1_000, 1_500), 300).await, Ok(Fire::Yes), "another owner");
    assert_eq!(records.fire(&own, RULE, fired(1_600, 1_800), 300).await, Ok(Fire::Yes), "it has rested");
    assert_eq!(records.owner(&own).await, Ok(None), "which makes no record of an owner");
}

async fn what_was_begun_and_not_done_does_not_rest(records: &impl Records) {
    let own = owner("FiresInVain");
    let first = fired(1_000, 1_500);
    assert_eq!(records.fire(&own, RULE, first.clone(), 300).await, Ok(Fire::Yes));
    assert_eq!(records.fire(&own, RULE, fired(1_000, 1_600), 300).await, Ok(Fire::No(first)), "the same state");
    assert_eq!(records.fire(&own, RULE, fired(1_001, 1_600), 300).await, Ok(Fire::Yes), "a newer one");
}

async fn what_is_done_is_so_until_the_next_time(records: &impl Records) {
    let own = owner("FiresAndDoes");
    records.fire_done(&own, RULE, 1_000).await.unwrap();
    assert_eq!(records.fired(&own, RULE).await, Ok(None), "nothing is done that was not begun");
    records.fire(&own, RULE, fired(1_000, 1_500), 0).await.unwrap();
    records.fire_done(&own, RULE, 1_000).await.unwrap();
    assert_eq!(records.fired(&own, RULE).await, Ok(Some(Fired { done: true, ..fired(1_000, 1_500) })));
    records.fire(&own, RULE, fired(2_000, 2_500), 0).await.unwrap();
    records.fire_done(&own, RULE, 1_000).await.unwrap();
    assert_eq!(records.fired(&own, RULE).await, Ok(Some(fired(2_000, 2_500))), "that was another time");
}

async fn of_many_at_once_one_acts(records: &impl Records) {
    let own = owner("FiresAtOnce");
    let mut yes = 0;
    for _ in 0..100 {
        yes += usize::from(records.fire(&own, RULE, fired(1_000, 1_500), 0).await == Ok(Fire::Yes));
    }
    assert_eq!(yes, 1);
}
