//! When automations acted last.

use super::owner;
use requests::records::{ExecutionClaim, Records, RuleExecution};
use serde_json::json;

const RULE: &str = "cpu-high: ScaleBy 2";

pub async fn all(records: &impl Records) {
    a_rule_acts_once_on_a_state_and_then_rests(records).await;
    what_was_begun_and_not_done_does_not_rest(records).await;
    what_is_done_is_so_until_the_next_time(records).await;
    of_many_at_once_one_acts(records).await;
}

fn rule_execution(since_ms: u64, at_ms: u64) -> RuleExecution {
    RuleExecution { since_ms, at_ms, remediation: json!({ "Scale": { "from": 2, "to": 4 } }), done: false }
}

async fn a_rule_acts_once_on_a_state_and_then_rests(records: &impl Records) {
    let own = owner("Fires");
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(None));
    assert_eq!(records.begin_execution(&own, RULE, rule_execution(1_000, 1_500), 300).await, Ok(ExecutionClaim::Yes));
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    let first = RuleExecution { done: true, ..rule_execution(1_000, 1_500) };
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(Some(first.clone())));
    for (again, reason) in [
        (rule_execution(1_000, 9_000), "the same state"),
        (rule_execution(999, 9_000), "an older one"),
        (rule_execution(1_600, 1_799), "it rests"),
    ] {
        assert_eq!(
            records.begin_execution(&own, RULE, again, 300).await,
            Ok(ExecutionClaim::No(first.clone())),
            "{reason}"
        );
    }
    assert_eq!(
        records.begin_execution(&own, "cpu-high: ScaleBy 3", rule_execution(1_000, 1_500), 300).await,
        Ok(ExecutionClaim::Yes),
        "another rule"
    );
    assert_eq!(
        records.begin_execution(&owner("Other"), RULE, rule_execution(1_000, 1_500), 300).await,
        Ok(ExecutionClaim::Yes),
        "another owner"
    );
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_600, 1_800), 300).await,
        Ok(ExecutionClaim::Yes),
        "it has rested"
    );
    assert_eq!(records.owner(&own).await, Ok(None), "which makes no record of an owner");
}

async fn what_was_begun_and_not_done_does_not_rest(records: &impl Records) {
    let own = owner("FiresInVain");
    let first = rule_execution(1_000, 1_500);
    assert_eq!(records.begin_execution(&own, RULE, first.clone(), 300).await, Ok(ExecutionClaim::Yes));
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_000, 1_600), 300).await,
        Ok(ExecutionClaim::No(first)),
        "the same state"
    );
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_001, 1_600), 300).await,
        Ok(ExecutionClaim::Yes),
        "a newer one"
    );
}

async fn what_is_done_is_so_until_the_next_time(records: &impl Records) {
    let own = owner("FiresAndDoes");
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(None), "nothing is done that was not begun");
    records.begin_execution(&own, RULE, rule_execution(1_000, 1_500), 0).await.unwrap();
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    assert_eq!(
        records.rule_execution(&own, RULE).await,
        Ok(Some(RuleExecution { done: true, ..rule_execution(1_000, 1_500) }))
    );
    records.begin_execution(&own, RULE, rule_execution(2_000, 2_500), 0).await.unwrap();
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    assert_eq!(
        records.rule_execution(&own, RULE).await,
        Ok(Some(rule_execution(2_000, 2_500))),
        "that was another time"
    );
}

async fn of_many_at_once_one_acts(records: &impl Records) {
    let own = owner("FiresAtOnce");
    let mut yes = 0;
    for _ in 0..100 {
        yes += usize::from(
            records.begin_execution(&own, RULE, rule_execution(1_000, 1_500), 0).await == Ok(ExecutionClaim::Yes),
        );
    }
    assert_eq!(yes, 1);
}
