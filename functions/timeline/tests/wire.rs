//! Responses of CloudWatch Logs over the wire, in their documented shapes.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use test_support::service;
use timeline::aws::AwsLogs;
use timeline::logs::{LogApi as _, LogError, LogPage, LogQuery};

const QUERY: LogQuery<'_> = LogQuery { group: "/aws/autoscaling/scalable-ec2-dev", from_ms: 5, until_ms: 9 };

/// The page that the client reads from a response, and the body of its request.
async fn page(status: u16, body: &str, token: Option<&str>) -> (Result<LogPage, LogError>, Value) {
    let (body, requested) = (body.to_owned(), Arc::new(Mutex::new(Value::Null)));
    let recorded = Arc::clone(&requested);
    let config = service(move |request| {
        assert_eq!(request.target, "FilterLogEvents");
        *recorded.lock().expect("one at a time") = serde_json::from_str(&request.body).expect("JSON");
        Some((status, body.clone()))
    });
    let page = AwsLogs::new(&config).page(&QUERY, token).await;
    let requested = requested.lock().expect("one at a time").clone();
    (page, requested)
}

#[tokio::test]
async fn a_page_has_the_texts_and_the_token_of_the_next_one() {
    let body = r#"{"events":[{"timestamp":5,"message":"one"},{"timestamp":6},{"timestamp":7,"message":"two"}],"nextToken":"t","searchedLogStreams":[]}"#;
    let (read, requested) = page(200, body, Some("s")).await;
    assert_eq!(read, Ok(LogPage { texts: vec!["one".into(), "two".into()], next: Some("t".into()) }));
    let expected = json!({ "logGroupName": QUERY.group, "startTime": 5, "endTime": 9, "nextToken": "s" });
    assert_eq!(requested, expected);
    assert_eq!(page(200, "{}", None).await.0, Ok(LogPage::default()));
}

#[tokio::test]
async fn a_missing_log_group_is_another_error_than_a_failed_call() {
    let rejected = |kind: &str| format!(r#"{{"__type":"{kind}","message":"no"}}"#);
    let (read, _) = page(400, &rejected("ResourceNotFoundException"), None).await;
    assert_eq!(read, Err(LogError::NoLogGroup));
    let (read, _) = page(400, &rejected("AccessDeniedException"), None).await;
    let error = read.expect_err("a denied call").to_string();
    assert_eq!(error, "logs:FilterLogEvents: AccessDeniedException: no");
}
