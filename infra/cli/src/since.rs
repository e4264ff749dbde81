//! The beginning of a time range: `--since`.

use std::time::Duration;

/// The beginning of a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This long before now.
    Before(Duration),
    /// A time, in ms since the epoch.
    At(u64),
}

impl Since {
    /// The valid form, for messages.
    pub const VALID: &str = "a number with s, m, h or d, such as 90m, or a time such as 2026-11-30T18:00:00Z";

    /// Reads a value of `--since`.
    ///
    /// # Errors
    /// The valid form.
    pub fn read(text: &str) -> Result<Since, String> {
        let at = text.len().saturating_sub(1);
        let parts = text.split_at_checked(at);
        let seconds_of = |(digits, unit): (&str, &str)| {
            let unit = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => return None,
            };
            let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|it| is_number && *it > 0)?.checked_mul(unit)
        };
        let duration = parts.and_then(seconds_of).map(|seconds| Since::Before(Duration::from_secs(seconds)));
        let time = || ledger::time::read_ms(text).map(Since::At);
        duration.or_else(time).ok_or_else(|| format!("valid is {}", Since::VALID))
    }

    /// The beginning, in ms since the epoch.
    #[must_use]
    pub fn from_ms(self, now_ms: u64) -> u64 {
        match self {
            Since::Before(duration) => now_ms.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            Since::At(at_ms) => at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_are_read() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("2h", 7_200), ("14d", 1_209_600)] {
            assert_eq!(Since::read(text), Ok(Since::Before(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!(Since::read("2026-01-02T03:04:05Z"), Ok(Since::At(1_767_323_045_000)));
    }

    #[test]
    fn other_texts_are_rejected_with_the_valid_form() {
        for text in ["", "h", "2", "2w", "-2h", "+2h", "0h", "1.5h", "yesterday", "2é", "99999999999999999999d"] {
            assert_eq!(Since::read(text), Err(format!("valid is {}", Since::VALID)), "{text}");
        }
    }

    #[test]
    fn a_duration_ends_now() {
        assert_eq!(Since::Before(Duration::from_mins(1)).from_ms(100_000), 40_000);
        assert_eq!(Since::Before(Duration::from_mins(10)).from_ms(100_000), 0);
        assert_eq!(Since::At(5).from_ms(100_000), 5);
    }
}
