//! The operator request `validate`: the rejections of properties that need no call to AWS.

use environment::Violation;
use request_pass::{CloudFactory, MAX_NAMED_VIOLATIONS, admitted_spec, describe_violations};
use requests::Records;
use serde_json::{Map, Value, json};

use crate::error::OperatorError;
use crate::event::OperatorEvent;
use crate::request::OperatorRequest;

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Checks the properties as a Create of a new environment does before it looks up any fact: with the deployment's defaults,
    /// allow-lists and functions. Neither a record nor AWS is read. `Violations` has the first 50, `Count` the number of all.
    pub(crate) fn validate(&self) -> Result<Value, OperatorError> {
        let none = Map::new();
        let properties = OperatorEvent::properties(self.event)?.unwrap_or(&none);
        let violations = admitted_spec(self.settings, None, properties, None).err().unwrap_or_default();
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
}

fn violation_json(Violation { property, value, valid }: &Violation) -> Value {
    json!({ "Property": property, "Value": value, "Valid": valid })
}
