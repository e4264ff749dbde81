//! DynamoDB: tables, indexes, items, batches, transactions and PartiQL.

use serde_json::Value;

use super::{Call, Requirement, Requirements, arn, no_resource, requirement, same};

/// The operations that need a permission for each table of their `RequestItems`.
const BATCHES: [&str; 2] = ["BatchGetItem", "BatchWriteItem"];
const ACCOUNT_WIDE: [&str; 5] = ["DescribeEndpoints", "DescribeLimits", "ListBackups", "ListExports", "ListTables"];

/// The value of `dynamodb:LeadingKeys` for a call whose keys are not derived: a text that no pattern of a policy matches but `*`.
const NOT_DERIVED: &str = "the key is not derived";

pub(super) fn of(call: &Call<'_>) -> Requirements {
    let mut requirements = of_resources(call)?;
    if let Some(key) = leading_key(call) {
        for requirement in &mut requirements {
            requirement.context.set_many("dynamodb:LeadingKeys", [key.to_owned()]);
        }
    }
    Ok(requirements)
}

/// The key of the item, of tables with the key `pk` (DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained
/// access control"); `None` for a call on no items.
fn leading_key<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let key_in = |path: &str| call.json.pointer(path).and_then(Value::as_str).unwrap_or(NOT_DERIVED);
    match call.operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => Some(key_in("/Key/pk/S")),
        "PutItem" => Some(key_in("/Item/pk/S")),
        "Query"
        | "Scan"
        | "BatchGetItem"
        | "BatchWriteItem"
        | "TransactGetItems"
        | "TransactWriteItems"
        | "ExecuteStatement"
        | "BatchExecuteStatement"
        | "ExecuteTransaction" => Some(NOT_DERIVED),
        _ => None,
    }
}

fn of_resources(call: &Call<'_>) -> Requirements {
    let operation = call.operation;
    if ACCOUNT_WIDE.contains(&operation) {
        return Ok(vec![same(call, "*")]);
    }
    if BATCHES.contains(&operation) {
        let tables = call.json.get("RequestItems").and_then(Value::as_object).ok_or_else(|| no_resource(call))?;
        return Ok(tables.keys().map(|it| same(call, table(it))).collect());
    }
    match operation {
        "TransactGetItems" | "TransactWriteItems" => transaction(call),
        "ExecuteStatement" => Ok(vec![statement(call.text("Statement"))?]),
        "BatchExecuteStatement" => statements(call, "Statements"),
        "ExecuteTransaction" => statements(call, "TransactStatements"),
        _ => {
            let by_arn = call.text("ResourceArn").or_else(|| call.text("TableArn"));
            let name = call.text("TableName").or(by_arn).ok_or_else(|| no_resource(call))?;
            let index = call.text("IndexName").map(|it| format!("/index/{it}")).unwrap_or_default();
            Ok(vec![same(call, table(name) + &index)])
        }
    }
}

fn table(name: &str) -> String {
    arn("dynamodb", "table/", name)
}

/// Each item of a transaction needs the permission of its own action.
fn transaction(call: &Call<'_>) -> Requirements {
    let items = call.json.get("TransactItems").and_then(Value::as_array).ok_or_else(|| no_resource(call))?;
    let mut requirements = Vec::new();
    for (kind, item) in items.iter().filter_map(Value::as_object).flatten() {
        let action = match kind.as_str() {
            "Get" => "dynamodb:GetItem",
            "Put" => "dynamodb:PutItem",
            "Update" => "dynamodb:UpdateItem",
            "Delete" => "dynamodb:DeleteItem",
            "ConditionCheck" => "dynamodb:ConditionCheckItem",
            _ => return Err(format!("{kind} in a transaction is not derived")),
        };
        let name = item["TableName"].as_str().ok_or_else(|| no_resource(call))?;
        requirements.push(requirement(action, table(name)));
    }
    Ok(requirements)
}

fn statements(call: &Call<'_>, list: &str) -> Requirements {
    let list = call.json.get(list).and_then(Value::as_array).ok_or_else(|| no_resource(call))?;
    list.iter().map(|it| statement(it["Statement"].as_str())).collect()
}

/// A PartiQL statement names its table, and an index after a period, in double quotes (Amazon DynamoDB Developer Guide,
/// "PartiQL statements for DynamoDB"); simple names may be unquoted.
fn statement(text: Option<&str>) -> Result<Requirement, String> {
    let missing = || "the table of a PartiQL statement is not derived".to_owned();
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    let after = |keyword: &str| {
        let at = words.iter().position(|it| it.eq_ignore_ascii_case(keyword))?;
        words.get(at + 1).copied()
    };
    let first = words.first().map(|it| it.to_uppercase()).unwrap_or_default();
    let (action, name) = match first.as_str() {
        "SELECT" => ("dynamodb:PartiQLSelect", after("FROM")),
        "INSERT" => ("dynamodb:PartiQLInsert", after("INTO")),
        "UPDATE" => ("dynamodb:PartiQLUpdate", after("UPDATE")),
        "DELETE" => ("dynamodb:PartiQLDelete", after("FROM")),
        _ => return Err(missing()),
    };
    let name = name.ok_or_else(missing)?.trim_end_matches(';');
    let parts: Vec<&str> = match name.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').split("\".\"").collect(),
        None => name.split('.').collect(),
    };
    let is_name = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    match parts[..] {
        [name] if is_name(name) => Ok(requirement(action, table(name))),
        [name, index] if is_name(name) && is_name(index) => {
            Ok(requirement(action, format!("{}/index/{index}", table(name))))
        }
        _ => Err(missing()),
    }
}
