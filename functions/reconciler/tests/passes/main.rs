//! Requests from the request queue: reconcile passes until each request has exactly one response.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

mod due_passes;
mod forgeries;
mod harness;
mod operator_requests;
mod preflight;
mod preflight_accounts;
mod remediations;
mod repairs;
mod request_events;
mod rollout_environment;
mod rollouts;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use environment::Timestamp;
use harness::{harness, quick_create, request, sample};
use request_pass::CloudFactory as _;
use requests::{MARGIN_MS, Records as _, Request};
use serde_json::{Value, json};
use test_support::{BlockOn as _, message, run, sent, with};

#[test]
fn a_create_succeeds_and_its_message_is_removed_from_the_queue() {
    let harness = harness();
    assert_eq!(harness.invoke(&[message("1", &sent(quick_create(), 0))]), [""; 0]);
    let response = harness.response();
    assert_eq!(
        (&response["Status"], &response["PhysicalResourceId"]),
        (&json!("SUCCESS"), &json!("scalable-ec2-us-west-2-dev"))
    );
    assert_eq!(harness.requeued(), None);
}

#[test]
fn a_request_that_outlasts_its_invocation_is_requeued_and_settles_without_duplicates() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    assert_eq!(harness.requeued(), Some(("receipt-1".into(), Duration::from_secs(5))));
    let progress = harness.progress(&create).expect("progress");
    assert!(progress.waiting_for.iter().any(|it| it.contains("nat-gateway")), "{progress:?}");
    assert!(harness.response_server.take().is_empty());

    harness.invoke_until_done(&create);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    assert!(harness.invocations.get() > 2, "{}", harness.invocations.get());
    harness.assert_no_duplicates();
    assert_eq!(harness.progress(&create), None);
}

/// A NAT gateway starts for two minutes. Five reconcilers that observe everything every five seconds would use up the read
/// quotas of EC2 and IAM.
#[test]
fn a_pass_that_waits_for_a_gateway_reads_the_gateway_alone() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    harness.advance(Duration::from_secs(5));
    let cloud_factory = &harness.cloud_factory;
    let reads = || (cloud_factory.account.reads.get(), cloud_factory.account.observations.get());
    let first = harness.progress(&create).expect("progress");
    let before = (reads(), cloud_factory.fact_reads.get());
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    assert_eq!((reads(), cloud_factory.fact_reads.get()), ((before.0.0 + 1, before.0.1), before.1));
    assert_eq!(harness.progress(&create), Some(first), "the wait began in the first pass");
    // The gateway is available: the whole environment is observed.
    harness.advance(Duration::from_mins(2));
    harness.invoke(&[message("1", &create)]);
    assert!(reads().1 > before.0.1);
}

#[test]
fn progress_is_recorded_with_the_start_of_the_wait() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    harness
        .cloud_factory
        .account
        .faults
        .borrow_mut()
        .extend((40..4_000).map(|at| (at, memory_cloud::Fault::Throttled)));
    harness.invoke(&[message("1", &create)]);
    let first = harness.progress(&create).expect("progress");
    harness.invoke(&[message("1", &create)]);
    let second = harness.progress(&create).expect("progress");
    assert_eq!(first, second, "the conditions and the start of the wait are unchanged");
}

#[test]
fn a_delete_stops_a_waiting_create_and_leaves_no_resource() {
    let harness = harness();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 80));
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    harness.advance(Duration::from_secs(5));
    harness.record_request(&delete);
    let before = harness.cloud_factory.write_count();
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    let reason = harness.failed_reason();
    assert!(reason.starts_with("Superseded: CloudFormation sent a newer Delete for this resource."), "{reason}");
    assert_eq!(harness.cloud_factory.write_count(), before);
    harness.invoke_until_done(&delete);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    assert_eq!(harness.cloud_factory.account.inventory(), []);
}

