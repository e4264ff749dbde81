//! Characters that SQS refuses.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A message as SQS takes it. For one character that XML 1.0 has not, it refuses the whole message, each time it comes; so
/// such a character is written as JSON's escape, which reads the same. JSON itself leaves only U+FFFE and U+FFFF bare.
///
/// All else stays as it is: an escape is longer, and a message's size has a limit.
pub(crate) fn sendable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_refused) {
        return Cow::Borrowed(text);
    }
    let mut all = String::with_capacity(text.len());
    for c in text.chars() {
        if is_refused(c) {
            // None of them is beyond U+FFFF, so one escape holds it; and nothing that is written to memory fails.
            let _ = write!(all, "\\u{:04x}", u32::from(c));
        } else {
            all.push(c);
        }
    }
    Cow::Owned(all)
}

/// By the reference of `SendMessage`, which allows `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
fn is_refused(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::sendable;
    use serde_json::{Value, json};

    /// What SQS takes, by the reference of `SendMessage`.
    fn is_taken(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    }

    #[test]
    fn what_is_sent_is_taken_and_reads_the_same() {
        let every: String = ('\0'..=char::MAX).collect();
        let event = json!({ "Description": every, "\u{fffe}": ["\\\u{ffff}", "\u{7f}\u{9f}\u{1fffe}"] });
        let text = event.to_string();
        let sent = sendable(&text);
        assert!(sent.chars().all(is_taken));
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), event);
        assert!(sent.len() < text.len() + 20, "only what is refused grows");
    }

    #[test]
    fn what_is_taken_stays_as_it_is() {
        for text in ["", "{\"a\":\"\u{fc}\u{1f600}\u{fffd}\"}", "a\tb\r\n\u{7f}\u{85}"] {
            assert_eq!(sendable(text), text);
        }
        assert_eq!(sendable("no JSON: \u{b}\u{ffff}"), "no JSON: \\u000b\\uffff");
    }
}
