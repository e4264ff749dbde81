//! An account under virtual time: a simulated Auto Scaling with its instances, a queue, and fault injection.

mod account;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auto_scaling::{
    AutoScaling, Behaviour, Effect, Fleet, Latency, Launch, LaunchTemplate, LifecycleActionResult, LifecycleState,
    NewGroup, PutHook, Settings, StartedInstance, Subnet, Timestamp, Timing, Transition as SimulatedTransition,
};
use environment::Deployment;
use environment::hook_settings::{Drain, Gate, HookSettings, HookTask, OnTimeout};
use lambda_kit::AwsCallError;
use lifecycle_hook::LifecycleHook;
use lifecycle_hook::cloud::{HookResult, WaitState};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub const START: Timestamp = Timestamp(1_795_420_800_000);
pub const GROUP: &str = "scalable-ec2-asg-uswest2-dev";
pub const TARGETS: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/1";
/// The interval of the sweep, and the visibility timeout of a message: the values of `infra/template.yaml`.
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(2);
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(12);

/// The fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is rejected, and has no effect.
    Rejected,
    /// The call takes effect, and its response is lost.
    ResponseLost,
    /// The invocation is killed before the call.
    KilledBefore,
    /// The invocation is killed after the effect of the call.
    KilledAfter,
    /// The call gets no response, and has no effect.
    Hangs,
}

/// The error of a call whose response is lost.
const RESPONSE_LOST: &str = "no response";

/// A message in the queue.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: usize,
    pub body: String,
    pub sent: Timestamp,
    pub visible: Timestamp,
    pub receives: u32,
}

pub struct Harness {
    pub scaling: RefCell<AutoScaling>,
    pub fleet: RefCell<Fleet>,
    pub now: Cell<Timestamp>,
    pub messages: RefCell<Vec<Message>>,
    pub dead_lettered: RefCell<Vec<(String, String)>>,
    /// The events published to the ledger.
    pub published: RefCell<Vec<Value>>,
    /// The due passes that were requested: the owner and the abandoned instance.
    pub due_passes: RefCell<Vec<(String, String)>>,
    pub written: RefCell<Vec<(String, String, Vec<String>)>>,
    /// The results with which each instance's lifecycle actions were completed, as Auto Scaling accepted them.
    pub completed: RefCell<BTreeMap<String, Vec<HookResult>>>,
    /// Every result that was attempted, with the hook, accepted or not.
    pub attempted_results: RefCell<BTreeMap<(String, String), BTreeSet<HookResult>>>,
    /// The instances in a target group, and since when they are being deregistered.
    pub targets: RefCell<BTreeMap<String, Option<Timestamp>>>,
    /// The deadline of the delete of the environment.
    pub delete_deadline: Cell<Option<u64>>,
    pub calls: RefCell<Vec<&'static str>>,
    /// The number of instances in each observation.
    pub observations: RefCell<Vec<usize>>,
    pub invocations: Cell<usize>,
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    /// The instances that are stopped.
    pub stopped: RefCell<BTreeSet<String>>,
    /// The instances that EC2's reads miss.
    pub unlisted: RefCell<BTreeSet<String>>,
    /// The instances that are not Spot instances.
    pub on_demand: RefCell<BTreeSet<String>>,
    /// The states that Auto Scaling reports in place of the simulated ones: those of a warm pool, which the simulation
    /// does not have, and those that a read returns late.
    pub wait_states: RefCell<BTreeMap<String, Option<WaitState>>>,
    /// The calls that IAM denies.
    pub denied: RefCell<BTreeSet<&'static str>>,
    /// The execution timeout of each drain command that was sent.
    pub drain_timeouts: RefCell<Vec<Duration>>,
    /// The time limit for one message of a batch, where time is tokio's.
    pub message_timeout: Cell<Option<Duration>>,
    /// The duration of each call; no time at first.
    pub call_duration: Cell<Duration>,
    /// Since when time is tokio's, and the virtual time at that point.
    tokio_start: Cell<Option<(Instant, Timestamp)>>,
    /// How long EC2 takes to start an instance after the request of Auto Scaling; no time at first.
    pub start_delay: Cell<Duration>,
    /// Whether a thousand newer activities hide the start times of the waiting instances.
    pub activities_hidden: Cell<bool>,
    /// How long target groups take to deregister an instance.
    deregistration_delay: Cell<Duration>,
    starting: RefCell<Vec<(Timestamp, Launch)>>,
    yields_between_calls: Cell<bool>,
    commands: RefCell<BTreeMap<String, Vec<(String, Timestamp)>>>,
    next_message: Cell<usize>,
    killed: Cell<bool>,
}

