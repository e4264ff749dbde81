//! The decision of IAM for the documents of an instance's role, with the operators and variables that these documents use. Any
//! other operator is a panic. (IAM user guide, "Policy evaluation logic" and "Condition operators".)

use std::collections::BTreeMap;

use serde_json::Value;

/// One action on one resource, with the context keys of the request in lowercase, since IAM ignores their case.
#[derive(Clone, Debug)]
pub struct Request {
    pub action: &'static str,
    pub resource: String,
    pub context: BTreeMap<String, String>,
}

/// Whether an identity with these policies may do it: no document denies it, and a policy and the boundary allow it.
pub fn allows(policies: &[Value], boundary: Option<&Value>, request: &Request) -> bool {
    let has = |document: &Value, effect: &str| {
        let statements = document["Statement"].as_array().expect("a list of statements");
        statements.iter().any(|it| it["Effect"] == effect && matches(it, request))
    };
    let denied = policies.iter().chain(boundary).any(|it| has(it, "Deny"));
    !denied && policies.iter().any(|it| has(it, "Allow")) && boundary.is_none_or(|it| has(it, "Allow"))
}

fn matches(statement: &Value, request: &Request) -> bool {
    let names = |value: &Value| {
        let is_it = |pattern: String| filled(&pattern, request).is_some_and(|it| is_like(&request.resource, &it));
        texts(value).into_iter().any(is_it)
    };
    let on_resource = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(value), None) => names(value),
        (None, Some(value)) => !names(value),
        _ => panic!("either Resource or NotResource: {statement}"),
    };
    let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let keys = conditions.flat_map(|(operator, keys)| {
        keys.as_object().expect("keys of a condition").iter().map(move |(key, values)| (operator.as_str(), key, values))
    });
    texts(&statement["Action"]).iter().any(|it| it == request.action)
        && on_resource
        && keys.into_iter().all(|(operator, key, values)| holds(operator, key, &texts(values), request))
}

/// A missing key fulfils a negated operator, `ForAllValues` and `Null`, and no other.
fn holds(operator: &str, key: &str, values: &[String], request: &Request) -> bool {
    let fact = request.context.get(&key.to_lowercase());
    let any = |is_equal: fn(&str, &str) -> bool| {
        let is_it = |fact: &str| values.iter().any(|it| filled(it, request).is_some_and(|it| is_equal(fact, &it)));
        fact.map(|fact| is_it(fact))
    };
    match operator {
        "StringEquals" => any(str::eq).unwrap_or(false),
        "StringNotEquals" => !any(str::eq).unwrap_or(false),
        "StringLike" | "ArnLike" => any(is_like).unwrap_or(false),
        "ForAllValues:StringEquals" => {
            fact.is_none_or(|all| all.split(',').all(|one| values.iter().any(|it| it == one)))
        }
        "Null" => values == [fact.is_none().to_string()],
        other => panic!("the operator {other} is not known here"),
    }
}

/// The text with its variables replaced; `None` if the request has no value for one of them.
fn filled(text: &str, request: &Request) -> Option<String> {
    let Some((before, rest)) = text.split_once("${") else { return Some(text.to_owned()) };
    let (key, after) = rest.split_once('}').expect("the end of a variable");
    let value = request.context.get(&key.to_lowercase())?;
    Some(format!("{before}{value}{}", filled(after, request)?))
}

fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| is_like(&text[at..], rest))
        }),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |it: &Value| it.as_str().expect("a text").to_owned();
    value.as_array().map_or_else(|| vec![text(value)], |all| all.iter().map(text).collect())
}
