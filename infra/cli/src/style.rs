//! The lines of a screen, and their colours on a terminal.

use std::fmt;

/// The meaning of a line, which a terminal shows as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// No colour.
    Plain,
    /// Settled, valid, done.
    Good,
    /// Under way, different, to be noticed.
    Notice,
    /// Degraded, invalid, failed.
    Bad,
    /// Less important than the lines around it.
    Faint,
}

impl Tone {
    /// The parameters of ECMA-48's SGR: 32 green, 33 yellow, 31 red, 2 faint.
    fn parameter(self) -> Option<u8> {
        match self {
            Tone::Plain => None,
            Tone::Good => Some(32),
            Tone::Notice => Some(33),
            Tone::Bad => Some(31),
            Tone::Faint => Some(2),
        }
    }
}

/// A line of a screen, or several lines of one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The meaning.
    pub tone: Tone,
    /// The text, without colour.
    pub text: String,
}

impl Line {
    /// A line without colour.
    pub fn plain(text: impl Into<String>) -> Line {
        Line::of(Tone::Plain, text)
    }

    /// A line with a tone.
    pub fn of(tone: Tone, text: impl Into<String>) -> Line {
        Line { tone, text: text.into() }
    }

    /// The line as a terminal gets it.
    #[must_use]
    pub fn painted(&self, has_colour: bool) -> String {
        match self.tone.parameter().filter(|_| has_colour) {
            Some(parameter) => format!("\u{1b}[{parameter}m{}\u{1b}[0m", self.text),
            None => self.text.clone(),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text of a screen.
#[must_use]
pub fn screen(lines: &[Line], has_colour: bool) -> String {
    lines.iter().map(|line| line.painted(has_colour) + "\n").collect()
}

/// Rows as aligned columns, each as wide as its widest cell, two spaces apart. A missing last cell needs no padding.
#[must_use]
pub fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_colour_on_request_only() {
        let line = Line::of(Tone::Bad, "degraded");
        assert_eq!(line.painted(true), "\u{1b}[31mdegraded\u{1b}[0m");
        assert_eq!(line.painted(false), "degraded");
        assert_eq!(Line::plain("x").painted(true), "x");
    }

    #[test]
    fn columns_are_aligned_and_end_without_spaces() {
        let rows = [["a", "bb", ""], ["ccc", "d", "e"]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), ["a    bb", "ccc  d   e"]);
    }
}
