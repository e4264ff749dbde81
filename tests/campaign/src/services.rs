//! The services around the managed cloud: records, request queue, and response endpoint. Each has faults of its own, by
//! the number of the call.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use requests::records::{
    Claim, CreateIntent, DesiredRecord, DueTask, EnvironmentPage, ExecutionClaim, HistoryEntry, LatestRequest,
    ListedEnvironment, MemoryRecords, OwnerRecord, PageToken, Progress, RecordedRequest, RuleExecution,
};
use requests::{CfnResponse, Owner, QueueError, Records, RecordsError, RequestQueue, RolloutRequest};
use serde_json::Value;

/// A fault of a call to one of these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFault {
    /// The caller is killed before the call is sent.
    CrashBefore,
    /// The caller is killed after the call takes effect.
    CrashAfter,
    /// The call is throttled.
    Throttled,
    /// The call takes effect, and the response is lost.
    LostResponse,
}

/// The faults, and whether a process was killed.
#[derive(Debug, Default)]
pub struct ServiceFaults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    calls: usize,
    faults: BTreeMap<usize, ServiceFault>,
    killed: bool,
    activity: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ServiceFaults {
    /// Sets the current time.
    pub fn set_now(&self, now_ms: u64) {
        locked(&self.state).now_ms = now_ms;
    }

    fn now_ms(&self) -> u64 {
        locked(&self.state).now_ms
    }

    /// The number of calls so far.
    pub fn calls(&self) -> usize {
        locked(&self.state).calls
    }

    /// Injects a fault into the call with this number, counted from 0.
    pub fn inject(&self, call: usize, fault: ServiceFault) {
        locked(&self.state).faults.insert(call, fault);
    }

    /// Whether a process was killed since the last call.
    pub fn take_killed(&self) -> bool {
        std::mem::take(&mut locked(&self.state).killed)
    }

    /// Whether a message was sent or deleted, or a response arrived, since the last call; another part may wait for
    /// this.
    pub fn take_activity(&self) -> bool {
        std::mem::take(&mut locked(&self.state).activity)
    }

    fn record_activity(&self) {
        locked(&self.state).activity = true;
    }

    fn next(&self) -> Option<ServiceFault> {
        let mut state = locked(&self.state);
        let number = state.calls;
        state.calls += 1;
        state.faults.get(&number).copied()
    }

    /// Makes one call, with the fault that was injected before or after it.
    async fn call<T, E>(&self, call: impl Future<Output = Result<T, E>>, rejected: impl Fn() -> E) -> Result<T, E> {
        match self.next() {
            None => call.await,
            Some(ServiceFault::Throttled) => Err(rejected()),
            Some(ServiceFault::LostResponse) => {
                call.await?;
                Err(rejected())
            }
            Some(ServiceFault::CrashBefore) => self.crash().await,
            Some(ServiceFault::CrashAfter) => {
                // The killed caller does not read the response.
                drop(call.await);
                self.crash().await
            }
        }
    }

    async fn crash<T>(&self) -> T {
        locked(&self.state).killed = true;
        pending().await
    }
}

/// Records in memory, with faults.
#[derive(Clone, Debug)]
pub struct FaultyRecords {
    pub inner: Arc<MemoryRecords>,
    pub services: Arc<ServiceFaults>,
}

fn throttled() -> RecordsError {
    RecordsError::Throttled { table: String::from("records") }
}

