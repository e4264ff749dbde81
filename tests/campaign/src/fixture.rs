//! All parts in one process under virtual time: CloudFormation's side of the protocol, the three functions as Lambda
//! runs them, and the in-memory cloud.

mod setup;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use environment::rollout::{Action, RolloutCloud as _, RolloutSettings, Trigger, decide};
use environment::{CallError, Names, Timestamp, mark};
use memory_cloud::{MemoryAccount, Session};
use operator_requests::handle_request;
use reconciler::{Reconciler, Settings};
use request_pass::{RequestHandler, StackState, recorded_rollout, scope};
use requests::records::MemoryRecords;
use requests::{DueReason, Owner, Records as _, RequestQueue as _, ResponseSender, time_text};
use serde_json::{Value, json};
use test_support::{BEGIN_S, MemoryCloudFactory};
use watchdog::{MarkedResource, OwnershipMarks, Watchdog};

use crate::responses::flaws;
use crate::services::{FaultyRecords, FifoQueue, Message, ResponseEndpoint, ServiceFaults};
use setup::{batch, settings, watchdog_settings};

pub use setup::{Resource, properties};

/// The values of `infra/template.yaml`: the reconciler's timeout, the visibility timeout of its messages, and the
/// number of concurrent reconcilers.
const RECONCILER_TIMEOUT: Duration = Duration::from_mins(2);
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(150);
pub const RECONCILERS_AT_ONCE: usize = 5;

/// The time that CloudFormation waits after sending a request without a `ServiceTimeout`.
pub const STACK_TIMEOUT: Duration = Duration::from_hours(1);

/// After this time no message can still be in progress.
const IDLE_TIMEOUT: Duration = Duration::from_hours(3);

const STACK: &str = "arn:aws:cloudformation:us-west-2:111122223333:stack/campaign";
const HOST: &str = "127.0.0.1:9";

/// All ownership marks in the account.
struct AllMarks<'a>(&'a MemoryAccount);

impl OwnershipMarks for AllMarks<'_> {
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError> {
        let all = self.0.inventory().into_iter();
        let marked = all.filter_map(|it| {
            let tag = |key: &str| it.tags.get(key).cloned();
            let environment = tag(mark::ENVIRONMENT).unwrap_or_default();
            Some(MarkedResource {
                owner: tag(mark::OWNER)?,
                environment,
                resource: it.key().to_string(),
                copyable_id: None,
            })
        });
        Ok(marked.collect())
    }

    async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError> {
        Ok(resources)
    }
}

/// The response to CloudFormation.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    Success,
    Failed(String),
    /// No response while CloudFormation waits.
    Nothing,
}

/// The account and all running parts of one run.
pub struct Fixture {
    handler: RequestHandler<FaultyRecords, MemoryCloudFactory, FifoQueue>,
    settings: Settings,
    pub services: Arc<ServiceFaults>,
    response_endpoint: ResponseEndpoint,
    /// The response sender's timeouts use tokio's clock; under the fixture's own clock they never expire.
    runtime: tokio::runtime::Runtime,
    next_request: Cell<u64>,
    /// By response URL: the time of each request, and the last delivered event.
    requests: RefCell<BTreeMap<String, (Timestamp, Value)>>,
    /// The time limit of a reconciler in this run.
    pub invocation_limit: Cell<Duration>,
    /// Whether reconcilers don't start.
    pub reconcilers_stopped: Cell<bool>,
    /// Whether the next crash kills every function, and none starts again until a row says so.
    pub outage_follows_crash: Cell<bool>,
    /// Whether every function is dead.
    functions_dead: Cell<bool>,
    /// The number of each invocation's first call, and the deadline.
    invocations: RefCell<Vec<(usize, Timestamp)>>,
}

impl Fixture {
    /// A fixture with an empty account, in which instances have no lifecycle hooks.
    pub fn new() -> Fixture {
        Fixture::of(settings())
    }

    /// A fixture with an empty account, in which the in-memory cloud completes the lifecycle hooks of instances.
    pub fn with_hooks() -> Fixture {
        let mut settings = settings();
        settings.pass.hooks_are_handled = true;
        Fixture::of(settings)
    }

