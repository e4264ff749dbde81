//! Helpers that send events to a request handler: those of CloudFormation to this function, those of operators to theirs.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use operator_requests::handle_request;
use request_pass::RequestHandler;
use requests::{Records, RequestQueue};
use serde_json::Value;
pub use test_support::{
    BEGIN_S, BlockOn, DEADLINE_MS, InlineHandler, QueueingHandler, handler, handler_with, operator_sample,
    queueing_handler, sent, with, writes,
};
use test_support::{MemoryCloudFactory, failed_message, run, successful};

/// A sample of an event of CloudFormation.
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
    run(&account.clock, custom_resource::handle(handler, &event.to_string(), DEADLINE_MS))
        .map_err(|error| error.to_string())
}

/// The result of an invocation of the function `operator`, whose parts are the same.
pub fn operate<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> Value {
    let account = &handler.cloud_factory.account;
    account.clock.advance(account.read_lag);
    run(&account.clock, handle_request(handler, &event.to_string(), DEADLINE_MS))
}

pub fn send<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> Value {
    invoke(handler, event).expect("delivered")
}

/// The message of the response to an event, which has to be FAILED.
pub fn failed<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> String {
    failed_message(&send(handler, event))
}

/// The response to an event, which has to be SUCCESS.
pub fn succeeded<R: Records, L: RequestQueue>(
    handler: &RequestHandler<R, MemoryCloudFactory, L>,
    event: Value,
) -> Value {
    successful(send(handler, event))
}
