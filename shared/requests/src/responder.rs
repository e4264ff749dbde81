//! The last steps of a request: its response, which is built by then, is recorded and sent.
//!
//! The records keep the first response to a request ([`Records::record_response`]). That one is sent, and becomes an entry
//! of the owner's history.

use crate::records::{HistoryEntry, LatestRequest};
use crate::{AllowedHosts, CfnResponse, DeliveryError, Owner, Records, ResponseSender, Status};
use std::time::Duration;

/// How many times an entry of the history is written, each with the client's own retries: 3 times, a second and a half
/// apart because of those.
const RECORD_ATTEMPTS: u32 = 3;

/// How much of a reason is kept in the history, in characters: five reasons are small compared with the specs.
const MAX_REASON_CHARS: usize = 1_000;

/// How much of a delivery error is kept after the reason, in characters: the longest error names a host and its status.
const MAX_DELIVERY_ERROR_CHARS: usize = 200;

/// Responds to requests.
#[derive(Debug)]
pub struct Responder<'a, R> {
    /// Sends the responses.
    pub response_sender: &'a ResponseSender,
    /// Stores the responses.
    pub records: &'a R,
    /// The hosts to which responses may be sent.
    pub hosts: &'a AllowedHosts,
}

impl<R: Records> Responder<'_, R> {
    /// Responds to `latest_request`, at `now_ms` and for at most `within`: with `response`, unless another response was
    /// recorded before. Two concurrent responders send the same response.
    ///
    /// The sent response becomes an entry of the owner's history. A failure to write the entry is not an error: the
    /// response has arrived, and sending it again changes nothing. A response that can never be delivered is not an error
    /// either: the request is then done as well.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`], if CloudFormation is still waiting and a later attempt may succeed.
    pub async fn respond(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        response: &CfnResponse,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), DeliveryError> {
        tracing::info!(%owner, kind = %latest_request.kind, status = ?response.status(), id = %response.physical_id(), reason = response.reason(), "response ready");
        let recorded = self.records.record_response(owner, &latest_request.request_hash, response.clone()).await;
        let response = recorded.unwrap_or_else(|error| {
            // Sending the response matters more than recording it.
            tracing::warn!(%owner, %error, "response not recorded");
            response.clone()
        });
        let mut reason = response.short_reason(MAX_REASON_CHARS);
        match self.response_sender.send(&response, &latest_request.response_address, self.hosts, within).await {
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => reason.extend(format!(" Not delivered: {error}.").chars().take(MAX_DELIVERY_ERROR_CHARS)),
            Ok(()) => {}
        }
        let entry = HistoryEntry {
            request_hash: latest_request.request_hash.clone(),
            kind: latest_request.kind,
            sent_ms: latest_request.began_ms(),
            responded_ms: now_ms,
            success: response.status() == Status::Success,
            physical_id: response.physical_id().as_str().to_owned(),
            reason,
        };
        // The next request of the owner reads when this one ended, so the entry is worth more than one attempt.
        for _ in 0..RECORD_ATTEMPTS {
            match self.record_history(owner, entry.clone()).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%owner, %error, "history not recorded"),
            }
        }
        Ok(())
    }

    async fn record_history(&self, owner: &Owner, entry: HistoryEntry) -> Result<(), crate::RecordsError> {
        let Some(record) = self.records.owner(owner).await? else { return Ok(()) };
        self.records.record_history(owner, entry.appended_to(&record.history)).await
    }
}

/// A time in the form for operators: `2026-01-02T03:04:05Z`, in UTC.
#[must_use]
pub fn time_text(ms: u64) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let time = DateTime::from_secs(i64::try_from(ms / 1_000).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_else(|_| format!("{ms} ms"))
}
