//! The colours of a timeline. No meaning depends on a colour alone: lanes and rows have labels, marks have shapes,
//! phases have widths and dashes, and gaps are hatched.

use std::str::FromStr;

/// The colours of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// `light`: dark text on white.
    Light,
    /// `dark`: light text on black.
    Dark,
    /// `monochrome`: shades of grey on white, for print.
    Monochrome,
}

/// A name that is not the name of a theme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("theme: {0:?}; a theme is light, dark or monochrome")]
pub struct UnknownTheme(String);

impl FromStr for Theme {
    type Err = UnknownTheme;

    fn from_str(name: &str) -> Result<Theme, UnknownTheme> {
        match name {
            "light" => Ok(Theme::Light),
            "dark" => Ok(Theme::Dark),
            "monochrome" => Ok(Theme::Monochrome),
            other => Err(UnknownTheme(other.to_owned())),
        }
    }
}

/// The colours of a theme, as `#rrggbb`. The contrast to the background is at least 4.5 for text, and at least 3 for
/// everything that has a meaning (WCAG 2.2, success criteria 1.4.3 and 1.4.11).
#[derive(Debug)]
pub(super) struct Palette {
    pub background: &'static str,
    /// Labels, and the curve of the instances in service.
    pub text: &'static str,
    /// The lines of the axis; decoration.
    pub grid: &'static str,
    /// The area between minimum and maximum; its edges are drawn in [`Palette::line`].
    pub band: &'static str,
    /// The desired capacity, the sizes' edges, and the hatching.
    pub line: &'static str,
    pub mark: &'static str,
    /// Template versions, in their order, again from the first after the last. Two that follow each other differ in
    /// lightness too.
    pub versions: &'static [&'static str],
    /// Instances without a known version.
    pub unknown: &'static str,
}

const LIGHT: Palette = Palette {
    background: "#ffffff",
    text: "#1b2430",
    grid: "#dde2e8",
    band: "#e6edf5",
    line: "#5b6b7f",
    mark: "#a3123a",
    versions: &["#0b5cad", "#b35900", "#1f6f4a", "#8e4ec6", "#7a5c00", "#c2417a"],
    unknown: "#6b7684",
};

const DARK: Palette = Palette {
    background: "#0f141a",
    text: "#e8edf2",
    grid: "#2b3440",
    band: "#1c2733",
    line: "#93a4b8",
    mark: "#ff8aa5",
    versions: &["#62b0ff", "#f2a33c", "#4cc38a", "#c79bff", "#e6d35a", "#ff9ac6"],
    unknown: "#9aa7b5",
};

const MONOCHROME: Palette = Palette {
    background: "#ffffff",
    text: "#000000",
    grid: "#dddddd",
    band: "#eeeeee",
    line: "#555555",
    mark: "#000000",
    versions: &["#222222", "#8a8a8a", "#555555"],
    unknown: "#767676",
};

impl Theme {
    pub(super) fn palette(self) -> &'static Palette {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
            Theme::Monochrome => &MONOCHROME,
        }
    }
}

impl Palette {
    /// The colour of a version by its index among the versions of the picture.
    pub fn version(&self, index: Option<usize>) -> &'static str {
        index.map_or(self.unknown, |index| self.versions[index % self.versions.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour (WCAG 2.2, "relative luminance").
    fn luminance(colour: &str) -> f64 {
        let linear = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap_or_default()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        (one / other).max(other / one)
    }

    #[test]
    fn every_colour_with_a_meaning_stands_out_from_the_background() {
        for theme in [Theme::Light, Theme::Dark, Theme::Monochrome] {
            let palette = theme.palette();
            assert!(contrast(palette.text, palette.background) >= 4.5, "{theme:?}");
            // The curves of the instances in service and of the desired capacity cross the band.
            assert!(contrast(palette.text, palette.band) >= 4.5, "{theme:?}");
            assert!(contrast(palette.line, palette.band) >= 3.0, "{theme:?}");
            for colour in palette.versions.iter().chain([&palette.line, &palette.mark, &palette.unknown]) {
                let ratio = contrast(colour, palette.background);
                assert!(ratio >= 3.0, "{theme:?} {colour}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn a_theme_is_read_by_its_name() {
        assert_eq!("dark".parse(), Ok(Theme::Dark));
        assert_eq!(
            "Dark".parse::<Theme>().map_err(|it| it.to_string()),
            Err("theme: \"Dark\"; a theme is light, dark or monochrome".into())
        );
    }
}
