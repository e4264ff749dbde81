//! Everything in one process under virtual time: CloudFormation's side of the protocol, the three functions as Lambda
//! runs them, and the in-memory cloud.

mod given;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use custom_resource::RequestHandler;
use environment::{Names, Timestamp, mark};
use memory_cloud::MemoryAccount;
use reconciler::{Reconciler, Settings, Stack};
use requests::records::MemoryRecords;
use requests::{ResponseSender, time_text};
use serde_json::{Value, json};
use test_support::{BEGIN_S, InMemory};
use watchdog::{Marked, Marks, Watchdog};

use crate::outer::{FaultyRecords, Fifo, Mailbox, Message, Outer};
use crate::responses::flaws;
use given::{batch, settings, watchdog_settings};

pub use given::{Resource, properties};

/// As `infra/template.yaml` has it: how long a reconciler runs, how long its message is hidden, and how many run.
const RECONCILER_RUNS: Duration = Duration::from_mins(2);
const HIDDEN: Duration = Duration::from_secs(150);
pub const RECONCILERS_AT_ONCE: usize = 5;

/// How long CloudFormation waits, from when it sends, if there is no `ServiceTimeout`.
pub const STACK_TIMEOUT: Duration = Duration::from_hours(1);

/// After this long there is nothing that could still move.
const QUIET_AT_LAST: Duration = Duration::from_hours(3);

const STACK: &str = "arn:aws:cloudformation:us-west-2:111122223333:stack/campaign";
const HOST: &str = "127.0.0.1:9";

/// All marks that the world shows.
struct AllMarks<'a>(&'a MemoryAccount);

impl Marks for AllMarks<'_> {
    async fn marked(&self) -> Result<Vec<Marked>, String> {
        let all = self.0.inventory().into_iter();
        let marked = all.filter_map(|it| {
            let tag = |key: &str| it.tags.get(key).cloned();
            let environment = tag(mark::ENVIRONMENT).unwrap_or_default();
            Some(Marked { owner: tag(mark::OWNER)?, environment, resource: it.key().to_string() })
        });
        Ok(marked.collect())
    }
}

/// What CloudFormation was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    Success,
    Failed(String),
    /// Nothing, for as long as it waits.
    Nothing,
}

/// One run's world, and all that moves in it.
pub struct Fixture {
    handler: RequestHandler<FaultyRecords, InMemory, Fifo>,
    settings: Settings,
    pub outer: Arc<Outer>,
    mailbox: Mailbox,
    /// The courier's time-outs are tokio's; under the stage's own clock they never fire.
    runtime: tokio::runtime::Runtime,
    next_request: Cell<u64>,
    /// By its address, when each request was sent, and how it was delivered last.
    asked: RefCell<BTreeMap<String, (Timestamp, Value)>>,
    /// How long a reconciler runs here.
    pub runs: Cell<Duration>,
    /// Whether reconcilers don't start at all.
    pub dead: Cell<bool>,
    /// Until when each invocation may make calls, and from which call on it did.
    turns: RefCell<Vec<(usize, Timestamp)>>,
}

impl Fixture {
    /// An account in which nothing is.
    pub fn new() -> Fixture {
        let outer = Arc::new(Outer::default());
        let mailbox = Mailbox::new(Arc::clone(&outer));
        let settings = settings();
        let handler = RequestHandler {
            settings: Ok(settings.clone()),
            records: FaultyRecords { inner: Arc::new(MemoryRecords::new()), outer: Arc::clone(&outer) },
            cloud_factory: InMemory::default(),
            response_sender: ResponseSender::over(mailbox.clone()),
            request_queue: Some(Fifo::new(Arc::clone(&outer))),
        };
        Fixture {
            handler,
            settings,
            outer,
            mailbox,
            runtime: paused_runtime(),
            next_request: Cell::new(1),
            asked: RefCell::default(),
            runs: Cell::new(RECONCILER_RUNS),
            dead: Cell::new(false),
            turns: RefCell::default(),
        }
    }

    pub fn account(&self) -> &MemoryAccount {
        &self.handler.cloud_factory.account
    }

    /// How every stack stands from now on.
    pub fn stands(&mut self, stack: Stack) {
        self.handler.cloud_factory.stack = Some(stack);
    }

    pub fn names(&self, suffix: &str) -> Names {
        self.settings.deployment.names(suffix)
    }

    /// What a person is told who asks the door.
    pub fn person(&self, event: &Value) -> Value {
        let ends = self.now() + Duration::from_mins(1);
        let told = self.play(self.handler.handle(event.clone(), ends.0));
        told.unwrap_or_else(|error| json!({ "Error": error.to_string() }))
    }

    fn now(&self) -> Timestamp {
        self.account().clock.now()
    }

