//! Reads settings from environment variables.

use std::fmt;

use environment::property::is_account;
use environment::{DEFAULT_PROJECT, Deployment};

/// The maximum length of a value in an error text, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// The valid form of a queue's URL, for error texts.
const VALID_QUEUE_URL: &str = "the URL of an SQS queue";

/// Reads an environment variable of this process, for [`Vars::new`] in a `main.rs`. Tests pass a closure over a map.
#[must_use]
pub fn env_var(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Reads settings and collects all invalid ones, so that one correction of a deployment is enough.
///
/// An empty variable counts as not set, because a template cannot easily omit a variable on a condition.
#[derive(Debug)]
pub struct Vars<R> {
    read: R,
    invalid: Vec<InvalidSetting>,
}

/// One variable with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    /// The name of the variable.
    pub name: &'static str,
    /// The problem with the valid form, as a continuation of the name.
    pub problem: String,
}

/// All invalid variables of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment variables are invalid: {}", joined(.0))]
pub struct InvalidSettings(pub Vec<InvalidSetting>);

impl<R: Fn(&str) -> Option<String>> Vars<R> {
    /// A reader of the variables that `read` looks up.
    pub fn new(read: R) -> Vars<R> {
        Vars { read, invalid: Vec::new() }
    }

    /// The value of a variable as it is, for a reader with its own checks.
    pub fn raw(&self, name: &str) -> Option<String> {
        (self.read)(name)
    }

    /// Reads an optional variable. The value is trimmed.
    pub fn optional(&mut self, name: &'static str) -> Option<String> {
        self.raw(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Reads a required variable, whose valid form is `valid`. A missing variable is invalid: the result is an empty
    /// string, and [`Vars::checked`] returns the error.
    pub fn required(&mut self, name: &'static str, valid: &str) -> String {
        let value = self.optional(name);
        if value.is_none() {
            self.invalid.push(InvalidSetting { name, problem: format!(" is not set, valid is {valid}") });
        }
        value.unwrap_or_default()
    }

    /// Reads an optional variable with `parse`; `None` if the variable is missing or `parse` rejects the value.
    pub fn parsed<T>(&mut self, name: &'static str, valid: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.optional(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            let shown: String = value.chars().take(MAX_SHOWN_CHARS).collect();
            self.invalid.push(InvalidSetting { name, problem: format!(" is {shown:?}, valid is {valid}") });
        }
        parsed
    }

    /// Reads an optional variable with a reader that describes what is invalid, for values that errors must not repeat.
    pub fn described<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let result = read(&self.optional(name)?);
        result.map_err(|problem| self.invalid.push(InvalidSetting { name, problem: format!(": {problem}") })).ok()
    }

    /// Reads `true` or `false`; every other word is invalid. `default` if the variable is missing.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.parsed(name, "true or false", |text| text.parse().ok()).unwrap_or(default)
    }

    /// Reads the URL of a queue; `None` if the variable is missing or invalid.
    pub fn queue_url(&mut self, name: &'static str) -> Option<String> {
        self.parsed(name, VALID_QUEUE_URL, |text| text.contains("://").then(|| text.to_owned()))
    }

    /// Reads the URL of a queue; a missing variable is invalid.
    pub fn required_queue_url(&mut self, name: &'static str) -> String {
        self.required(name, VALID_QUEUE_URL);
        self.queue_url(name).unwrap_or_default()
    }

    /// Reads `EVENT_BUS_NAME`: the event bus of the deployment, to which Envkeeper's own events are published before the ledger's
    /// queue. `None` if the variable is missing or invalid. Names have at most 256 characters (EventBridge API reference,
    /// CreateEventBus).
    pub fn event_bus(&mut self) -> Option<String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "/.-_".contains(c);
        let name = |text: &str| (text.len() <= 256 && text.chars().all(is_name)).then(|| text.to_owned());
        self.parsed("EVENT_BUS_NAME", "the name of an EventBridge event bus", name)
    }

    /// Reads `RECONCILERS_AT_ONCE`: how many reconcilers run at once, which bounds the due passes in flight. 2 if not set, the
    /// least that an event source mapping of SQS accepts (Lambda API reference, ScalingConfig).
    pub fn reconcilers_at_once(&mut self) -> u32 {
        let count = |text: &str| text.parse().ok().filter(|it| (2..=1_000).contains(it));
        self.parsed("RECONCILERS_AT_ONCE", "a whole number from 2 to 1000", count).unwrap_or(2)
    }

    /// Reads the parts that the names of all environments of a deployment share: `PROJECT_NAME` (`scalable-ec2` if not
    /// set), `AWS_REGION`, which Lambda sets, and `ACCOUNT_ID`.
    pub fn deployment(&mut self) -> Deployment {
        let valid = "1 to 20 lower case letters, digits and inner dashes, beginning with a letter; not sg, sthree or \
                     amzn-s3-demo, alone or before a dash, and not xn-- at the beginning, which AWS reserves";
        let project = self.parsed("PROJECT_NAME", valid, |text| is_project(text).then(|| text.to_owned()));
        let region = self.required("AWS_REGION", "a region, such as us-west-2");
        let twelve_digits = "the account's number, twelve digits";
        let account = self.required("ACCOUNT_ID", twelve_digits);
        self.parsed("ACCOUNT_ID", twelve_digits, |text| is_account(text).then_some(()));
        Deployment { project: project.unwrap_or_else(|| String::from(DEFAULT_PROJECT)), region, account }
    }

    /// Returns `settings` if every variable was valid.
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] with every invalid variable.
    pub fn checked<T>(self, settings: T) -> Result<T, InvalidSettings> {
        if self.invalid.is_empty() { Ok(settings) } else { Err(InvalidSettings(self.invalid)) }
    }
}

