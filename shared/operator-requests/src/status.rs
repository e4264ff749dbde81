//! The operator request `status`: the state of an environment, by its record and by an observation of its group.

use std::fmt;

use environment::rollout::{Capacity, CapacityState, RolloutState, RolloutSummary};
use environment::{CallError, Timestamp};
use request_pass::{CloudFactory, is_protected};
use requests::records::{HistoryEntry, LatestRequest, OwnerRecord};
use requests::{Records, time_text};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::{KnownEnvironment, OperatorRequest};
use crate::rollout_report::{GroupReport, held_until, hold_line, instances_json, summary_json};

/// The state of an environment. The record alone proves none: instances end without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EnvironmentState {
    /// The last request is done, and as many instances are in service as Auto Scaling wants.
    Settled,
    /// A request, a rollout or a launch is under way.
    UnderWay,
    /// The last request failed, the group is missing, or instances are missing and do not come.
    Degraded,
    /// The group could not be observed.
    Unknown,
    /// The environment was deleted, and its tombstone exists.
    Deleted,
}

impl fmt::Display for EnvironmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EnvironmentState::Settled => "settled",
            EnvironmentState::UnderWay => "under-way",
            EnvironmentState::Degraded => "degraded",
            EnvironmentState::Unknown => "unknown",
            EnvironmentState::Deleted => "deleted",
        })
    }
}

/// The observation of the group; `None` if it does not exist.
type Group = Result<Option<GroupReport>, CallError>;

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// The status of an environment. Where AWS does not respond, it is what the record has.
    pub(crate) async fn status(&self) -> Result<Value, OperatorError> {
        let KnownEnvironment { environment, owner, record } = self.find_present_or_deleted().await?;
        let now = self.cloud_factory.now();
        let latest = record.latest_request.as_ref().map(|latest| {
            json!({
                "Kind": latest.kind, "Sent": time_text(latest.began_ms()), "ResponseDue": time_text(latest.deadline_ms),
                "Responded": record.response_due_ms.is_none(), "Stack": latest.response_address.stack_id,
                "LogicalResourceId": latest.response_address.logical_id,
            })
        });
        let progress = record.progress.as_ref();
        let group = if record.deleted { Ok(None) } else { self.observe_group(&owner, &record, &environment).await };
        let (state, headline) = state(&environment, &record, &group, now);
        let (capacity, rollout, instances) = match &group {
            Ok(None) => (Value::Null, Value::Null, json!([])),
            Ok(Some(report)) => {
                (capacity_json(&report.capacity), summary_json(&report.rollout), instances_json(&report.instances))
            }
            Err(error) => (Value::Null, json!({ "Error": error.to_string() }), Value::Null),
        };
        let hold = held_until(&record, now);
        Ok(json!({
            "Version": env!("CARGO_PKG_VERSION"), "Environment": environment, "Owner": owner.as_str(),
            "State": state.to_string(), "Settled": record.settled, "Capacity": capacity, "Instances": instances,
            "Protected": is_protected(&record), "Unlocked": record.unlocked, "LatestRequest": latest,
            "WaitingFor": progress.map(|it| it.waiting_for.clone()).unwrap_or_default(),
            "WaitingSince": progress.and_then(requests::records::Progress::since_ms).map(time_text),
            "Responses": record.history.iter().rev().map(history_json).collect::<Vec<_>>(),
            "Rollout": rollout, "HeldUntil": hold.map(|it| it.to_string()),
            "Deleted": record.deleted_ms.map(time_text), "Text": text(headline, hold, &record, &group, now),
        }))
    }
}

