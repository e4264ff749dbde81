//! Policy documents.

use serde_json::Value as Json;

use super::{
    Context,
    condition::Condition,
    pattern::{Pattern, Reading},
    principal::PrincipalElement,
};

/// The part of a document that is malformed or not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the local cloud cannot evaluate a policy: {0}")]
pub struct PolicyError(String);

impl PolicyError {
    pub(super) fn new(reason: String) -> Self {
        Self(reason)
    }
}

/// The effect of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Permits a request that nothing denies.
    Allow,
    /// Rejects a request, whatever allows it.
    Deny,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// A statement of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) principal: Option<PrincipalElement>,
    actions: Selection,
    resources: Option<Selection>,
    conditions: Vec<Condition>,
    /// Whether the document's version has variables.
    variables: bool,
}

/// An element and its negation, such as `Action` and `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selection {
    patterns: Vec<String>,
    negated: bool,
}

const ELEMENTS: [&str; 8] =
    ["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// The document is not JSON, or has an element, operator or value that is malformed or not supported.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        let json: Json =
            serde_json::from_str(document).map_err(|error| PolicyError::new(format!("not JSON: {error}")))?;
        Self::of(&json)
    }

    /// Reads a document that is already JSON.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn of(json: &Json) -> Result<Self, PolicyError> {
        let Some(object) = json.as_object() else {
            return Err(PolicyError::new("the document is not an object".to_owned()));
        };
        if let Some(unknown) = object.keys().find(|it| !["Version", "Id", "Statement"].contains(&it.as_str())) {
            return Err(PolicyError::new(format!("the element {unknown} is unknown")));
        }
        let variables = match object.get("Version").map(|it| it.as_str().unwrap_or_default()) {
            Some("2012-10-17") => true,
            None | Some("2008-10-17") => false,
            Some(other) => {
                return Err(PolicyError::new(format!("Version is '{other}': expected 2012-10-17 or 2008-10-17")));
            }
        };
        let statements = match object.get("Statement") {
            Some(Json::Array(statements)) => statements.iter().collect(),
            Some(single) => vec![single],
            None => return Err(PolicyError::new("Statement is missing".to_owned())),
        };
        let statements = statements.into_iter().map(|it| Statement::of(it, variables)).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

impl Statement {
    fn of(json: &Json, variables: bool) -> Result<Self, PolicyError> {
        let Some(object) = json.as_object() else {
            return Err(PolicyError::new("a statement is not an object".to_owned()));
        };
        if let Some(unknown) = object.keys().find(|it| !ELEMENTS.contains(&it.as_str())) {
            return Err(PolicyError::new(format!("the element {unknown} of a statement is not supported")));
        }
        let effect = match object.get("Effect").and_then(Json::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(PolicyError::new("Effect is neither Allow nor Deny".to_owned())),
        };
        let selection = |name: &str| {
            let negation = format!("Not{name}");
            match (object.get(name), object.get(&negation)) {
                (Some(_), Some(_)) => Err(PolicyError::new(format!("a statement has {name} and {negation}"))),
                (Some(these), None) => texts(these, name).map(|patterns| Some(Selection { patterns, negated: false })),
                (None, Some(others)) => {
                    texts(others, &negation).map(|patterns| Some(Selection { patterns, negated: true }))
                }
                (None, None) => Ok(None),
            }
        };
        let actions = selection("Action")?.ok_or_else(|| PolicyError::new("Action is missing".to_owned()))?;
        if let Some(wrong) = actions.patterns.iter().find(|it| *it != "*" && !it.contains(':')) {
            return Err(PolicyError::new(format!("Action is '{wrong}': expected * or service:Action")));
        }
        let conditions = match object.get("Condition") {
            None => Vec::new(),
            Some(Json::Object(operators)) => {
                let mut conditions = Vec::new();
                for (operator, keys) in operators {
                    conditions.extend(Condition::parse(operator, keys)?);
                }
                conditions
            }
            Some(_) => return Err(PolicyError::new("Condition is not an object".to_owned())),
        };
        let principal = object.get("Principal").map(PrincipalElement::parse).transpose()?;
        Ok(Self { effect, principal, actions, resources: selection("Resource")?, conditions, variables })
    }

    /// Whether the statement applies to an action on a resource in this context, regardless of the principal. Actions are
    /// not case-sensitive. A statement without a resource, as some resource policies have, applies to the policy's own.
    pub(super) fn applies(&self, action: &str, resource: &str, context: &Context) -> Result<bool, PolicyError> {
        let wild = Reading { wildcards: true, variables: false };
        let is_action = |pattern: &String| {
            Pattern::resolve(&pattern.to_lowercase(), wild, context)
                .is_some_and(|it| it.matches(&action.to_lowercase()))
        };
        if self.actions.patterns.iter().any(is_action) == self.actions.negated {
            return Ok(false);
        }
        if let Some(resources) = &self.resources {
            // A `*` that ends a part of a pattern also matches colons (IAM User Guide, "Resource"). Whole texts are
            // compared, which differs only for a `*` within a part.
            let reading = Reading { wildcards: true, variables: self.variables };
            let is_resource =
                |pattern: &String| Pattern::resolve(pattern, reading, context).is_some_and(|it| it.matches(resource));
            if resources.patterns.iter().any(is_resource) == resources.negated {
                return Ok(false);
            }
        }
        for condition in &self.conditions {
            if !condition.holds(context, self.variables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A text or a list of texts.
pub(super) fn texts(json: &Json, name: &str) -> Result<Vec<String>, PolicyError> {
    let text = |it: &Json| match it {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Number(value) => Ok(value.to_string()),
        _ => Err(PolicyError::new(format!("{name} is neither a text nor a list of texts"))),
    };
    match json {
        Json::Array(list) => list.iter().map(text).collect(),
        single => Ok(vec![text(single)?]),
    }
}