    /// Lets everything run until the script is done.
    pub fn play<T>(&self, script: impl Future<Output = T>) -> T {
        let _guard = self.runtime.enter();
        let ended = self.account().clock.run(async {
            let mut script = pin!(script);
            let mut services = pin!(self.services());
            poll_fn(|context| {
                self.outer.at(self.now().0);
                let ended = script.as_mut().poll(context);
                if ended.is_pending() {
                    // The services never end by themselves.
                    let _ = services.as_mut().poll(context);
                    if self.outer.take_news() {
                        context.waker().wake_by_ref();
                    }
                }
                ended
            })
            .await
        });
        ended.expect("a process is killed, and never the stage")
    }

    async fn services(&self) {
        tokio::join!(self.poller(), self.each_minute());
    }

    async fn sleep(&self, span: Duration) {
        self.account().clock.sleep(span).await;
    }

    /// Runs a process of its own: nothing if it was killed, or has run into its limit.
    async fn process<T>(&self, limit: Duration, task: impl Future<Output = T>) -> Option<T> {
        let mut task = pin!(task);
        let mut end = pin!(self.sleep(limit));
        poll_fn(|context| {
            if let Poll::Ready(result) = task.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            let killed = self.account().clock.take_halt() | self.outer.take_killed();
            if killed || end.as_mut().poll(context).is_ready() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    fn request_queue(&self) -> &Fifo {
        self.handler.request_queue.as_ref().expect("the door has one")
    }

    /// Lambda's poller of the line, which starts a reconciler for a message.
    async fn poller(&self) {
        let mut at_work: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        let mut nap = None;
        poll_fn(|context| {
            at_work.retain_mut(|one| one.as_mut().poll(context).is_pending());
            while at_work.len() < RECONCILERS_AT_ONCE {
                let Some(message) = self.request_queue().receive(HIDDEN) else { break };
                let mut one: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(self.reconciler(message));
                if one.as_mut().poll(context).is_pending() {
                    at_work.push(one);
                }
            }
            // What is sent, and who has ended, wakes it up by itself.
            let next = self.request_queue().next_ms().filter(|_| at_work.len() < RECONCILERS_AT_ONCE);
            if nap.as_ref().map(|(until, _)| *until) != next {
                nap = next.map(|until| (until, Box::pin(self.sleep(Timestamp(until) - self.now()))));
            }
            if let Some((_, nap)) = &mut nap {
                let _ = nap.as_mut().poll(context);
            }
            Poll::<()>::Pending
        })
        .await;
    }

    async fn reconciler(&self, message: Message) {
        if self.dead.get() {
            return;
        }
        let runs = self.runs.get();
        let deadline = self.now() + runs;
        self.turns.borrow_mut().push((self.account().calls.borrow().len(), deadline));
        let reconciler = Reconciler {
            settings: &self.settings,
            records: &self.handler.records,
            cloud_factory: &self.handler.cloud_factory,
            response_sender: &self.handler.response_sender,
        };
        let (id, receipt) = (message.id, message.receipt());
        let ended = self.process(runs, reconciler.handle(self.request_queue(), batch(message), deadline.0)).await;
        match ended {
            Some(response) if response.batch_item_failures.is_empty() => self.request_queue().delete(id),
            Some(_) => self.request_queue().returned(&receipt),
            None => {}
        }
    }

    fn watchdog(&self) -> Watchdog<FaultyRecords, AllMarks<'_>> {
        Watchdog {
            settings: watchdog_settings(),
            records: self.handler.records.clone(),
            marks: AllMarks(self.account()),
            response_sender: ResponseSender::over(self.mailbox.clone()),
        }
    }

    async fn each_minute(&self) {
        let watchdog = self.watchdog();
        loop {
            self.sleep(Duration::from_mins(1)).await;
            let now = self.now();
            // Like the function's, its failure is followed by the next minute.
            let minute = Duration::from_mins(1);
            self.process(minute, watchdog.handle(json!({}), now.0, (now + minute).0)).await;
        }
    }

    /// A request as CloudFormation makes it, now.
    pub fn request(&self, of: &Resource, kind: &str, properties: &Value) -> Value {
        let number = self.next_request.replace(self.next_request.get() + 1);
        let date: String = time_text(self.now().0).chars().filter(|c| !"-:".contains(*c)).collect();
        let url = format!("http://{HOST}/request-{number}-?X-Amz-Date={date}&X-Amz-Expires=7200");
        let mut event = json!({
            "RequestType": kind, "RequestId": format!("request-{number}"), "ResponseURL": url.clone(),
            "StackId": of.stack, "LogicalResourceId": of.logical_id,
            "ResourceType": "Custom::ScalableEnvironment", "ResourceProperties": properties,
        });
        if kind != "Create" {
            event["PhysicalResourceId"] = json!(of.id);
        }
        if kind == "Update" {
            event["OldResourceProperties"] = properties.clone();
        }
        self.asked.borrow_mut().insert(url, (self.now(), event.clone()));
        event
    }

    /// Lambda's way with an asynchronous event: tried again after one and after two minutes; then given to the watchdog.
    pub async fn deliver(&self, event: &Value) {
        if let Some((_, asked)) = self.asked.borrow_mut().get_mut(address(event)) {
            asked.clone_from(event);
        }
        for pause in [0, 60, 120] {
            self.sleep(Duration::from_secs(pause)).await;
            let limit = Duration::from_mins(1);
            let deadline = self.now() + limit;
            if let Some(Ok(_)) = self.process(limit, self.handler.handle(event.clone(), deadline.0)).await {
                return;
            }
        }
        let dead_letter = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event });
        let message =
            json!({ "Records": [{ "messageId": "letter", "body": dead_letter.to_string(), "attributes": {} }] });
        let watchdog = self.watchdog();
        let minute = Duration::from_mins(1);
        let now = self.now();
        self.process(minute, watchdog.handle(message, now.0, (now + minute).0)).await;
    }