impl Records for FaultyRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        self.services.call(self.inner.owner(owner), throttled).await
    }
    async fn record_request(
        &self,
        owner: &Owner,
        latest_request: LatestRequest,
    ) -> Result<RecordedRequest, RecordsError> {
        self.services.call(self.inner.record_request(owner, latest_request), throttled).await
    }
    async fn record_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: CfnResponse,
    ) -> Result<CfnResponse, RecordsError> {
        self.services.call(self.inner.record_response(owner, request_hash, response), throttled).await
    }
    async fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: Option<u64>,
        proofs: Value,
    ) -> Result<CreateIntent, RecordsError> {
        self.services.call(self.inner.record_create_intent(owner, request_hash, now_ms, proofs), throttled).await
    }
    async fn record_proofs(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        self.services.call(self.inner.record_proofs(owner, proofs), throttled).await
    }

    async fn record_progress(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        self.services.call(self.inner.record_progress(owner, request_hash, progress), throttled).await
    }
    async fn record_history(&self, owner: &Owner, history: Vec<HistoryEntry>) -> Result<(), RecordsError> {
        self.services.call(self.inner.record_history(owner, history), throttled).await
    }
    async fn save_rollout(&self, owner: &Owner, rollout: Value) -> Result<(), RecordsError> {
        self.services.call(self.inner.save_rollout(owner, rollout), throttled).await
    }
    async fn request_rollout(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        self.services.call(self.inner.request_rollout(owner, request), throttled).await
    }
    async fn remove_rollout_request(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        self.services.call(self.inner.remove_rollout_request(owner, request), throttled).await
    }
    async fn request_hold(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.services.call(self.inner.request_hold(owner, until_ms), throttled).await
    }
    async fn remove_hold_request(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.services.call(self.inner.remove_hold_request(owner, until_ms), throttled).await
    }
    async fn schedule(&self, owner: &Owner, due_ms: u64) -> Result<(), RecordsError> {
        self.services.call(self.inner.schedule(owner, due_ms), throttled).await
    }
    async fn unschedule(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.services.call(self.inner.unschedule(owner), throttled).await
    }
    async fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        self.inner.due(now_ms, limit).await
    }
    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        self.inner.overdue(now_ms).await
    }
    async fn rule_execution(&self, owner: &Owner, rule: &str) -> Result<Option<RuleExecution>, RecordsError> {
        self.services.call(self.inner.rule_execution(owner, rule), throttled).await
    }
    async fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> Result<ExecutionClaim, RecordsError> {
        self.services.call(self.inner.begin_execution(owner, rule, next, cooldown_ms), throttled).await
    }
    async fn finish_execution(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        self.services.call(self.inner.finish_execution(owner, rule, since_ms), throttled).await
    }
    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        self.services.call(self.inner.claim(environment, owner), throttled).await
    }
    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        self.inner.environment_owner(environment).await
    }
    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.services.call(self.inner.release(environment, owner), throttled).await
    }
    async fn save_desired(&self, owner: &Owner, desired: DesiredRecord) -> Result<(), RecordsError> {
        self.services.call(self.inner.save_desired(owner, desired), throttled).await
    }
    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.inner.unlock(owner).await
    }
    async fn mark_settled(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        self.services.call(self.inner.mark_settled(owner, proofs), throttled).await
    }
    async fn environments(&self, after: Option<&PageToken>, limit: usize) -> Result<EnvironmentPage, RecordsError> {
        self.services.call(self.inner.environments(after, limit), throttled).await
    }
    async fn environments_named(&self, environment: &str) -> Result<Vec<ListedEnvironment>, RecordsError> {
        self.services.call(self.inner.environments_named(environment), throttled).await
    }
    async fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        self.services.call(self.inner.mark_deleted(owner, now_ms), throttled).await
    }
}

/// By response URL: the bodies in the order of their arrival, each with a time.
type ResponseBodies = BTreeMap<String, Vec<(u64, String)>>;

/// The endpoint that receives the bodies of responses.
#[derive(Clone, Debug)]
pub struct ResponseEndpoint {
    pub services: Arc<ServiceFaults>,
    bodies: Arc<Mutex<ResponseBodies>>,
}

impl ResponseEndpoint {
    pub fn new(services: Arc<ServiceFaults>) -> ResponseEndpoint {
        ResponseEndpoint { services, bodies: Arc::default() }
    }

    /// The first response that arrived at an address by this time, which is the one that CloudFormation uses.
    pub fn response(&self, url: &str, by_ms: u64) -> Option<Value> {
        let bodies = locked(&self.bodies);
        let (_, body) = bodies.get(url)?.first().filter(|(at, _)| *at <= by_ms)?;
        serde_json::from_str(body).ok()
    }

    /// All bodies that arrived at an address.
    pub fn bodies(&self, url: &str) -> Vec<Value> {
        let bodies = locked(&self.bodies);
        let bodies = bodies.get(url).into_iter().flatten();
        bodies.map(|(_, body)| serde_json::from_str(body).unwrap_or_default()).collect()
    }
}

impl HttpConnector for ResponseEndpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response_endpoint = self.clone();
        HttpConnectorFuture::new(async move {
            let to = request.uri().to_owned();
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
            let arrives = async {
                locked(&response_endpoint.bodies)
                    .entry(to)
                    .or_default()
                    .push((response_endpoint.services.now_ms(), body));
                response_endpoint.services.record_activity();
                let ok = 200.try_into().map_err(|_| rejected())?;
                Ok(HttpResponse::new(ok, SdkBody::empty()))
            };
            response_endpoint.services.call(arrives, rejected).await
        })
    }
}

