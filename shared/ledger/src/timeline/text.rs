//! Texts of entries as text of a document. Entries contain names that users and other systems chose.

use std::borrow::Cow;

/// The width of a character of the labels, at most, in pixels: their font has 11 px, and 0.66 em is wider than the
/// digits and the mean character of Arial, Segoe UI, San Francisco and DejaVu Sans.
pub(super) const LABEL_WIDTH: f64 = 7.3;
/// The width of a character of the monospaced labels: 0.61 em.
pub(super) const MONO_WIDTH: f64 = 6.8;

/// A text as content of an element or as value of an attribute in double quotes: no character of it is markup, and
/// characters that XML cannot contain are replaced.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| replacement(c).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replacement(c) {
            Some(replacement) => out.push_str(replacement),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text in place of a character that a text cannot contain.
const REPLACED: &str = "\u{fffd}";

/// The controls of the writing direction (Unicode Standard Annex 9), which would show a text in another order than it
/// has.
const DIRECTION: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// The text of a character that has a meaning in XML, or that it cannot contain (XML 1.0, production 2).
fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        ' '..='~' => return None,
        '\t' | '\n' | '\r' => " ",
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => REPLACED,
        c if DIRECTION.contains(&c) => REPLACED,
        _ => return None,
    })
}

/// The beginning of a text that has at most this number of bytes once it is escaped, with `…` if it is not whole.
pub(super) fn shortened(text: &str, bytes: usize) -> String {
    let mut size = 0;
    let size_of = |c: char| replacement(c).map_or(c.len_utf8(), str::len);
    match text.char_indices().find(|(_, c)| {
        size += size_of(*c);
        size > bytes
    }) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The end of a text that has space in this number of columns, with `…` if it is not whole. A character outside ASCII
/// may be as wide as two.
pub(super) fn tail(text: &str, columns: usize) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut used = 2;
    let kept: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            used += width(*c);
            used <= columns
        })
        .collect();
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_controls_in_a_text_stay_text() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(escaped("a\u{0}b\nc\u{202e}d"), "a\u{fffd}b c\u{fffd}d");
        assert!(matches!(escaped("checkout-is-slow → 4"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_text_is_shortened_by_its_escaped_size() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "abc…");
        assert_eq!(shortened("a\"\"", 8), "a\"…");
        assert_eq!(shortened("ä", 1), "…");
    }

    #[test]
    fn the_end_of_an_id_is_kept() {
        assert_eq!(tail("i-0a1b2c3d4e5f60718", 19), "i-0a1b2c3d4e5f60718");
        assert_eq!(tail("i-0a1b2c3d4e5f60718", 8), "…f60718");
        assert_eq!(tail("日本語", 4), "…語");
    }
}
