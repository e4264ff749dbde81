//! `status`, `rollout` and `instances`: the state of an environment.

use serde_json::{Value, json};

use super::{cell, items, toned_text};
use crate::exit::Exit;
use crate::report::Report;
use crate::style::{Line, Tone, table};

/// The exit code of a state. A state that this version does not know is one without an answer.
#[must_use]
pub fn exit_of_state(state: &str) -> Exit {
    match state {
        "settled" | "deleted" => Exit::Settled,
        "under-way" => Exit::UnderWay,
        "degraded" => Exit::Degraded,
        _ => Exit::NoAnswer,
    }
}

/// The exit code of a result of `status`.
#[must_use]
pub fn exit_of(status: &Value) -> Exit {
    exit_of_state(status["State"].as_str().unwrap_or_default())
}

/// `status`.
#[must_use]
pub fn status(result: Value) -> Report {
    let exit = exit_of(&result);
    Report { screen: toned_text(&result, exit), result, exit }
}

/// `rollout`: under way while instances are replaced or a hold lasts; degraded if the rollout needs an operator, returned to
/// the version before, or was cancelled.
#[must_use]
pub fn rollout(result: Value) -> Report {
    let rollout = &result["Rollout"];
    let exit = match rollout["State"].as_str() {
        _ if !result["Obstacle"].is_null() => Exit::Degraded,
        Some("in-progress" | "held") => Exit::UnderWay,
        Some("rolled-back" | "cancelled") => Exit::Degraded,
        _ => Exit::Settled,
    };
    Report { screen: toned_text(&result, exit), result, exit }
}

/// `instances`: a table of the instances that `status` lists. The exit code is that of the state.
#[must_use]
pub fn instances(status: &Value) -> Report {
    let instances = items(status, "Instances");
    let head = ["INSTANCE", "ZONE", "STATE", "HEALTH", "VERSION", "IN SERVICE"].map(String::from);
    let row = |it: &Value| {
        let in_service = if it["InService"] == json!(true) { "yes" } else { "no" };
        let cells = ["Id", "Zone", "LifecycleState", "Health", "Version"].map(|name| cell(&it[name]));
        let [id, zone, state, health, version] = cells;
        [id, zone, state, health, version, in_service.to_owned()]
    };
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(instances.iter().map(row)).collect();
    let tones = std::iter::once(Tone::Faint).chain(instances.iter().map(tone_of));
    let mut screen: Vec<Line> = tones.zip(table(&rows)).map(|(tone, text)| Line::of(tone, text)).collect();
    if instances.is_empty() {
        screen = vec![Line::plain(format!("{} has no instances.", cell(&status["Environment"])))];
    }
    let result = json!({ "Environment": status["Environment"], "Instances": instances });
    Report { screen, result, exit: exit_of(status) }
}

fn tone_of(instance: &Value) -> Tone {
    match (instance["InService"] == json!(true), instance["Health"].as_str()) {
        (_, Some("Unhealthy")) => Tone::Bad,
        (true, _) => Tone::Good,
        (false, _) => Tone::Notice,
    }
}