/// The beginnings of names that AWS reserves: of security groups (EC2 API reference, CreateSecurityGroup), and of buckets (S3
/// user guide, "General purpose bucket naming rules"). A dash follows the project in every name. The endings that S3 reserves,
/// such as `-s3alias` and `--ol-s3`, cannot occur: every bucket's name ends with the account's id.
const RESERVED_PREFIXES: [&str; 4] = ["sg-", "xn--", "sthree-", "amzn-s3-demo-"];

/// Whether a project's name is valid. The name is part of every resource name, of policies and of rules' patterns, so
/// only plain characters are valid. Its maximum length leaves room for a suffix in a bucket's 63 characters, in every
/// region. The template's parameter ProjectName has the same rule.
fn is_project(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let prefix = format!("{text}-");
    text.len() <= 20
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !RESERVED_PREFIXES.iter().any(|reserved| prefix.starts_with(reserved))
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidSetting { name, problem } = self;
        write!(f, "{name}{problem}")
    }
}

fn joined(invalid: &[InvalidSetting]) -> String {
    let texts: Vec<_> = invalid.iter().map(InvalidSetting::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &'static [(&str, &str)]) -> Vars<impl Fn(&str) -> Option<String>> {
        Vars::new(|name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_missing_setting_has_its_default() {
        let mut vars = vars(&[("TABLE", " records "), ("ON", "false"), ("EMPTY", " ")]);
        assert_eq!(vars.required("TABLE", "a name"), "records");
        assert_eq!((vars.flag("ON", true), vars.flag("NONE", true)), (false, true));
        assert_eq!((vars.optional("EMPTY"), vars.optional("NONE")), (None, None));
        assert_eq!(vars.checked("all"), Ok("all"));
    }

    #[test]
    fn all_invalid_settings_are_reported_together_with_their_valid_forms() {
        let mut vars = vars(&[
            ("TABLE", ""),
            ("QUEUE", "requests"),
            ("ON", "yes"),
            ("HOSTS", "x"),
            ("EVENT_BUS_NAME", "own events"),
        ]);
        vars.required("TABLE", "the name of a table");
        vars.required_queue_url("QUEUE");
        vars.required_queue_url("LEDGER");
        vars.event_bus();
        vars.flag("ON", true);
        vars.parsed("HOSTS", "host:port", |_| None::<()>);
        assert_eq!(vars.described("ON", |_| Err::<(), _>(String::from("a.b: unknown"))), None);
        let error = vars.checked(()).unwrap_err().to_string();
        assert_eq!(
            error,
            "the function's environment variables are invalid: \
             TABLE is not set, valid is the name of a table; \
             QUEUE is \"requests\", valid is the URL of an SQS queue; \
             LEDGER is not set, valid is the URL of an SQS queue; \
             EVENT_BUS_NAME is \"own events\", valid is the name of an EventBridge event bus; \
             ON is \"yes\", valid is true or false; \
             HOSTS is \"x\", valid is host:port; \
             ON: a.b: unknown"
        );
    }

    #[test]
    fn a_projects_name_is_short_and_plain() {
        for name in ["a", "scalable-ec2", "a-project-of-20-char", "sgx", "my-sg", "xn", "sthreeb", "amzn-s3"] {
            assert!(is_project(name), "{name}");
        }
        let reserved = ["sg", "sg-web", "xn--web", "sthree", "sthree-configurator", "amzn-s3-demo", "amzn-s3-demo-web"];
        for name in ["", "a-project-of-21-chars", "2nd", "ends-", "Upper", "a_b"].iter().chain(&reserved) {
            assert!(!is_project(name), "{name}");
        }
    }

    #[test]
    fn the_number_of_reconcilers_has_the_bounds_of_lambda() {
        for (text, expected) in
            [("2", Some(2)), ("1000", Some(1_000)), ("", Some(2)), ("1", None), ("1001", None), ("2.5", None)]
        {
            let mut vars = Vars::new(|_: &str| Some(text.to_owned()));
            let count = vars.reconcilers_at_once();
            assert_eq!(vars.checked(count).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_flag_accepts_only_true_and_false() {
        for word in ["True", "1", "on", "FALSE"] {
            let mut vars = Vars::new(|_: &str| Some(word.to_owned()));
            vars.flag("ON", true);
            assert!(vars.checked(()).is_err(), "{word}");
        }
    }
}
