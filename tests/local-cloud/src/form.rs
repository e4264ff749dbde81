//! Forms: the names and values in queries and in form bodies.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The names and values of a form. A name without `=` has an empty value.
#[must_use]
pub fn read(form: &str) -> BTreeMap<String, String> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The encoded form of these names and values.
#[must_use]
pub fn write(values: &BTreeMap<String, String>) -> String {
    let pair = |(name, value): (&String, &String)| {
        format!("{}={}", utf8_percent_encode(name, NON_ALPHANUMERIC), utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    values.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_form_can_be_read() {
        let values =
            BTreeMap::from([("a.member.1".to_owned(), "x & y=z+ü".to_owned()), ("b".to_owned(), String::new())]);
        assert_eq!(read(&write(&values)), values);
        assert_eq!(read("a.member.1=x+%26+y%3Dz%2B%C3%BC&b"), values);
    }
}
