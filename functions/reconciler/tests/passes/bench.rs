//! A reconciler with all that is around it, and messages for it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use environment::Timestamp;
use reconciler::{CloudFactory as _, Reconciler, Settings};
use requests::{Records as _, Request, ResponseSender};
use serde_json::{Value, json};
use test_support::{
    BEGIN_S, FakeRequestQueue, FakeResponseServer, InMemory, Now as _, Shaky, message, run, settings, with,
};

/// How long an invocation may take here: a create needs three of them.
pub const INVOCATION: Duration = Duration::from_secs(75);

pub struct Bench {
    pub settings: Settings,
    pub records: Shaky,
    pub cloud_factory: InMemory,
    pub response_sender: ResponseSender,
    pub response_server: FakeResponseServer,
    pub request_queue: FakeRequestQueue,
    /// How often the function was invoked.
    pub invocations: Cell<usize>,
}

pub fn bench() -> Bench {
    let settings = settings(&[("CUSTOM_RESOURCE_FUNCTION", "the-door")]).expect("good settings");
    let (response_server, invocations) = (FakeResponseServer::default(), Cell::new(0));
    let response_sender = response_server.response_sender();
    Bench {
        settings,
        records: Shaky::default(),
        cloud_factory: InMemory::default(),
        response_sender,
        response_server,
        request_queue: FakeRequestQueue::default(),
        invocations,
    }
}

impl Bench {
    /// One invocation with these messages; the ids of those that failed.
    pub fn take(&self, messages: &[Value]) -> Vec<String> {
        self.invocations.set(self.invocations.get() + 1);
        let reconciler = self.reconciler();
        let batch = serde_json::from_value(json!({ "Records": messages })).expect("an event of SQS");
        let deadline = (self.cloud_factory.now() + INVOCATION).0;
        let response = run(&self.cloud_factory.account.clock, reconciler.handle(&self.request_queue, batch, deadline));
        assert!(self.cloud_factory.now() <= Timestamp(deadline), "it is over before Lambda ends it");
        response.batch_item_failures.into_iter().map(|it| it.item_identifier).collect()
    }

    pub fn reconciler(&self) -> Reconciler<'_, Shaky, InMemory> {
        Reconciler {
            settings: &self.settings,
            records: &self.records,
            cloud_factory: &self.cloud_factory,
            response_sender: &self.response_sender,
        }
    }

    /// Invocations until the message stays away, as the queue redelivers it.
    pub fn take_to_the_end(&self, event: &Value) {
        for _ in 0..60 {
            if self.take(&[message("1", event)]).is_empty() {
                return;
            }
            self.advance(self.requeued().map_or(INVOCATION, |(_, after)| after));
        }
        panic!("it comes back for ever");
    }

    /// Invocations for as long as the message comes back, which is while `waits`.
    pub fn take_while(&self, event: &Value, waits: impl Fn() -> bool) {
        while !self.take(&[message("1", event)]).is_empty() {
            assert!(waits(), "it comes back although nobody waits");
            self.advance(Duration::from_mins(5));
        }
        assert!(!waits(), "it is given up although somebody waits");
    }

    /// What the door does before it sends a request on.
    pub fn record_request(&self, event: &Value) {
        let (request, reconciler) = (request(event), self.reconciler());
        let work = reconciler.request_pass(&request);
        assert!(run(&self.cloud_factory.account.clock, work.admit()).is_ok());
    }

    pub fn requeued(&self) -> Option<(String, Duration)> {
        self.request_queue.coming_back.lock().expect("one thread").pop()
    }

    pub fn advance(&self, span: Duration) {
        self.cloud_factory.account.clock.advance(span);
    }

    /// The one reply that arrived since the last look.
    pub fn reply(&self) -> Value {
        let mut all = self.response_server.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub fn failed(&self) -> String {
        let reply = self.reply();
        assert_eq!(reply["Status"], "FAILED", "{reply}");
        reply["Reason"].as_str().expect("a FAILED has a reason").to_owned()
    }

    pub fn waits_for(&self, event: &Value) -> Option<requests::records::Progress> {
        self.records.inner.owner(&request(event).owner()).await_now().expect("a record").progress
    }

    /// Nothing is there twice.
    pub fn assert_nothing_twice(&self) {
        let all = self.cloud_factory.account.inventory();
        let keys: BTreeSet<_> = all.iter().map(environment::Resource::key).collect();
        assert_eq!(keys.len(), all.len());
    }
}

pub fn request(event: &Value) -> Request {
    Request::read(event, BEGIN_S * 1_000).expect("it makes sense")
}

pub fn sample(name: &str) -> Value {
    test_support::sample("custom-resource", name)
}

/// Created by public addresses, and not waited for: done within one invocation.
pub fn quick_create() -> Value {
    with(sample("create.json"), json!({ "ResourceProperties": { "Egress": "PublicIp", "WaitForInstances": "false" } }))
}
