//! The rules of `AlarmActions` from a record, possibly written by another version.

use serde_json::{Map, Value};

use crate::input::alarm_action::{AlarmAction, BadField};
use crate::input::forms::form;

/// The rules in a recorded spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedRules {
    /// The readable rules, in the order of the record.
    pub rules: Vec<AlarmAction>,
    /// The rules that this version cannot read, a sentence each. The readable rules are not affected.
    pub unreadable: Vec<String>,
}

impl RecordedRules {
    /// Reads the rules of the last settled spec; `None` has no rules.
    #[must_use]
    pub fn of(spec: Option<&Value>) -> RecordedRules {
        let mut found = RecordedRules::default();
        match spec.and_then(|spec| spec.get("AlarmActions")) {
            Some(Value::Array(list)) => {
                for (at, rule) in list.iter().enumerate() {
                    match read(rule) {
                        Ok(rule) => found.rules.push(rule),
                        Err(bad) => found.unreadable.extend(bad.first().map(|bad| describe(at, bad))),
                    }
                }
            }
            None | Some(Value::Null) => {}
            Some(other) => {
                let given = form(other);
                found.unreadable.push(format!("AlarmActions is {given}: a list of rules"));
            }
        }
        found
    }
}

fn read(rule: &Value) -> Result<AlarmAction, Vec<BadField>> {
    let none = Map::new();
    AlarmAction::read(rule.as_object().unwrap_or(&none))
}

fn describe(at: usize, bad: &BadField) -> String {
    let dot = if bad.field.is_empty() { "" } else { "." };
    format!("AlarmActions[{at}]{dot}{} is {}: {}", bad.field, bad.value, bad.valid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unreadable_rule_is_named_and_does_not_affect_the_readable_ones() {
        let good = json!({ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": 1 });
        let newer = json!({ "Alarm": "cpu-high", "Action": "Reboot" });
        let found = RecordedRules::of(Some(&json!({ "AlarmActions": [newer, good, 3] })));
        assert_eq!(found.rules.iter().map(AlarmAction::id).collect::<Vec<_>>(), ["cpu-high: ScaleBy 1"]);
        assert_eq!(
            found.unreadable,
            [
                "AlarmActions[0].Action is a string of 6 characters: one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify",
                "AlarmActions[2].Alarm is missing: an alarm's name of 1 to 255 characters",
            ]
        );
        let none = RecordedRules::default();
        for spec in [None, Some(json!({})), Some(json!({ "AlarmActions": null })), Some(json!({ "AlarmActions": [] }))]
        {
            assert_eq!(RecordedRules::of(spec.as_ref()), none, "{spec:?}");
        }
        let text = RecordedRules::of(Some(&json!({ "AlarmActions": "x" })));
        assert_eq!(text.unreadable, ["AlarmActions is a string of 1 character: a list of rules"]);
    }
}
