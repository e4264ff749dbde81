//! The operator requests about rollouts.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::sync::atomic::Ordering::SeqCst;

use crate::common::{
    BEGIN_S, BlockOn as _, InlineHandler, handler, queueing_handler, sample, send, sent, succeeded, with, writes,
};
use requests::{Records as _, Request};
use serde_json::{Value, json};

/// A handler without a request queue, with an environment.
fn environment() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

fn error(result: &Value) -> &str {
    result["Error"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn text(result: &Value) -> &str {
    result["Text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

#[test]
fn a_hold_is_the_first_line_of_status_plan_and_drift_until_it_is_released() {
    let handler = environment();
    let readers = || ["status.json", "plan-environment.json", "drift.json"].map(|name| send(&handler, sample(name)));
    let before = readers();
    let held = send(&handler, sample("hold.json"));
    let until = held["Until"].as_str().expect("an end").to_owned();
    assert!(text(&held).starts_with("The hold of scalable-ec2-us-west-2-dev begins, until 20"), "{held}");
    for (now, before) in readers().iter().zip(&before) {
        assert_eq!((&now["HeldUntil"], &before["HeldUntil"]), (&json!(until), &Value::Null), "{now}");
        let line = format!("Hold: no rollout replaces an instance until {until}, ");
        assert!(text(now).starts_with(&line), "{now}");
        assert_eq!(
            text(now).lines().skip(1).collect::<Vec<_>>()[..1],
            [text(before).lines().next().unwrap_or_default()]
        );
        assert_eq!((&now["Drift"], &now["Steps"]), (&before["Drift"], &before["Steps"]), "a hold is no drift");
    }
    for request in ["roll.json", "rollback.json", "cancel.json"] {
        assert!(error(&send(&handler, sample(request))).contains(" of scalable-ec2-us-west-2-dev is refused: "));
    }
    assert!(
        error(&send(&handler, sample("roll.json"))).contains(&format!("an operator holds the rollout until {until}"))
    );
    let writes_before = writes(&handler);
    send(&handler, sample("release.json"));
    assert_eq!(writes(&handler), writes_before + 1, "the process is resumed");
    for (now, before) in readers().iter().zip(&before) {
        assert_eq!((&now["HeldUntil"], text(now)), (&Value::Null, text(before)));
    }
    let refused = send(&handler, sample("release.json"));
    assert_eq!(
        error(&refused),
        "The release of scalable-ec2-us-west-2-dev is refused: no hold of this environment is recorded"
    );
}

#[test]
fn the_hours_of_a_hold_are_whole_and_seven_days_at_most() {
    let handler = environment();
    let hold = |hours: Value| send(&handler, with(sample("hold.json"), json!({ "Hours": hours })));
    let before = writes(&handler);
    let invalid =
        [json!(0), json!(169), json!(0.5), json!(-1), json!("8"), json!(null), json!(u64::MAX), json!({ "a": 1 })];
    for hours in invalid {
        let result = hold(hours.clone());
        let valid = "valid is a whole number from 1 to 168, which is seven days; without it, 8";
        assert!(error(&result).starts_with("Hours is ") && error(&result).ends_with(valid), "{hours}: {result}");
    }
    assert_eq!(writes(&handler), before);
    let mut default = sample("hold.json");
    default.as_object_mut().expect("an object").remove("Hours");
    let hours = |result: &Value, hours: u64| {
        let now = handler.cloud_factory.account.clock.now();
        let until = result["Until"].as_str().expect("an end");
        // The pass of the hold has taken a few seconds.
        (0..60).any(|seconds| (now + std::time::Duration::from_secs(hours * 3_600 - seconds)).to_string() == until)
    };
    for (result, length) in [(send(&handler, default), 8), (hold(json!(1)), 1), (hold(json!(168)), 168)] {
        assert!(hours(&result, length), "{length} hours: {result}");
    }
}

#[test]
fn a_request_that_changes_nothing_is_refused_before_any_write() {
    let handler = environment();
    let before = writes(&handler);
    let cases = [
        ("cancel.json", "no rollout of this environment is active"),
        ("rollback.json", "no version that ran before can be launched"),
        ("release.json", "no hold of this environment is recorded"),
    ];
    for (name, reason) in cases {
        let result = send(&handler, sample(name));
        assert!(error(&result).ends_with(&format!(" of scalable-ec2-us-west-2-dev is refused: {reason}")), "{result}");
    }
    assert_eq!(writes(&handler), before);
    let unknown = json!({ "Request": "hold", "Environment": "scalable-ec2-us-west-2-other" });
    assert!(error(&send(&handler, unknown)).starts_with("Environment is \"scalable-ec2-us-west-2-other\": "));
}

#[test]
fn a_hold_is_recorded_for_the_reconciler_and_removed_if_its_message_is_not_queued() {
    let (mut handler, _server) = queueing_handler();
    let queue = handler.request_queue.take();
    let create = sent(sample("create.json"), 0);
    succeeded(&handler, create.clone());
    handler.request_queue = queue;
    let owner = Request::read(&create, BEGIN_S * 1_000).expect("a request").owner();
    let recorded = || handler.records.inner.owner(&owner).block_on().expect("a record").hold_request_ms;
    let queue = handler.request_queue.as_ref().expect("a queue");
    queue.unavailable.store(true, SeqCst);
    assert!(error(&send(&handler, sample("hold.json"))).contains("requests.fifo"));
    assert_eq!(recorded(), None);
    queue.unavailable.store(false, SeqCst);
    let before = writes(&handler);
    let held = send(&handler, sample("hold.json"));
    assert_eq!((held["Rollout"].as_str(), writes(&handler)), (Some("hold"), before), "the reconciler suspends: {held}");
    assert!(recorded().is_some_and(|it| it > BEGIN_S * 1_000));
    assert_eq!(send(&handler, sample("status.json"))["HeldUntil"], held["Until"]);
    let messages: Vec<Value> = queue.sent.lock().expect("one thread").iter().map(|(_, _, body)| body.clone()).collect();
    assert_eq!(messages, [json!({ "Due": owner.as_str() })]);
    // Released before the reconciler has begun.
    send(&handler, sample("release.json"));
    assert_eq!(recorded(), Some(0));
}
