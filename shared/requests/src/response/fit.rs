//! Counting and cutting in bytes of encoded JSON.

use super::Status;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The bytes of the field in addition to its text: `"Reason":"",`.
pub(super) const REASON_FIELD: usize = r#""Reason":"","#.len();

const ELLIPSIS: &str = "...";

/// The response with CloudFormation's field names.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wire<'a> {
    pub status: Status,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    #[serde(rename = "PhysicalResourceId")]
    pub physical_id: &'a str,
    pub stack_id: &'a str,
    pub request_id: &'a str,
    #[serde(rename = "LogicalResourceId")]
    pub logical_id: &'a str,
    pub no_echo: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: &'a BTreeMap<String, String>,
}

/// Compact JSON; non-ASCII is UTF-8. The values written here are strings, which always encode, so the empty object of
/// the error case never occurs.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// The text, or as much of the text as fits into `room` bytes of encoded JSON, with an ellipsis for the cut.
pub(crate) fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if encoded(text) <= room {
        return Cow::Borrowed(text);
    }
    let Some(room) = room.checked_sub(ELLIPSIS.len()) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, char)| {
        used += encoded_char(char);
        (used > room).then_some(at)
    });
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..end.unwrap_or(text.len())]))
}

/// The bytes of a text in JSON, without its quotes.
pub(super) fn encoded(text: &str) -> usize {
    text.chars().map(encoded_char).sum()
}

/// As `serde_json` encodes a character: short escapes for `" \ \b \t \n \f \r`, `\u00xx` for other control characters below
/// space, everything else unchanged. A property test compares this with `serde_json`.
fn encoded_char(char: char) -> usize {
    match char {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_count_equals_the_length_that_serde_json_writes(text in any::<String>(), low in "[\\x00-\\x1f\"\\\\\\x7f€😀]{0,40}") {
            for text in [text, low] {
                prop_assert_eq!(encoded(&text) + 2, json(&text).len());
            }
        }

        #[test]
        fn a_cut_text_fits_and_is_a_prefix(text in any::<String>(), room in 0_usize..60) {
            let cut = cut(&text, room);
            prop_assert!(encoded(&cut) <= room);
            let kept = cut.strip_suffix(ELLIPSIS).unwrap_or(&cut);
            prop_assert!(text.starts_with(kept));
        }
    }

    #[test]
    fn a_text_that_just_fits_is_not_cut() {
        assert_eq!(cut("a\"b", 4), "a\"b");
        assert_eq!(cut("a\"b", 3), "...");
        assert_eq!(cut("a\"bcde", 6), "a\"...");
        assert_eq!(cut("a\"bcd", 5), "a...");
        assert_eq!(cut("abc", 2), "");
    }
}