    /// Until when CloudFormation waits for the answer to a request.
    fn waits_until(&self, event: &Value) -> Timestamp {
        let sent = self.asked.borrow().get(address(event)).map_or(Timestamp(0), |(sent, _)| *sent);
        let timeout = event["ServiceTimeout"].as_str().and_then(|it| it.parse().ok());
        sent + timeout.map_or(STACK_TIMEOUT, Duration::from_secs)
    }

    /// What was answered to a request while CloudFormation waited, or nothing so far.
    pub fn answer_to(&self, event: &Value) -> Option<Response> {
        let body = self.mailbox.response(address(event), self.waits_until(event).0)?;
        let reason = || body["Reason"].as_str().unwrap_or_default().to_owned();
        Some(if body["Status"] == "SUCCESS" { Response::Success } else { Response::Failed(reason()) })
    }

    /// What is wrong with what was answered to all requests.
    pub fn flaws(&self) -> String {
        let asked = self.asked.borrow();
        asked.iter().flat_map(|(url, (_, event))| flaws(event, &self.mailbox.bodies(url))).collect()
    }

    /// What is found, as soon as it is there; nothing if it takes longer than this.
    async fn until<T>(&self, span: Duration, found: impl Fn() -> Option<T>) -> Option<T> {
        let mut end = pin!(self.sleep(span));
        poll_fn(|context| match found() {
            None => end.as_mut().poll(context).map(|()| None),
            found => Poll::Ready(found),
        })
        .await
    }

    /// Waits for the answer as CloudFormation does.
    pub async fn wait_for(&self, event: &Value) -> Response {
        let span = self.waits_until(event) - self.now();
        self.until(span, || self.answer_to(event)).await.unwrap_or(Response::Nothing)
    }

    /// Sends a request, and waits for its answer.
    pub async fn ask(&self, of: &Resource, kind: &str, properties: &Value) -> Response {
        let event = self.request(of, kind, properties);
        self.deliver(&event).await;
        self.wait_for(&event).await
    }

    /// Waits until nobody has anything to do.
    pub async fn quiet(&self) {
        let ended = self.until(QUIET_AT_LAST, || self.request_queue().is_empty().then_some(())).await;
        assert!(ended.is_some(), "still in the line after {QUIET_AT_LAST:?}: {}", self.request_queue().told());
    }

    pub async fn later(&self, span: Duration) {
        self.sleep(span).await;
    }

    /// What is there, in words, without what only a creation says.
    pub fn inventory(&self) -> Vec<String> {
        let all = self.account().inventory();
        let told = all.iter().map(|it| {
            let mut settings: Vec<String> = it.settings().iter().map(ToString::to_string).collect();
            settings.retain(|it| !it.starts_with("version"));
            format!("{}: {}", it.key(), settings.join("; "))
        });
        told.collect()
    }

    /// Prints every call to the cloud.
    pub fn trace(&self) {
        let account = self.account();
        let faults = account.faults.borrow();
        for (number, (call, at)) in account.calls.borrow().iter().zip(account.sent.borrow().iter()).enumerate() {
            let seconds = (*at - Timestamp(BEGIN_S * 1000)).as_millis();
            println!("{number:>4} {seconds:>8} ms {call} {} {:?}", call.key, faults.get(&number));
        }
    }

    /// How many things there are beyond the first under each name.
    pub fn duplicates(&self) -> usize {
        let all = self.account().inventory();
        let keys: std::collections::BTreeSet<_> = all.iter().map(environment::Resource::key).collect();
        all.len() - keys.len()
    }

    /// How many calls were begun by an invocation that should have ended before.
    pub fn calls_out_of_time(&self) -> usize {
        let sent = self.account().sent.borrow();
        let turns = self.turns.borrow();
        let end_of = |call: usize| turns.iter().filter(|(first, _)| *first <= call).map(|(_, end)| *end).max();
        sent.iter().enumerate().filter(|(call, at)| end_of(*call).is_some_and(|end| **at > end)).count()
    }
}

fn address(event: &Value) -> &str {
    event["ResponseURL"].as_str().unwrap_or_default()
}

/// A runtime of tokio whose time stands still until everything waits.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime starts")
}
