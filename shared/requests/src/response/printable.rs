//! The characters of a reason.
//!
//! CloudFormation discards a reason with a character that XML 1.0 forbids, and stack events then show none
//! (aws-cloudformation/cloudformation-coverage-roadmap #1601; in effect since August 2026, kirodotdev/KiroCrew #5597).
//! Whether every consumer of a stack event shows other characters is unknown. So a reason consists of printable ASCII,
//! tabs and line feeds; every other character is written out.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character written out that is neither printable ASCII nor a tab nor a line feed: typographic
/// characters in ASCII, such as `->` for an arrow, and any other by its code point, as in `U+001B`. A carriage return
/// before a line feed is dropped.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            _ if is_printable(char) => written.push(char),
            '\r' if rest.peek() == Some(&'\n') => {}
            _ => match in_ascii(char) {
                Some(ascii) => written.push_str(ascii),
                // Writing to a string never fails.
                None => drop(write!(written, "U+{:04X}", u32::from(char))),
            },
        }
    }
    Cow::Owned(written)
}

fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\t' | '\n')
}

/// The typographic characters in the texts of Envkeeper and AWS: Auto Scaling's messages have apostrophes of this kind
/// (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`).
fn in_ascii(char: char) -> Option<&'static str> {
    Some(match char {
        '…' => "...",
        '→' => "->",
        '≥' => ">=",
        '≤' => "<=",
        '×' => "x",
        '–' | '—' => "-",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '\u{a0}' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_characters_are_written_out() {
        for (text, written) in [
            ("a\tb\nc ~", "a\tb\nc ~"),
            ("t3\0micro \u{1b}[31m", "t3U+0000micro U+001B[31m"),
            ("max 3 → 7, ≥ 2 × 60 s…", "max 3 -> 7, >= 2 x 60 s..."),
            ("The pool’s “size”\u{a0}–", "The pool's \"size\" -"),
            ("\u{7f}\u{fffe}\u{ffff}😀ü", "U+007FU+FFFEU+FFFFU+1F600U+00FC"),
            ("one\r\ntwo\rthree", "one\ntwoU+000Dthree"),
        ] {
            assert_eq!(printable(text), written);
        }
    }

    proptest! {
        #[test]
        fn every_text_becomes_printable(text in any::<String>()) {
            let written = printable(&text);
            prop_assert!(written.chars().all(is_printable));
            prop_assert_eq!(printable(&written), written.as_ref());
        }
    }
}
