//! Requests from the line: turn by turn, until each is answered once.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod bench;
mod remediations;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bench::{bench, quick_create, request, sample};
use environment::Timestamp;
use reconciler::CloudFactory as _;
use requests::{MARGIN_MS, Records as _, Request};
use serde_json::{Value, json};
use test_support::{Now as _, message, run, sent, with};

#[test]
fn a_create_ends_with_a_success_and_is_off_the_line() {
    let bench = bench();
    assert_eq!(bench.take(&[message("1", &sent(quick_create(), 0))]), [""; 0]);
    let reply = bench.reply();
    assert_eq!(
        (&reply["Status"], &reply["PhysicalResourceId"]),
        (&json!("SUCCESS"), &json!("scalable-ec2-us-west-2-dev"))
    );
    assert_eq!(bench.requeued(), None);
}

#[test]
fn a_request_that_runs_out_of_its_invocation_comes_back_and_settles_with_nothing_twice() {
    let bench = bench();
    let create = sent(sample("create.json"), 0);
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    assert_eq!(bench.requeued(), Some(("receipt-1".into(), Duration::from_secs(5))));
    let waits = bench.waits_for(&create).expect("it says what for");
    assert!(waits.waiting_for.iter().any(|it| it.contains("nat-gateway")), "{waits:?}");
    assert!(bench.response_server.take().is_empty());

    bench.take_to_the_end(&create);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    assert!(bench.invocations.get() > 2, "{}", bench.invocations.get());
    bench.assert_nothing_twice();
    assert_eq!(bench.waits_for(&create), None);
}

#[test]
fn what_it_waits_for_is_noted_with_the_time_since_when() {
    let bench = bench();
    let create = sent(sample("create.json"), 0);
    bench.cloud_factory.account.faults.borrow_mut().extend((40..4_000).map(|at| (at, memory_cloud::Fault::Throttled)));
    bench.take(&[message("1", &create)]);
    let first = bench.waits_for(&create).expect("it waits");
    bench.take(&[message("1", &create)]);
    let second = bench.waits_for(&create).expect("it waits");
    assert_eq!(first, second, "for the same, and for as long");
}

#[test]
fn a_delete_stops_a_create_that_waits_and_leaves_nothing() {
    let bench = bench();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 80));
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    bench.advance(Duration::from_secs(5));
    bench.record_request(&delete);
    let before = bench.cloud_factory.writes();
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0]);
    let reason = bench.failed();
    assert!(reason.starts_with("Superseded: a newer Delete has come"), "{reason}");
    assert_eq!(bench.cloud_factory.writes(), before);
    bench.take_to_the_end(&delete);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    assert_eq!(bench.cloud_factory.account.inventory(), []);
}

#[test]
fn a_delete_that_is_noted_in_mid_turn_stops_the_create_before_its_next_wave() {
    let bench = bench();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 20));
    let batch = serde_json::from_value(json!({ "Records": [message("1", &create)] })).expect("an event of SQS");
    let deadline = (bench.cloud_factory.now() + Duration::from_mins(10)).0;
    let reconciler = bench.reconciler();
    let in_mid_turn = async {
        let noted = request(&delete);
        let door = reconciler.request_pass(&noted);
        bench.cloud_factory.account.clock.sleep(Duration::from_secs(20)).await;
        door.admit().await.expect("it is the newest");
        bench.cloud_factory.writes()
    };
    let both = futures_util::future::join(reconciler.handle(&bench.request_queue, batch, deadline), in_mid_turn);
    let (response, writes_then) = run(&bench.cloud_factory.account.clock, both);
    assert!(response.batch_item_failures.is_empty());
    assert!(bench.failed().starts_with("Superseded"));
    assert_eq!(bench.cloud_factory.writes(), writes_then);
}