pub fn gate(seconds: u32) -> HookTask {
    HookTask::Gate(Gate { seconds, on_timeout: OnTimeout::Abandon })
}

pub fn settings(task: HookTask) -> HookSettings {
    settings_of("dev", task)
}

/// The settings of the environment with this suffix.
fn settings_of(suffix: &str, task: HookTask) -> HookSettings {
    HookSettings {
        envkeeper: 1,
        owner: "0123456789abcdef0123".into(),
        environment: format!("scalable-ec2-us-west-2-{suffix}"),
        log_group: format!("/aws/ec2/scalable-ec2-{suffix}"),
        target_groups: vec![],
        heartbeat_seconds: if matches!(task, HookTask::Gate(_)) { 900 } else { 300 },
        task,
    }
}

fn hook(settings: &HookSettings) -> PutHook {
    let (name, on, result) = match settings.task {
        HookTask::Gate(_) => ("launch", SimulatedTransition::Launching, LifecycleActionResult::Abandon),
        HookTask::Drain(_) => ("terminate", SimulatedTransition::Terminating, LifecycleActionResult::Continue),
    };
    PutHook {
        name: name.into(),
        transition: Some(on),
        heartbeat: Some(Duration::from_secs(settings.heartbeat_seconds.into())),
        default_result: Some(result),
        metadata: Some(settings.text()),
        ..PutHook::default()
    }
}

fn group(name: &str, most: u32, launch: &HookSettings, terminate: &HookSettings) -> NewGroup {
    NewGroup {
        name: name.into(),
        settings: Settings {
            launch_template: LaunchTemplate { id: "lt-1".into(), name: "template".into(), version: "1".into() },
            max_size: most,
            subnets: vec![Subnet { id: "subnet-1".into(), zone: "us-west-2a".into() }],
            ..Settings::default()
        },
        hooks: vec![hook(launch), hook(terminate)],
        ..NewGroup::default()
    }
}

impl Harness {
    /// A group with both hooks, and no instances yet.
    pub fn new(most: u32) -> Harness {
        Harness::with(most, &settings(gate(600)), &settings(HookTask::Drain(Drain { seconds: 300 })))
    }

    pub fn with(most: u32, launch: &HookSettings, terminate: &HookSettings) -> Harness {
        let timing =
            Timing { launch: Duration::from_secs(20), terminate: Duration::from_secs(30), latency: Latency::NONE };
        let mut scaling = AutoScaling::new("us-west-2", "123456789012", timing);
        scaling.create_group(group(GROUP, most, launch, terminate), START).expect("the group is valid");
        Harness {
            scaling: RefCell::new(scaling),
            fleet: RefCell::new(Fleet::new(Behaviour::default())),
            now: Cell::new(START),
            messages: RefCell::default(),
            dead_lettered: RefCell::default(),
            published: RefCell::default(),
            due_passes: RefCell::default(),
            written: RefCell::default(),
            completed: RefCell::default(),
            attempted_results: RefCell::default(),
            targets: RefCell::default(),
            delete_deadline: Cell::new(None),
            calls: RefCell::default(),
            observations: RefCell::default(),
            invocations: Cell::new(0),
            faults: RefCell::default(),
            stopped: RefCell::default(),
            unlisted: RefCell::default(),
            on_demand: RefCell::default(),
            wait_states: RefCell::default(),
            denied: RefCell::default(),
            drain_timeouts: RefCell::default(),
            message_timeout: Cell::default(),
            call_duration: Cell::default(),
            tokio_start: Cell::default(),
            start_delay: Cell::default(),
            activities_hidden: Cell::default(),
            deregistration_delay: Cell::new(Duration::from_secs(40)),
            starting: RefCell::default(),
            yields_between_calls: Cell::default(),
            commands: RefCell::default(),
            next_message: Cell::new(0),
            killed: Cell::new(false),
        }
    }

    /// Adds a group of one instance, with the hooks of its own environment.
    pub fn add_group(&self, name: &str) {
        let suffix = name.rsplit('-').next().unwrap_or_default();
        let settings = |task| settings_of(suffix, task);
        let mut new = group(name, 1, &settings(gate(600)), &settings(HookTask::Drain(Drain { seconds: 300 })));
        new.desired_capacity = Some(1);
        self.scaling.borrow_mut().create_group(new, self.now.get()).expect("the group is valid");
    }

    /// Time is tokio's from here on: concurrent calls take the time of one.
    pub fn follow_tokio(&self) {
        self.tokio_start.set(Some((Instant::now(), self.now.get())));
    }

