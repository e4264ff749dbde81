//! Settings out of environment variables.

use std::fmt;

use environment::Deployment;
use environment::property::is_account;

/// How much of a value is repeated in a message, in characters.
const SHOWN: usize = 60;

/// What is valid for the URL of a queue.
const QUEUE_URL: &str = "the URL of an SQS queue";

/// An environment variable of this process, for [`Vars::new`] in a `main.rs`. Tests pass a closure over a map instead.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Reads settings, and collects what is wrong with them: a deployment is corrected in one go, not variable by variable.
///
/// A variable that is empty counts as not set, since a template can't leave one out on a condition without effort.
#[derive(Debug)]
pub struct Vars<R> {
    read: R,
    faults: Vec<BadSetting>,
}

/// One variable that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    /// Its name.
    pub name: &'static str,
    /// Its value, cut after 60 characters; `None` if it is not set.
    pub value: Option<String>,
    /// What would be valid.
    pub valid: String,
}

/// Settings that can't be used, with every variable that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment variables can't be used: {}", sentence(.0))]
pub struct BadSettings(pub Vec<BadSetting>);

impl<R: Fn(&str) -> Option<String>> Vars<R> {
    /// Over something that gives a variable's value.
    pub fn new(read: R) -> Vars<R> {
        Vars { read, faults: Vec::new() }
    }

    /// A variable that may be missing.
    pub fn optional(&mut self, name: &'static str) -> Option<String> {
        (self.read)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A variable that has to be there; `valid` says what it holds. Missing, it is a fault, and an empty string stands in
    /// until [`Vars::checked`] tells.
    pub fn required(&mut self, name: &'static str, valid: &str) -> String {
        let value = self.optional(name);
        if value.is_none() {
            self.faults.push(BadSetting { name, value: None, valid: valid.to_owned() });
        }
        value.unwrap_or_default()
    }

    /// A variable that `parse` makes sense of; `None` if it is missing, or a fault.
    pub fn parsed<T>(&mut self, name: &'static str, valid: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.optional(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            let value = Some(value.chars().take(SHOWN).collect());
            self.faults.push(BadSetting { name, value, valid: valid.to_owned() });
        }
        parsed
    }

    /// `true` or `false`, and no other word; `default` if it is missing.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.parsed(name, "true or false", |text| text.parse().ok()).unwrap_or(default)
    }

    /// The URL of a queue; `None` if it is missing, or a fault.
    pub fn queue_url(&mut self, name: &'static str) -> Option<String> {
        self.parsed(name, QUEUE_URL, |text| text.contains("://").then(|| text.to_owned()))
    }

    /// The URL of a queue; a fault if it is missing.
    pub fn required_queue_url(&mut self, name: &'static str) -> String {
        self.required(name, QUEUE_URL);
        self.queue_url(name).unwrap_or_default()
    }

    /// What the names of all environments of a deployment have in common: `PROJECT_NAME` (`scalable-ec2` if not set),
    /// `AWS_REGION`, which Lambda sets, and `ACCOUNT_ID`.
    pub fn deployment(&mut self) -> Deployment {
        let valid = "1 to 20 lower case letters, digits and inner dashes, beginning with a letter";
        let project = self.parsed("PROJECT_NAME", valid, |text| is_project(text).then(|| text.to_owned()));
        let region = self.required("AWS_REGION", "a region, such as us-west-2");
        let twelve = "the account's number, twelve digits";
        let account = self.required("ACCOUNT_ID", twelve);
        self.parsed("ACCOUNT_ID", twelve, |text| is_account(text).then_some(()));
        Deployment { project: project.unwrap_or_else(|| String::from("scalable-ec2")), region, account }
    }

    /// The settings that were read, if nothing was wrong.
    ///
    /// # Errors
    ///
    /// [`BadSettings`] with every fault.
    pub fn checked<T>(self, settings: T) -> Result<T, BadSettings> {
        if self.faults.is_empty() { Ok(settings) } else { Err(BadSettings(self.faults)) }
    }
}

/// The project is part of every name, of policies and of rules' patterns, so it is kept plain, and so short that a bucket's
/// 63 characters have room for a suffix in every region. The template's ProjectName has the same rule.
fn is_project(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 20
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadSetting { name, value, valid } = self;
        match value {
            Some(value) => write!(f, "{name} is {value:?}, valid is {valid}"),
            None => write!(f, "{name} is not set, valid is {valid}"),
        }
    }
}

fn sentence(faults: &[BadSetting]) -> String {
    let each: Vec<_> = faults.iter().map(BadSetting::to_string).collect();
    each.join("; ")
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
    fn settings_are_read_with_their_defaults() {
        let mut vars = vars(&[("TABLE", " records "), ("ON", "false"), ("EMPTY", " ")]);
        assert_eq!(vars.required("TABLE", "a name"), "records");
        assert_eq!((vars.flag("ON", true), vars.flag("NONE", true)), (false, true));
        assert_eq!((vars.optional("EMPTY"), vars.optional("NONE")), (None, None));
        assert_eq!(vars.checked("all"), Ok("all"));
    }

    #[test]
    fn all_faults_are_told_at_once_with_what_is_valid() {
        let mut vars = vars(&[("TABLE", ""), ("QUEUE", "requests"), ("ON", "yes"), ("HOSTS", "x")]);
        vars.required("TABLE", "the name of a table");
        vars.required_queue_url("QUEUE");
        vars.required_queue_url("LEDGER");
        vars.flag("ON", true);
        vars.parsed("HOSTS", "host:port", |_| None::<()>);
        let told = vars.checked(()).unwrap_err().to_string();
        assert_eq!(
            told,
            "the function's environment variables can't be used: \
             TABLE is not set, valid is the name of a table; \
             QUEUE is \"requests\", valid is the URL of an SQS queue; \
             LEDGER is not set, valid is the URL of an SQS queue; \
             ON is \"yes\", valid is true or false; \
             HOSTS is \"x\", valid is host:port"
        );
    }

    #[test]
    fn a_projects_name_is_short_and_plain() {
        for name in ["a", "scalable-ec2", "a-project-of-20-char"] {
            assert!(is_project(name), "{name}");
        }
        for name in ["", "a-project-of-21-chars", "2nd", "ends-", "Upper", "a_b"] {
            assert!(!is_project(name), "{name}");
        }
    }

    #[test]
    fn a_flag_is_strict() {
        for word in ["True", "1", "on", "FALSE"] {
            let mut vars = Vars::new(|_: &str| Some(word.to_owned()));
            vars.flag("ON", true);
            assert!(vars.checked(()).is_err(), "{word}");
        }
    }
}
