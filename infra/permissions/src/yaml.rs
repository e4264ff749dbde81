//! The table as it stands in the template.

use std::fmt::Write;

use crate::{Condition, Function, Statement, table};

/// Where the generated part of the template begins and ends.
pub const MARKS: (&str, &str) = (
    "  # --- Written by `cargo test --package permissions` from infra/permissions; change it there. ---\n",
    "  # --- End of what is written. ---\n",
);

/// Everything between the marks: what is shared, and a role for each function.
#[must_use]
pub fn resources() -> String {
    let mut text = String::new();
    text += "  Look:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      Description: Envkeeper's reads of environments.\n";
    document(&mut text, 6, "PolicyDocument", table::LOOK);
    text +=
        "\n  InstancesBoundary:\n    Type: AWS::IAM::ManagedPolicy\n    Condition: BoundaryIsOwn\n    Properties:\n";
    text += "      Description: The most that instances of environments may ever do.\n";
    document(&mut text, 6, "PolicyDocument", table::INSTANCES);
    for function in Function::ALL {
        text += "\n";
        role(&mut text, function);
    }
    text
}

/// The template's text with what is between the marks written anew; None if it has no marks.
#[must_use]
pub fn renewed(template: &str) -> Option<String> {
    let (before, rest) = template.split_once(MARKS.0)?;
    let (_, after) = rest.split_once(MARKS.1)?;
    Some(format!("{before}{}{}{}{after}", MARKS.0, resources(), MARKS.1))
}

/// Each policy document by the logical id of what has it.
#[must_use]
pub fn documents() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    for (id, statements) in [("Look", table::LOOK), ("InstancesBoundary", table::INSTANCES)] {
        let mut text = String::new();
        document(&mut text, 0, "PolicyDocument", statements);
        documents.push((id.to_owned(), text));
    }
    for function in Function::ALL {
        let mut text = String::new();
        document_of(&mut text, 0, "PolicyDocument", function.own(), Some(function.name()));
        documents.push((format!("{}Role", logical_id(function)), text));
    }
    documents
}

fn logical_id(function: Function) -> String {
    function.name().split('-').map(capitalised).collect()
}

fn role(text: &mut String, function: Function) {
    let name = function.name();
    let id = logical_id(function);
    *text += &format!("  {id}Role:\n    Type: AWS::IAM::Role\n    Properties:\n");
    *text += "      AssumeRolePolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n";
    *text += "          - Effect: Allow\n            Principal: { Service: lambda.amazonaws.com }\n";
    *text += "            Action: sts:AssumeRole\n";
    if function.looks() {
        *text += "      ManagedPolicyArns: [!Ref Look]\n";
    }
    *text += &format!("      Policies:\n        - PolicyName: {name}\n");
    document_of(text, 10, "PolicyDocument", function.own(), Some(name));
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

fn document(text: &mut String, indent: usize, name: &str, statements: &[Statement]) {
    document_of(text, indent, name, statements, None);
}

/// A policy document. A function's has what every function needs first: its own log group, which the template makes, and X-Ray.
fn document_of(text: &mut String, indent: usize, name: &str, statements: &[Statement], function: Option<&str>) {
    let pad = " ".repeat(indent);
    *text += &format!("{pad}{name}:\n{pad}  Version: \"2012-10-17\"\n{pad}  Statement:\n");
    if let Some(function) = function {
        let logs = format!(
            "!Sub arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/${{ProjectName}}-{function}:*"
        );
        lines(text, indent + 4, "OwnLogs", "", &["logs:CreateLogStream", "logs:PutLogEvents"], &[logs], &[]);
        let xray = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
        let why = "With Tracing Active. AWS knows no narrower resource for these.";
        lines(text, indent + 4, "Traces", why, &xray, &[String::from("\"*\"")], &[]);
    }
    for statement in statements {
        let on: Vec<String> = statement.on.iter().map(crate::Resource::in_template).collect();
        lines(text, indent + 4, statement.sid, statement.why, &statement.actions(), &on, statement.when);
    }
}

fn lines(text: &mut String, indent: usize, sid: &str, why: &str, actions: &[&str], on: &[String], when: &[Condition]) {
    let pad = " ".repeat(indent);
    *text += &format!("{pad}- Sid: {sid}\n");
    if !why.is_empty() {
        *text += &format!("{pad}  # {why}\n");
    }
    *text += &format!("{pad}  Effect: Allow\n");
    list(text, &pad, "Action", actions);
    let on: Vec<&str> = on.iter().map(String::as_str).collect();
    list(text, &pad, "Resource", &on);
    if when.is_empty() {
        return;
    }
    *text += &format!("{pad}  Condition:\n");
    let mut operators: Vec<&str> = when.iter().map(|it| it.operator()).collect();
    operators.dedup();
    for operator in operators {
        *text += &format!("{pad}    {operator}:\n");
        for condition in when.iter().filter(|it| it.operator() == operator) {
            let values = condition.values_in_template();
            let value = if let [one] = values.as_slice() { one.clone() } else { format!("[{}]", values.join(", ")) };
            let _ = writeln!(text, "{pad}      {}: {value}", condition.key());
        }
    }
}

fn list(text: &mut String, pad: &str, name: &str, values: &[&str]) {
    if let [one] = values {
        *text += &format!("{pad}  {name}: {one}\n");
        return;
    }
    *text += &format!("{pad}  {name}:\n");
    for value in values {
        *text += &format!("{pad}    - {value}\n");
    }
}
