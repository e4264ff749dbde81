//! The rules of `AlarmActions` as a record has them, perhaps from another version.

use serde_json::{Map, Value};

use crate::alarm_action::AlarmAction;
use crate::spec::shown;

/// What a recorded spec says of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedRules {
    /// In the order of the record.
    pub rules: Vec<AlarmAction>,
    /// What this version can't read, a sentence each: it hides nothing of the others.
    pub unreadable: Vec<String>,
}

impl RecordedRules {
    /// Of what was settled last; of none there are none.
    #[must_use]
    pub fn of(spec: Option<&Value>) -> RecordedRules {
        let mut found = RecordedRules::default();
        match spec.and_then(|spec| spec.get("AlarmActions")) {
            Some(Value::Array(list)) => {
                for (at, rule) in list.iter().enumerate() {
                    match read(rule) {
                        Ok(rule) => found.rules.push(rule),
                        Err(reason) => found.unreadable.push(format!("AlarmActions[{at}]{reason}")),
                    }
                }
            }
            None | Some(Value::Null) => {}
            Some(other) => {
                let given = shown(&other.to_string());
                found.unreadable.push(format!("AlarmActions is {given}: a list of rules"));
            }
        }
        found
    }
}

fn read(rule: &Value) -> Result<AlarmAction, String> {
    let none = Map::new();
    AlarmAction::read(rule.as_object().unwrap_or(&none)).map_err(|bad| {
        let first = bad.first().map(|it| {
            let dot = if it.field.is_empty() { "" } else { "." };
            format!("{dot}{} is {}: {}", it.field, it.value, it.valid)
        });
        first.unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_hides_nothing_of_the_others_and_is_named() {
        let good = json!({ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": 1 });
        let newer = json!({ "Alarm": "cpu-high", "Action": "Reboot" });
        let found = RecordedRules::of(Some(&json!({ "AlarmActions": [newer, good, 3] })));
        assert_eq!(found.rules.iter().map(AlarmAction::summary).collect::<Vec<_>>(), ["cpu-high: ScaleBy 1"]);
        assert_eq!(
            found.unreadable,
            [
                "AlarmActions[0].Action is \"Reboot\": one of ScaleBy, ScaleTo, ReplaceUnhealthy, Notify",
                "AlarmActions[2].Alarm is missing: an alarm's name of 1 to 255 characters",
            ]
        );
        let none = RecordedRules::default();
        for spec in [None, Some(json!({})), Some(json!({ "AlarmActions": null })), Some(json!({ "AlarmActions": [] }))]
        {
            assert_eq!(RecordedRules::of(spec.as_ref()), none, "{spec:?}");
        }
        let text = RecordedRules::of(Some(&json!({ "AlarmActions": "x" })));
        assert_eq!(text.unreadable, ["AlarmActions is \"\"x\"\": a list of rules"]);
    }
}