/// The state, and the first line of the text.
fn state(environment: &str, record: &OwnerRecord, group: &Group, now: Timestamp) -> (EnvironmentState, String) {
    if let Some(latest) = record.latest_request.as_ref().filter(|_| record.response_due_ms.is_some()) {
        let (kind, due) = (&latest.kind, time_text(latest.deadline_ms));
        let seconds = now.0.saturating_sub(latest.began_ms()) / 1_000;
        let line =
            format!("{environment}: its {kind} has been in progress for {seconds} s; the response is due by {due}.");
        return (EnvironmentState::UnderWay, line);
    }
    if record.deleted {
        let at = record.deleted_ms.map(|at_ms| format!(" at {}", time_text(at_ms))).unwrap_or_default();
        let line = format!("{environment} was deleted{at}. The request \"inventory\" shows whether anything is left.");
        return (EnvironmentState::Deleted, line);
    }
    if !record.settled {
        let advice = match record.settled_spec {
            Some(_) => "update its stack to continue, or send the request \"repair\"",
            None => "delete its stack and create it again, or update a stack in CREATE_FAILED to continue",
        };
        let line = format!(
            "{environment} is not settled, and no request is in progress. The last response below names the reason; {advice}."
        );
        return (EnvironmentState::Degraded, line);
    }
    let GroupReport { capacity, rollout, obstacle, .. } = match group {
        Ok(Some(group)) => group,
        Ok(None) => {
            let line = format!("{environment} is degraded: its Auto Scaling group does not exist.");
            return (EnvironmentState::Degraded, line);
        }
        Err(error) => {
            let line = format!(
                "{environment} was settled by its last request. Its state is unknown, since its group could not be observed: {error}."
            );
            return (EnvironmentState::Unknown, line);
        }
    };
    if let Some(reason) = obstacle {
        let line = format!("{environment} is degraded: its rollout needs an operator: {reason}. {capacity}");
        return (EnvironmentState::Degraded, line);
    }
    match capacity.state() {
        CapacityState::Degraded => (EnvironmentState::Degraded, format!("{environment} is degraded: {capacity}")),
        _ if is_rolling(rollout) => {
            (EnvironmentState::UnderWay, format!("{environment}: a rollout is under way. {capacity}"))
        }
        CapacityState::Launching => {
            let line = format!("{environment}: the group is below its desired capacity. {capacity}");
            (EnvironmentState::UnderWay, line)
        }
        CapacityState::Complete => (EnvironmentState::Settled, format!("{environment} is settled. {capacity}")),
    }
}

/// Whether instances are replaced, or are about to be after a hold. A way back counts too.
fn is_rolling(rollout: &RolloutSummary) -> bool {
    let is_active = rollout.refresh.as_ref().is_some_and(|(refresh, _)| refresh.status.is_active());
    is_active || matches!(rollout.state, Some(RolloutState::InProgress | RolloutState::Held))
}

fn text(headline: String, hold: Option<Timestamp>, record: &OwnerRecord, group: &Group, now: Timestamp) -> String {
    let mut lines: Vec<String> = hold.map(hold_line).into_iter().collect();
    lines.push(headline);
    if let Some(progress) = &record.progress {
        let since = progress.since_ms().map(|since_ms| format!(" for {} s", now.0.saturating_sub(since_ms) / 1_000));
        lines.push(format!("Waiting{} for:", since.unwrap_or_default()));
        lines.extend(progress.waiting_for.iter().map(|it| format!("  {it}")));
    }
    if let Ok(Some(report)) = group {
        lines.push(report.rollout.to_string());
    }
    if let Some(LatestRequest { response_address, .. }) = &record.latest_request {
        lines.push(format!(
            "Owner: the resource {} of the stack {}.",
            response_address.logical_id, response_address.stack_id
        ));
    }
    if is_protected(record) {
        let lifted = "Deletion protection: lifted until the next update of the stack.";
        lines.push(String::from(if record.unlocked { lifted } else { "Deletion protection: on." }));
    }
    if !record.history.is_empty() {
        lines.push(String::from("Responses, newest first:"));
    }
    let history = record.history.iter().rev().map(|it| {
        let outcome = if it.success { String::from("SUCCESS") } else { format!("FAILED: {}", it.reason) };
        format!("  {} {} {outcome}", time_text(it.responded_ms), it.kind)
    });
    lines.extend(history);
    lines.join("\n")
}

fn capacity_json(capacity: &Capacity) -> Value {
    let failure = capacity.last_failure.as_ref();
    json!({
        "InService": capacity.in_service, "Launching": capacity.launching, "Desired": capacity.desired,
        "MinSize": capacity.min_size,
        "LastFailure": failure.map(|it| json!({ "At": time_text(it.at.0), "Reason": it.to_string() })),
    })
}

fn history_json(entry: &HistoryEntry) -> Value {
    json!({
        "Kind": entry.kind, "Sent": time_text(entry.sent_ms), "Responded": time_text(entry.responded_ms),
        "Status": if entry.success { "SUCCESS" } else { "FAILED" }, "Reason": entry.reason,
    })
}
