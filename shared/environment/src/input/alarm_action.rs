//! The rules of `AlarmActions`: the actions of Envkeeper when an alarm changes to ALARM.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::input::forms::{MAX_LIST_LENGTH, form, is_number, is_topic, shown, shown_name, whole};
use crate::model::names::Names;

/// The default cooldown of a rule after an action: 300 s, like a scaling policy's.
pub(super) const DEFAULT_COOLDOWN_SECONDS: u32 = 300;

/// The longest cooldown, in seconds: a day.
pub(super) const MAX_COOLDOWN_SECONDS: u32 = 86_400;

/// The most instances that a rule adds or removes at a time.
pub(super) const MAX_INSTANCES_PER_ACTION: i32 = 100;

/// The largest capacity that a rule sets: the bound of `MaxSize`.
pub(super) const MAX_CAPACITY: u32 = 1_000;

/// The longest name of an alarm, in characters (the CloudWatch API reference of `PutMetricAlarm`).
pub(super) const MAX_ALARM_NAME: usize = 255;

/// The short names of the environment's own alarms.
pub const OWN_ALARMS: [&str; 5] = ["cpu-high", "cpu-low", "launch-failures", "healthy-low", "rollout-failed"];

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmAction {
    /// The short name of an alarm of the environment, or the full name of another alarm.
    pub alarm: String,
    /// The action. In a template the name is the field `Action`; the amount, capacity or topic is a separate field.
    pub action: ActionKind,
    /// The cooldown after an action, in seconds.
    pub cooldown_seconds: u32,
    /// Whether the rule only reports the action, and does not execute it.
    pub dry_run: bool,
}

/// The action of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Adds so many instances, or removes them if negative.
    ScaleBy(i32),
    /// Sets the number of instances.
    ScaleTo(u32),
    /// Replaces the instance that the alarm is about, or one that is observed to be unhealthy.
    ReplaceUnhealthy,
    /// Notifies an SNS topic, by its ARN.
    Notify(String),
}

impl ActionKind {
    /// The values that the field `Action` accepts.
    pub const NAMES: [&'static str; 4] = ["ScaleBy", "ScaleTo", "ReplaceUnhealthy", "Notify"];

    /// The action's name, and the field and value that belong to it.
    fn parts(&self) -> (&'static str, Option<(&'static str, Value)>) {
        match self {
            ActionKind::ScaleBy(amount) => ("ScaleBy", Some(("Amount", json!(amount)))),
            ActionKind::ScaleTo(capacity) => ("ScaleTo", Some(("Capacity", json!(capacity)))),
            ActionKind::ReplaceUnhealthy => ("ReplaceUnhealthy", None),
            ActionKind::Notify(topic) => ("Notify", Some(("TopicArn", json!(topic)))),
        }
    }
}

/// A field of a rule that is not valid: the name, the value (for messages), and the valid form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadField {
    /// The field's name as a template writes it.
    pub field: &'static str,
    /// The value if it is a number, else its type and length.
    pub value: String,
    /// The valid form, which follows "is …:" in the message.
    pub valid: String,
}

impl AlarmAction {
    /// The rule in one line, which identifies it: an environment has no rule twice. Remediation requests and records
    /// contain this text, so its form never changes.
    #[must_use]
    pub fn id(&self) -> String {
        let (name, field) = self.action.parts();
        let value = match field {
            Some((_, Value::String(text))) => format!(" {text}"),
            Some((_, value)) => format!(" {value}"),
            None => String::new(),
        };
        format!("{}: {name}{value}", self.alarm)
    }

    /// The full name of the rule's alarm.
    #[must_use]
    pub fn alarm_name(&self, names: &Names) -> String {
        match self.alarm.as_str() {
            "cpu-high" => names.cpu_high_alarm().name,
            "cpu-low" => names.cpu_low_alarm().name,
            "launch-failures" => names.launch_failures_alarm().name,
            "healthy-low" => names.healthy_low_alarm().name,
            "rollout-failed" => names.rollout_failed_alarm().name,
            other => other.to_owned(),
        }
    }

    /// The valid form of a list of rules, for messages and the reference page.
    #[must_use]
    pub fn valid_list() -> String {
        format!(
            "a list of at most {MAX_LIST_LENGTH} different rules, each with Alarm ({} or an alarm's full name of at most {MAX_ALARM_NAME} characters), Action ({}) and its field: Amount ({}), Capacity ({}) or TopicArn; CooldownSeconds (0 to {MAX_COOLDOWN_SECONDS}, {DEFAULT_COOLDOWN_SECONDS} if omitted) and DryRun (false)",
            OWN_ALARMS.join(", "),
            ActionKind::NAMES.join(", "),
            valid_amounts(),
            valid_capacities(),
        )
    }

