//! Characters that SQS rejects.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes the characters of a message that SQS rejects. A single character outside XML 1.0 makes SQS reject the whole
/// message, at each attempt; so such a character is written as JSON's escape, which reads the same. JSON itself leaves only
/// U+FFFE and U+FFFF unescaped.
///
/// All other characters are unchanged: an escape is longer, and the size of a message has a limit.
pub(crate) fn escape_rejected(text: &str) -> Cow<'_, str> {
    if !text.contains(is_rejected) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_rejected(c) {
            // All of them are at most U+FFFF, so one escape is enough; and a write to memory never fails.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// By the reference of `SendMessage`, which allows `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
fn is_rejected(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::escape_rejected;
    use serde_json::{Value, json};

    /// The characters that SQS accepts, by the reference of `SendMessage`.
    fn is_accepted(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    }

    #[test]
    fn an_escaped_message_is_accepted_and_reads_the_same() {
        let every: String = ('\0'..=char::MAX).collect();
        let event = json!({ "Description": every, "\u{fffe}": ["\\\u{ffff}", "\u{7f}\u{9f}\u{1fffe}"] });
        let text = event.to_string();
        let escaped = escape_rejected(&text);
        assert!(escaped.chars().all(is_accepted));
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), event);
        assert!(escaped.len() < text.len() + 20, "only rejected characters grow");
    }

    #[test]
    fn an_accepted_message_is_unchanged() {
        for text in ["", "{\"a\":\"\u{fc}\u{1f600}\u{fffd}\"}", "a\tb\r\n\u{7f}\u{85}"] {
            assert_eq!(escape_rejected(text), text);
        }
        assert_eq!(escape_rejected("no JSON: \u{b}\u{ffff}"), "no JSON: \\u000b\\uffff");
    }
}
