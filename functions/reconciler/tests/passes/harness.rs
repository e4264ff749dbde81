//! A reconciler with fakes of all services around it, and messages for it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use environment::Timestamp;
use reconciler::{Reconciler, Settings};
use request_pass::{CloudFactory as _, RequestPass};
use requests::records::LatestRequest;
use requests::{Records as _, Request, ResponseSender};
use serde_json::{Value, json};
use test_support::{
    BEGIN_S, BlockOn as _, FakeRequestQueue, FakeResponseServer, FlakyRecords, MemoryCloudFactory, failed_message,
    message, run, vars, with,
};

/// The time limit of an invocation in these tests: a Create needs three invocations.
pub const INVOCATION: Duration = Duration::from_secs(75);

pub struct Harness {
    pub settings: Settings,
    pub records: FlakyRecords,
    pub cloud_factory: MemoryCloudFactory,
    pub response_sender: ResponseSender,
    pub response_server: FakeResponseServer,
    pub request_queue: FakeRequestQueue,
    /// The number of invocations of the function.
    pub invocations: Cell<usize>,
    /// The hashes of the requests that were recorded before an invocation.
    recorded: RefCell<BTreeSet<String>>,
}

pub fn harness() -> Harness {
    let settings = Settings::from_vars(vars(&[("RECONCILERS_AT_ONCE", "5")])).expect("good settings");
    let (response_server, invocations) = (FakeResponseServer::default(), Cell::new(0));
    let response_sender = response_server.response_sender();
    Harness {
        settings,
        records: FlakyRecords::default(),
        cloud_factory: MemoryCloudFactory::default(),
        response_sender,
        response_server,
        request_queue: FakeRequestQueue::default(),
        invocations,
        recorded: RefCell::default(),
    }
}

impl Harness {
    /// Runs one invocation with these messages, and returns the ids of the failed messages. The first request of each
    /// owner was recorded before, as the function `custom-resource` does.
    pub fn invoke(&self, messages: &[Value]) -> Vec<String> {
        let mut groups = BTreeSet::new();
        for message in messages {
            let event = message["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
            let now_ms = self.cloud_factory.now().0;
            let request: Option<Request> = event.and_then(|event: Value| Request::read(&event, now_ms).ok());
            let is_new = |it: &Request| self.recorded.borrow_mut().insert(it.hash.clone());
            if let Some(request) = request.filter(|it| groups.insert(it.owner()) && is_new(it)) {
                self.records.inner.record_request(&request.owner(), LatestRequest::of_request(&request)).block_on();
            }
        }
        self.deliver(messages)
    }

    /// Runs one invocation with these messages, which anyone may have sent.
    pub fn deliver(&self, messages: &[Value]) -> Vec<String> {
        self.invocations.set(self.invocations.get() + 1);
        let reconciler = self.reconciler();
        let batch = serde_json::from_value(json!({ "Records": messages })).expect("an SQS event");
        let deadline = (self.cloud_factory.now() + INVOCATION).0;
        let response = run(&self.cloud_factory.account.clock, reconciler.handle(&self.request_queue, batch, deadline));
        assert!(self.cloud_factory.now() <= Timestamp(deadline), "the invocation ends before its deadline");
        response.batch_item_failures.into_iter().map(|it| it.item_identifier).collect()
    }

    pub fn reconciler(&self) -> Reconciler<'_, FlakyRecords, MemoryCloudFactory> {
        Reconciler {
            settings: &self.settings,
            records: &self.records,
            cloud_factory: &self.cloud_factory,
            response_sender: &self.response_sender,
        }
    }

    /// Runs invocations until the message is not requeued, with the queue's redelivery delays.
    pub fn invoke_until_done(&self, event: &Value) {
        for _ in 0..60 {
            if self.invoke(&[message("1", event)]).is_empty() {
                return;
            }
            self.advance(self.requeued().map_or(INVOCATION, |(_, after)| after));
        }
        panic!("the message is still requeued after 60 invocations");
    }

    /// Runs invocations while the message is requeued, and asserts that this is as long as `is_waiting`.
    pub fn invoke_while(&self, event: &Value, is_waiting: impl Fn() -> bool) {
        while !self.invoke(&[message("1", event)]).is_empty() {
            assert!(is_waiting(), "the message is requeued after CloudFormation stopped waiting");
            self.advance(Duration::from_mins(5));
        }
        assert!(!is_waiting(), "the message is removed while CloudFormation waits");
    }

    /// Records a request, as a function does before it queues the request.
    pub fn record_request(&self, event: &Value) {
        let request = Request::read_recorded(event, self.cloud_factory.now().0).expect("a valid request");
        assert!(run(&self.cloud_factory.account.clock, self.pass(&request).admit()).is_ok());
    }

    pub fn pass<'a>(&'a self, request: &'a Request) -> RequestPass<'a, FlakyRecords, MemoryCloudFactory> {
        let Harness { settings, records, cloud_factory, .. } = self;
        RequestPass { settings: &settings.pass, records, cloud_factory, request }
    }

    pub fn requeued(&self) -> Option<(String, Duration)> {
        self.request_queue.requeued.lock().expect("one thread").pop()
    }

    pub fn advance(&self, span: Duration) {
        self.cloud_factory.account.clock.advance(span);
    }

    /// The only response that arrived since the last call.
    pub fn response(&self) -> Value {
        let mut all = self.response_server.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub fn failed_reason(&self) -> String {
        failed_message(&self.response())
    }

    pub fn progress(&self, event: &Value) -> Option<requests::records::Progress> {
        self.records.inner.owner(&request(event).owner()).block_on().expect("a record").progress
    }

    /// Asserts that each resource exists only once.
    pub fn assert_no_duplicates(&self) {
        let all = self.cloud_factory.account.inventory();
        let keys: BTreeSet<_> = all.iter().map(environment::Resource::key).collect();
        assert_eq!(keys.len(), all.len());
    }
}

pub fn request(event: &Value) -> Request {
    Request::read(event, BEGIN_S * 1_000).expect("a valid request")
}

pub fn sample(name: &str) -> Value {
    test_support::sample("custom-resource", name)
}

/// A Create with public addresses that does not wait for instances: done within one invocation.
pub fn quick_create() -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": { "Egress": "PublicIp", "WaitForInstances": "false" } }))
}
