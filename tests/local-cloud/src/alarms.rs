//! The evaluation of CloudWatch alarms, which neither emulator simulates faithfully.
//!
//! ministack stores alarms and metric data; its own evaluation is switched off. This module evaluates the alarms after
//! each call that can change one, and in addition each second. A change of state is published to EventBridge, and then
//! the actions for the new state are executed, in order.

mod action;
mod alarm;
mod evaluation;
mod message;
mod metric;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auto_scaling::Timestamp;
use tokio::sync::Notify;

use crate::{
    auto_scaling::{AutoScalingService, now},
    emf,
    event_bridge::EventBridge,
    ministack::Ministack,
};
use action::Action;
use alarm::{Alarm, AlarmCondition, AlarmState, Threshold};
use message::StateChange;
use store::Store;

pub use metric::{Metric, MetricData};

/// The calls after which all alarms are evaluated.
pub const OPERATIONS: [&str; 5] =
    ["PutMetricData", "PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState", "DeleteAlarms"];
/// The interval of evaluations without such calls.
const EVALUATION_INTERVAL: Duration = Duration::from_secs(1);
/// The interval at which a scaling policy is invoked again while the state persists (CloudWatch's user guide).
const POLICY_INTERVAL: Duration = Duration::from_mins(1);

/// All alarms of the one region.
pub struct Alarms {
    store: Store,
    ministack: Ministack,
    bus: EventBridge,
    tracked: tokio::sync::Mutex<BTreeMap<String, TrackedAlarm>>,
    queued_actions: Mutex<VecDeque<QueuedAction>>,
    /// Metrics from log events that are not yet put.
    embedded: Mutex<EmbeddedMetrics>,
    /// Wakes the loop: an action is queued, or embedded metrics have arrived.
    wake: Notify,
    events: AtomicU64,
}

/// Values with their times in seconds since 1970, by metric and unit.
type EmbeddedMetrics = BTreeMap<(Metric, String), Vec<(f64, f64)>>;

/// The states of alarms, by name.
pub type AlarmStates = BTreeMap<String, auto_scaling::AlarmState>;

/// The recorded state of an alarm since the last evaluation.
struct TrackedAlarm {
    state: AlarmState,
    /// Whether SetAlarmState or a composite alarm's rule set the state: the evaluation of data has not yet replaced it.
    set_externally: bool,
    /// The last time the alarm's scaling policies were invoked.
    policies_invoked_at: Timestamp,
}

/// The actions that are due for an alarm.
enum QueuedAction {
    /// The alarm's state has changed: the event and all actions.
    StateChanged(Box<StateChange>),
    /// The alarm's state persists: the scaling policies are invoked again.
    StateContinues(Box<Alarm>),
}

/// Whether the rule of a composite alarm names an alarm, by its name or its ARN.
fn names_alarm(rule: &str, alarm: &str) -> bool {
    let operands = rule.split(['(', ')', '"', '\'']).map(str::trim);
    operands.into_iter().any(|it| it == alarm || it.split_once(":alarm:").is_some_and(|(_, name)| name == alarm))
}

impl Alarms {
    /// The alarms of this ministack, published to the rules on this bus.
    #[must_use]
    pub fn new(ministack: Ministack, bus: EventBridge) -> Self {
        Self {
            store: Store::new(ministack.clone()),
            ministack,
            bus,
            tracked: tokio::sync::Mutex::default(),
            queued_actions: Mutex::default(),
            embedded: Mutex::default(),
            wake: Notify::new(),
            events: AtomicU64::new(0),
        }
    }

    /// Evaluates the alarms and executes their actions for as long as the local cloud runs.
    pub async fn run(&self, groups: &AutoScalingService) -> Infallible {
        loop {
            self.put_embedded().await;
            while let Some(queued_actions) = self.next() {
                match queued_actions {
                    QueuedAction::StateChanged(change) => self.publish(&change, groups).await,
                    QueuedAction::StateContinues(alarm) => invoke_policies(&alarm, groups),
                }
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(EVALUATION_INTERVAL) => self.evaluate().await,
            }
        }
    }

