//! The services around the cloud that is managed: records, the line, and the way of the answers; with faults of their
//! own, by the number of the call.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use requests::records::{
    Claim, CreateIntent, DecidedResponse, DesiredRecord, ExecutionClaim, LatestRequest, MemoryRecords, OwnerRecord,
    Progress, RecordedRequest, RuleExecution, SentResponse,
};
use requests::{Owner, QueueError, Records, RecordsError, RequestQueue};
use serde_json::Value;

/// What becomes of a call to one of these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuterFault {
    /// The caller dies before the call is sent.
    CrashBefore,
    /// The caller dies after the call had its effect.
    CrashAfter,
    /// It is refused for now.
    Throttled,
    /// It has its effect, and the answer is lost.
    LostResponse,
}

/// The faults, and who was killed.
#[derive(Debug, Default)]
pub struct Outer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    calls: usize,
    faults: BTreeMap<usize, OuterFault>,
    killed: bool,
    news: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outer {
    /// Lets time pass.
    pub fn at(&self, now_ms: u64) {
        locked(&self.state).now_ms = now_ms;
    }

    fn now_ms(&self) -> u64 {
        locked(&self.state).now_ms
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        locked(&self.state).calls
    }

    /// Lets the call with this number, counted from 0, go wrong.
    pub fn plan(&self, call: usize, fault: OuterFault) {
        locked(&self.state).faults.insert(call, fault);
    }

    /// Whether a process has been killed since the last question.
    pub fn take_killed(&self) -> bool {
        std::mem::take(&mut locked(&self.state).killed)
    }

    /// Whether anything has been sent, taken or answered since the last question, for which somebody may wait.
    pub fn take_news(&self) -> bool {
        std::mem::take(&mut locked(&self.state).news)
    }

    fn publish(&self) {
        locked(&self.state).news = true;
    }

    fn next(&self) -> Option<OuterFault> {
        let mut state = locked(&self.state);
        let number = state.calls;
        state.calls += 1;
        state.faults.get(&number).copied()
    }

    /// Makes one call: before it, the fault that was planned; after it, too.
    async fn make<T, E>(&self, call: impl Future<Output = Result<T, E>>, rejected: impl Fn() -> E) -> Result<T, E> {
        match self.next() {
            None => call.await,
            Some(OuterFault::Throttled) => Err(rejected()),
            Some(OuterFault::LostResponse) => {
                call.await?;
                Err(rejected())
            }
            Some(OuterFault::CrashBefore) => self.die().await,
            Some(OuterFault::CrashAfter) => {
                // Its answer is nobody's any more.
                drop(call.await);
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        locked(&self.state).killed = true;
        pending().await
    }
}

/// Records in memory, with faults.
#[derive(Clone, Debug)]
pub struct FaultyRecords {
    pub inner: Arc<MemoryRecords>,
    pub outer: Arc<Outer>,
}

fn throttled() -> RecordsError {
    RecordsError::Throttled { table: String::from("records") }
}

impl Records for FaultyRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        self.outer.make(self.inner.owner(owner), throttled).await
    }
    async fn record_request(&self, owner: &Owner, note: LatestRequest) -> Result<RecordedRequest, RecordsError> {
        self.outer.make(self.inner.record_request(owner, note), throttled).await
    }
    async fn decide_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: DecidedResponse,
    ) -> Result<DecidedResponse, RecordsError> {
        self.outer.make(self.inner.decide_response(owner, request_hash, response), throttled).await
    }
    async fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: u64,
    ) -> Result<CreateIntent, RecordsError> {
        self.outer.make(self.inner.record_create_intent(owner, request_hash, now_ms), throttled).await
    }
    async fn record_progress(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        self.outer.make(self.inner.record_progress(owner, request_hash, progress), throttled).await
    }
    async fn record_sent_responses(&self, owner: &Owner, responses: Vec<SentResponse>) -> Result<(), RecordsError> {
        self.outer.make(self.inner.record_sent_responses(owner, responses), throttled).await
    }
    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        self.inner.overdue(now_ms).await
    }
    async fn rule_execution(&self, owner: &Owner, rule: &str) -> Result<Option<RuleExecution>, RecordsError> {
        self.outer.make(self.inner.rule_execution(owner, rule), throttled).await
    }
    async fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> Result<ExecutionClaim, RecordsError> {
        self.outer.make(self.inner.begin_execution(owner, rule, next, cooldown_ms), throttled).await
    }
    async fn finish_execution(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        self.outer.make(self.inner.finish_execution(owner, rule, since_ms), throttled).await
    }
    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        self.outer.make(self.inner.claim(environment, owner), throttled).await
    }
    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        self.inner.environment_owner(environment).await
    }
    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.outer.make(self.inner.release(environment, owner), throttled).await
    }
    async fn save_desired(&self, owner: &Owner, desired: DesiredRecord) -> Result<(), RecordsError> {
        self.outer.make(self.inner.save_desired(owner, desired), throttled).await
    }
    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.inner.unlock(owner).await
    }
    async fn mark_settled(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.outer.make(self.inner.mark_settled(owner), throttled).await
    }
    async fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        self.outer.make(self.inner.mark_deleted(owner, now_ms), throttled).await
    }
}

/// By the address, in the order in which they arrived, and when.
type QueueSender = BTreeMap<String, Vec<(u64, String)>>;

/// Where the bodies of replies arrive.
#[derive(Clone, Debug)]
pub struct Mailbox {
    pub outer: Arc<Outer>,
    dead_letters: Arc<Mutex<QueueSender>>,
}

impl Mailbox {
    pub fn new(outer: Arc<Outer>) -> Mailbox {
        Mailbox { outer, dead_letters: Arc::default() }
    }