#[test]
fn a_delete_recorded_during_a_pass_stops_the_create_before_its_next_wave() {
    let harness = harness();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 20));
    let batch = serde_json::from_value(json!({ "Records": [message("1", &create)] })).expect("an SQS event");
    harness.record_request(&create);
    let deadline = (harness.cloud_factory.now() + Duration::from_mins(10)).0;
    let reconciler = harness.reconciler();
    let record_delete = async {
        let delete_request = request(&delete);
        let pass = harness.pass(&delete_request);
        harness.cloud_factory.account.clock.sleep(Duration::from_secs(20)).await;
        pass.admit().await.expect("the latest request");
        harness.cloud_factory.write_count()
    };
    let both = futures_util::future::join(reconciler.handle(&harness.request_queue, batch, deadline), record_delete);
    let (response, writes_then) = run(&harness.cloud_factory.account.clock, both);
    assert!(response.batch_item_failures.is_empty());
    assert!(harness.failed_reason().starts_with("Superseded"));
    assert_eq!(harness.cloud_factory.write_count(), writes_then);
}

#[test]
fn an_older_request_twenty_minutes_late_has_no_effect_before_and_after_the_newer_request_is_done() {
    let harness = harness();
    let (create, delete) = (sent(quick_create(), 0), sent(sample("delete.json"), 60));
    harness.invoke(&[message("1", &create)]);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_mins(2));
    harness.record_request(&delete);
    let late = [create, sent(with(quick_create(), json!({ "RequestType": "Update" })), 30)];
    // A request with a recorded response gets no second response. The response to a superseded request is not recorded.
    let assert_no_effect = |when: &str, responses: usize| {
        let before = harness.cloud_factory.call_count();
        for event in &late {
            assert_eq!(harness.invoke(&[message("1", event)]), [""; 0], "{when}");
        }
        let sent_responses = harness.response_server.take();
        let superseded = |response: &Value| response["Reason"].as_str().is_some_and(|it| it.starts_with("Superseded"));
        assert!(
            sent_responses.len() == responses && sent_responses.iter().all(superseded),
            "{when}: {sent_responses:?}"
        );
        assert_eq!(harness.cloud_factory.call_count(), before, "{when}");
    };
    assert_no_effect("while the Delete waits", 1);
    harness.invoke_until_done(&delete);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_mins(20));
    assert_no_effect("after the Delete", 1);
    assert_eq!(harness.cloud_factory.account.inventory(), []);
}

#[test]
fn past_its_deadline_a_request_only_gets_a_failed_that_names_its_waits() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    harness.invoke(&[message("1", &create)]);
    let waited_for = harness.progress(&create).expect("progress").waiting_for.join("; ");
    harness.advance(Duration::from_mins(58));
    let before = harness.cloud_factory.call_count();
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    let reason = harness.failed_reason();
    assert!(reason.contains(&format!("It waited for: {waited_for}.")), "{reason}");
    assert!(reason.contains("To see its status, run: envkeeper status scalable-ec2-us-west-2-dev"), "{reason}");
    assert_eq!(harness.cloud_factory.call_count(), before);
}

#[test]
fn a_request_that_is_received_after_its_deadline_reports_that_no_pass_completed() {
    let harness = harness();
    harness.advance(Duration::from_mins(59));
    harness.invoke(&[message("1", &sent(sample("create.json"), 0))]);
    let reason = harness.failed_reason();
    assert!(reason.contains("No reconcile pass completed before."), "{reason}");
    assert_eq!(harness.cloud_factory.call_count(), 0);
}

#[test]
fn a_request_with_a_sent_response_gets_no_second_response_past_its_deadline() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.invoke(&[message("1", &create)]);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    harness.advance(Duration::from_hours(1));
    let before = harness.cloud_factory.call_count();
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    assert!(harness.response_server.take().is_empty());
    assert_eq!(harness.cloud_factory.call_count(), before);
}

#[test]
fn a_message_that_is_not_json_is_dropped_and_delays_no_other_message() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    assert_eq!(harness.invoke(&[message("1", &json!("not { JSON")), message("2", &create)]), [""; 0]);
    assert_eq!(harness.response()["Status"], "SUCCESS");
}

