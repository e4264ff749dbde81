//! Authorization of a call by a function's policies, as IAM decides: one statement must name the action and the resource, and
//! its conditions must hold. These policies contain no Deny.

use std::collections::BTreeMap;

use crate::{Condition, Function, Statement, StatementScope};

/// One action on one resource, as a call needs it. A call may need several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The IAM action.
    pub action: String,
    /// The ARN. `None` where the call does not show it: then any resource matches.
    pub resource: Option<String>,
    /// The known facts of the call and the resource, by condition key. A missing key fulfils no condition.
    pub facts: BTreeMap<String, String>,
}

/// Whether the role of a function allows the access.
#[must_use]
pub fn allows(function: Function, access: &Access, deployment: &StatementScope) -> bool {
    function.statements().any(|statement| grants(statement, access, deployment))
}

/// Whether a statement allows the access.
#[must_use]
pub fn grants(statement: &Statement, access: &Access, deployment: &StatementScope) -> bool {
    statement.actions().contains(&access.action.as_str())
        && access
            .resource
            .as_ref()
            .is_none_or(|arn| statement.on.iter().any(|on| is_like(arn, &on.pattern(deployment))))
        && statement.when.iter().all(|condition| is_fulfilled(condition, &access.facts, deployment))
}

/// A deployment without lists is judged: it has no condition that depends on one.
fn is_fulfilled(condition: &Condition, facts: &BTreeMap<String, String>, deployment: &StatementScope) -> bool {
    if condition.only_if().is_some() {
        return true;
    }
    facts.get(condition.key()).is_some_and(|fact| condition.values(deployment).iter().any(|value| is_like(fact, value)))
}

/// Whether a text matches a pattern, in which `*` stands for any text.
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
    fn a_star_matches_any_text() {
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
