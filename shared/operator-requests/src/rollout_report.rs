//! The rollout of an environment in the results of operator requests.

use std::time::Duration;

use environment::rollout::{
    Action, Capacity, Estimate, EstimateInputs, InstanceCount, ObservedRollout, RolloutCloud as _, RolloutInstance,
    RolloutMode, RolloutSettings, RolloutSummary, Trigger, decide, estimate,
};
use environment::{
    CallError, DesiredState, ObservedResource, Plan, Spec, TemplateChange, Timestamp, desired_version, template_version,
};
use request_pass::{CloudFactory, recorded_image, recorded_rollout, recorded_spec, scope};
use requests::records::OwnerRecord;
use requests::{Owner, Records, time_text};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::{KnownEnvironment, OperatorRequest};

/// The time of a request whose record names none: CloudFormation's longest (`ServiceTimeout`).
const LONGEST_REQUEST: Duration = Duration::from_hours(1);

/// The rollout that follows a plan: the part of the result for programs, and the lines for operators.
pub(crate) struct Forecast {
    pub json: Value,
    pub text: String,
}

/// The observed group of an environment.
pub(crate) struct GroupReport {
    pub capacity: Capacity,
    pub rollout: RolloutSummary,
    /// The instances that are not terminating.
    pub instances: Vec<RolloutInstance>,
    /// Why the rollout needs an operator, if no automatic step is left.
    pub obstacle: Option<String>,
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Observes the rollout of an environment; `None` if it has no group.
    pub(crate) async fn observe_rollout(
        &self,
        owner: &Owner,
        record: &OwnerRecord,
        environment: &str,
        alarms: &[String],
    ) -> Result<Option<ObservedRollout>, CallError> {
        let deployment = &self.settings.deployment;
        let Some(suffix) = deployment.suffix_of_environment(environment) else { return Ok(None) };
        let scope = scope(owner.as_str(), deployment.names(suffix), Some(record), false);
        self.cloud_factory.for_run(owner.as_str(), "observe", None).observe_rollout(&scope, alarms).await
    }

    /// The group of an environment, for `status`; `None` if it has none.
    pub(crate) async fn observe_group(
        &self,
        owner: &Owner,
        record: &OwnerRecord,
        environment: &str,
    ) -> Result<Option<GroupReport>, CallError> {
        let spec = recorded_spec(Some(record), |it| it.desired.as_ref(), self.settings);
        let settings = spec.as_ref().map_or_else(RolloutSettings::default, |it| it.rollout.clone());
        let min_size = spec.as_ref().map_or(0, |it| it.min_size);
        let Some(observed) = self.observe_rollout(owner, record, environment, &settings.alarms).await? else {
            return Ok(None);
        };
        let current = spec.and_then(|spec| {
            let image = recorded_image(Some(record), &spec)?;
            Some(template_version(&spec, &spec.names(&self.settings.deployment), owner.as_str(), &image))
        });
        let (rollout, now) = (recorded_rollout(Some(record)), self.cloud_factory.now());
        let obstacle = rollout.desired.as_ref().and_then(|desired| {
            match decide(&observed.situation(&rollout, &settings, desired, (Trigger::Due, now))) {
                Action::Alarm(reason) => Some(reason.to_string()),
                _ => None,
            }
        });
        Ok(Some(GroupReport {
            capacity: Capacity::of(&observed, min_size, now),
            rollout: RolloutSummary::of(&observed, &rollout, &settings, current.as_ref(), now),
            obstacle,
            instances: observed.instances,
        }))
    }

    /// The operator request `rollout`: the part of `status` about the rollout.
    pub(crate) async fn rollout_status(&self) -> Result<Value, OperatorError> {
        let KnownEnvironment { environment, owner, record } = self.find_environment().await?;
        let group = self.observe_group(&owner, &record, &environment).await?;
        let hold = held_until(&record, self.cloud_factory.now());
        let mut lines: Vec<String> = hold.map(hold_line).into_iter().collect();
        match &group {
            Some(group) => {
                lines.extend(group.obstacle.as_ref().map(|it| format!("The rollout needs an operator: {it}.")));
                lines.push(group.rollout.to_string());
            }
            None => lines.push(format!("{environment} has no rollout: its Auto Scaling group does not exist.")),
        }
        let obstacle = group.as_ref().and_then(|it| it.obstacle.clone());
        Ok(json!({
            "Environment": environment, "Owner": owner.as_str(),
            "Rollout": group.map(|it| summary_json(&it.rollout)), "Obstacle": obstacle,
            "HeldUntil": hold.map(|it| it.to_string()), "Text": lines.join("\n"),
        }))
    }

