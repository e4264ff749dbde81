//! The parts of a call from which the required permissions are derived.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use serde_json::Value;

use crate::{cbor, form};

/// A call with its parameters.
pub struct Call<'a> {
    /// The signing name of the service.
    pub service: &'a str,
    /// AWS's name of the operation.
    pub operation: &'a str,
    pub(super) path: &'a str,
    /// The parameters of a query protocol; of other protocols those in the query of the address.
    pub(crate) form: BTreeMap<String, String>,
    /// The body of a JSON or CBOR protocol; null for other protocols.
    pub(super) json: Value,
    pub(crate) body: &'a [u8],
}

impl<'a> Call<'a> {
    /// The call of an operation with this head and body.
    #[must_use]
    pub fn of(service: &'a str, operation: &'a str, head: &'a Parts, body: &'a [u8]) -> Self {
        let text = format!("{}&{}", head.uri.query().unwrap_or_default(), String::from_utf8_lossy(body));
        let path = head.uri.path();
        let json = if path.starts_with("/service/") { cbor::to_json(body) } else { serde_json::from_slice(body).ok() };
        Call { service, operation, path, form: form::read(&text), json: json.unwrap_or_default(), body }
    }

    /// A parameter that is text: of a JSON body alone if there is one, as for the emulators.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if self.json.is_object() { self.json.get(name)?.as_str() } else { self.form.get(name).map(String::as_str) }
    }

    /// A list of texts: of JSON, or `Name.member.1` and `Name.1` of a form.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let of_json = self.json.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let numbered = |key: &str| {
            let number = key.strip_prefix(name).and_then(|it| it.strip_prefix('.'));
            number.is_some_and(|it| it.trim_start_matches("member.").parse::<u32>().is_ok())
        };
        let of_form = self.form.iter().filter(|(key, _)| numbered(key)).map(|(_, value)| value.as_str());
        of_json.chain(of_form).collect()
    }

    /// The names and values of a list in a form, such as `Tags.member.1.Key`, by prefix and suffix of the name.
    pub(super) fn all<'b>(&'b self, begins: &'b str, ends: &'b str) -> impl Iterator<Item = (&'b str, &'b str)> {
        let fits = move |name: &str| name.starts_with(begins) && name.ends_with(ends);
        self.form.iter().filter(move |(name, _)| fits(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The tags in a form, by key.
    pub(super) fn tags(&self, begins: &str) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for (name, key) in self.all(begins, "Key") {
            let value = self.form.get(&format!("{}Value", name.trim_end_matches("Key")));
            tags.insert(key.to_owned(), value.cloned().unwrap_or_default());
        }
        tags
    }

    /// The tags in a form, by the condition key `aws:RequestTag/…`.
    pub(super) fn request_tags(&self, begins: &str) -> BTreeMap<String, String> {
        self.tags(begins).into_iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), value)).collect()
    }
}
