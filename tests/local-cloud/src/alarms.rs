//! CloudWatch alarms go off, which no emulator does.
//!
//! ministack keeps alarms and metric data and is told to do nothing with them. Here the alarms are looked at after each
//! call that may change one and each second besides; what has changed is told to EventBridge, and the actions for the new
//! state are carried out, in order.

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
use alarm::{Alarm, AlarmState, Threshold, AlarmCondition};
use message::StateChange;
use store::Store;

pub use metric::{Metric, MetricData};

/// The calls after which alarms are looked at.
pub const OPERATIONS: [&str; 5] =
    ["PutMetricData", "PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState", "DeleteAlarms"];
/// How often they are looked at if nobody calls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often a scaling policy is invoked again while the state lasts (CloudWatch's user guide).
const INVOKE_AGAIN: Duration = Duration::from_mins(1);

/// All alarms of the one region.
pub struct Alarms {
    store: Store,
    ministack: Ministack,
    bus: EventBridge,
    tracked: tokio::sync::Mutex<BTreeMap<String, TrackedAlarm>>,
    queued_actions: Mutex<VecDeque<QueuedAction>>,
    /// Metrics out of log events that wait to be put.
    embedded: Mutex<EmbeddedMetrics>,
    /// There is work, or there are embedded metrics.
    wake: Notify,
    events: AtomicU64,
}

/// Values by their metric and unit, each with its time.
type EmbeddedMetrics = BTreeMap<(Metric, String), Vec<(f64, f64)>>;

/// What is remembered of an alarm.
struct TrackedAlarm {
    standing: AlarmState,
    /// Whether SetAlarmState made it so, or a composite alarm's rule: data have no say in it yet.
    set_externally: bool,
    /// When its policies were last invoked.
    policies_invoked_at: Timestamp,
}

/// What is to be done.
enum QueuedAction {
    /// An alarm has changed its state.
    StateChanged(Box<StateChange>),
    /// An alarm's state lasts: its policies are invoked again.
    StateContinues(Box<Alarm>),
}

impl Alarms {
    /// The alarms of this ministack, told to the rules on this bus.
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

    /// Looks at the alarms and carries out their actions for as long as the local cloud runs.
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
                () = tokio::time::sleep(POLL_INTERVAL) => self.evaluate().await,
            }
        }
    }

    /// Looks at all alarms now. What follows from it is done soon after.
    pub async fn evaluate(&self) {
        if let Err(reason) = self.evaluate_all().await {
            eprintln!("local-cloud: the alarms were not looked at: {reason}");
        }
    }

    /// Puts metric values, and looks at the alarms.
    ///
    /// # Errors
    /// What ministack refused.
    pub async fn put(&self, values: &MetricData) -> Result<(), String> {
        self.store.put(values).await?;
        self.evaluate().await;
        Ok(())
    }

    /// Takes the metrics out of log events that embed some: the body of a PutLogEvents call that went well. They are put
    /// soon after, as on AWS, and all that have come until then together: ministack goes through what it holds at each put.
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

    /// Puts the embedded metrics that wait, and looks at the alarms if there were any.
    async fn put_embedded(&self) {
        let waiting = std::mem::take(&mut *self.embedded.lock().unwrap_or_else(PoisonError::into_inner));
        let some = !waiting.is_empty();
        for ((metric, unit), values) in waiting {
            if let Err(reason) = self.store.put(&MetricData { metric, unit, values }).await {
                eprintln!("local-cloud: an embedded metric was not put: {reason}");
            }
        }
        if some {
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
                standing: AlarmState::initial(now()),
                set_externally: false,
                policies_invoked_at: now(),
            });
            self.evaluate_alarm(alarm, tracked, &metrics).await?;
        }
        Ok(())
    }

    async fn evaluate_alarm(&self, mut alarm: Alarm, tracked: &mut TrackedAlarm, metrics: &BTreeSet<Metric>) -> Result<(), String> {
        let now = now();
        if alarm.standing.state != tracked.standing.state {
            // Its evaluation is left to the next look, so that the state is to be seen.
            tracked.set_externally = true;
            alarm.standing.replaces(&tracked.standing, now);
            self.changed(alarm, tracked);
            return Ok(());
        }
        alarm.standing = tracked.standing.clone();
        let AlarmCondition::Threshold(threshold) = &alarm.condition else { return Ok(()) };
        let points = self.points(threshold, metrics, now).await?;
        let verdict = evaluation::evaluate(threshold, alarm.standing.state, &points, now);
        if let Some(verdict) = verdict.filter(|it| it.has_data || !tracked.set_externally) {
            tracked.set_externally = false;
            if verdict.standing.state != alarm.standing.state {
                self.store.set_state(&alarm.name, &verdict.standing).await?;
                alarm.standing = verdict.standing;
                self.changed(alarm, tracked);
                return Ok(());
            }
        }
        if !tracked.set_externally && now.since(tracked.policies_invoked_at) >= INVOKE_AGAIN {
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
        let previous = std::mem::replace(&mut tracked.standing, alarm.standing.clone());
        tracked.policies_invoked_at = alarm.standing.since;
        self.add(QueuedAction::StateChanged(Box::new(StateChange { alarm, previous })));
    }

    fn add(&self, queued_actions: QueuedAction) {
        self.queued_actions.lock().unwrap_or_else(PoisonError::into_inner).push_back(queued_actions);
        self.wake.notify_one();
    }

    fn next(&self) -> Option<QueuedAction> {
        self.queued_actions.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Tells EventBridge of a change, and carries out the actions for the new state.
    async fn publish(&self, change: &StateChange, groups: &AutoScalingService) {
        let alarm = &change.alarm;
        report_failure(alarm, self.bus.put(&change.event(self.events.fetch_add(1, Ordering::Relaxed))).await);
        if !alarm.actions_enabled {
            return;
        }
        for arn in alarm.actions() {
            let outcome = match Action::of(arn) {
                // Below.
                Action::Policy => Ok(()),
                Action::Function(name) => self.ministack.invoke(name, change.invocation()).await,
                Action::Topic => {
                    let (subject, message) = (change.subject(), change.message());
                    let parameters = [("TopicArn", arn.as_str()), ("Subject", &subject), ("Message", &message)];
                    self.ministack.query("sns", "Publish", &parameters).await
                }
                Action::Other => Err(format!("{arn}: actions are policies, functions and topics here")),
            };
            report_failure(alarm, outcome);
        }
        invoke_policies(alarm, groups);
    }
}

fn invoke_policies(alarm: &Alarm, groups: &AutoScalingService) {
    let state = alarm.standing.state.as_str();
    let policies = alarm.actions().iter().filter(|arn| alarm.actions_enabled && Action::of(arn) == Action::Policy);
    for policy in policies {
        match groups.alarm(policy, &alarm.name, state) {
            // AWS notes that in the alarm's history.
            Err(fault) if fault.code == "ScalingActivityInProgress" => {}
            outcome => report_failure(alarm, outcome.map_err(|fault| fault.to_string())),
        }
    }
}

/// What did not work is not lost in silence.
fn report_failure(alarm: &Alarm, outcome: Result<(), String>) {
    if let Err(reason) = outcome {
        eprintln!("local-cloud: an action of the alarm {} failed: {reason}", alarm.name);
    }
}