#[test]
fn an_older_request_twenty_minutes_late_changes_nothing_also_after_the_newer_one_is_done() {
    let bench = bench();
    let (create, delete) = (sent(quick_create(), 0), sent(sample("delete.json"), 60));
    bench.take(&[message("1", &create)]);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    bench.advance(Duration::from_mins(2));
    bench.record_request(&delete);
    let late = [create, sent(with(quick_create(), json!({ "RequestType": "Update" })), 30)];
    // What was answered is not answered again; what was not is, once.
    let changes_nothing = |when: &str, responses: usize| {
        let before = bench.cloud_factory.asked();
        for event in &late {
            assert_eq!(bench.take(&[message("1", event)]), [""; 0], "{when}");
        }
        let told = bench.response_server.take();
        let superseded = |reply: &Value| reply["Reason"].as_str().is_some_and(|it| it.starts_with("Superseded"));
        assert!(told.len() == responses && told.iter().all(superseded), "{when}: {told:?}");
        assert_eq!(bench.cloud_factory.asked(), before, "{when}");
    };
    changes_nothing("while the Delete waits", 1);
    bench.take_to_the_end(&delete);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    bench.advance(Duration::from_mins(20));
    changes_nothing("after the Delete", 0);
    assert_eq!(bench.cloud_factory.account.inventory(), []);
}

#[test]
fn past_its_deadline_a_request_is_only_answered_with_what_it_waited_for() {
    let bench = bench();
    let create = sent(sample("create.json"), 0);
    bench.take(&[message("1", &create)]);
    let waited_for = bench.waits_for(&create).expect("it waits").waiting_for.join("; ");
    bench.advance(Duration::from_mins(58));
    let before = bench.cloud_factory.asked();
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0]);
    let reason = bench.failed();
    assert!(reason.contains(&format!("It waited for: {waited_for}.")), "{reason}");
    assert!(reason.contains("aws lambda invoke --function-name the-door"), "{reason}");
    assert_eq!(bench.cloud_factory.asked(), before);
}

#[test]
fn a_request_whose_turn_comes_too_late_says_that_none_of_its_turns_came_to_an_end() {
    let bench = bench();
    bench.advance(Duration::from_mins(59));
    bench.take(&[message("1", &sent(sample("create.json"), 0))]);
    let reason = bench.failed();
    assert!(reason.contains("No turn of it came to its end"), "{reason}");
    assert_eq!(bench.cloud_factory.asked(), 0);
}

#[test]
fn what_was_answered_is_not_answered_again_past_its_deadline() {
    let bench = bench();
    let create = sent(quick_create(), 0);
    bench.take(&[message("1", &create)]);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    bench.advance(Duration::from_hours(1));
    let before = bench.cloud_factory.asked();
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0]);
    assert!(bench.response_server.take().is_empty());
    assert_eq!(bench.cloud_factory.asked(), before);
}

#[test]
fn a_message_that_is_no_json_is_put_away_and_holds_up_nobody() {
    let bench = bench();
    let create = sent(quick_create(), 0);
    assert_eq!(bench.take(&[message("1", &json!("no { JSON")), message("2", &create)]), [""; 0]);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
}

#[test]
fn a_message_that_may_be_somebody_elses_by_now_is_left_alone() {
    let bench = bench();
    bench.request_queue.lost.store(true, SeqCst);
    let batch = [message("1", &sent(quick_create(), 0)), message("2", &sent(sample("delete.json"), 9))];
    assert_eq!(bench.take(&batch), ["1", "2"], "of one group, so the second stays behind too");
    assert_eq!((bench.cloud_factory.asked(), bench.requeued()), (0, None));
    assert!(bench.response_server.take().is_empty());
}