    /// The forecast of the rollout that follows a plan; `None` if none follows.
    pub(crate) async fn forecast(
        &self,
        plan: &Plan,
        spec: &Spec,
        (desired, observed): (&DesiredState, &[ObservedResource]),
        (owner, record): (&Owner, &OwnerRecord),
    ) -> Result<Option<Forecast>, OperatorError> {
        let rolls = |change| change == TemplateChange::Rolling;
        if !plan.rollout.as_ref().is_some_and(|it| rolls(it.change)) {
            return Ok(None);
        }
        if spec.rollout.mode == RolloutMode::None {
            let text = "Rollout is None: running instances keep their version.";
            return Ok(Some(Forecast { json: json!({ "Mode": "None" }), text: String::from(text) }));
        }
        let environment = spec.names(&self.settings.deployment).environment_id();
        let rollout = self.observe_rollout(owner, record, &environment, &[]).await?;
        let Some((rollout, version)) = rollout.zip(desired_version(desired, observed)) else { return Ok(None) };
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let replaced = count(rollout.replaced_by(&version));
        let (hooks, are_handled) = (&spec.hooks, self.settings.hooks_are_handled);
        let if_on = |on: Option<bool>, seconds: u32| if on.unwrap_or(are_handled) { seconds } else { 0 };
        let request = record.latest_request.as_ref();
        let request_time = request.map(|it| Duration::from_millis(it.deadline_ms.saturating_sub(it.sent_ms)));
        let estimate = estimate(&EstimateInputs {
            settings: &spec.rollout,
            replaced,
            desired_capacity: rollout.desired_capacity.clamp(spec.min_size, spec.max_size).max(replaced),
            max_size: spec.max_size,
            max_instances: self.settings.allow_lists.max_instances,
            launches: &rollout.launches,
            gate_seconds: if_on(hooks.launch_gate, hooks.launch_gate_seconds),
            drain_seconds: if_on(hooks.terminate_drain, hooks.drain_seconds),
            request_time: request_time.unwrap_or(LONGEST_REQUEST),
            has_way_back: rollout.has_way_back(&recorded_rollout(Some(record))),
        });
        let ignored: Vec<&str> = rollout.ignored().collect();
        let mut text = format!("Rollout: {estimate}");
        if !ignored.is_empty() {
            text.push_str("\nnot replaced, since they are in Standby or protected from scale-in: ");
            text.push_str(&ignored.join(", "));
        }
        Ok(Some(Forecast { json: forecast_json(&estimate, &ignored), text }))
    }
}

fn forecast_json(estimate: &Estimate, ignored: &[&str]) -> Value {
    let Estimate { instances, first, at_a_time, surge, duration, extra_instance_hours, warnings } = estimate;
    json!({
        "Mode": "Rolling", "Instances": instances, "First": first, "AtATime": at_a_time, "Surge": surge,
        "Minutes": duration.map(|it| it.as_secs().div_ceil(60)),
        // Tenths, as a decimal number.
        "ExtraInstanceHours": extra_instance_hours.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
        "Ignored": ignored, "Warnings": warnings,
    })
}

/// The end of the hold that lasts, or is requested and not recorded yet.
pub(crate) fn held_until(record: &OwnerRecord, now: Timestamp) -> Option<Timestamp> {
    let recorded = recorded_rollout(Some(record)).hold.map(|it| it.until);
    record.hold_request_ms.map(Timestamp).or(recorded).filter(|until| now < *until)
}

/// The hold as the first line of a text: an overlay of Envkeeper, and no drift.
pub(crate) fn hold_line(until: Timestamp) -> String {
    format!(
        "Hold: no rollout replaces an instance until {until}, by an operator's request; the request release ends it."
    )
}

/// The instances for programs. The version is null while it is not known.
pub(crate) fn instances_json(instances: &[RolloutInstance]) -> Value {
    let instance = |it: &RolloutInstance| {
        json!({
            "Id": it.id, "Zone": it.zone, "LifecycleState": it.lifecycle_state, "Health": it.health,
            "Version": it.version.as_ref().map(|it| it.number), "InService": it.in_service_since.is_some(),
        })
    };
    instances.iter().map(instance).collect()
}

/// The summary for programs.
pub(crate) fn summary_json(summary: &RolloutSummary) -> Value {
    let counts = |counts: &std::collections::BTreeMap<String, InstanceCount>| -> Value {
        let count = |it: &InstanceCount| json!({ "Total": it.total, "InService": it.in_service });
        counts.iter().map(|(key, it)| (key.clone(), count(it))).collect::<serde_json::Map<_, _>>().into()
    };
    let refresh = summary.refresh.as_ref().map(|(it, is_owned)| {
        json!({
            "Id": it.id, "Status": it.status.to_string(), "StatusReason": it.status_reason, "Owned": is_owned,
            "Version": it.target.as_ref().map(|it| it.number), "PercentageComplete": it.percentage_complete,
            "InstancesToUpdate": it.instances_to_update,
        })
    });
    let failed = summary.failed.iter().map(|it| {
        json!({
            "Version": it.version.number, "Cause": it.cause, "Evidence": it.evidence, "At": time_text(it.at.0),
        })
    });
    json!({
        "Mode": summary.mode, "State": summary.state.map(|it| it.to_string()), "Launched": summary.launched,
        "Desired": summary.desired, "InstancesByVersion": counts(&summary.by_version),
        "InstancesByRollingInputs": counts(&summary.by_rolling_inputs), "Ignored": summary.ignored, "Refresh": refresh,
        "FailedVersions": failed.collect::<Vec<_>>(), "BlockingAlarm": summary.blocking_alarm, "Suspended": summary.is_suspended,
        "NewerRevision": summary.has_newer_revision,
    })
}
