//! The parameters of a request. A parameter that no action takes is rejected: a test must not pass because a parameter
//! was dropped.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use auto_scaling::Fault;

/// The parameters that the action has not yet taken, by their full names: `Tags.member.1.Key`.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The parameters of a form.
    pub fn new(form: BTreeMap<String, String>) -> Self {
        Self(form)
    }

    /// Takes the action, and drops the parameters that every request has.
    pub fn action(&mut self) -> String {
        self.0.remove("Version");
        // Parameters of a signature in the query.
        self.0.retain(|name, _| !name.starts_with("X-Amz-"));
        self.0.remove("Action").unwrap_or_default()
    }

    /// Takes an optional parameter.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a required parameter.
    pub fn required(&mut self, name: &str) -> Result<String, Fault> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// Rejects a request that lacks one of these parameters, without taking them.
    pub fn require(&self, names: &[&str]) -> Result<(), Fault> {
        names.iter().find(|name| !self.0.contains_key(**name)).map_or(Ok(()), |name| Err(missing(name)))
    }

    /// Takes an optional number.
    pub fn number<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Fault> {
        self.parsed(name, "a whole number in range", |text| text.parse().ok())
    }

    /// Takes a required number.
    pub fn required_number<T: FromStr>(&mut self, name: &str) -> Result<T, Fault> {
        self.number(name)?.ok_or_else(|| missing(name))
    }

    /// Takes an optional number of seconds.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Fault> {
        Ok(self.number::<u32>(name)?.map(|seconds| Duration::from_secs(u64::from(seconds))))
    }

    /// Takes an optional boolean.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        self.parsed(name, "true or false", |text| text.parse().ok())
    }

    /// Takes an optional parameter that `parse` converts; `valid` describes the valid values for the error message.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        valid: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| Fault::validation(format!("{name} is '{text}': expected {valid}")))
    }

    /// Takes an optional list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let empty = self.text(name).map(|_| Vec::new());
        let members = self.members(name);
        let texts: Vec<String> = members.iter().filter_map(|member| self.text(member)).collect();
        if texts.is_empty() { empty } else { Some(texts) }
    }

    /// The name prefixes of a list's members, in order: `Tags.member.1`. SDKs send an empty list as a name without a
    /// value.
    pub fn members(&mut self, list: &str) -> Vec<String> {
        self.text(list);
        let prefix = format!("{list}.member.");
        let number = |name: &String| name.strip_prefix(&prefix)?.split('.').next()?.parse::<u32>().ok();
        let mut numbers: Vec<u32> = self.0.keys().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| format!("{prefix}{number}")).collect()
    }

    /// Rejects a request with parameters that the action did not take.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Err(Fault::validation(format!("the local cloud does not simulate {names}")))
    }
}

fn missing(name: &str) -> Fault {
    Fault::validation(format!("{name} is missing"))
}
