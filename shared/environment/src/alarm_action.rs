//! The rules of `AlarmActions`: what Envkeeper does when an alarm goes off.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::names::Names;
use crate::property::{self, MOST_IN_A_LIST};
use crate::spec::shown;

/// How long a rule rests after it acted, if it does not say: 300 s, as a scaling policy does.
const COOLDOWN_SECONDS: u32 = 300;

/// The longest rest: a day.
const LONGEST_COOLDOWN: u32 = 86_400;

/// The most instances that a rule adds or takes at a time.
const MOST_AT_A_TIME: i32 = 100;

/// The short names of the environment's own alarms.
pub const OWN_ALARMS: [&str; 4] = ["cpu-high", "cpu-low", "launch-failures", "healthy-low"];

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmAction {
    /// The short name of an alarm of the environment, or the whole name of another alarm.
    pub alarm: String,
    /// In a template its name is the field `Action`; its amount, capacity or topic is a field beside it.
    pub action: ActionKind,
    /// How long it rests after it acted.
    pub cooldown_seconds: u32,
    /// Whether it only says what it would do.
    pub dry_run: bool,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// So many instances more, or fewer.
    ScaleBy(i32),
    /// So many instances.
    ScaleTo(u32),
    /// The instance that the alarm is about, or one that is seen to be unhealthy, is replaced.
    ReplaceUnhealthy,
    /// An SNS topic is told, by its ARN.
    Notify(String),
}

impl ActionKind {
    /// What the field `Action` takes.
    pub const NAMES: [&'static str; 4] = ["ScaleBy", "ScaleTo", "ReplaceUnhealthy", "Notify"];

    /// Its name, and the field and value that go with it.
    fn parts(&self) -> (&'static str, Option<(&'static str, Value)>) {
        match self {
            ActionKind::ScaleBy(amount) => ("ScaleBy", Some(("Amount", json!(amount)))),
            ActionKind::ScaleTo(capacity) => ("ScaleTo", Some(("Capacity", json!(capacity)))),
            ActionKind::ReplaceUnhealthy => ("ReplaceUnhealthy", None),
            ActionKind::Notify(topic) => ("Notify", Some(("TopicArn", json!(topic)))),
        }
    }
}

/// A field of a rule that can't be taken: its name, what it was (for messages), and what would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadField {
    /// The field's name as a template writes it.
    pub field: &'static str,
    /// As it was given, shortened.
    pub value: String,
    /// What would do, to be read behind "is …:".
    pub valid: String,
}

impl AlarmAction {
    /// The rule in a line, which is what it is known by: an environment has none twice.
    #[must_use]
    pub fn summary(&self) -> String {
        let (name, field) = self.action.parts();
        let value = match field {
            Some((_, Value::String(text))) => format!(" {text}"),
            Some((_, value)) => format!(" {value}"),
            None => String::new(),
        };
        format!("{}: {name}{value}", self.alarm)
    }

    /// The whole name of the alarm that it is about.
    #[must_use]
    pub fn alarm_name(&self, names: &Names) -> String {
        match self.alarm.as_str() {
            "cpu-high" => names.cpu_high_alarm().name,
            "cpu-low" => names.cpu_low_alarm().name,
            "launch-failures" => names.launch_failures_alarm().name,
            "healthy-low" => names.healthy_low_alarm().name,
            other => other.to_owned(),
        }
    }

    /// What a list of rules takes, for messages and the reference page.
    #[must_use]
    pub fn valid_list() -> String {
        format!(
            "a list of at most {MOST_IN_A_LIST} different rules, each with Alarm ({} or an alarm's whole name), Action ({}) and what goes with it: Amount ({}), Capacity ({}) or TopicArn; CooldownSeconds ({COOLDOWN_SECONDS} if left out) and DryRun (false)",
            OWN_ALARMS.join(", "),
            ActionKind::NAMES.join(", "),
            amounts(),
            capacities(),
        )
    }

    /// Reads one rule.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(rule: &Map<String, Value>) -> Result<AlarmAction, Vec<BadField>> {
        let mut fields = Fields { rule, bad: Vec::new() };
        let alarm = fields.parsed("Alarm", "an alarm's name of 1 to 255 characters", |text| {
            ((1..=255).contains(&text.chars().count()) && !text.contains(char::is_control)).then(|| text.to_owned())
        });
        let valid = format!("one of {}", ActionKind::NAMES.join(", "));
        let name = fields.parsed("Action", &valid, |text| ActionKind::NAMES.into_iter().find(|name| *name == text));
        let action = match name {
            Some("ScaleBy") => fields.parsed("Amount", &amounts(), amount).map(ActionKind::ScaleBy),
            Some("ScaleTo") => fields.parsed("Capacity", &capacities(), capacity).map(ActionKind::ScaleTo),
            Some("Notify") => {
                let topic = |text: &str| property::is_topic(text).then(|| text.to_owned());
                fields.parsed("TopicArn", "the ARN of an SNS topic", topic).map(ActionKind::Notify)
            }
            Some(_) => Some(ActionKind::ReplaceUnhealthy),
            None => None,
        };
        let valid = format!("a whole number of seconds from 0 to {LONGEST_COOLDOWN}");
        let seconds = |text: &str| property::whole(text).filter(|it| *it <= LONGEST_COOLDOWN);
        let cooldown_seconds = fields.optional("CooldownSeconds", &valid, COOLDOWN_SECONDS, seconds);
        let truth = |text: &str| text.parse().ok();
        let dry_run = fields.optional("DryRun", "true or false", false, truth);
        fields.nothing_else(name);
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

/// A value as messages show it.
fn told(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), shown)
}

fn amounts() -> String {
    format!("a whole number from -{MOST_AT_A_TIME} to {MOST_AT_A_TIME}, but not 0")
}

fn amount(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let amount = sign * i32::try_from(property::whole(digits)?).ok()?;
    (amount != 0 && amount.abs() <= MOST_AT_A_TIME).then_some(amount)
}

fn capacities() -> String {
    String::from("a whole number from MinSize to MaxSize")
}

fn capacity(text: &str) -> Option<u32> {
    property::whole(text).filter(|it| *it <= 1_000)
}

/// Takes field after field, and notes what is wrong.
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
            Some(Value::Bool(truth)) => Some(truth.to_string()),
            _ => None,
        };
        let read = text.as_deref().and_then(read);
        if read.is_none() {
            let value = given.map_or_else(|| String::from("missing"), told);
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

    /// A field that goes with another action is a mistake, not a wish.
    fn nothing_else(&mut self, action: Option<&str>) {
        let own = match action {
            Some("ScaleBy") => "Amount",
            Some("ScaleTo") => "Capacity",
            Some("Notify") => "TopicArn",
            _ => "",
        };
        let all = ["Alarm", "Action", "CooldownSeconds", "DryRun"];
        let known = |name: &str| all.contains(&name) || name == own;
        let Some(action) = action else { return };
        for (name, value) in self.rule.iter().filter(|(name, _)| !known(name)) {
            let valid = format!("{action} has no {name}: leave it out");
            self.bad.push(BadField { field: "", value: format!("with {name} {}", told(value)), valid });
        }
    }
}
