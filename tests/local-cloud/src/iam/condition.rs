//! Conditions of statements.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::{
    Context, PolicyError, Value, arn, keys,
    pattern::{Pattern, Reading},
    policy::texts,
};

/// A condition key with an operator and the values of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

/// An operator with its prefix and suffix, such as `ForAnyValue:StringNotLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operator {
    set: Option<SetOperator>,
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Arn,
    Bool,
    /// Whether the request's number has one of these orders relative to the policy's.
    Numeric(&'static [Ordering]),
    Null,
}

impl Operator {
    fn parse(text: &str) -> Result<Self, PolicyError> {
        let unknown = || PolicyError::new(format!("the condition operator {text} is not supported"));
        let (set, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(SetOperator::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(SetOperator::ForAnyValue), rest),
            Some(_) => return Err(unknown()),
            None => (None, text),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (comparison, negated) = match name {
            "StringEquals" => (Comparison::StringEquals, false),
            "StringNotEquals" => (Comparison::StringEquals, true),
            "StringEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, true),
            "StringLike" => (Comparison::StringLike, false),
            "StringNotLike" => (Comparison::StringLike, true),
            "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
            "Bool" => (Comparison::Bool, false),
            "NumericEquals" => (Comparison::Numeric(&[Ordering::Equal]), false),
            "NumericNotEquals" => (Comparison::Numeric(&[Ordering::Equal]), true),
            "NumericLessThan" => (Comparison::Numeric(&[Ordering::Less]), false),
            "NumericLessThanEquals" => (Comparison::Numeric(&[Ordering::Less, Ordering::Equal]), false),
            "NumericGreaterThan" => (Comparison::Numeric(&[Ordering::Greater]), false),
            "NumericGreaterThanEquals" => (Comparison::Numeric(&[Ordering::Greater, Ordering::Equal]), false),
            // "Null" tests whether the key exists, so that neither prefix nor suffix has a meaning.
            "Null" if set.is_none() && !if_exists => (Comparison::Null, false),
            _ => return Err(unknown()),
        };
        Ok(Self { set, comparison, negated, if_exists })
    }

    /// Variables are allowed in the values of string and ARN operators.
    fn has_patterns(self) -> bool {
        !matches!(self.comparison, Comparison::Bool | Comparison::Numeric(_) | Comparison::Null)
    }
}

impl Condition {
    /// The conditions of an operator: one for each key.
    ///
    /// # Errors
    /// The operator is not supported, or a key or a value is malformed.
    pub fn parse(operator: &str, keys: &Json) -> Result<Vec<Self>, PolicyError> {
        let parsed = Operator::parse(operator)?;
        let Some(keys) = keys.as_object() else {
            return Err(PolicyError::new(format!("the condition {operator} is not an object")));
        };
        let condition = |(key, values): (&String, &Json)| {
            if !key.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty()) {
                return Err(PolicyError::new(format!("the condition key '{key}' has not the form service:key")));
            }
            let values = texts(values, key)?;
            let is_valid = |value: &String| match parsed.comparison {
                Comparison::Bool | Comparison::Null => {
                    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
                }
                Comparison::Numeric(_) => value.parse::<f64>().is_ok(),
                _ => true,
            };
            match values.iter().find(|it| !is_valid(it)) {
                Some(wrong) => Err(PolicyError::new(format!("'{wrong}' is not a valid value for {operator} {key}"))),
                None => Ok(Self { operator: parsed, key: key.clone(), values }),
            }
        };
        keys.iter().map(condition).collect()
    }

    /// Whether the condition holds. Rules by IAM User Guide, "Condition operators" and "Set operators":
    ///
    /// - Without the key, a condition is false, a negated one true, and one with `IfExists` true.
    /// - Several values of a policy are alternatives; a negated operator holds if none of them matches.
    /// - `ForAllValues` also holds without the key; `ForAnyValue` does not hold without the key, also if negated.
    ///
    /// # Errors
    /// The local cloud does not derive the key, or the key has several values and the operator is no set operator.
    pub fn holds(&self, context: &Context, variables: bool) -> Result<bool, PolicyError> {
        if !keys::is_known(&self.key) {
            return Err(PolicyError::new(format!("the local cloud does not derive the condition key {}", self.key)));
        }
        let value = context.get(&self.key);
        let Operator { set, comparison, negated, if_exists } = self.operator;
        if comparison == Comparison::Null {
            let is_missing = value.is_none();
            return Ok(self.values.iter().any(|expected| expected.eq_ignore_ascii_case("true") == is_missing));
        }
        let given: Vec<&str> = match (value, set) {
            (None, None) => return Ok(negated || if_exists),
            (None, Some(SetOperator::ForAllValues)) => return Ok(true),
            (None, Some(SetOperator::ForAnyValue)) => return Ok(if_exists),
            (Some(Value::One(value)), _) => vec![value],
            (Some(Value::Many(values)), Some(_)) => values.iter().map(String::as_str).collect(),
            (Some(Value::Many(_)), None) => {
                let key = &self.key;
                return Err(PolicyError::new(format!(
                    "{key} has several values: ForAllValues: or ForAnyValue: is missing"
                )));
            }
        };
        let expected = self.expected(context, variables);
        let matches = |value: &&str| expected.iter().any(|it| self.is_match(value, it)) != negated;
        Ok(match set {
            Some(SetOperator::ForAllValues) => given.iter().all(matches),
            None | Some(SetOperator::ForAnyValue) => given.iter().any(matches),
        })
    }

    /// The values of the policy, without those that contain a variable without a value: they match nothing.
    fn expected(&self, context: &Context, variables: bool) -> Vec<Pattern> {
        let wildcards = matches!(self.operator.comparison, Comparison::StringLike | Comparison::Arn);
        let reading = Reading { wildcards, variables: variables && self.operator.has_patterns() };
        self.values.iter().filter_map(|value| Pattern::resolve(value, reading, context)).collect()
    }

    fn is_match(&self, value: &str, expected: &Pattern) -> bool {
        match self.operator.comparison {
            Comparison::StringEquals | Comparison::StringLike => expected.matches(value),
            Comparison::StringEqualsIgnoreCase => expected.text().to_lowercase() == value.to_lowercase(),
            Comparison::Arn => arn::matches(value, expected),
            Comparison::Bool => expected.text().eq_ignore_ascii_case(value),
            Comparison::Numeric(orders) => {
                let order = |value: f64| value.partial_cmp(&expected.text().parse().ok()?);
                value.parse().ok().and_then(order).is_some_and(|order| orders.contains(&order))
            }
            Comparison::Null => false,
        }
    }
}
