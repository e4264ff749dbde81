//! Documents that AWS stores as text, normalized so that equal documents are equal strings.
//!
//! `serde_json` writes an object's keys in order, so parsing removes whitespace and the order of keys.
//! A text that is not JSON was not written by Envkeeper, and is returned unchanged.

use serde_json::Value;

/// Normalizes a document whose lists are ordered.
pub(crate) fn body(text: &str) -> String {
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |document: Value| document.to_string())
}

/// Normalizes a policy. Lists of actions, resources and principals are sets, which services return in an order of their
/// own, and without brackets if the set has one member (the IAM user guide, "Grammar of the IAM JSON policy language").
/// A desired policy has its lists in order, and lists of one member without brackets; only statements are always a
/// list.
pub(crate) fn policy(text: &str) -> String {
    let Ok(Value::Object(mut document)) = serde_json::from_str(text) else { return text.to_owned() };
    let statements = match document.remove("Statement") {
        Some(Value::Array(statements)) => statements,
        other => other.into_iter().collect(),
    };
    document.insert(String::from("Statement"), statements.into_iter().map(sorted_sets).collect());
    Value::Object(document).to_string()
}

fn sorted_sets(value: Value) -> Value {
    match value {
        Value::Array(mut all) if all.len() == 1 => sorted_sets(all.remove(0)),
        Value::Array(mut all) => {
            all.sort_by_key(Value::to_string);
            Value::Array(all)
        }
        Value::Object(object) => object.into_iter().map(|(key, value)| (key, sorted_sets(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whitespace_and_the_order_of_keys_are_ignored() {
        let text = "{ \"b\": [2, 1],\n  \"a\": {\"d\": 1, \"c\": 2} }";
        assert_eq!(body(text), r#"{"a":{"c":2,"d":1},"b":[2,1]}"#);
        assert_eq!(body("not JSON"), "not JSON");
    }

    #[test]
    fn lists_in_a_policy_are_sets_and_statements_are_a_list() {
        let desired = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:b", "Principal": "*" },
        ]});
        let observed = json!({ "Version": "2012-10-17", "Statement":
            { "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": ["arn:b"], "Principal": "*" },
        });
        assert_eq!(policy(&observed.to_string()), desired.to_string());
        assert_eq!(policy(&desired.to_string()), desired.to_string());
        assert_eq!(policy("not JSON"), "not JSON");
    }
}