    /// The first of these alarms that the rule of a composite alarm names.
    pub async fn first_with_composite(&self, names: &[&str]) -> Option<String> {
        let alarms = self.store.alarms().await.ok()?;
        let is_named = |name: &&&str| {
            alarms.iter().any(|it| matches!(&it.condition, AlarmCondition::Rule(rule) if names_alarm(rule, name)))
        };
        names.iter().find(is_named).map(|name| (*name).to_owned())
    }

    /// The state of each alarm at the last evaluation.
    pub async fn states(&self) -> AlarmStates {
        let tracked = self.tracked.lock().await;
        let state = |alarm: &TrackedAlarm| auto_scaling::AlarmState::parse(alarm.state.value.as_str());
        tracked.iter().filter_map(|(name, alarm)| Some((name.clone(), state(alarm)?))).collect()
    }

    /// Evaluates all alarms now. Resulting actions are queued and executed soon after.
    pub async fn evaluate(&self) {
        if let Err(reason) = self.evaluate_all().await {
            eprintln!("local-cloud: alarm evaluation failed: {reason}");
        }
    }

    /// Puts metric values, and evaluates the alarms.
    ///
    /// # Errors
    /// The error of ministack.
    pub async fn put(&self, values: &MetricData) -> Result<(), String> {
        self.store.put(values).await?;
        self.evaluate().await;
        Ok(())
    }

    /// Collects the metrics that are embedded in the log events of a successful PutLogEvents call, from the call's
    /// body. They are put soon after, as on AWS, together with all that have arrived until then: ministack scans its
    /// stored data at each put.
    pub fn collect_embedded(&self, body: &[u8]) {
        let found = emf::in_call(body);
        if found.is_empty() {
            return;
        }
        let mut embedded = self.embedded.lock().unwrap_or_else(PoisonError::into_inner);
        for put in found {
            embedded.entry((put.metric, put.unit)).or_default().extend(put.values);
        }
        self.wake.notify_one();
    }

    /// Puts the collected embedded metrics, and evaluates the alarms if there were any.
    async fn put_embedded(&self) {
        let collected = std::mem::take(&mut *self.embedded.lock().unwrap_or_else(PoisonError::into_inner));
        let has_metrics = !collected.is_empty();
        for ((metric, unit), values) in collected {
            if let Err(reason) = self.store.put(&MetricData { metric, unit, values }).await {
                eprintln!("local-cloud: embedded metric put failed: {reason}");
            }
        }
        if has_metrics {
            self.evaluate().await;
        }
    }

    async fn evaluate_all(&self) -> Result<(), String> {
        let mut tracked = self.tracked.lock().await;
        let alarms = self.store.alarms().await?;
        tracked.retain(|name, _| alarms.iter().any(|alarm| alarm.name == *name));
        let has_metrics = alarms.iter().any(|alarm| matches!(alarm.condition, AlarmCondition::Threshold(_)));
        let metrics = if has_metrics { self.store.metrics().await? } else { BTreeSet::new() };
        for alarm in alarms {
            let tracked = tracked.entry(alarm.name.clone()).or_insert_with(|| TrackedAlarm {
                state: AlarmState::initial(now()),
                set_externally: false,
                policies_invoked_at: now(),
            });
            self.evaluate_alarm(alarm, tracked, &metrics).await?;
        }
        Ok(())
    }