    fn of(settings: Settings) -> Fixture {
        let services = Arc::new(ServiceFaults::default());
        let response_endpoint = ResponseEndpoint::new(Arc::clone(&services));
        let handler = RequestHandler {
            function_name: "custom-resource".into(),
            settings: Ok(settings.pass.clone()),
            records: FaultyRecords { inner: Arc::new(MemoryRecords::new()), services: Arc::clone(&services) },
            cloud_factory: MemoryCloudFactory::default(),
            response_sender: ResponseSender::with_connector(response_endpoint.clone()),
            request_queue: Some(FifoQueue::new(Arc::clone(&services))),
        };
        Fixture {
            handler,
            settings,
            services,
            response_endpoint,
            runtime: paused_runtime(),
            next_request: Cell::new(1),
            requests: RefCell::default(),
            invocation_limit: Cell::new(RECONCILER_TIMEOUT),
            reconcilers_stopped: Cell::new(false),
            outage_follows_crash: Cell::new(false),
            functions_dead: Cell::new(false),
            invocations: RefCell::default(),
        }
    }

    pub fn account(&self) -> &MemoryAccount {
        &self.handler.cloud_factory.account
    }

    /// Sets the state of all stacks.
    pub fn set_stack(&mut self, stack: StackState) {
        self.handler.cloud_factory.stack = Some(stack);
    }

    pub fn names(&self, suffix: &str) -> Names {
        self.settings.pass.deployment.names(suffix)
    }

    /// Whether a due pass is left to come.
    pub async fn has_tasks(&self) -> bool {
        self.handler.records.inner.due(u64::MAX, 1).await.is_ok_and(|due| !due.is_empty())
    }

    /// The action that a due pass of a resource's environment would choose now; `None` without a group.
    pub async fn next_rollout_action(
        &self,
        resource: &Resource,
        suffix: &str,
        settings: &RolloutSettings,
    ) -> Option<Action> {
        let owner = Owner::of(&resource.stack, &resource.logical_id);
        let record = self.handler.records.inner.owner(&owner).await.ok()??;
        let rollout = recorded_rollout(Some(&record));
        let scope = scope(owner.as_str(), self.names(suffix), Some(&record), true);
        let session = Session::new(self.account(), "the next action");
        let observed = session.observe_rollout(&scope, &settings.alarms).await.ok()??;
        let desired = rollout.desired.as_ref()?;
        let situation = observed.situation(&rollout, settings, desired, (Trigger::Due, self.now()));
        Some(decide(&situation))
    }

    /// Sends an operator request to the function `operator`, and returns the result; `Null` if the function crashed.
    pub async fn operator_request(&self, event: &Value) -> Value {
        let limit = Duration::from_mins(1);
        let deadline = self.now() + limit;
        let result = self.process(limit, Box::pin(handle_request(&self.handler, &event.to_string(), deadline.0))).await;
        result.unwrap_or(Value::Null)
    }

    /// Requests a due pass, as the function `lifecycle-hook` does for an instance that its gate has abandoned.
    pub async fn wake(&self, resource: &Resource, instance: &str) {
        let owner = Owner::of(&resource.stack, &resource.logical_id);
        let sent = self.request_queue().send_due(&owner, DueReason::Abandoned(instance)).await;
        sent.expect("no fault was injected");
    }

    fn now(&self) -> Timestamp {
        self.account().clock.now()
    }

    /// Runs all parts until the script is done.
    pub fn run<T>(&self, script: impl Future<Output = T>) -> T {
        let _guard = self.runtime.enter();
        let finished = self.account().clock.run(async {
            let mut script = pin!(script);
            let mut background = pin!(self.background());
            poll_fn(|context| {
                self.services.set_now(self.now().0);
                let finished = script.as_mut().poll(context);
                if finished.is_pending() {
                    // The background services never end by themselves.
                    let _ = background.as_mut().poll(context);
                    if self.services.take_activity() {
                        context.waker().wake_by_ref();
                    }
                }
                finished
            })
            .await
        });
        finished.expect("faults kill processes, and never the fixture")
    }

    async fn background(&self) {
        tokio::join!(self.poller(), self.each_minute());
    }

    async fn sleep(&self, span: Duration) {
        self.account().clock.sleep(span).await;
    }

    /// Kills every function, or lets them start again. Dead functions complete no lifecycle action.
    pub fn set_functions_dead(&self, dead: bool) {
        self.functions_dead.set(dead);
        self.account().hooks_unanswered.set(dead);
    }