    /// The first answer that arrived at an address by this time, as CloudFormation takes it.
    pub fn response(&self, url: &str, by_ms: u64) -> Option<Value> {
        let dead_letters = locked(&self.dead_letters);
        let (_, body) = dead_letters.get(url)?.first().filter(|(at, _)| *at <= by_ms)?;
        serde_json::from_str(body).ok()
    }

    /// All that arrived at an address.
    pub fn bodies(&self, url: &str) -> Vec<Value> {
        let dead_letters = locked(&self.dead_letters);
        let bodies = dead_letters.get(url).into_iter().flatten();
        bodies.map(|(_, body)| serde_json::from_str(body).unwrap_or_default()).collect()
    }
}

impl HttpConnector for Mailbox {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mailbox = self.clone();
        HttpConnectorFuture::new(async move {
            let to = request.uri().to_owned();
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
            let arrives = async {
                locked(&mailbox.dead_letters).entry(to).or_default().push((mailbox.outer.now_ms(), body));
                mailbox.outer.publish();
                let ok = 200.try_into().map_err(|_| rejected())?;
                Ok(HttpResponse::new(ok, SdkBody::empty()))
            };
            mailbox.outer.make(arrives, rejected).await
        })
    }
}

fn rejected() -> ConnectorError {
    ConnectorError::io("connection refused".into())
}

/// How long SQS remembers a deduplication id (SQS's documentation of FIFO queues).
const REMEMBERED: Duration = Duration::from_mins(5);

/// A FIFO queue by SQS's rules: of each group only the first message is to be had, and only while nobody has it.
#[derive(Debug)]
pub struct Fifo {
    outer: Arc<Outer>,
    state: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    messages: Vec<Message>,
    /// By deduplication id, when it was sent first; what is sent again does not count.
    seen: BTreeMap<String, u64>,
    delays: BTreeMap<String, Duration>,
}

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: u64,
    pub group: String,
    pub body: String,
    pub sent_ms: u64,
    visible_ms: u64,
    pub receives: u32,
}

impl Message {
    /// Each time it is received it has another.
    pub fn receipt(&self) -> String {
        format!("{}-{}", self.id, self.receives)
    }
}

impl Fifo {
    pub fn new(outer: Arc<Outer>) -> Fifo {
        Fifo { outer, state: Mutex::default() }
    }

    /// The next message that is to be had, which is then hidden for this long.
    pub fn receive(&self, hidden: Duration) -> Option<Message> {
        let mut queue = locked(&self.state);
        let now_ms = self.outer.now_ms();
        let mut groups = BTreeSet::new();
        let first = queue.messages.iter_mut().find(|it| groups.insert(it.group.clone()) && it.visible_ms <= now_ms)?;
        first.visible_ms = now_ms + millis(hidden);
        first.receives += 1;
        Some(first.clone())
    }

    /// When the next message is to be had, if none is now.
    pub fn next_ms(&self) -> Option<u64> {
        let queue = locked(&self.state);
        let mut groups = BTreeSet::new();
        queue.messages.iter().filter(|it| groups.insert(it.group.as_str())).map(|it| it.visible_ms).min()
    }

    pub fn delete(&self, id: u64) {
        self.outer.publish();
        locked(&self.state).messages.retain(|it| it.id != id);
    }

    /// The invocation has ended and reported the message as failed: it comes when it was told to.
    pub fn returned(&self, receipt: &str) {
        let mut queue = locked(&self.state);
        let now_ms = self.outer.now_ms();
        let Some(delay) = queue.delays.remove(receipt) else { return };
        for message in queue.messages.iter_mut().filter(|it| it.receipt() == receipt) {
            message.visible_ms = now_ms + millis(delay);
        }
    }

    /// What is in it, for people.
    pub fn told(&self) -> String {
        let queue = locked(&self.state);
        let told = queue.messages.iter().map(|it| format!("{} of {}, received {} times", it.id, it.group, it.receives));
        told.collect::<Vec<_>>().join("; ")
    }

    pub fn is_empty(&self) -> bool {
        locked(&self.state).messages.is_empty()
    }
}

impl RequestQueue for Fifo {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        let sent = async {
            let mut queue = locked(&self.state);
            let now_ms = self.outer.now_ms();
            if queue.seen.get(request_hash).is_some_and(|first| now_ms < first + millis(REMEMBERED)) {
                return Ok(());
            }
            queue.seen.insert(request_hash.to_owned(), now_ms);
            queue.next += 1;
            let (id, group) = (queue.next, owner.as_str().to_owned());
            let body = event.to_string();
            self.outer.publish();
            queue.messages.push(Message { id, group, body, sent_ms: now_ms, visible_ms: now_ms, receives: 0 });
            Ok(())
        };
        self.outer.make(sent, unavailable).await
    }

    async fn extend_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        let kept = async {
            let mut queue = locked(&self.state);
            let now_ms = self.outer.now_ms();
            let message = queue.messages.iter_mut().find(|it| it.receipt() == receipt && it.visible_ms > now_ms);
            let message = message.ok_or_else(expired)?;
            message.visible_ms = now_ms + millis(span);
            Ok(())
        };
        self.outer.make(kept, unavailable).await
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let noted = async {
            locked(&self.state).delays.insert(receipt.to_owned(), after);
            Ok(())
        };
        self.outer.make(noted, unavailable).await
    }
}

fn expired() -> QueueError {
    QueueError { queue: String::from("requests"), what: String::from("The receipt handle has expired") }
}

fn unavailable() -> QueueError {
    QueueError { queue: String::from("requests"), what: String::from("service unavailable") }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
