//! A request handler over the in-memory cloud and in-memory records, and helpers that send events.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use custom_resource::RequestHandler;
use requests::ResponseSender;
use requests::records::MemoryRecords;
use requests::{Records, RequestQueue};
use serde_json::Value;
pub use test_support::{BEGIN_S, BlockOn, FakeResponseServer, MemoryCloudFactory, sent, with};
use test_support::{FakeRequestQueue, FlakyRecords, message_of, run, settings};

/// A distant deadline: these tests are not about Lambda's time limit.
pub const DEADLINE_MS: u64 = 9_000_000_000_000;

/// A handler that processes requests itself.
pub type InlineHandler = RequestHandler<MemoryRecords, MemoryCloudFactory, FakeRequestQueue>;

pub fn handler_with(variables: &[(&str, &str)]) -> InlineHandler {
    let (records, cloud_factory) = (MemoryRecords::new(), MemoryCloudFactory::default());
    RequestHandler {
        function_name: "custom-resource".into(),
        settings: settings(variables),
        records,
        cloud_factory,
        response_sender: ResponseSender::new(),
        request_queue: None,
    }
}

pub fn handler() -> InlineHandler {
    handler_with(&[])
}

/// A handler that queues requests for the reconciler.
pub type QueueingHandler = RequestHandler<FlakyRecords, MemoryCloudFactory, FakeRequestQueue>;

pub fn queueing_handler() -> (QueueingHandler, FakeResponseServer) {
    let response_server = FakeResponseServer::default();
    let (records, cloud_factory, request_queue) =
        (FlakyRecords::default(), MemoryCloudFactory::default(), Some(FakeRequestQueue::default()));
    (
        RequestHandler {
            function_name: "custom-resource".into(),
            settings: settings(&[]),
            records,
            cloud_factory,
            response_sender: response_server.response_sender(),
            request_queue,
        },
        response_server,
    )
}

pub fn sample(name: &str) -> Value {
    test_support::sample("custom-resource", name)
}

/// The result of an invocation.
pub fn invoke<R: Records, L: RequestQueue>(
    handler: &RequestHandler<R, MemoryCloudFactory, L>,
    event: Value,
) -> Result<Value, String> {
    let account = &handler.cloud_factory.account;
    account.clock.advance(account.read_lag);
    run(&account.clock, handler.handle(&event.to_string(), DEADLINE_MS)).map_err(|error| error.to_string())
}

pub fn send<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> Value {
    invoke(handler, event).expect("delivered")
}

/// The reason of a response, which has to be FAILED.
pub fn failed<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> String {
    let response = send(handler, event);
    assert_eq!(response["Status"], "FAILED", "{response}");
    message_of(response["Reason"].as_str().expect("a FAILED has a reason")).to_owned()
}

pub fn succeeded<R: Records, L: RequestQueue>(
    handler: &RequestHandler<R, MemoryCloudFactory, L>,
    event: Value,
) -> Value {
    let response = send(handler, event);
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    response
}

pub fn writes<R, L>(handler: &RequestHandler<R, MemoryCloudFactory, L>) -> usize {
    handler.cloud_factory.write_count()
}
