//! When a request was sent, and how long it may be answered.
//!
//! An event has no time stamp of its own, but its presigned URL has: that makes the deadline a fact of the request, not
//! of when it happened to arrive. A Create that is delivered after its Delete, hours late, is then simply too late.

use aws_smithy_types::date_time::{DateTime, Format};

/// How long before the end of the hour (or of `ServiceTimeout`) an answer is due: 120 s.
///
/// It has to hold one turn of the watchdog (60 s) with its start and all tries of a delivery (within 30 s), for a request
/// whose reconciler died at the worst moment. Of a wait shorter than 480 s it is a quarter, so that a short
/// `ServiceTimeout` leaves three quarters for the work.
pub const MARGIN_MS: u64 = 120_000;

/// How long a `ResponseURL` lives: 7,200 s (`X-Amz-Expires` of captured URLs).
pub const URL_LIFETIME_MS: u64 = 7_200_000;

/// How long CloudFormation waits if there is no `ServiceTimeout`: 3,600 s, the hard end of any custom resource.
const DEFAULT_TIMEOUT_S: u64 = 3_600;

/// How far ahead of our clock a time stamp is believed: 15 minutes, S3's own bound for a skewed clock. A later one would
/// make a request the newest word of its owner for ever.
const AHEAD_MS: u64 = 900_000;

/// The time that a request was sent, and the time that its answer is due.
pub(super) fn sent_and_deadline(url: Option<&str>, service_timeout: Option<u32>, now_ms: u64) -> (u64, u64) {
    let signed = url.and_then(signature_times).filter(|(sent, _)| *sent <= now_ms.saturating_add(AHEAD_MS));
    let (sent_ms, expires_ms) = signed.unwrap_or((now_ms, u64::MAX));
    let timeout_s = service_timeout.map_or(DEFAULT_TIMEOUT_S, u64::from);
    let end_ms = (sent_ms + timeout_s * 1_000).min(expires_ms);
    let margin = MARGIN_MS.min(end_ms.saturating_sub(sent_ms) / 4);
    (sent_ms, end_ms - margin)
}

/// When a presigned URL was signed and when it expires.
///
/// Signature version 4 says both (`X-Amz-Date`, `X-Amz-Expires`); version 2, which older regions still use, only the end
/// (`Expires`), and the beginning is one lifetime earlier.
fn signature_times(url: &str) -> Option<(u64, u64)> {
    let (_, query) = url.split_once('?')?;
    let find = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    if let Some(date) = find("X-Amz-Date") {
        let sent_ms = compact_date_ms(date)?;
        let lifetime_ms = match find("X-Amz-Expires") {
            Some(seconds) => seconds.parse::<u32>().ok().map(u64::from)? * 1_000,
            None => URL_LIFETIME_MS,
        };
        return Some((sent_ms, sent_ms + lifetime_ms));
    }
    let expires_ms = u64::from(find("Expires")?.parse::<u32>().ok()?) * 1_000;
    Some((expires_ms.checked_sub(URL_LIFETIME_MS)?, expires_ms))
}

/// Reads `20260102T030405Z`. The SDK reads the same date with its dashes and colons, and knows the calendar.
fn compact_date_ms(date: &str) -> Option<u64> {
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (day, time) = date.strip_suffix('Z')?.split_once('T')?;
    if day.len() != 8 || time.len() != 6 || !all_digits(day) || !all_digits(time) {
        return None;
    }
    let long = format!("{}-{}-{}T{}:{}:{}Z", &day[..4], &day[4..6], &day[6..], &time[..2], &time[2..4], &time[4..]);
    let read = DateTime::from_str(&long, Format::DateTime).ok()?;
    u64::try_from(read.secs()).ok().map(|seconds| seconds * 1_000)
}
