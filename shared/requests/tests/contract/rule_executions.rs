//! The last executions of rules.

use super::owner;
use requests::records::{ExecutionClaim, Records, RuleExecution};
use serde_json::json;

const RULE: &str = "cpu-high: ScaleBy 2";

pub async fn all(records: &impl Records) {
    a_rule_acts_once_on_a_state_and_then_has_a_cooldown(records).await;
    an_execution_that_is_not_done_starts_no_cooldown(records).await;
    an_execution_is_done_until_the_next_one(records).await;
    one_of_many_claims_is_granted(records).await;
}

fn rule_execution(since_ms: u64, at_ms: u64) -> RuleExecution {
    RuleExecution { since_ms, at_ms, remediation: json!({ "Scale": { "from": 2, "to": 4 } }), done: false }
}

async fn a_rule_acts_once_on_a_state_and_then_has_a_cooldown(records: &impl Records) {
    let own = owner("Executes");
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(None));
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_000, 1_500), 300).await,
        Ok(ExecutionClaim::Granted)
    );
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    let first = RuleExecution { done: true, ..rule_execution(1_000, 1_500) };
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(Some(first.clone())));
    for (again, reason) in [
        (rule_execution(1_000, 9_000), "the same state"),
        (rule_execution(999, 9_000), "an older state"),
        (rule_execution(1_600, 1_799), "within the cooldown"),
    ] {
        assert_eq!(
            records.begin_execution(&own, RULE, again, 300).await,
            Ok(ExecutionClaim::Denied(first.clone())),
            "{reason}"
        );
    }
    assert_eq!(
        records.begin_execution(&own, "cpu-high: ScaleBy 3", rule_execution(1_000, 1_500), 300).await,
        Ok(ExecutionClaim::Granted),
        "another rule"
    );
    assert_eq!(
        records.begin_execution(&owner("Other"), RULE, rule_execution(1_000, 1_500), 300).await,
        Ok(ExecutionClaim::Granted),
        "another owner"
    );
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_600, 1_800), 300).await,
        Ok(ExecutionClaim::Granted),
        "after the cooldown"
    );
    assert_eq!(records.owner(&own).await, Ok(None), "an execution creates no record of an owner");
}

async fn an_execution_that_is_not_done_starts_no_cooldown(records: &impl Records) {
    let own = owner("ExecutesInVain");
    let first = rule_execution(1_000, 1_500);
    assert_eq!(records.begin_execution(&own, RULE, first.clone(), 300).await, Ok(ExecutionClaim::Granted));
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_000, 1_600), 300).await,
        Ok(ExecutionClaim::Denied(first)),
        "the same state"
    );
    assert_eq!(
        records.begin_execution(&own, RULE, rule_execution(1_001, 1_600), 300).await,
        Ok(ExecutionClaim::Granted),
        "a newer state"
    );
}

async fn an_execution_is_done_until_the_next_one(records: &impl Records) {
    let own = owner("ExecutesAndFinishes");
    records.finish_execution(&own, RULE, 1_000).await.unwrap();
    assert_eq!(records.rule_execution(&own, RULE).await, Ok(None), "an execution that did not begin is not done");
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
        "the other execution was done"
    );
}

async fn one_of_many_claims_is_granted(records: &impl Records) {
    let own = owner("ExecutesOnce");
    let mut granted = 0;
    for _ in 0..100 {
        granted += usize::from(
            records.begin_execution(&own, RULE, rule_execution(1_000, 1_500), 0).await == Ok(ExecutionClaim::Granted),
        );
    }
    assert_eq!(granted, 1);
}
