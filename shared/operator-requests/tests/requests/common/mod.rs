//! Helpers that send events to a request handler: operator requests to the function `operator`, and those of CloudFormation as
//! the function `custom-resource` hands them over.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at invalid test data, and passes JSON by value"
)]

use operator_requests::{handle_read_request, handle_request};
use request_pass::RequestHandler;
use requests::{Records, RequestQueue};
use serde_json::Value;
pub use test_support::{BEGIN_S, BlockOn, InlineHandler, handler, handler_with, queueing_handler, sent, with, writes};
use test_support::{DEADLINE_MS, MemoryCloudFactory, failed_message, run, successful};

/// A sample of an operator request, or else of an event of CloudFormation.
pub fn sample(name: &str) -> Value {
    let is_of_cloudformation = ["create.json", "update.json", "delete.json"].contains(&name);
    if is_of_cloudformation {
        test_support::sample("custom-resource", name)
    } else {
        test_support::operator_sample(name)
    }
}

/// The result of an event: of the function `operator`, or the response of the request handler.
pub fn send<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: Value) -> Value {
    let account = &handler.cloud_factory.account;
    account.clock.advance(account.read_lag);
    if event.get("RequestType").is_some() {
        return run(&account.clock, handler.handle_request(&event, DEADLINE_MS)).expect("delivered");
    }
    operate(handler, &event.to_string())
}

/// The result of the function `operator`.
pub fn operate<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: &str) -> Value {
    run(&handler.cloud_factory.account.clock, handle_request(handler, event, DEADLINE_MS))
}

/// The result of the function `operator-read`.
pub fn read<R: Records, L: RequestQueue>(handler: &RequestHandler<R, MemoryCloudFactory, L>, event: &str) -> Value {
    let RequestHandler { settings, records, cloud_factory, .. } = handler;
    run(&cloud_factory.account.clock, handle_read_request(settings, records, cloud_factory, event))
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