    /// Attaches a target group with this deregistration delay.
    pub fn attach_target_group(&self, delay: Duration) {
        self.deregistration_delay.set(delay);
        let mut scaling = self.scaling.borrow_mut();
        scaling.set_deregistration_delay(delay);
        scaling.attach_target_groups(GROUP, &[TARGETS.to_owned()], self.now.get()).expect("the group exists");
    }

    pub fn scale_to(&self, count: u32) {
        let response = self.scaling.borrow_mut().set_desired_capacity(GROUP, count, false, self.now.get());
        response.expect("the capacity is within the bounds of the group");
    }

    /// All instances by their states.
    pub fn states(&self) -> BTreeMap<String, LifecycleState> {
        let scaling = self.scaling.borrow();
        let group = scaling.group(GROUP).expect("the group exists");
        group.instances.iter().map(|it| (it.id.clone(), it.state)).collect()
    }

    pub fn in_service(&self) -> usize {
        self.states().values().filter(|it| **it == LifecycleState::InService).count()
    }

    /// Auto Scaling's effects until now; returns the bodies of its messages.
    pub fn step(&self) -> Vec<String> {
        let now = self.now.get();
        let mut bodies = Vec::new();
        let effects = self.scaling.borrow_mut().step(now);
        for effect in effects {
            match effect {
                Effect::Launch(launch) => self.starting.borrow_mut().push((now + self.start_delay.get(), launch)),
                Effect::Terminate { instance_id, .. } => self.fleet.borrow_mut().terminated(&instance_id, now),
                Effect::PublishEvent(event) => bodies.push(event.to_json()),
                Effect::Notify(notification) => bodies.push(notification.body()),
            }
        }
        for (_, launch) in self.starting.borrow_mut().extract_if(.., |(due, _)| *due <= now) {
            let instance_id = format!("i-{:017x}", launch.token.0);
            self.fleet.borrow_mut().launched(&instance_id, now);
            let started = StartedInstance { instance_id, instance_type: "t3.micro".into(), version: "1".into() };
            self.scaling.borrow_mut().launched(launch.token, started, now);
        }
        self.register_targets();
        bodies
    }

    /// Auto Scaling registers its instances in its target groups while they are in service.
    fn register_targets(&self) {
        let (now, scaling) = (self.now.get(), self.scaling.borrow());
        let group = scaling.group(GROUP).expect("the group exists");
        if group.target_group_arns.is_empty() {
            return;
        }
        let mut targets = self.targets.borrow_mut();
        for instance in &group.instances {
            if instance.state == LifecycleState::InService {
                targets.entry(instance.id.clone()).or_insert(None);
            } else if !instance.state.is_active()
                && let Some(deregistered_at) = targets.get_mut(&instance.id)
            {
                deregistered_at.get_or_insert(now);
            }
        }
    }

    /// Sends a message to the queue, visible at `sent`.
    pub fn send(&self, body: String, sent: Timestamp) {
        self.send_hidden(body, sent, sent);
    }

    fn send_hidden(&self, body: String, sent: Timestamp, visible: Timestamp) {
        let id = self.next_message.replace(self.next_message.get() + 1);
        self.messages.borrow_mut().push(Message { id, body, sent, visible, receives: 0 });
    }

    /// One invocation; `None` if it was killed, or failed.
    pub fn invoke(&self, event: Value) -> Option<Value> {
        self.invocations.set(self.invocations.get() + 1);
        let function = self.function();
        let mut invocation = pin!(function.handle(event));
        let mut context = Context::from_waker(Waker::noop());
        match invocation.as_mut().poll(&mut context) {
            Poll::Ready(Ok(response)) => Some(response),
            Poll::Ready(Err(error)) => {
                assert!(!self.faults.borrow().is_empty(), "no fault was injected: {error}");
                None
            }
            Poll::Pending => {
                assert!(self.killed.take(), "the invocation is pending without being killed");
                None
            }
        }
    }

    /// Two concurrent invocations; chance decides which one proceeds to its next call.
    pub fn race(&self, one: Value, other: Value, rng: &mut SeededRng) {
        self.yields_between_calls.set(true);
        let function = self.function();
        let mut both = [Some(Box::pin(function.handle(one))), Some(Box::pin(function.handle(other)))];
        let mut context = Context::from_waker(Waker::noop());
        while both.iter().any(Option::is_some) {
            let invocation = &mut both[usize::from(rng.below(2) == 0)];
            if let Some(Poll::Ready(response)) = invocation.as_mut().map(|it| it.as_mut().poll(&mut context)) {
                response.expect("no fault was injected");
                *invocation = None;
            }
        }
        self.yields_between_calls.set(false);
    }

