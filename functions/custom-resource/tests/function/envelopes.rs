//! Requests in the records of SNS and SQS: a template's `ServiceToken` may be a topic.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{invoke, queueing_handler, sample, send, sent};
use serde_json::{Value, json};

/// Both envelopes of a sample Create that was sent now.
fn envelopes() -> [Value; 2] {
    let create = sent(sample("create.json"), 0).to_string();
    let mut topic = sample("topic-with-response-url.json");
    topic["Records"][0]["Sns"]["Message"] = json!(create);
    let mut queue = sample("queue-by-topic-with-response-url.json");
    queue["Records"][0]["body"] = json!(json!({ "Type": "Notification", "Message": create }).to_string());
    [topic, queue]
}

#[test]
fn a_request_in_an_envelope_is_queued_as_if_it_had_come_alone() {
    for envelope in envelopes() {
        let (handler, _) = queueing_handler();
        let result = send(&handler, envelope.clone());
        let (alone, _) = queueing_handler();
        assert_eq!(result, json!([send(&alone, sent(sample("create.json"), 0))]), "{envelope}");
        let queued = |handler: &crate::common::QueueingHandler| {
            handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread").clone()
        };
        assert_eq!((queued(&handler).len(), queued(&handler)), (1, queued(&alone)));
    }
}

#[test]
fn an_invalid_request_in_an_envelope_gets_its_failed() {
    for envelope in envelopes() {
        let (handler, response_server) = queueing_handler();
        let text = envelope.to_string().replace("10.40.0.0/16", "10.40.0.0/30");
        send(&handler, serde_json::from_str(&text).expect("JSON"));
        let responses = response_server.take();
        let reason = responses[0]["Reason"].as_str().expect("a FAILED has a reason");
        assert!(responses.len() == 1 && reason.contains("VpcCidr"), "{responses:?}");
    }
}

/// The result of an invocation by a topic or a queue has no reader: what cannot get a response fails the invocation, and
/// the records beside it are handled.
#[test]
fn records_without_a_request_fail_the_invocation() {
    let valid = envelopes()[0]["Records"][0].clone();
    for (record, queued) in [
        (json!({}), 0),
        (json!({ "body": "no JSON" }), 1),
        (json!({ "Sns": { "Message": json!({ "Request": "status", "Environment": "e" }).to_string() } }), 1),
        (json!({ "Sns": { "Message": sample("create.json").to_string() } }), 1),
    ] {
        let (handler, _) = queueing_handler();
        let error = invoke(&handler, json!({ "Records": [record, valid] })).expect_err("not handled");
        assert!(error.starts_with("Records has no request of CloudFormation: valid are records of"), "{error}");
        let request_queue = handler.request_queue.as_ref().expect("a request queue");
        assert_eq!(request_queue.sent.lock().expect("one thread").len(), queued, "{record}");
    }
    for records in [json!(null), json!({}), json!([])] {
        let (handler, _) = queueing_handler();
        invoke(&handler, json!({ "Records": records })).expect_err("not handled");
    }
}
