//! When a request was sent, and when its response is due.
//!
//! An event has no time stamp of its own, but its presigned URL has one: that makes the deadline a fact of the request, not
//! of the time of its arrival. A Create that is delivered after its Delete, hours late, is then past its deadline.

use aws_smithy_types::date_time::{DateTime, Format};

/// How long before the end of the hour (or of `ServiceTimeout`) a response is due: 120 s.
///
/// The margin has to hold one period of the watchdog (60 s) with its start and all attempts of a delivery (within 30 s),
/// for a request whose reconciler died at the worst moment. For a timeout shorter than 480 s the margin is a quarter of it,
/// so that a short `ServiceTimeout` leaves three quarters for the work.
pub const MARGIN_MS: u64 = 120_000;

/// The lifetime of a `ResponseURL`: 7,200 s (`X-Amz-Expires` of captured URLs).
pub const URL_LIFETIME_MS: u64 = 7_200_000;

/// The other lifetime of a URL, in seconds: 3,600, the default of presigned URLs (`ExpiresIn` of boto3), with which
/// emulators sign.
const SHORT_URL_LIFETIME_MS: u64 = 3_600_000;

/// How long CloudFormation waits without a `ServiceTimeout`: 3,600 s, the hard limit of any custom resource.
const DEFAULT_TIMEOUT_S: u64 = 3_600;

/// How far ahead of the function's clock a time stamp is accepted: 15 minutes, S3's own bound for a skewed clock. A later
/// time stamp would make a request the latest request of its owner for ever.
const MAX_CLOCK_SKEW_MS: u64 = 900_000;

/// The time at which a request was sent, and the time at which its response is due.
pub(super) fn sent_and_deadline(url: Option<&str>, service_timeout: Option<u32>, now_ms: u64) -> (u64, u64) {
    let signed = url
        .and_then(|url| signature_times(url, now_ms))
        .filter(|(sent, _)| *sent <= now_ms.saturating_add(MAX_CLOCK_SKEW_MS));
    let (sent_ms, expires_ms) = signed.unwrap_or((now_ms, u64::MAX));
    let timeout_s = service_timeout.map_or(DEFAULT_TIMEOUT_S, u64::from);
    let end_ms = sent_ms.saturating_add(timeout_s * 1_000).min(expires_ms);
    let margin = MARGIN_MS.min(end_ms.saturating_sub(sent_ms) / 4);
    (sent_ms, end_ms - margin)
}

/// When a presigned URL was signed and when it expires.
///
/// Signature version 4 contains both (`X-Amz-Date`, `X-Amz-Expires`); version 2, which older regions still use, only the
/// end (`Expires`), and the beginning is one lifetime earlier. An URL whose end is 45 to 60 minutes ahead has the
/// shorter lifetime, and is new: with the longer one it would be of a request for which CloudFormation no longer waits,
/// and Lambda delivers no request that is older than 50 minutes (`MaximumEventAgeInSeconds` in infra/template.yaml).
fn signature_times(url: &str, now_ms: u64) -> Option<(u64, u64)> {
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
    let is_short = (SHORT_URL_LIFETIME_MS / 4 * 3..=SHORT_URL_LIFETIME_MS).contains(&expires_ms.saturating_sub(now_ms));
    let lifetime_ms = if is_short { SHORT_URL_LIFETIME_MS } else { URL_LIFETIME_MS };
    Some((expires_ms.checked_sub(lifetime_ms)?, expires_ms))
}

/// Reads `20260102T030405Z`. The SDK reads the same date with dashes and colons, and checks the calendar.
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