#[test]
fn a_message_whose_visibility_cannot_be_extended_is_not_handled() {
    let harness = harness();
    harness.request_queue.receipts_expired.store(true, SeqCst);
    let batch = [message("1", &sent(quick_create(), 0)), message("2", &sent(sample("delete.json"), 9))];
    assert_eq!(harness.invoke(&batch), ["1", "2"], "both are in one group, so the second message is requeued too");
    assert_eq!((harness.cloud_factory.call_count(), harness.requeued()), (0, None));
    assert!(harness.response_server.take().is_empty());
}

#[test]
fn a_wait_of_minutes_does_not_occupy_a_reconciler() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    let begin = harness.cloud_factory.now();
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    let first = harness.cloud_factory.now() - begin;
    assert!(first < Duration::from_mins(1), "{first:?}: the changes, and then 20 s without a change");
    let (_, after) = harness.requeued().expect("a requeued message");
    harness.advance(after);
    let begin = harness.cloud_factory.now();
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    let second = harness.cloud_factory.now() - begin;
    assert!(second < Duration::from_secs(5), "{second:?}: one observation, and the recorded progress");
    harness.invoke_until_done(&create);
    assert_eq!(harness.response()["Status"], "SUCCESS");
}

#[test]
fn a_malformed_event_is_dropped_since_the_request_handler_queues_none() {
    let harness = harness();
    let import = with(sent(sample("create.json"), 0), json!({ "RequestType": "Import" }));
    assert_eq!(harness.invoke(&[message("1", &import)]), [""; 0]);
    assert!(harness.response_server.take().is_empty());
}

#[test]
fn a_requeued_message_delays_only_its_own_group() {
    let harness = harness();
    let create = sent(sample("create.json"), 0);
    let update = sent(with(sample("update.json"), json!({ "ResourceProperties": { "MaxSize": "x" } })), 5);
    let other = json!({ "LogicalResourceId": "Other" });
    let other = sent(with(sample("delete-of-nothing.json"), other), 0);
    let batch = [message("create", &create), message("update", &update), message("other", &other)];
    assert_eq!(harness.invoke(&batch), ["create", "update"]);
    let short = Duration::from_secs(5);
    assert_eq!(
        harness.requeued(),
        Some(("receipt-update".into(), short)),
        "the later message is requeued, and does not lock the group"
    );
    assert_eq!(harness.requeued(), Some(("receipt-create".into(), short)));
    assert_eq!(harness.requeued(), None);
    let response = harness.response();
    assert_eq!((&response["Status"], &response["LogicalResourceId"]), (&json!("SUCCESS"), &json!("Other")));
}

#[test]
fn a_message_that_cannot_be_requeued_is_reported_as_failed_and_redelivered_by_the_queue() {
    let harness = harness();
    harness.request_queue.unavailable.store(true, SeqCst);
    assert_eq!(harness.invoke(&[message("1", &sent(sample("create.json"), 0))]), ["1"]);
}

#[test]
fn throttled_records_requeue_the_request_until_it_succeeds() {
    for throttled in 1..12 {
        let harness = harness();
        let create = sent(quick_create(), 0);
        harness.records.throttled.store(throttled, SeqCst);
        assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
        assert_eq!(harness.requeued().map(|(_, after)| after), Some(Duration::from_secs(5)));
        harness.invoke_until_done(&create);
        assert_eq!(harness.response()["Status"], "SUCCESS");
        harness.assert_no_duplicates();
    }
}

#[test]
fn a_panic_results_in_a_failed() {
    let mut harness = harness();
    harness.cloud_factory.panics = true;
    assert_eq!(harness.invoke(&[message("1", &sent(quick_create(), 0))]), [""; 0]);
    let reason = harness.failed_reason();
    assert!(reason.starts_with("Envkeeper failed with an internal error"), "{reason}");
}

