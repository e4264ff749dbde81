//! The parameters of a request. What nobody takes is refused: a test must not pass on something that was dropped.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use auto_scaling::Fault;

/// Parameters that nobody has taken yet, by their full names: `Tags.member.1.Key`.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The parameters of a form.
    pub fn new(form: BTreeMap<String, String>) -> Self {
        Self(form)
    }

    /// The action. What else is in every request goes with it.
    pub fn action(&mut self) -> String {
        self.0.remove("Version");
        // Of a request that is signed in its query.
        self.0.retain(|name, _| !name.starts_with("X-Amz-"));
        self.0.remove("Action").unwrap_or_default()
    }

    /// One that may be absent.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// One that must be there.
    pub fn required(&mut self, name: &str) -> Result<String, Fault> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// Refuses a request that lacks one of these, and takes none of them.
    pub fn need(&self, names: &[&str]) -> Result<(), Fault> {
        names.iter().find(|name| !self.0.contains_key(**name)).map_or(Ok(()), |name| Err(missing(name)))
    }

    /// A number that may be absent.
    pub fn number<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Fault> {
        self.parsed(name, "a whole number in range", |text| text.parse().ok())
    }

    /// A number that must be there.
    pub fn required_number<T: FromStr>(&mut self, name: &str) -> Result<T, Fault> {
        self.number(name)?.ok_or_else(|| missing(name))
    }

    /// A number of seconds.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Fault> {
        Ok(self.number::<u32>(name)?.map(|seconds| Duration::from_secs(u64::from(seconds))))
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        self.parsed(name, "true or false", |text| text.parse().ok())
    }

    /// One that has to be read.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        valid: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| Fault::validation(format!("{name} is '{text}': {valid}")))
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let empty = self.text(name).map(|_| Vec::new());
        let members = self.members(name);
        let texts: Vec<String> = members.iter().filter_map(|member| self.text(member)).collect();
        if texts.is_empty() { empty } else { Some(texts) }
    }

    /// The beginnings of the names of a list's members, in order: `Tags.member.1`. An empty list is sent as a name
    /// without a value.
    pub fn members(&mut self, list: &str) -> Vec<String> {
        self.text(list);
        let prefix = format!("{list}.member.");
        let number = |name: &String| name.strip_prefix(&prefix)?.split('.').next()?.parse::<u32>().ok();
        let mut numbers: Vec<u32> = self.0.keys().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| format!("{prefix}{number}")).collect()
    }

    /// Refuses what nobody took.
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
