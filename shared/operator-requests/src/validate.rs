//! The operator request `validate`: the rejections of properties that need no call to AWS.

use std::collections::BTreeSet;

use environment::{Spec, Violation, property};
use request_pass::{CloudFactory, MAX_NAMED_VIOLATIONS, Settings, admitted_spec, describe_violations};
use requests::Records;
use serde_json::{Map, Value, json};

use crate::error::OperatorError;
use crate::event::OperatorEvent;
use crate::request::OperatorRequest;

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Checks the properties as a Create of a new environment does before it looks up any fact: with the deployment's defaults,
    /// allow-lists and functions. Neither a record nor AWS is read. `Violations` has the first 50, `Count` the number of all.
    /// `Unresolved` names properties whose values only CloudFormation knows: they are not checked.
    pub(crate) fn validate(&self) -> Result<Value, OperatorError> {
        let none = Map::new();
        let properties = OperatorEvent::properties(self.event)?.unwrap_or(&none);
        let unresolved = self.unresolved()?;
        let violations = if unresolved.is_empty() {
            admitted_spec(self.settings, None, properties, None).err().unwrap_or_default()
        } else {
            self.partial_violations(properties, &unresolved)
        };
        let text = if violations.is_empty() {
            String::from(
                "The properties are valid. The request plan also checks the facts of the account, such as the image and the zones.",
            )
        } else {
            describe_violations(&violations)
        };
        let listed: Vec<Value> = violations.iter().take(MAX_NAMED_VIOLATIONS).map(violation_json).collect();
        Ok(json!({ "Valid": violations.is_empty(), "Violations": listed, "Count": violations.len(), "Text": text }))
    }

    /// The violations of the properties that have a value, by themselves and by the allow-lists.
    fn partial_violations(&self, properties: &Map<String, Value>, unresolved: &BTreeSet<&str>) -> Vec<Violation> {
        let Settings { defaults, deployment, allow_lists, .. } = self.settings;
        match Spec::read_partial(properties, unresolved, defaults, deployment) {
            Ok(spec) => {
                let mut violations = allow_lists.violations(None, &spec);
                violations.retain(|it| !unresolved.contains(it.property.as_str()));
                violations
            }
            Err(violations) => violations,
        }
    }

    /// The field `Unresolved`: names of properties.
    fn unresolved(&self) -> Result<BTreeSet<&str>, OperatorError> {
        let Some(value) = self.event.get("Unresolved") else { return Ok(BTreeSet::new()) };
        let is_property = |name: &&str| property::ALL.iter().any(|it| it.name == *name);
        let names = value.as_array().and_then(|names| {
            names.iter().map(|name| name.as_str().filter(is_property)).collect::<Option<BTreeSet<&str>>>()
        });
        names.ok_or_else(|| OperatorError::InvalidUnresolved { form: property::form(value) })
    }
}

fn violation_json(Violation { property, value, valid }: &Violation) -> Value {
    json!({ "Property": property, "Value": value, "Valid": valid })
}
