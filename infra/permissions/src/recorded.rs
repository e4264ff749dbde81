//! Comparison of the table with the calls recorded on the local cloud, in both directions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Caller, Function, Statement};

/// A caller and an operation, as `service:Operation`.
pub type Call = (Caller, String);

/// The differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Calls that a run called and the policy does not allow.
    pub missing: BTreeSet<Call>,
    /// Operations of the table that no run called.
    pub unused: BTreeSet<Call>,
    /// Operations that are listed in [`NOT_PLAYED`] although a run called them.
    pub stale: BTreeSet<Call>,
}

/// The operation of the reconciler that only some runs reach: it sends a due message if several owners are due at once, and an
/// event if the event bus does not accept it. The tests of both play the call.
const SELDOM_PLAYED: &str = "sqs:SendMessage";

/// Operations of the reconciler that no run on the local cloud reaches, each with the reason. An operation that a run calls
/// must be removed from this list.
pub const NOT_PLAYED: [(&str, &str); 10] = [
    (
        "ec2:DeleteLaunchTemplateVersions",
        "called only for an environment with more than twenty versions; aws-cloud's tests on the local cloud play the call",
    ),
    (
        "iam:ListInstanceProfilesForRole",
        "read only where a role cannot be deleted; aws-cloud's tests on the local cloud play the call",
    ),
    ("ec2:DescribeNetworkAcls", "read only where a VPC cannot be deleted; aws-cloud's wire tests play the call"),
    ("ec2:DescribeVpnGateways", "read only where a VPC cannot be deleted; aws-cloud's wire tests play the call"),
    (
        "autoscaling:DescribeLoadBalancerTargetGroups",
        "called only where Auto Scaling rejects a change of target groups; aws-cloud's wire tests play the call",
    ),
    (
        "ec2:RevokeSecurityGroupIngress",
        "called only where an owned group has a duplicate; aws-cloud's own tests play the call",
    ),
    ("s3:GetBucketAbac", "called only where S3 rejects the tags of a bucket; aws-cloud's wire tests play the call"),
    ("s3:DeleteObject", "called only for keys that XML cannot contain; aws-cloud's wire tests play the call"),
    ("logs:AssociateKmsKey", "ministack does not implement the action"),
    ("logs:DisassociateKmsKey", "ministack does not implement the action"),
];

/// The function `operator` consists of the code of `operator-read` and of the request handler of `custom-resource`. A right that
/// one of these uses is a right of `operator` for the same code: no run has to play it twice.
fn is_played_by_a_part((caller, operation): &Call, played: &BTreeSet<Call>) -> bool {
    let parts = [Function::OperatorRead, Function::CustomResource];
    *caller == Caller::Function(Function::Operator)
        && parts.iter().any(|it| played.contains(&(Caller::Function(*it), operation.clone())))
}

/// The call in a recorded line, if a function or an instance called it.
#[must_use]
pub fn call(line: &Value) -> Option<Call> {
    let text = |name: &str| line.get(name)?.as_str();
    // CloudWatch signs requests with a service name other than IAM's.
    let service = match text("service")? {
        "monitoring" => "cloudwatch",
        other => other,
    };
    Some((Caller::of(text("app")?)?, format!("{service}:{}", text("operation")?)))
}

/// Compares the recorded calls with the allowed ones: `statements_of` returns a caller's statements.
pub fn compare<'a, S>(called: &BTreeSet<Call>, statements_of: impl Fn(Caller) -> S) -> Differences
where
    S: Iterator<Item = &'a Statement>,
{
    let mut allowed: BTreeSet<Call> = BTreeSet::new();
    for caller in Caller::all() {
        let calls = statements_of(caller).flat_map(Statement::calls);
        allowed.extend(calls.map(|operation| (caller, operation.to_owned())));
    }
    let not_played = NOT_PLAYED.map(|(operation, _)| (Caller::Function(Function::Reconciler), operation.to_owned()));
    let stale = not_played.iter().filter(|call| called.contains(call)).cloned().collect();
    let seldom_played = (Caller::Function(Function::Reconciler), SELDOM_PLAYED.to_owned());
    let is_excused =
        |call: &Call| not_played.contains(call) || *call == seldom_played || is_played_by_a_part(call, called);
    Differences {
        missing: called.difference(&allowed).cloned().collect(),
        unused: allowed.difference(called).filter(|call| !is_excused(call)).cloned().collect(),
        stale,
    }
}
