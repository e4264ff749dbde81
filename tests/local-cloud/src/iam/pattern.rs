//! Patterns of policies: wildcards and variables.

use super::Context;

/// A part of a resolved pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    AnyOne,
    /// `*`
    AnyRun,
}

/// A pattern whose variables are replaced by their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

/// How the text of a policy is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// `${…}` is a variable: only in documents of version 2012-10-17 (IAM User Guide, "Version").
    pub variables: bool,
}

impl Pattern {
    /// The pattern with its variables replaced. `None` if the request does not have a value for a variable without a
    /// default: such a pattern matches nothing, so that a negated element or operator matches (IAM User Guide, "Variables
    /// and tags", "Policy variables with no value"). The value of a variable is literal text, in which `*` is not a
    /// wildcard.
    pub fn resolve(text: &str, reading: Reading, context: &Context) -> Option<Pattern> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if reading.variables
                && let Some((variable, after)) = rest.strip_prefix("${").and_then(|it| it.split_once('}'))
            {
                tokens.extend(value_of(variable, context)?.chars().map(Token::Literal));
                rest = after;
                continue;
            }
            tokens.push(match first {
                '*' if reading.wildcards => Token::AnyRun,
                '?' if reading.wildcards => Token::AnyOne,
                other => Token::Literal(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Some(Pattern(tokens))
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // `reached[n]`: the tokens so far match the first n characters.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for token in &self.0 {
            let mut next = vec![false; text.len() + 1];
            for at in 0..=text.len() {
                next[at] = match token {
                    Token::AnyRun => reached[at] || (at > 0 && next[at - 1]),
                    Token::AnyOne => at > 0 && reached[at - 1],
                    Token::Literal(literal) => at > 0 && reached[at - 1] && text[at - 1] == *literal,
                };
            }
            reached = next;
        }
        reached[text.len()]
    }

    /// The pattern split at its first five literal colons, as an ARN; `None` if it has fewer.
    pub fn arn_parts(&self) -> Option<Vec<Pattern>> {
        let parts: Vec<Pattern> =
            self.0.splitn(6, |it| *it == Token::Literal(':')).map(|part| Pattern(part.to_vec())).collect();
        (parts.len() == 6).then_some(parts)
    }

    /// The text of a pattern without wildcards; wildcards are written out.
    pub fn text(&self) -> String {
        let text = |token: &Token| match token {
            Token::Literal(literal) => *literal,
            Token::AnyOne => '?',
            Token::AnyRun => '*',
        };
        self.0.iter().map(text).collect()
    }
}

/// The value of a variable, which may have a default: `aws:PrincipalTag/team, 'none'`. `${*}`, `${?}` and `${$}` are the
/// characters themselves.
fn value_of(variable: &str, context: &Context) -> Option<String> {
    if ["*", "?", "$"].contains(&variable) {
        return Some(variable.to_owned());
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => (key, default.trim().strip_prefix('\'').and_then(|it| it.strip_suffix('\''))),
        None => (variable, None),
    };
    context.text(key.trim()).or(default).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, pattern: &str) -> bool {
        let context = [("aws:username", "ann"), ("aws:PrincipalTag/odd", "a*b")].into_iter().collect();
        let reading = Reading { wildcards: true, variables: true };
        Pattern::resolve(pattern, reading, &context).is_some_and(|it| it.matches(text))
    }

    #[test]
    fn wildcards_and_variables_match_whole_texts() {
        for (text, pattern) in [
            ("", ""),
            ("", "*"),
            ("abc", "a*c"),
            ("abc", "a?c"),
            ("a/b/c", "a/*/c"),
            ("aXbYc", "a*b*c"),
            ("home/ann/x", "home/${aws:username}/*"),
            ("home/ann", "home/${AWS:UserName}"),
            ("home/none", "home/${aws:PrincipalTag/team, 'none'}"),
            ("a*b", "a${*}b"),
            ("${x}", "${$}{x}"),
            ("a*b", "${aws:PrincipalTag/odd}"),
        ] {
            assert!(matches(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("ab", "a"),
            ("ac", "a?c"),
            ("aba", "a*ba*b"),
            ("axb", "a${*}b"),
            // The value of a variable is no pattern, and a variable without a value matches nothing.
            ("aXb", "${aws:PrincipalTag/odd}"),
            ("home/", "home/${aws:PrincipalTag/team}"),
        ] {
            assert!(!matches(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn a_document_of_the_old_version_has_no_variables() {
        let reading = Reading { wildcards: true, variables: false };
        let pattern = Pattern::resolve("${aws:username}", reading, &Context::default()).unwrap();
        assert!(pattern.matches("${aws:username}"));
    }
}
