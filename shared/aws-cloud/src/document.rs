//! Documents that AWS keeps as text: read back so that equal documents are equal strings.
//!
//! `serde_json` writes an object's keys in order, so whitespace and the order of keys are gone once a text was parsed.
//! A text that is no JSON is nothing that we wrote, and stays as it is.

use serde_json::Value;

/// A document whose lists have an order that counts.
pub(crate) fn body(text: &str) -> String {
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |document: Value| document.to_string())
}

/// A policy. Lists of actions, resources and principals are sets, which services give back in an order of their own,
/// and without brackets where there is one (the IAM user guide, "Grammar of the IAM JSON policy language"): what we
/// want is written in order, and lists of one without brackets; only statements are always a list.
pub(crate) fn policy(text: &str) -> String {
    let Ok(Value::Object(mut document)) = serde_json::from_str(text) else { return text.to_owned() };
    let statements = match document.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        other => other.into_iter().collect(),
    };
    document.insert(String::from("Statement"), statements.into_iter().map(sets_in_order).collect());
    Value::Object(document).to_string()
}

fn sets_in_order(value: Value) -> Value {
    match value {
        Value::Array(mut all) if all.len() == 1 => sets_in_order(all.remove(0)),
        Value::Array(mut all) => {
            all.sort_by_key(Value::to_string);
            Value::Array(all)
        }
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, sets_in_order(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whitespace_and_the_order_of_keys_do_not_count() {
        let text = "{ \"b\": [2, 1],\n  \"a\": {\"d\": 1, \"c\": 2} }";
        assert_eq!(body(text), r#"{"a":{"c":2,"d":1},"b":[2,1]}"#);
        assert_eq!(body("no JSON"), "no JSON");
    }

    #[test]
    fn lists_in_a_policy_are_sets_and_statements_are_a_list() {
        let desired = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:b", "Principal": "*" },
        ]});
        let shown = json!({ "Version": "2012-10-17", "Statement":
            { "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["arn:b"], "Principal": "*" },
        });
        assert_eq!(policy(&shown.to_string()), desired.to_string());
        assert_eq!(policy(&desired.to_string()), desired.to_string());
        assert_eq!(policy("no JSON"), "no JSON");
    }
}
