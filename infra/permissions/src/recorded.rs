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
    /// What is in [`NOT_PLAYED`], and is played.
    pub stale: BTreeSet<Call>,
}

/// Operations of the reconciler's that the local cloud can't be brought to, and why. One that a run makes all the same is
/// no longer among them.
pub const NOT_PLAYED: [(&str, &str); 4] = [
    (
        "ec2:DescribeNetworkInterfaces",
        "moto lets a network go that still holds interfaces; aws-cloud's wire tests play it",
    ),
    ("ec2:RevokeSecurityGroupIngress", "only where a group of ours is there twice; aws-cloud's own tests play it"),
    ("logs:AssociateKmsKey", "ministack has no such action"),
    ("logs:DisassociateKmsKey", "ministack has no such action"),
];

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
    let not_played = NOT_PLAYED.map(|(operation, _)| (Function::Reconciler, operation.to_owned()));
    let stale = not_played.iter().filter(|call| made.contains(call)).cloned().collect();
    Misfit {
        lacking: made.difference(&allowed).cloned().collect(),
        unused: allowed.difference(made).filter(|call| !not_played.contains(call)).cloned().collect(),
        stale,
    }
}
