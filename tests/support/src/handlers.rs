//! Request handlers over the in-memory cloud and in-memory records.

use request_pass::RequestHandler;
use requests::ResponseSender;
use requests::records::MemoryRecords;

use crate::{FakeRequestQueue, FakeResponseServer, FlakyRecords, MemoryCloudFactory, settings};

/// A distant deadline, for tests that are not about Lambda's time limit.
pub const DEADLINE_MS: u64 = 9_000_000_000_000;

/// A handler that processes requests itself.
pub type InlineHandler = RequestHandler<MemoryRecords, MemoryCloudFactory, FakeRequestQueue>;

/// A handler that queues requests for the reconciler.
pub type QueueingHandler = RequestHandler<FlakyRecords, MemoryCloudFactory, FakeRequestQueue>;

/// A handler with these environment variables in addition to the required ones.
pub fn handler_with(variables: &[(&str, &str)]) -> InlineHandler {
    RequestHandler {
        function_name: "custom-resource".into(),
        settings: settings(variables),
        records: MemoryRecords::new(),
        cloud_factory: MemoryCloudFactory::default(),
        response_sender: ResponseSender::new(),
        request_queue: None,
    }
}

/// A handler with the required environment variables.
pub fn handler() -> InlineHandler {
    handler_with(&[])
}

/// A handler with a request queue, and the server that receives its responses.
pub fn queueing_handler() -> (QueueingHandler, FakeResponseServer) {
    let response_server = FakeResponseServer::default();
    let handler = RequestHandler {
        function_name: "custom-resource".into(),
        settings: settings(&[]),
        records: FlakyRecords::default(),
        cloud_factory: MemoryCloudFactory::default(),
        response_sender: response_server.response_sender(),
        request_queue: Some(FakeRequestQueue::default()),
    };
    (handler, response_server)
}

/// The number of writing calls to the account.
pub fn writes<R, Q>(handler: &RequestHandler<R, MemoryCloudFactory, Q>) -> usize {
    handler.cloud_factory.write_count()
}