    pub fn function(&self) -> LifecycleHook<&Harness, &Harness> {
        let deployment =
            Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
        let poll_interval = lifecycle_hook::pace::INITIAL_INTERVAL;
        LifecycleHook {
            cloud: self,
            queue: self,
            deployment,
            poll_interval,
            message_timeout: self.message_timeout.get(),
        }
    }

    /// Receives at most ten messages, and invokes the function with them.
    pub fn receive(&self) {
        let now = self.now.get();
        let mut batch = Vec::new();
        for message in self.messages.borrow_mut().iter_mut().filter(|it| it.visible <= now).take(10) {
            message.visible = now + VISIBILITY_TIMEOUT;
            message.receives += 1;
            batch.push(message.clone());
        }
        if batch.is_empty() {
            return;
        }
        let records: Vec<Value> = batch.iter().map(record).collect();
        let Some(response) = self.invoke(json!({ "Records": records })) else { return };
        let failed: BTreeSet<String> = response["batchItemFailures"]
            .as_array()
            .expect("a list of failures")
            .iter()
            .filter_map(|it| Some(it["itemIdentifier"].as_str()?.to_owned()))
            .collect();
        let is_done = |id: usize| batch.iter().any(|it| it.id == id) && !failed.contains(&id.to_string());
        self.messages.borrow_mut().retain(|it| !is_done(it.id));
    }

    /// Advances time until then, from one due moment to the next. `deliver` gets each message, and sends it or not.
    pub fn run(&self, until: Timestamp, deliver: &mut dyn FnMut(&Harness, String)) {
        loop {
            for body in self.step() {
                deliver(self, body);
            }
            while self.messages.borrow().iter().any(|it| it.visible <= self.now.get()) {
                self.receive();
            }
            let now = self.now.get();
            let sweep = START
                + SWEEP_INTERVAL
                    * u32::try_from(now.since(START).as_millis() / SWEEP_INTERVAL.as_millis() + 1).unwrap_or(0);
            let due = self.scaling.borrow().next_due(now);
            let visible = self.messages.borrow().iter().map(|it| it.visible).min();
            let starts = self.starting.borrow().iter().map(|(due, _)| *due).min();
            let next = [due, visible, starts, Some(sweep), Some(until)].into_iter().flatten().min().unwrap_or(until);
            if next > until || now >= until {
                return;
            }
            self.now.set(next.max(now));
            if next == sweep {
                for body in self.step() {
                    deliver(self, body);
                }
                self.invoke(crate::sample("lifecycle-hook", "sweep.json"));
            }
        }
    }

    /// Advances time, and delivers every message at once.
    pub fn advance(&self, span: Duration) {
        self.run(self.now.get() + span, &mut |harness, body| harness.send(body, harness.now.get()));
    }

    async fn call<T, E: From<AwsCallError>>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(name);
        match self.tokio_start.get() {
            None => self.now.set(self.now.get() + self.call_duration.get()),
            Some((since, then)) => {
                sleep(self.call_duration.get()).await;
                self.now.set(then + since.elapsed());
            }
        }
        if self.yields_between_calls.get() {
            let mut first_poll = true;
            let yield_once = |context: &mut Context<'_>| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut first_poll) { Poll::Pending } else { Poll::Ready(()) }
            };
            poll_fn(yield_once).await;
        }
        if self.denied.borrow().contains(name) {
            let cause = String::from("AccessDenied: not authorized");
            return Err(AwsCallError::Rejected { operation: name, cause }.into());
        }
        let fault = self.faults.borrow().get(&number).copied();
        match fault {
            None => call(),
            Some(Fault::Rejected) => {
                let cause = String::from("Throttling: Rate exceeded");
                Err(AwsCallError::Rejected { operation: name, cause }.into())
            }
            Some(Fault::ResponseLost) => {
                let lost = AwsCallError::Indeterminate { operation: name, cause: RESPONSE_LOST.to_owned() };
                call().and_then(|_| Err(lost.into()))
            }
            Some(Fault::Hangs) => pending().await,
            Some(fault) => {
                if fault == Fault::KilledAfter {
                    drop(call());
                }
                self.killed.set(true);
                pending().await
            }
        }
    }
}

pub fn record(message: &Message) -> Value {
    json!({
        "messageId": message.id.to_string(),
        "receiptHandle": message.id.to_string(),
        "body": message.body,
        "attributes": {
            "SentTimestamp": message.sent.0.to_string(), "ApproximateReceiveCount": message.receives.to_string(),
        },
        "eventSource": "aws:sqs",
    })
}

/// Random numbers from a seed, the same in every run.
pub struct SeededRng(u64);

impl SeededRng {
    pub fn new(seed: u64) -> SeededRng {
        SeededRng(seed)
    }

    /// A number below `bound`. (A linear congruential generator with Knuth's constants.)
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