#[test]
fn an_undelivered_response_requeues_the_message_while_cloudformation_waits() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.response_server.respond_with(503);
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    assert_eq!(harness.requeued().map(|(_, after)| after), Some(Duration::from_secs(10)));
    let calls = harness.cloud_factory.call_count();
    harness.response_server.respond_with(200);
    // A recorded response is sent also after the deadline of its request.
    harness.advance(Duration::from_mins(58));
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    assert_eq!(
        harness.cloud_factory.call_count(),
        calls,
        "the response was decided, so no pass observes the cloud again"
    );

    let harness = self::harness();
    let delete = sent(sample("delete.json"), 0);
    harness.response_server.respond_with(503);
    let end = Timestamp(request(&delete).event.deadline_ms + MARGIN_MS);
    harness.invoke_while(&delete, || harness.cloud_factory.now() <= end);
}

#[test]
fn a_response_that_cannot_be_delivered_ends_its_request() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.response_server.respond_with(403);
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    let record = harness.records.inner.owner(&request(&create).owner()).block_on().expect("a record");
    assert_eq!((record.response_due_ms, record.recorded_response), (None, None), "no response is pending");
    let response = &record.history[0];
    assert!(response.success && response.reason.contains("status 403"), "{response:?}");
}

#[test]
fn the_response_to_a_superseded_request_does_not_delay_the_newer_request() {
    let harness = harness();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 80));
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    harness.record_request(&delete);
    harness.response_server.respond_with(503);
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0], "one delivery, with all its attempts");
}

#[test]
fn the_response_to_a_finished_request_is_recorded() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.invoke(&[message("1", &create)]);
    let record = harness.records.inner.owner(&request(&create).owner()).block_on().expect("a record");
    assert!(record.settled && record.response_due_ms.is_none());
    assert_eq!(record.history.len(), 1);
}

#[test]
fn every_sample_is_a_valid_batch() {
    for (name, messages) in [("create.json", 1), ("delete.json", 1), ("batch.json", 3)] {
        let sample = test_support::sample("reconciler", name);
        let batch: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(sample).expect("an SQS event");
        assert_eq!(batch.records.len(), messages, "{name}");
        for message in batch.records {
            let event = serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON");
            let request = Request::read(&event, 0).expect("a valid request");
            assert_eq!(message.attributes["MessageGroupId"], request.owner().as_str(), "{name}");
            assert_eq!(message.attributes["MessageDeduplicationId"], request.hash, "{name}");
        }
    }
}

#[test]
fn the_wait_for_an_indeterminate_create_starts_once_and_not_in_each_pass() {
    let baseline = harness();
    baseline.invoke_until_done(&sent(quick_create(), 0));
    let calls = baseline.cloud_factory.account.calls.borrow();
    let at = calls.iter().position(|call| call.operation() == "ec2:CreateVpc").expect("a VPC");
    for fault in [memory_cloud::Fault::LostResponse, memory_cloud::Fault::LostRequest] {
        let harness = harness();
        harness.cloud_factory.account.faults.borrow_mut().insert(at, fault);
        let (begin, create) = (harness.cloud_factory.now(), sent(quick_create(), 0));
        harness.invoke_until_done(&create);
        assert_eq!(harness.response()["Status"], "SUCCESS", "{fault:?}");
        let took = harness.cloud_factory.now() - begin;
        assert!(took < Duration::from_mins(3), "{fault:?}: {took:?}");
        harness.assert_no_duplicates();
    }
}

#[test]
fn a_create_whose_launches_all_fail_reports_the_reason_of_the_last_launch() {
    let mut harness = harness();
    harness.cloud_factory.account.launch_failure =
        Some(String::from("You have requested more vCPU capacity than your current limit"));
    let create = sent(sample("create.json"), 0);
    let wait = || harness.requeued().map_or(Duration::ZERO, |(_, after)| after);
    while !harness.invoke(&[message("1", &create)]).is_empty() {
        harness.advance(wait());
        assert!(harness.invocations.get() < 1_000, "the message is still requeued after 1,000 invocations");
    }
    let reason = harness.failed_reason();
    assert!(reason.contains("0 of 1 instances are in service"), "{reason}");
    assert!(reason.contains("You have requested more vCPU capacity than your current limit"), "{reason}");
}
