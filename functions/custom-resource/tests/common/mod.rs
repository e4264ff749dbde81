//! A door over the in-memory cloud and in-memory records, and what is asked of it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use custom_resource::RequestHandler;
use requests::ResponseSender;
use requests::records::MemoryRecords;
use requests::{Records, RequestQueue};
use serde_json::Value;
pub use test_support::{BEGIN_S, FakeResponseServer, InMemory, Now, sent, with};
use test_support::{FakeRequestQueue, Shaky, run, settings};

/// Far away: what is tested here is not Lambda's time.
pub const DEADLINE_MS: u64 = 9_000_000_000_000;

/// One that carries requests out itself.
pub type TestDoor = RequestHandler<MemoryRecords, InMemory, FakeRequestQueue>;

pub fn door_with(variables: &[(&str, &str)]) -> TestDoor {
    let (records, cloud_factory) = (MemoryRecords::new(), InMemory::default());
    RequestHandler {
        settings: settings(variables),
        records,
        cloud_factory,
        response_sender: ResponseSender::new(),
        request_queue: None,
    }
}

pub fn handler() -> TestDoor {
    door_with(&[])
}

/// One that sends requests on.
pub type DoorToTheLine = RequestHandler<Shaky, InMemory, FakeRequestQueue>;

pub fn door_to_the_line() -> (DoorToTheLine, FakeResponseServer) {
    let response_server = FakeResponseServer::default();
    let (records, cloud_factory, request_queue) =
        (Shaky::default(), InMemory::default(), Some(FakeRequestQueue::default()));
    (
        RequestHandler {
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

/// What the invocation comes to.
pub fn invoke<R: Records, L: RequestQueue>(
    handler: &RequestHandler<R, InMemory, L>,
    event: Value,
) -> Result<Value, String> {
    let account = &handler.cloud_factory.account;
    account.clock.advance(account.read_lag);
    run(&account.clock, handler.handle(event, DEADLINE_MS)).map_err(|error| error.to_string())
}

pub fn ask<R: Records, L: RequestQueue>(handler: &RequestHandler<R, InMemory, L>, event: Value) -> Value {
    invoke(handler, event).expect("delivered")
}

/// The answer's reason, of an answer that has to be FAILED.
pub fn failed<R: Records, L: RequestQueue>(handler: &RequestHandler<R, InMemory, L>, event: Value) -> String {
    let response = ask(handler, event);
    assert_eq!(response["Status"], "FAILED", "{response}");
    response["Reason"].as_str().expect("a FAILED has a reason").to_owned()
}

pub fn succeeded<R: Records, L: RequestQueue>(handler: &RequestHandler<R, InMemory, L>, event: Value) -> Value {
    let response = ask(handler, event);
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    response
}

pub fn writes<R, L>(handler: &RequestHandler<R, InMemory, L>) -> usize {
    handler.cloud_factory.writes()
}
