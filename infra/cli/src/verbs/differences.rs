//! `plan` and `drift`: what differs.

use serde_json::{Value, json};

use super::{items, text, toned_text};
use crate::exit::Exit;
use crate::report::Report;
use crate::style::{Line, Tone};
use crate::template::Unresolved;

/// `plan`. A property that the file does not determine is planned with its default, which the screen says first.
#[must_use]
pub fn plan(mut result: Value, unresolved: &[Unresolved]) -> Report {
    let exit = exit_of_plan(&result);
    let mut screen = Vec::new();
    if !unresolved.is_empty() {
        screen.push(Line::of(Tone::Notice, "Not known from the file, and planned with their defaults:"));
        screen.extend(unresolved.iter().map(|it| Line::of(Tone::Notice, unresolved_text(it))));
    }
    screen.extend(toned_text(&result, exit));
    result["Unresolved"] = unresolved_json(unresolved);
    Report { screen, result, exit }
}

/// The exit code of a plan: whether anything would change, or be refused.
#[must_use]
pub fn exit_of_plan(plan: &Value) -> Exit {
    let lists = ["Steps", "Rejected", "Unproven", "FixedDrift"];
    let has_nothing = lists.iter().all(|name| items(plan, name).is_empty()) && plan["Rollout"].is_null();
    if has_nothing { Exit::Settled } else { Exit::Differs }
}

/// `drift`. The function's text names the repair where calls correct the drift.
#[must_use]
pub fn drift(result: Value) -> Report {
    let exit = if items(&result, "Drift").is_empty() { Exit::Settled } else { Exit::Differs };
    Report { screen: toned_text(&result, exit), result, exit }
}

/// The text of a repair's plan before the question, which replaces the function's last line.
#[must_use]
pub fn plan_text(plan: &Value) -> Vec<Line> {
    text(plan).into_iter().take_while(|it| !it.text.starts_with("Nothing was changed.")).collect()
}

/// An unresolved property as a line of a screen.
pub(crate) fn unresolved_text(unresolved: &Unresolved) -> String {
    let Unresolved { property, line, function } = unresolved;
    format!("  {property} (line {line}): {function}")
}

pub(crate) fn unresolved_json(unresolved: &[Unresolved]) -> Value {
    let one = |it: &Unresolved| json!({ "Property": it.property, "Line": it.line, "Function": it.function });
    unresolved.iter().map(one).collect()
}
