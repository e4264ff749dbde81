//! Lenient parsing of the times that AWS writes.

use aws_smithy_types::date_time::{DateTime, Format};

/// The end of the times that are accepted, in ms since the epoch: 2100-01-01. A later time is not a time of AWS, and would
/// never be past.
pub(crate) const END_MS: u64 = 4_102_444_800_000;

/// Parses a time before the year 2100 into ms since the epoch: RFC 3339 with `Z` or an offset. The offset `+0000` of
/// alarms and the blanks of AWS's own examples are accepted.
#[must_use]
pub fn read_ms(text: &str) -> Option<u64> {
    let mut text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let offset = text.len().checked_sub(5).filter(|at| text.is_char_boundary(*at)).map(|at| text.split_at(at).1);
    if offset.is_some_and(|it| it.starts_with(['+', '-']) && it[1..].bytes().all(|b| b.is_ascii_digit())) {
        text.insert(text.len() - 2, ':');
    }
    let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    u64::try_from(time.to_millis().ok()?).ok().filter(|ms| *ms < END_MS)
}

/// A time in UTC, with milliseconds unless they are zero.
#[must_use]
pub fn text(ms: u64) -> String {
    let time = DateTime::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_else(|_| format!("{ms} ms"))
}

/// The day of a time in UTC: `2026-11-23`.
#[must_use]
pub fn day(ms: u64) -> String {
    text(ms).chars().take_while(|c| *c != 'T').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_format_of_aws_is_parsed() {
        for text in [
            "2023-08-04T12:36:15.490Z",
            "2023-08-04T12:36:15.490+0000",
            "2023-08-04T12: 36: 15.490+0000",
            "2023-08-04T14:36:15.490+02:00",
            "2023-08-04T08:36:15.490-0400",
        ] {
            assert_eq!(read_ms(text), Some(1_691_152_575_490), "{text}");
        }
        for far in ["9999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "-0001-01-01T00:00:00Z"] {
            assert_eq!(read_ms(far), None, "{far}");
        }
        for text in ["", "yyyy-mm-ddThh:mm:ssZ", "+0000", "soon", "ü+0000", "2023-08-04", "-0400", "€0000"] {
            assert_eq!(read_ms(text), None, "{text}");
        }
        assert_eq!(text(1_691_152_575_490), "2023-08-04T12:36:15.49Z");
        assert_eq!(day(1_691_152_575_490), "2023-08-04");
    }
}
