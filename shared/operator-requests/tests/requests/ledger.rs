//! The operators' requests in the ledger.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{InlineHandler, handler, sample, send, succeeded, with};
use serde_json::json;

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

/// The operators' requests in the ledger: the reasons.
fn accepted(handler: &InlineHandler) -> Vec<String> {
    let published = handler.cloud_factory.published.borrow();
    let accepted = published.iter().filter(|it| it["detail"]["Outcome"] == "accepted");
    accepted.map(|it| it["detail"]["Reason"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_request_that_changes_something_is_in_the_ledger_with_the_claimed_caller() {
    let handler = created();
    for name in ["unlock.json", "repair.json", "hold.json", "release.json"] {
        let result =
            send(&handler, with(sample(name), json!({ "Caller": "arn:aws:sts::123456789012:assumed-role/ops/ann" })));
        assert!(result.get("Error").is_none(), "{result}");
    }
    let caller = "claimed caller: arn:aws:sts::123456789012:assumed-role/ops/ann";
    let expected = ["unlock", "repair", "hold", "release"].map(|name| format!("{name}, {caller}"));
    assert_eq!(accepted(&handler), expected);
    send(&handler, sample("unlock.json"));
    assert_eq!(accepted(&handler).pop().as_deref(), Some("unlock"), "without a caller");
    let published = handler.cloud_factory.published.borrow();
    assert!(published.iter().all(|it| it["detail"]["AutoScalingGroupName"] == "scalable-ec2-asg-uswest2-dev"));
}

#[test]
fn a_refused_request_and_a_plan_are_not_in_the_ledger_and_a_lost_event_changes_no_result() {
    let handler = created();
    for request in [
        json!({ "Request": "repair", "Environment": ENVIRONMENT }),
        sample("status.json"),
        sample("rollback.json"),
        with(sample("unlock.json"), json!({ "Environment": "scalable-ec2-us-west-2-gone" })),
    ] {
        send(&handler, request);
    }
    assert_eq!(accepted(&handler), [""; 0]);
    handler.cloud_factory.publish_fails.set(true);
    assert_eq!(send(&handler, sample("unlock.json"))["Unlocked"], ENVIRONMENT);
}
