//! The table against calls that were recorded on the local cloud, both ways.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Function, Statement};

/// A function and an operation, as `service:Operation`.
pub type Call = (Function, String);

/// What does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit {
    /// Calls that were made and that the policy lacks.
    pub lacking: BTreeSet<Call>,
    /// Operations of the table that no run made.
    pub unused: BTreeSet<Call>,
}

/// The call in a line of a record, if it is a function's.
#[must_use]
pub fn call(line: &Value) -> Option<Call> {
    let text = |name: &str| line.get(name)?.as_str();
    // CloudWatch signs by another name than IAM's.
    let service = match text("service")? {
        "monitoring" => "cloudwatch",
        other => other,
    };
    Some((Function::of(text("app")?)?, format!("{service}:{}", text("operation")?)))
}

/// Compares what was made with what may be: `may` gives a function's statements.
pub fn compare<'a, S>(made: &BTreeSet<Call>, may: impl Fn(Function) -> S) -> Misfit
where
    S: Iterator<Item = &'a Statement>,
{
    let mut allowed: BTreeSet<Call> = BTreeSet::new();
    for function in Function::ALL {
        let calls = may(function).flat_map(Statement::calls);
        allowed.extend(calls.map(|operation| (function, operation.to_owned())));
    }
    Misfit {
        lacking: made.difference(&allowed).cloned().collect(),
        unused: allowed.difference(made).cloned().collect(),
    }
}
