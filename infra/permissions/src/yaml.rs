//! The table as it stands in the template.

use crate::{Condition, Function, Managed, Resource, Statement, table};

/// Where the generated part of the template begins and ends.
pub const MARKS: (&str, &str) = (
    "  # --- Written by `cargo test --package permissions` from infra/permissions; change it there. ---\n",
    "  # --- End of what is written. ---\n",
);

const TRUST: &str = "      AssumeRolePolicyDocument:
        Version: \"2012-10-17\"
        Statement:
          - Effect: Allow
            Principal: { Service: lambda.amazonaws.com }
            Action: sts:AssumeRole
";

/// The template's text with what is between the marks written anew; None if it has no marks.
#[must_use]
pub fn renewed(template: &str) -> Option<String> {
    let (before, rest) = template.split_once(MARKS.0)?;
    let (_, after) = rest.split_once(MARKS.1)?;
    let roles: Vec<String> = Function::ALL.into_iter().map(role).collect();
    let managed = table::MANAGED.map(managed);
    let written = [managed.join("\n"), roles.join("\n")].join("\n");
    Some(format!("{before}{}{written}{}{after}", MARKS.0, MARKS.1))
}

/// Each policy document by the logical id of what has it.
#[must_use]
pub fn documents() -> Vec<(String, String)> {
    let managed = table::MANAGED.map(|policy| (policy.id.to_owned(), document(0, &all(policy.statements))));
    let roles = Function::ALL.map(|function| (format!("{}Role", logical_id(function)), document(0, &of(function))));
    managed.into_iter().chain(roles).collect()
}

/// A statement as it is written: with its resources' ARNs.
struct Written<'a> {
    sid: &'a str,
    reason: &'a str,
    actions: Vec<&'a str>,
    on: Vec<String>,
    when: &'a [Condition],
}

fn managed(policy: &Managed) -> String {
    let Managed { id, description, condition, statements } = policy;
    let condition = if condition.is_empty() { String::new() } else { format!("    Condition: {condition}\n") };
    let document = document(6, &all(statements));
    format!(
        "  {id}:\n    Type: AWS::IAM::ManagedPolicy\n{condition}    Properties:\n      Description: {description}\n{document}"
    )
}

fn role(function: Function) -> String {
    let (id, name) = (logical_id(function), function.name());
    let ids: Vec<String> = function.managed().iter().map(|policy| format!("!Ref {}", policy.id)).collect();
    let managed =
        if ids.is_empty() { String::new() } else { format!("      ManagedPolicyArns: [{}]\n", ids.join(", ")) };
    let document = document(10, &of(function));
    format!(
        "  {id}Role:\n    Type: AWS::IAM::Role\n    Properties:\n{TRUST}{managed}      Policies:\n        - PolicyName: {name}\n{document}"
    )
}

fn logical_id(function: Function) -> String {
    let capitalised = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    function.name().split('-').map(capitalised).collect()
}

fn all(statements: &[Statement]) -> Vec<Written<'_>> {
    let written = |it: &Statement| it.on.iter().map(Resource::in_template).collect();
    statements
        .iter()
        .map(|it| Written { sid: it.sid, reason: it.reason, actions: it.actions(), on: written(it), when: it.when })
        .collect()
}

/// A function's statements. First what every function needs: its own log group, which the template makes, and X-Ray.
fn of(function: Function) -> Vec<Written<'static>> {
    let group = format!("log-group:/aws/lambda/${{ProjectName}}-{}:*", function.name());
    let logs = Written {
        sid: "OwnLogs",
        reason: "",
        actions: vec!["logs:CreateLogStream", "logs:PutLogEvents"],
        on: vec![format!("!Sub arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:{group}")],
        when: &[],
    };
    let traces = Written {
        sid: "Traces",
        reason: "With Tracing Active. AWS knows no narrower resource for these.",
        actions: vec!["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        on: vec![Resource::Any.in_template()],
        when: &[],
    };
    [logs, traces].into_iter().chain(all(function.own())).collect()
}

fn document(indent: usize, statements: &[Written<'_>]) -> String {
    let pad = " ".repeat(indent);
    let inner = " ".repeat(indent + 4);
    let statements: String = statements.iter().map(|it| statement(&inner, it)).collect();
    format!("{pad}PolicyDocument:\n{pad}  Version: \"2012-10-17\"\n{pad}  Statement:\n{statements}")
}

fn statement(pad: &str, it: &Written<'_>) -> String {
    let reason = if it.reason.is_empty() { String::new() } else { format!("{pad}  # {}\n", it.reason) };
    let on: Vec<&str> = it.on.iter().map(String::as_str).collect();
    [
        format!("{pad}- Sid: {}\n{reason}{pad}  Effect: Allow\n", it.sid),
        list(pad, "Action", &it.actions),
        list(pad, "Resource", &on),
        conditions(pad, it.when),
    ]
    .concat()
}

/// Conditions of the same operator stand under it together.
fn conditions(pad: &str, when: &[Condition]) -> String {
    if when.is_empty() {
        return String::new();
    }
    let mut operators: Vec<&str> = when.iter().map(Condition::operator).collect();
    operators.dedup();
    let under = |operator: &&str| {
        let of_it = when.iter().filter(|it| it.operator() == *operator);
        let keys: Vec<String> = of_it.map(|it| format!("{pad}      {}: {}\n", it.key(), one_or_all(it))).collect();
        let keys = keys.concat();
        format!("{pad}    {operator}:\n{keys}")
    };
    format!("{pad}  Condition:\n{}", operators.iter().map(under).collect::<String>())
}

fn one_or_all(condition: &Condition) -> String {
    let values = condition.values_in_template();
    if let [one] = values.as_slice() { one.clone() } else { format!("[{}]", values.join(", ")) }
}

fn list(pad: &str, name: &str, values: &[&str]) -> String {
    if let [one] = values {
        return format!("{pad}  {name}: {one}\n");
    }
    let values: Vec<String> = values.iter().map(|value| format!("{pad}    - {value}\n")).collect();
    let values = values.concat();
    format!("{pad}  {name}:\n{values}")
}
