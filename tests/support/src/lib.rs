//! The shared parts of the functions' tests: a cloud, records, a request queue and a response server in memory, each of
//! which can fail.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod cloud;
mod events;
mod handlers;
pub mod hooks;
mod records;
mod request_queue;
mod response_server;
mod service;

pub use cloud::{BEGIN_S, MemoryCloudFactory, settings, vars};
pub use events::{message, operator_sample, sample, sent, with};
pub use handlers::{DEADLINE_MS, InlineHandler, QueueingHandler, handler, handler_with, queueing_handler, writes};
pub use records::FlakyRecords;
pub use request_queue::FakeRequestQueue;
pub use response_server::FakeResponseServer;
pub use service::{Request, binary_service, service};

use memory_cloud::Clock;
use serde_json::Value;
use tokio::runtime::Builder;

/// Runs a task to its end under the clock's time. The timers of the response sender are tokio's, and need its runtime
/// around them.
pub fn run<T>(clock: &Clock, task: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    clock.run(task).expect("not killed")
}

/// The message of a FAILED reason, without the guidance for an operator.
pub fn message_of(reason: &str) -> &str {
    reason.split_once(" Function: ").map_or(reason, |(message, _)| message)
}

/// The message of a response, which has to be FAILED.
pub fn failed_message(response: &Value) -> String {
    assert_eq!(response["Status"], "FAILED", "{response}");
    message_of(response["Reason"].as_str().expect("a FAILED has a reason")).to_owned()
}

/// A response, which has to be SUCCESS.
pub fn successful(response: Value) -> Value {
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    response
}

/// Awaits a future that needs no time, at once.
pub trait BlockOn<T> {
    fn block_on(self) -> T;
}

impl<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>> BlockOn<T> for F {
    fn block_on(self) -> T {
        run(&Clock::default(), self).expect("readable")
    }
}