    /// Runs a process. The result is `None` if the process was killed, or reached its time limit.
    async fn process<T>(&self, limit: Duration, task: impl Future<Output = T>) -> Option<T> {
        let mut task = pin!(task);
        let mut end = pin!(self.sleep(limit));
        poll_fn(|context| {
            if self.functions_dead.get() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(result) = task.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            let killed = self.account().clock.take_halt() | self.services.take_killed();
            if killed && self.outage_follows_crash.take() {
                self.set_functions_dead(true);
            }
            if killed || end.as_mut().poll(context).is_ready() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    fn request_queue(&self) -> &FifoQueue {
        self.handler.request_queue.as_ref().expect("a request queue")
    }

    /// Lambda's poller of the request queue, which starts a reconciler for each message.
    async fn poller(&self) {
        let mut running: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        let mut wakeup = None;
        poll_fn(|context| {
            running.retain_mut(|invocation| invocation.as_mut().poll(context).is_pending());
            while running.len() < RECONCILERS_AT_ONCE {
                let Some(message) = self.request_queue().receive(VISIBILITY_TIMEOUT) else { break };
                let mut invocation: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(self.reconciler(message));
                if invocation.as_mut().poll(context).is_pending() {
                    running.push(invocation);
                }
            }
            // A sent message, and the end of an invocation, wake the poller by themselves.
            let next = self.request_queue().next_ms().filter(|_| running.len() < RECONCILERS_AT_ONCE);
            if wakeup.as_ref().map(|(until, _)| *until) != next {
                wakeup = next.map(|until| (until, Box::pin(self.sleep(Timestamp(until) - self.now()))));
            }
            if let Some((_, wakeup)) = &mut wakeup {
                let _ = wakeup.as_mut().poll(context);
            }
            Poll::<()>::Pending
        })
        .await;
    }

    async fn reconciler(&self, message: Message) {
        if self.reconcilers_stopped.get() {
            return;
        }
        let invocation_limit = self.invocation_limit.get();
        let deadline = self.now() + invocation_limit;
        self.invocations.borrow_mut().push((self.account().calls.borrow().len(), deadline));
        let reconciler = Reconciler {
            settings: &self.settings,
            records: &self.handler.records,
            cloud_factory: &self.handler.cloud_factory,
            response_sender: &self.handler.response_sender,
        };
        let (id, receipt) = (message.id, message.receipt());
        let finished =
            self.process(invocation_limit, reconciler.handle(self.request_queue(), batch(message), deadline.0)).await;
        match finished {
            Some(response) if response.batch_item_failures.is_empty() => self.request_queue().delete(id),
            Some(_) => self.request_queue().report_failed(&receipt),
            None => {}
        }
    }

    fn watchdog(&self) -> Watchdog<FaultyRecords, AllMarks<'_>, &FifoQueue> {
        Watchdog {
            settings: watchdog_settings(),
            records: self.handler.records.clone(),
            marks: AllMarks(self.account()),
            request_queue: Some(self.request_queue()),
            response_sender: ResponseSender::with_connector(self.response_endpoint.clone()),
        }
    }

    async fn each_minute(&self) {
        let watchdog = self.watchdog();
        loop {
            self.sleep(Duration::from_mins(1)).await;
            let now = self.now();
            // As with the function, a failure is followed by the next run a minute later.
            let minute = Duration::from_mins(1);
            self.process(minute, watchdog.handle(json!({}), now.0, (now + minute).0)).await;
        }
    }

    /// Builds a request with CloudFormation's format and the current time.
    pub fn request(&self, resource: &Resource, kind: &str, properties: &Value) -> Value {
        let number = self.next_request.replace(self.next_request.get() + 1);
        let date: String = time_text(self.now().0).chars().filter(|c| !"-:".contains(*c)).collect();
        let url = format!("http://{HOST}/request-{number}-?X-Amz-Date={date}&X-Amz-Expires=7200");
        let mut event = json!({
            "RequestType": kind, "RequestId": format!("request-{number}"), "ResponseURL": url.clone(),
            "StackId": resource.stack, "LogicalResourceId": resource.logical_id,
            "ResourceType": "Custom::ScalableEnvironment", "ResourceProperties": properties,
        });
        if kind != "Create" {
            event["PhysicalResourceId"] = json!(resource.id);
        }
        if kind == "Update" {
            event["OldResourceProperties"] = properties.clone();
        }
        self.requests.borrow_mut().insert(url, (self.now(), event.clone()));
        event
    }

    /// Delivers an event as Lambda does for asynchronous invocations: with retries after one and after two minutes.
    /// After the last attempt the event is sent to the watchdog.
    pub async fn deliver(&self, event: &Value) {
        if let Some((_, delivered)) = self.requests.borrow_mut().get_mut(address(event)) {
            delivered.clone_from(event);
        }
        for pause in [0, 60, 120] {
            self.sleep(Duration::from_secs(pause)).await;
            let limit = Duration::from_mins(1);
            let deadline = self.now() + limit;
            if let Some(Ok(_)) = self
                .process(limit, Box::pin(custom_resource::handle(&self.handler, &event.to_string(), deadline.0)))
                .await
            {
                return;
            }
        }
        let dead_letter = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event });
        let message =
            json!({ "Records": [{ "messageId": "dead-letter", "body": dead_letter.to_string(), "attributes": {} }] });
        let watchdog = self.watchdog();
        let minute = Duration::from_mins(1);
        let now = self.now();
        self.process(minute, watchdog.handle(message, now.0, (now + minute).0)).await;
    }