#[test]
fn a_wait_of_minutes_takes_no_place_that_others_wait_for() {
    let bench = bench();
    let create = sent(sample("create.json"), 0);
    let begin = bench.cloud_factory.now();
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    let first = bench.cloud_factory.now() - begin;
    assert!(first < Duration::from_mins(1), "{first:?}: 20 s without movement and what moved before");
    let (_, again) = bench.requeued().expect("it comes back");
    bench.advance(again);
    let begin = bench.cloud_factory.now();
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    let second = bench.cloud_factory.now() - begin;
    assert!(second < Duration::from_secs(5), "{second:?}: a look, and what it still waits for");
    bench.take_to_the_end(&create);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
}

#[test]
fn an_event_that_makes_no_sense_is_answered_and_off_the_line() {
    let bench = bench();
    let import = with(sent(sample("create.json"), 0), json!({ "RequestType": "Import" }));
    assert_eq!(bench.take(&[message("1", &import)]), [""; 0]);
    let reason = bench.failed();
    assert!(reason.contains("RequestType is \"Import\""), "{reason}");
}

#[test]
fn a_message_that_comes_back_holds_up_only_its_own_group() {
    let bench = bench();
    let create = sent(sample("create.json"), 0);
    let update = sent(with(sample("update.json"), json!({ "ResourceProperties": { "MaxSize": "x" } })), 5);
    let nothing = json!({ "LogicalResourceId": "Other" });
    let other = sent(with(sample("delete-of-nothing.json"), nothing), 0);
    let batch = [message("create", &create), message("update", &update), message("other", &other)];
    assert_eq!(bench.take(&batch), ["create", "update"]);
    let short = Duration::from_secs(5);
    assert_eq!(
        bench.requeued(),
        Some(("receipt-update".into(), short)),
        "it stays behind, and does not lock the group"
    );
    assert_eq!(bench.requeued(), Some(("receipt-create".into(), short)));
    assert_eq!(bench.requeued(), None);
    let reply = bench.reply();
    assert_eq!((&reply["Status"], &reply["LogicalResourceId"]), (&json!("SUCCESS"), &json!("Other")));
}

#[test]
fn a_line_that_does_not_take_it_back_at_once_gives_it_again_by_itself() {
    let bench = bench();
    bench.request_queue.broken.store(true, SeqCst);
    assert_eq!(bench.take(&[message("1", &sent(sample("create.json"), 0))]), ["1"]);
}

#[test]
fn records_that_throttle_make_it_come_back_and_then_succeed() {
    for throttled in 1..12 {
        let bench = bench();
        let create = sent(quick_create(), 0);
        bench.records.throttled.store(throttled, SeqCst);
        assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
        assert_eq!(bench.requeued().map(|(_, after)| after), Some(Duration::from_secs(5)));
        bench.take_to_the_end(&create);
        assert_eq!(bench.reply()["Status"], "SUCCESS");
        bench.assert_nothing_twice();
    }
}

#[test]
fn a_panic_becomes_failed() {
    let mut bench = bench();
    bench.cloud_factory.panics = true;
    assert_eq!(bench.take(&[message("1", &sent(quick_create(), 0))]), [""; 0]);
    let reason = bench.failed();
    assert!(reason.starts_with("Envkeeper failed inside"), "{reason}");
}

#[test]
fn a_reply_that_nobody_takes_makes_the_message_come_back_until_nobody_waits_any_more() {
    let bench = bench();
    let create = sent(quick_create(), 0);
    bench.response_server.responses(503);
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    assert_eq!(bench.requeued().map(|(_, after)| after), Some(Duration::from_secs(10)));
    let asked = bench.cloud_factory.asked();
    bench.response_server.responses(200);
    // What is decided is told also when the time for deciding is up.
    bench.advance(Duration::from_mins(58));
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0]);
    assert_eq!(bench.reply()["Status"], "SUCCESS");
    assert_eq!(bench.cloud_factory.asked(), asked, "it was decided, and nobody looks again");

    let bench = self::bench();
    let delete = sent(sample("delete.json"), 0);
    bench.response_server.responses(503);
    let end = Timestamp(request(&delete).event.deadline_ms + MARGIN_MS);
    bench.take_while(&delete, || bench.cloud_factory.now() <= end);
}

