//! The publisher of Envkeeper's own events, on the wire: no event is lost, whatever the bus responds.
#![allow(clippy::unwrap_used, reason = "a test panics at the first violation")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use requests::{EventBus, EventPublisher, QueueSender};
use serde_json::{Value, json};

const QUEUE: &str = "https://sqs.us-west-2.amazonaws.com/123456789012/ledger";

/// The response of EventBridge to one PutEvents.
#[derive(Clone, Copy, Debug)]
enum Put {
    Accepted,
    /// The call is successful, and its entry is rejected with this code.
    Rejected(&'static str),
    /// The call is rejected with this code.
    Denied(&'static str),
    /// No response.
    Silence,
}

/// EventBridge with these responses, and an SQS that accepts every message.
#[derive(Clone, Debug)]
struct Aws {
    puts: Arc<Mutex<VecDeque<Put>>>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.calls.lock().unwrap().push((operation.clone(), body));
        let (status, body) = if operation.starts_with("AWSEvents") {
            match self.puts.lock().unwrap().pop_front().unwrap() {
                Put::Accepted => (200, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })),
                Put::Rejected(code) => {
                    let entry = json!({ "ErrorCode": code, "ErrorMessage": "the message" });
                    (200, json!({ "FailedEntryCount": 1, "Entries": [entry] }))
                }
                Put::Denied(code) => (400, json!({ "__type": code, "message": "the message" })),
                Put::Silence => return HttpConnectorFuture::new(std::future::pending()),
            }
        } else {
            (200, json!({ "MessageId": "1" }))
        };
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// The builder of a client of this service, which calls the fake.
macro_rules! client {
    ($service:ident, $aws:expr) => {{
        let connector = SharedHttpConnector::new($aws.clone());
        let credentials = $service::config::Credentials::new("fake-access-key", "fake-secret", None, None, "tests");
        let config = $service::Config::builder()
            .behavior_version($service::config::BehaviorVersion::latest())
            .region($service::config::Region::new("us-west-2"))
            .credentials_provider(credentials)
            .http_client(http_client_fn(move |_, _| connector.clone()));
        $service::Client::from_conf(config.build())
    }};
}

fn event() -> Value {
    json!({
        "version": "0", "id": "Launch Gate Verdict i-1 -", "detail-type": "Launch Gate Verdict", "source": "envkeeper",
        "time": "2026-01-02T03:05:10.250Z",
        "detail": { "Outcome": "abandon", "EventId": "Launch Gate Verdict i-1 -", "Reason": "a\u{fffe}b" },
    })
}

/// The calls for one event, with EventBridge's responses.
async fn published(event: &Value, puts: &[Put]) -> Vec<(String, Value)> {
    let aws = Aws { puts: Arc::new(Mutex::new(puts.iter().copied().collect())), calls: Arc::default() };
    let bus = EventBus::new(client!(aws_sdk_eventbridge, aws), "own-events");
    let queue = QueueSender::new(client!(aws_sdk_sqs, aws), QUEUE);
    EventPublisher::new(Some(bus), Some(queue)).publish(event).await.unwrap();
    assert!(aws.puts.lock().unwrap().is_empty(), "EventBridge was called less often");
    let calls = aws.calls.lock().unwrap();
    calls.clone()
}

fn operations(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(operation, _)| operation.split('.').nth(1).unwrap()).collect()
}

#[tokio::test]
async fn an_accepted_event_is_put_once_with_all_of_its_fields_and_is_not_queued() {
    let calls = published(&event(), &[Put::Accepted]).await;
    assert_eq!(operations(&calls), ["PutEvents"]);
    let mut entry = calls[0].1["Entries"][0].clone();
    let detail = entry["Detail"].take();
    let expected = json!({
        "EventBusName": "own-events", "Source": "envkeeper", "DetailType": "Launch Gate Verdict", "Detail": null,
        "Time": 1_767_323_110.25,
    });
    assert_eq!(entry, expected);
    let detail = detail.as_str().unwrap();
    assert!(!detail.contains('\u{fffe}'), "a queue behind a rule rejects the character");
    assert_eq!(serde_json::from_str::<Value>(detail).unwrap(), event()["detail"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_bus_does_not_accept_is_queued_whole() {
    for (puts, expected) in [
        (vec![Put::Rejected("ThrottlingException"), Put::Accepted], vec!["PutEvents", "PutEvents"]),
        (vec![Put::Rejected("InternalFailure"), Put::Accepted], vec!["PutEvents", "PutEvents"]),
        (vec![Put::Rejected("InternalFailure"); 2], vec!["PutEvents", "PutEvents", "SendMessage"]),
        (vec![Put::Rejected("NotAuthorizedForSourceException")], vec!["PutEvents", "SendMessage"]),
        (vec![Put::Rejected("MalformedDetail")], vec!["PutEvents", "SendMessage"]),
        (vec![Put::Denied("AccessDeniedException")], vec!["PutEvents", "SendMessage"]),
        (vec![Put::Silence], vec!["PutEvents", "SendMessage"]),
    ] {
        let calls = published(&event(), &puts).await;
        assert_eq!(operations(&calls), expected, "{puts:?}");
        if let Some((_, message)) = calls.iter().find(|(operation, _)| operation.ends_with("SendMessage")) {
            assert_eq!(message["QueueUrl"], QUEUE);
            let body = message["MessageBody"].as_str().unwrap();
            assert_eq!(serde_json::from_str::<Value>(body).unwrap(), event(), "{puts:?}");
        }
    }
}

/// A queue accepts four times as much as every bus.
#[tokio::test]
async fn an_event_that_no_bus_accepts_is_queued_at_once() {
    let mut long = event();
    long["detail"]["Reason"] = "x".repeat(256 * 1_024).into();
    assert_eq!(operations(&published(&long, &[]).await), ["SendMessage"]);
    let mut untimed = event();
    untimed["time"] = "soon".into();
    assert_eq!(operations(&published(&untimed, &[]).await), ["SendMessage"]);
}

#[tokio::test]
async fn without_a_bus_an_event_is_queued_and_without_a_queue_nothing_is_published() {
    let aws = Aws { puts: Arc::default(), calls: Arc::default() };
    EventPublisher::new(None, Some(QueueSender::new(client!(aws_sdk_sqs, aws), QUEUE)))
        .publish(&event())
        .await
        .unwrap();
    assert_eq!(operations(&aws.calls.lock().unwrap()), ["SendMessage"]);
    let bus = EventBus::new(client!(aws_sdk_eventbridge, aws), "own-events");
    EventPublisher::new(Some(bus), None).publish(&event()).await.unwrap();
    assert_eq!(aws.calls.lock().unwrap().len(), 1);
}
