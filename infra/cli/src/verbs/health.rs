//! `doctor`: whether the command line reaches the deployment, and whether the deployment works.

use serde_json::{Value, json};

use super::{cell, items};
use crate::exit::Exit;
use crate::report::Report;
use crate::style::{Line, Tone};

/// A check: its subject, whether it passed, and what it found or what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The subject.
    pub name: String,
    /// The error's exit code; `None` if the check passed.
    pub failed: Option<Exit>,
    /// The finding, or the next step.
    pub text: String,
}

impl Check {
    /// A check that passed.
    pub fn passed(name: &str, text: impl Into<String>) -> Check {
        Check { name: name.to_owned(), failed: None, text: text.into() }
    }

    /// A check that failed.
    pub fn failed(name: &str, exit: Exit, text: impl Into<String>) -> Check {
        Check { name: name.to_owned(), failed: Some(exit), text: text.into() }
    }
}

/// The checks that the function made, from its result.
#[must_use]
pub fn of_service(result: &Value) -> Vec<Check> {
    let check = |it: &Value| {
        let is_ok = it["Ok"] == json!(true);
        let advice = it["Advice"].as_str().map(|advice| format!("; next: {advice}")).unwrap_or_default();
        let text = format!("{}{advice}", cell(&it["Found"]));
        Check { name: cell(&it["Check"]), failed: (!is_ok).then_some(Exit::Degraded), text }
    };
    items(result, "Checks").iter().map(check).collect()
}

/// `doctor`. The exit code is that of the first check that failed.
#[must_use]
pub fn doctor(checks: &[Check]) -> Report {
    let line = |it: &Check| {
        let (mark, tone) = if it.failed.is_none() { ("ok  ", Tone::Good) } else { ("FAIL", Tone::Bad) };
        Line::of(tone, format!("{mark}  {}: {}", it.name, it.text))
    };
    let one = |it: &Check| json!({ "Check": it.name, "Ok": it.failed.is_none(), "Text": it.text });
    let exit = checks.iter().find_map(|it| it.failed).unwrap_or(Exit::Settled);
    let result = json!({ "Checks": checks.iter().map(one).collect::<Vec<_>>() });
    Report { screen: checks.iter().map(line).collect(), result, exit }
}