#[test]
fn a_reply_that_nobody_will_ever_take_is_the_end_of_its_request() {
    let bench = bench();
    let create = sent(quick_create(), 0);
    bench.response_server.responses(403);
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0]);
    let record = bench.records.inner.owner(&request(&create).owner()).await_now().expect("a record");
    assert_eq!((record.response_due_ms, record.decided), (None, None), "nobody waits for it any more");
    let answered = &record.responses[0];
    assert!(answered.success && answered.reason.contains("status 403"), "{answered:?}");
}

#[test]
fn a_request_that_was_overtaken_does_not_hold_up_the_newer_one_with_its_answer() {
    let bench = bench();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 80));
    assert_eq!(bench.take(&[message("1", &create)]), ["1"]);
    bench.record_request(&delete);
    bench.response_server.responses(503);
    assert_eq!(bench.take(&[message("1", &create)]), [""; 0], "one delivery, with its tries");
}

#[test]
fn a_request_that_is_over_is_written_down_as_answered() {
    let bench = bench();
    let create = sent(quick_create(), 0);
    bench.take(&[message("1", &create)]);
    let record = bench.records.inner.owner(&request(&create).owner()).await_now().expect("a record");
    assert!(record.settled && record.response_due_ms.is_none());
    assert_eq!(record.responses.len(), 1);
}

#[test]
fn every_sample_is_understood() {
    for (name, messages) in [("create.json", 1), ("delete.json", 1), ("batch.json", 3)] {
        let sample = test_support::sample("reconciler", name);
        let batch: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(sample).expect("an event of SQS");
        assert_eq!(batch.records.len(), messages, "{name}");
        for message in batch.records {
            let event = serde_json::from_str(message.body.as_deref().expect("a body")).expect("JSON");
            let request = Request::read(&event, 0).expect("it makes sense");
            assert_eq!(message.attributes["MessageGroupId"], request.owner().as_str(), "{name}");
            assert_eq!(message.attributes["MessageDeduplicationId"], request.hash, "{name}");
        }
    }
}

#[test]
fn a_create_that_may_have_happened_is_waited_for_once_and_not_anew_in_each_turn() {
    let undisturbed = bench();
    undisturbed.take_to_the_end(&sent(quick_create(), 0));
    let calls = undisturbed.cloud_factory.account.calls.borrow();
    let at = calls.iter().position(|call| call.operation() == "ec2:CreateVpc").expect("a VPC");
    for fault in [memory_cloud::Fault::LostResponse, memory_cloud::Fault::LostRequest] {
        let bench = bench();
        bench.cloud_factory.account.faults.borrow_mut().insert(at, fault);
        let (begin, create) = (bench.cloud_factory.now(), sent(quick_create(), 0));
        bench.take_to_the_end(&create);
        assert_eq!(bench.reply()["Status"], "SUCCESS", "{fault:?}");
        let took = bench.cloud_factory.now() - begin;
        assert!(took < Duration::from_mins(3), "{fault:?}: {took:?}");
        bench.assert_nothing_twice();
    }
}

#[test]
fn a_create_whose_launches_all_fail_tells_what_they_were_told() {
    let mut bench = bench();
    bench.cloud_factory.account.launch_failure =
        Some(String::from("You have requested more vCPU capacity than your current limit"));
    let create = sent(sample("create.json"), 0);
    let wait = || bench.requeued().map_or(Duration::ZERO, |(_, after)| after);
    while !bench.take(&[message("1", &create)]).is_empty() {
        bench.advance(wait());
        assert!(bench.invocations.get() < 1_000, "it comes back for ever");
    }
    let reason = bench.failed();
    assert!(reason.contains("0 of 1 instances are in service"), "{reason}");
    assert!(reason.contains("You have requested more vCPU capacity than your current limit"), "{reason}");
}
