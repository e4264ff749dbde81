//! JSON, as far as events and notifications need it: they are objects of strings, and this crate has no dependencies.

use std::fmt::Write as _;

/// A string in quotation marks.
pub(crate) fn text(value: &str) -> String {
    let mut quoted = String::from('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing into a String cannot fail.
            character if character.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(character))),
            character => quoted.push(character),
        }
    }
    quoted + "\""
}

/// An object; its values are JSON already.
pub(crate) fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A list of strings.
pub(crate) fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(value)).collect();
    format!("[{}]", values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_backslashes_and_control_characters_are_escaped() {
        assert_eq!(text("a\"b\\c\nd\u{7f}é"), "\"a\\\"b\\\\c\\u000ad\\u007fé\"");
        assert_eq!(object(&[("a", text("1")), ("b", list(&["x".into(), "y".into()]))]), r#"{"a":"1","b":["x","y"]}"#);
    }
}
