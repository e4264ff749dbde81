//! The entries of the ledger as sentences for operators. Pure: the same entry always results in the same sentence.

use crate::cause::{Cause, CauseKind};
use crate::entry::{ENTERED_WARM_POOL, Entry, Kind};

/// An entry as one sentence without its time: the instance or the group, the event, and the reason, which may contain
/// several lines.
#[must_use]
pub fn sentence(entry: &Entry) -> String {
    match entry.kind {
        Kind::Launch => launch(entry),
        Kind::Terminate => termination(entry),
        Kind::Lifecycle => reasoned(format!("{} waits", instance(entry)), " ", entry.reason.as_deref()),
        Kind::Refresh => reasoned(format!("instance refresh {}", entry.outcome), ": ", entry.reason.as_deref()),
        Kind::Rollout => rollout(entry),
        Kind::Capacity => capacity(entry),
        Kind::Gate => gate(entry),
        Kind::Drain => drain(entry),
        Kind::Alarm => alarm(entry),
        Kind::Remediation => remediation(entry),
        Kind::State => state(entry),
        Kind::Request => reasoned(format!("request {}", entry.outcome), ": ", entry.reason.as_deref()),
        Kind::Interruption => interruption(entry),
        Kind::Other => format!("{} of {}", entry.event, instance(entry)),
    }
}

/// The trigger of a change as a noun: "the alarm … by the policy …".
#[must_use]
pub fn trigger(cause: &Cause) -> String {
    let named = |noun: &str, name: &Option<String>| match name {
        Some(name) => format!("{noun} {name}"),
        None => noun.to_owned(),
    };
    match cause.actor {
        CauseKind::Alarm => {
            let by = cause.policy.as_ref().map(|policy| format!(" by the policy {policy}")).unwrap_or_default();
            format!("{}{by}", named("the alarm", &cause.alarm))
        }
        CauseKind::Policy => named("an execution of the policy", &cause.policy),
        CauseKind::Request => String::from("a request of an operator, a stack or Envkeeper"),
        CauseKind::Schedule => named("the scheduled action", &cause.schedule),
        CauseKind::Forecast => String::from("predictive scaling"),
        CauseKind::HealthCheck => String::from("a failed health check"),
        CauseKind::Spot => String::from("a Spot interruption or rebalance recommendation"),
        CauseKind::Balance => String::from("the balance between zones"),
        CauseKind::Refresh => String::from("an instance refresh"),
        CauseKind::Lifetime => String::from("the maximum instance lifetime"),
        CauseKind::WarmPool => String::from("the warm pool"),
        CauseKind::LaunchFailure => String::from("a failed launch"),
        CauseKind::Difference => String::from("a difference between desired and actual capacity"),
        CauseKind::Other if cause.text.is_empty() => String::from("an unknown trigger"),
        CauseKind::Other => cause.text.clone(),
    }
}

fn launch(entry: &Entry) -> String {
    let zone = entry.zone.as_ref().map(|zone| format!(" in {zone}")).unwrap_or_default();
    match entry.outcome.as_str() {
        "successful" => {
            reasoned(format!("{} in service{zone}{}", instance(entry), after(entry)), ": ", triggered(entry).as_deref())
        }
        ENTERED_WARM_POOL => format!("{} in the warm pool{zone}{}", instance(entry), after(entry)),
        outcome => reasoned(
            format!("launch of {} {outcome}{zone}{}", instance(entry), after(entry)),
            ": ",
            entry.reason.as_deref(),
        ),
    }
}

fn termination(entry: &Entry) -> String {
    match entry.outcome.as_str() {
        "successful" => reasoned(format!("{} terminated", instance(entry)), ": ", triggered(entry).as_deref()),
        ENTERED_WARM_POOL => format!("{} returned to the warm pool", instance(entry)),
        outcome => reasoned(format!("termination of {} {outcome}", instance(entry)), ": ", entry.reason.as_deref()),
    }
}

fn rollout(entry: &Entry) -> String {
    let verb = match entry.outcome.as_str() {
        "needs-operator" => "needs an operator",
        outcome => outcome,
    };
    reasoned(format!("rollout {verb}"), ": ", entry.reason.as_deref())
}

fn capacity(entry: &Entry) -> String {
    let change = entry.cause.as_ref().and_then(|it| Some((it.desired_before?, it.desired_after?)));
    let change = match change {
        Some((before, after)) => format!("desired capacity {before} → {after}"),
        None => String::from("desired capacity changed"),
    };
    reasoned(change, ": ", triggered(entry).as_deref())
}

fn gate(entry: &Entry) -> String {
    let verdict = match entry.outcome.as_str() {
        "continue" => "passed the launch gate",
        "abandon" => "was abandoned by the launch gate",
        outcome => outcome,
    };
    reasoned(format!("{} {verdict}{}", instance(entry), after(entry)), ": ", entry.reason.as_deref())
}

fn drain(entry: &Entry) -> String {
    let verb = if entry.outcome == "drained" { "drained" } else { "not drained" };
    // The reason of a successful drain repeats the outcome.
    let reason = entry.reason.as_deref().filter(|it| *it != entry.outcome);
    reasoned(format!("{} {verb}{}", instance(entry), after(entry)), ": ", reason)
}

fn alarm(entry: &Entry) -> String {
    let name = entry.cause.as_ref().and_then(|it| it.alarm.as_deref()).unwrap_or("an alarm");
    let state = match entry.outcome.as_str() {
        "insufficient-data" => String::from("INSUFFICIENT_DATA"),
        state => state.to_uppercase(),
    };
    // CloudWatch's reason ends with the minimum number of datapoints for a transition.
    let reason = entry.reason.as_deref().map(|it| it.split(" (minimum ").next().unwrap_or(it));
    reasoned(format!("{name} is {state}"), ": ", reason)
}

fn remediation(entry: &Entry) -> String {
    let rule = entry.cause.as_ref().and_then(|it| it.rule.as_deref()).unwrap_or("a rule");
    reasoned(format!("rule {rule} {}", entry.outcome), ": ", entry.reason.as_deref())
}

fn state(entry: &Entry) -> String {
    let Some(state) = &entry.state else { return format!("{} observed", entry.group) };
    let (min, max, desired) = (state.min, state.max, state.desired);
    let in_service = state.in_service();
    format!("{in_service} in service, {desired} desired, between {min} and {max}")
}

fn interruption(entry: &Entry) -> String {
    let notice = entry.outcome.replace('-', " ");
    reasoned(format!("{notice} for {}", instance(entry)), ": ", entry.reason.as_deref())
}

fn instance(entry: &Entry) -> &str {
    entry.instance.as_deref().unwrap_or(match entry.kind {
        Kind::Launch | Kind::Terminate | Kind::Lifecycle | Kind::Gate | Kind::Drain | Kind::Interruption => {
            "an instance"
        }
        _ => &entry.group,
    })
}

fn triggered(entry: &Entry) -> Option<String> {
    entry.cause.as_ref().map(trigger)
}

/// The duration, in whole seconds.
fn after(entry: &Entry) -> String {
    entry.seconds.map(|seconds| format!(" after {seconds:.0} s")).unwrap_or_default()
}

fn reasoned(event: String, separator: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) if !reason.is_empty() => format!("{event}{separator}{reason}"),
        _ => event,
    }
}
