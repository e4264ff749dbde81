//! Whether a function's policy allows what it asks for, as IAM decides it: somewhere a statement names the action, the
//! resource and conditions that hold. There are no denials in these policies.

use std::collections::BTreeMap;

use crate::{Condition, Function, Statement, StatementScope};

/// One action on one resource, as a call asks for it. A call may ask for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The IAM action.
    pub action: String,
    /// The ARN; none where it can't be told from the call. Then any resource will do.
    pub resource: Option<String>,
    /// What is known of the call and the resource, by condition key. A key that is missing fulfils no condition.
    pub facts: BTreeMap<String, String>,
}

/// Whether the role of a function allows it.
#[must_use]
pub fn allows(function: Function, asked: &Asked, deployment: &StatementScope) -> bool {
    function.statements().any(|statement| grants(statement, asked, deployment))
}

/// Whether a statement allows it.
#[must_use]
pub fn grants(statement: &Statement, asked: &Asked, deployment: &StatementScope) -> bool {
    statement.actions().contains(&asked.action.as_str())
        && asked.resource.as_ref().is_none_or(|arn| statement.on.iter().any(|on| is_like(arn, &on.pattern(deployment))))
        && statement.when.iter().all(|condition| holds(condition, &asked.facts, deployment))
}

fn holds(condition: &Condition, facts: &BTreeMap<String, String>, deployment: &StatementScope) -> bool {
    facts.get(condition.key()).is_some_and(|seen| condition.values(deployment).iter().any(|value| is_like(seen, value)))
}

/// Whether a text fits a pattern, in which `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((before, mut rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(before) else { return false };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_is_any_text() {
        for (text, pattern) in
            [("a", "a"), ("a", "*"), ("", "*"), ("abc", "a*c"), ("a/b/c", "a/*/c"), ("aXbYc", "a*b*c")]
        {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("ab", "a"), ("a", "ab*"), ("abc", "a*d"), ("ac", "a*b*c"), ("aba", "a*ba*b")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