    /// The time until which CloudFormation waits for the response to a request.
    fn waits_until(&self, event: &Value) -> Timestamp {
        let sent = self.requests.borrow().get(address(event)).map_or(Timestamp(0), |(sent, _)| *sent);
        let timeout = event["ServiceTimeout"].as_str().and_then(|it| it.parse().ok());
        sent + timeout.map_or(STACK_TIMEOUT, Duration::from_secs)
    }

    /// The response to a request while CloudFormation waited; `None` if no response arrived yet.
    pub fn response_to(&self, event: &Value) -> Option<Response> {
        let body = self.response_endpoint.response(address(event), self.waits_until(event).0)?;
        let reason = || body["Reason"].as_str().unwrap_or_default().to_owned();
        Some(if body["Status"] == "SUCCESS" { Response::Success } else { Response::Failed(reason()) })
    }

    /// The flaws of the responses to all requests.
    pub fn flaws(&self) -> String {
        let requests = self.requests.borrow();
        requests.iter().flat_map(|(url, (_, event))| flaws(event, &self.response_endpoint.bodies(url))).collect()
    }

    /// Waits until `found` returns a value; `None` after `span`.
    async fn until<T>(&self, span: Duration, found: impl Fn() -> Option<T>) -> Option<T> {
        let mut end = pin!(self.sleep(span));
        poll_fn(|context| match found() {
            None => end.as_mut().poll(context).map(|()| None),
            found => Poll::Ready(found),
        })
        .await
    }

    /// Waits for the response as CloudFormation does.
    pub async fn wait_for_response(&self, event: &Value) -> Response {
        let span = self.waits_until(event) - self.now();
        self.until(span, || self.response_to(event)).await.unwrap_or(Response::Nothing)
    }

    /// Sends a request, and waits for the response.
    pub async fn send(&self, resource: &Resource, kind: &str, properties: &Value) -> Response {
        let event = self.request(resource, kind, properties);
        self.deliver(&event).await;
        self.wait_for_response(&event).await
    }

    /// Waits until the request queue is empty.
    pub async fn wait_until_idle(&self) {
        let finished = self.until(IDLE_TIMEOUT, || self.request_queue().is_empty().then_some(())).await;
        assert!(
            finished.is_some(),
            "the request queue is not empty after {IDLE_TIMEOUT:?}: {}",
            self.request_queue().summary()
        );
    }

    pub async fn wait(&self, span: Duration) {
        self.sleep(span).await;
    }

    /// The inventory as text, without the settings that only a create has.
    pub fn inventory(&self) -> Vec<String> {
        let all = self.account().inventory();
        let lines = all.iter().map(|it| {
            let mut settings: Vec<String> = it.settings().iter().map(ToString::to_string).collect();
            settings.retain(|it| !it.starts_with("version"));
            format!("{}: {}", it.key(), settings.join("; "))
        });
        lines.collect()
    }

    /// Prints every call to the cloud.
    pub fn trace(&self) {
        let account = self.account();
        let faults = account.faults.borrow();
        for (number, (call, at)) in account.calls.borrow().iter().zip(account.sent.borrow().iter()).enumerate() {
            let elapsed_ms = (*at - Timestamp(BEGIN_S * 1000)).as_millis();
            println!("{number:>4} {elapsed_ms:>8} ms {call} {} {:?}", call.key, faults.get(&number));
        }
    }

    /// The number of resources beyond the first of each key.
    pub fn duplicates(&self) -> usize {
        let all = self.account().inventory();
        let keys: std::collections::BTreeSet<_> = all.iter().map(environment::Resource::key).collect();
        all.len() - keys.len()
    }

    /// The number of calls after the end of their invocation.
    pub fn calls_out_of_time(&self) -> usize {
        let sent = self.account().sent.borrow();
        let invocations = self.invocations.borrow();
        let end_of = |call: usize| invocations.iter().filter(|(first, _)| *first <= call).map(|(_, end)| *end).max();
        sent.iter().enumerate().filter(|(call, at)| end_of(*call).is_some_and(|end| **at > end)).count()
    }
}

fn address(event: &Value) -> &str {
    event["ResponseURL"].as_str().unwrap_or_default()
}

/// A tokio runtime with paused time, which advances when all tasks wait.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime starts")
}