fn rejected() -> ConnectorError {
    ConnectorError::io("connection refused".into())
}

/// The time for which SQS remembers a deduplication id (SQS's documentation of FIFO queues).
const DEDUPLICATION_INTERVAL: Duration = Duration::from_mins(5);

/// A FIFO queue with SQS's rules: only the first message of each group can be received, and only while it is visible.
#[derive(Debug)]
pub struct FifoQueue {
    services: Arc<ServiceFaults>,
    state: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    messages: Vec<Message>,
    /// By deduplication id: the time of the first message. A repeated message does not extend it.
    deduplicated: BTreeMap<String, u64>,
    delays: BTreeMap<String, Duration>,
}

/// A message of the queue.
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
    /// The receipt handle, which differs for each receive.
    pub fn receipt(&self) -> String {
        format!("{}-{}", self.id, self.receives)
    }
}

impl FifoQueue {
    pub fn new(services: Arc<ServiceFaults>) -> FifoQueue {
        FifoQueue { services, state: Mutex::default() }
    }

    /// Receives the next visible message, and hides it for `hidden`.
    pub fn receive(&self, hidden: Duration) -> Option<Message> {
        let mut queue = locked(&self.state);
        let now_ms = self.services.now_ms();
        let mut groups = BTreeSet::new();
        let first = queue.messages.iter_mut().find(|it| groups.insert(it.group.clone()) && it.visible_ms <= now_ms)?;
        first.visible_ms = now_ms + millis(hidden);
        first.receives += 1;
        Some(first.clone())
    }

    /// The time at which the next message becomes visible.
    pub fn next_ms(&self) -> Option<u64> {
        let queue = locked(&self.state);
        let mut groups = BTreeSet::new();
        queue.messages.iter().filter(|it| groups.insert(it.group.as_str())).map(|it| it.visible_ms).min()
    }

    pub fn delete(&self, id: u64) {
        self.services.record_activity();
        locked(&self.state).messages.retain(|it| it.id != id);
    }

    /// Reports a message as failed at the end of its invocation: it becomes visible after the requested delay.
    pub fn report_failed(&self, receipt: &str) {
        let mut queue = locked(&self.state);
        let now_ms = self.services.now_ms();
        let Some(delay) = queue.delays.remove(receipt) else { return };
        for message in queue.messages.iter_mut().filter(|it| it.receipt() == receipt) {
            message.visible_ms = now_ms + millis(delay);
        }
    }

    /// The messages in the queue, as text.
    pub fn summary(&self) -> String {
        let queue = locked(&self.state);
        let lines =
            queue.messages.iter().map(|it| format!("{} of {}, received {} times", it.id, it.group, it.receives));
        lines.collect::<Vec<_>>().join("; ")
    }

    pub fn is_empty(&self) -> bool {
        locked(&self.state).messages.is_empty()
    }
}

impl RequestQueue for FifoQueue {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        let sent = async {
            let mut queue = locked(&self.state);
            let now_ms = self.services.now_ms();
            if queue.deduplicated.get(request_hash).is_some_and(|first| now_ms < first + millis(DEDUPLICATION_INTERVAL))
            {
                return Ok(());
            }
            queue.deduplicated.insert(request_hash.to_owned(), now_ms);
            queue.next += 1;
            let (id, group) = (queue.next, owner.as_str().to_owned());
            let body = event.to_string();
            self.services.record_activity();
            queue.messages.push(Message { id, group, body, sent_ms: now_ms, visible_ms: now_ms, receives: 0 });
            Ok(())
        };
        self.services.call(sent, unavailable).await
    }

    async fn extend_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        let extended = async {
            let mut queue = locked(&self.state);
            let now_ms = self.services.now_ms();
            let message = queue.messages.iter_mut().find(|it| it.receipt() == receipt && it.visible_ms > now_ms);
            let message = message.ok_or_else(expired)?;
            message.visible_ms = now_ms + millis(span);
            Ok(())
        };
        self.services.call(extended, unavailable).await
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let delayed = async {
            locked(&self.state).delays.insert(receipt.to_owned(), after);
            Ok(())
        };
        self.services.call(delayed, unavailable).await
    }
}

fn expired() -> QueueError {
    QueueError { queue: String::from("requests"), message: String::from("The receipt handle has expired") }
}

fn unavailable() -> QueueError {
    QueueError { queue: String::from("requests"), message: String::from("service unavailable") }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