    async fn evaluate_alarm(
        &self,
        mut alarm: Alarm,
        tracked: &mut TrackedAlarm,
        metrics: &BTreeSet<Metric>,
    ) -> Result<(), String> {
        let now = now();
        if alarm.state.value != tracked.state.value {
            // The data are evaluated at the next evaluation, so that callers can observe the state.
            tracked.set_externally = true;
            alarm.state.replaces(&tracked.state, now);
            self.changed(alarm, tracked);
            return Ok(());
        }
        alarm.state = tracked.state.clone();
        let AlarmCondition::Threshold(threshold) = &alarm.condition else { return Ok(()) };
        let points = self.points(threshold, metrics, now).await?;
        let verdict = evaluation::evaluate(threshold, &points, now);
        if let Some(verdict) = verdict.filter(|it| it.has_data || !tracked.set_externally) {
            tracked.set_externally = false;
            alarm.difference = verdict.difference;
            if verdict.state.value != alarm.state.value {
                self.store.set_state(&alarm.name, &verdict.state).await?;
                alarm.state = verdict.state;
                self.changed(alarm, tracked);
                return Ok(());
            }
        }
        if !tracked.set_externally && now.since(tracked.policies_invoked_at) >= POLICY_INTERVAL {
            tracked.policies_invoked_at = now;
            self.add(QueuedAction::StateContinues(Box::new(alarm)));
        }
        Ok(())
    }

    async fn points(
        &self,
        threshold: &Threshold,
        metrics: &BTreeSet<Metric>,
        now: Timestamp,
    ) -> Result<Vec<evaluation::Datapoint>, String> {
        if metrics.iter().any(|metric| threshold.metric.finds(metric)) {
            self.store.datapoints(&threshold.metric, evaluation::range(threshold), now).await
        } else {
            Ok(Vec::new())
        }
    }

    fn changed(&self, alarm: Alarm, tracked: &mut TrackedAlarm) {
        let previous = std::mem::replace(&mut tracked.state, alarm.state.clone());
        tracked.policies_invoked_at = alarm.state.since;
        self.add(QueuedAction::StateChanged(Box::new(StateChange { alarm, previous })));
    }

    fn add(&self, queued_actions: QueuedAction) {
        self.queued_actions.lock().unwrap_or_else(PoisonError::into_inner).push_back(queued_actions);
        self.wake.notify_one();
    }

    fn next(&self) -> Option<QueuedAction> {
        self.queued_actions.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Publishes a change to EventBridge, and executes the actions for the new state.
    async fn publish(&self, change: &StateChange, groups: &AutoScalingService) {
        let alarm = &change.alarm;
        report_failure(alarm, self.bus.put(&change.event(self.events.fetch_add(1, Ordering::Relaxed))).await);
        if !alarm.actions_enabled {
            return;
        }
        for arn in alarm.actions() {
            let outcome = match Action::of(arn) {
                // Executed below, by `invoke_policies`.
                Action::Policy => Ok(()),
                Action::Function(name) => self.ministack.invoke(name, change.invocation()).await,
                Action::Topic => {
                    let (subject, message) = (change.subject(), change.message());
                    let parameters = [("TopicArn", arn.as_str()), ("Subject", &subject), ("Message", &message)];
                    self.ministack.query("sns", "Publish", &parameters).await
                }
                Action::Other => Err(format!(
                    "{arn}: the local cloud simulates scaling policies, functions and topics as actions only"
                )),
            };
            report_failure(alarm, outcome);
        }
        invoke_policies(alarm, groups);
    }
}

fn invoke_policies(alarm: &Alarm, groups: &AutoScalingService) {
    let state = alarm.state.value.as_str();
    let policies = alarm.actions().iter().filter(|arn| alarm.actions_enabled && Action::of(arn) == Action::Policy);
    for policy in policies {
        match groups.alarm(policy, (&alarm.name, state, alarm.difference)) {
            // AWS records this in the alarm's history.
            Err(fault) if fault.code == "ScalingActivityInProgress" => {}
            outcome => report_failure(alarm, outcome.map_err(|fault| fault.to_string())),
        }
    }
}

/// Reports a failed action on stderr.
fn report_failure(alarm: &Alarm, outcome: Result<(), String>) {
    if let Err(reason) = outcome {
        eprintln!("local-cloud: action of the alarm {} failed: {reason}", alarm.name);
    }
}