    /// The field that only rules with this action have.
    pub(super) fn own_field(action: &str) -> Option<&'static str> {
        match action {
            "ScaleBy" => Some("Amount"),
            "ScaleTo" => Some("Capacity"),
            "Notify" => Some("TopicArn"),
            _ => None,
        }
    }

    /// Reads one rule.
    ///
    /// # Errors
    /// Every field that is not valid.
    pub fn read(rule: &Map<String, Value>) -> Result<AlarmAction, Vec<BadField>> {
        let mut fields = Fields { rule, bad: Vec::new() };
        let valid = format!("an alarm's name of 1 to {MAX_ALARM_NAME} characters");
        let alarm = fields.parsed("Alarm", &valid, |text| {
            ((1..=MAX_ALARM_NAME).contains(&text.chars().count()) && !text.contains(char::is_control))
                .then(|| text.to_owned())
        });
        let valid = format!("one of {}", ActionKind::NAMES.join(", "));
        let name = fields.parsed("Action", &valid, |text| ActionKind::NAMES.into_iter().find(|name| *name == text));
        let action = match name {
            Some("ScaleBy") => fields.parsed("Amount", &valid_amounts(), amount).map(ActionKind::ScaleBy),
            Some("ScaleTo") => fields.parsed("Capacity", &valid_capacities(), capacity).map(ActionKind::ScaleTo),
            Some("Notify") => {
                let topic = |text: &str| is_topic(text).then(|| text.to_owned());
                fields.parsed("TopicArn", "the ARN of an SNS topic", topic).map(ActionKind::Notify)
            }
            Some(_) => Some(ActionKind::ReplaceUnhealthy),
            None => None,
        };
        let valid = format!("a whole number of seconds from 0 to {MAX_COOLDOWN_SECONDS}");
        let seconds = |text: &str| whole(text).filter(|it| *it <= MAX_COOLDOWN_SECONDS);
        let cooldown_seconds = fields.optional("CooldownSeconds", &valid, DEFAULT_COOLDOWN_SECONDS, seconds);
        let flag = |text: &str| text.parse().ok();
        let dry_run = fields.optional("DryRun", "true or false", false, flag);
        fields.reject_other_fields(name);
        match (alarm, action, cooldown_seconds, dry_run, fields.bad) {
            (Some(alarm), Some(action), Some(cooldown_seconds), Some(dry_run), bad) if bad.is_empty() => {
                Ok(AlarmAction { alarm, action, cooldown_seconds, dry_run })
            }
            (_, _, _, _, bad) => Err(bad),
        }
    }
}

impl Serialize for AlarmAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, field) = self.action.parts();
        let mut rule = json!({
            "Alarm": self.alarm, "Action": name, "CooldownSeconds": self.cooldown_seconds, "DryRun": self.dry_run,
        });
        if let Some((name, value)) = field {
            rule[name] = value;
        }
        rule.serialize(serializer)
    }
}

/// A value as messages show it: a number itself, of any other value the form.
fn shown_value(value: &Value) -> String {
    let number = match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    number.filter(|text| is_number(text)).map_or_else(|| form(value), |text| shown(&text))
}

pub(super) fn valid_amounts() -> String {
    format!("a whole number from -{MAX_INSTANCES_PER_ACTION} to {MAX_INSTANCES_PER_ACTION}, but not 0")
}

fn amount(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let amount = sign * i32::try_from(whole(digits)?).ok()?;
    (amount != 0 && amount.abs() <= MAX_INSTANCES_PER_ACTION).then_some(amount)
}

pub(super) fn valid_capacities() -> String {
    String::from("a whole number from MinSize to MaxSize")
}

fn capacity(text: &str) -> Option<u32> {
    whole(text).filter(|it| *it <= MAX_CAPACITY)
}

/// Reads one field after the other, and records the fields that are not valid.
struct Fields<'a> {
    rule: &'a Map<String, Value>,
    bad: Vec<BadField>,
}

impl Fields<'_> {
    fn parsed<T>(&mut self, field: &'static str, valid: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let given = self.rule.get(field);
        let text = match given {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Bool(flag)) => Some(flag.to_string()),
            _ => None,
        };
        let read = text.as_deref().and_then(read);
        if read.is_none() {
            let value = given.map_or_else(|| String::from("missing"), shown_value);
            self.bad.push(BadField { field, value, valid: valid.to_owned() });
        }
        read
    }

    fn optional<T>(
        &mut self,
        field: &'static str,
        valid: &str,
        default: T,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if self.rule.contains_key(field) { self.parsed(field, valid, read) } else { Some(default) }
    }

    /// Rejects a field of another action: such a field is a mistake.
    fn reject_other_fields(&mut self, action: Option<&str>) {
        let Some(action) = action else { return };
        let own = AlarmAction::own_field(action);
        let all = ["Alarm", "Action", "CooldownSeconds", "DryRun"];
        let known = |name: &str| all.contains(&name) || Some(name) == own;
        for (name, value) in self.rule.iter().filter(|(name, _)| !known(name)) {
            let name = shown_name(name);
            let valid = format!("{action} has no {name}: leave it out");
            self.bad.push(BadField { field: "", value: format!("with {name}, {}", form(value)), valid });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_rule_keeps_its_form() {
        let id = |action| AlarmAction { alarm: "cpu-high".into(), action, cooldown_seconds: 300, dry_run: false }.id();
        assert_eq!(id(ActionKind::ScaleBy(-2)), "cpu-high: ScaleBy -2");
        assert_eq!(id(ActionKind::ScaleTo(3)), "cpu-high: ScaleTo 3");
        assert_eq!(id(ActionKind::ReplaceUnhealthy), "cpu-high: ReplaceUnhealthy");
        assert_eq!(id(ActionKind::Notify("arn:t".into())), "cpu-high: Notify arn:t");
    }
}
