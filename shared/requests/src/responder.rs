//! The last step of a request: build the response, record it, send it.
//!
//! The response is decided once ([`Records::decide_response`]), delivered, and recorded as sent.

use crate::records::{DecidedResponse, LatestRequest, SentResponse};
use crate::{AllowedHosts, CfnResponse, DeliveryError, Owner, Records, ResponseSender};
use std::time::Duration;

/// How many times recording a sent response is attempted, each with the client's own retries: 3 times, a second and a half
/// apart because of those.
const RECORD_ATTEMPTS: u32 = 3;

/// Responds to requests.
#[derive(Debug)]
pub struct Responder<'a, R> {
    /// Delivers the responses.
    pub response_sender: &'a ResponseSender,
    /// Stores the responses.
    pub records: &'a R,
    /// The hosts to which responses may be sent.
    pub hosts: &'a AllowedHosts,
}

impl<R: Records> Responder<'_, R> {
    /// Responds to `latest_request`, at `now_ms` and for at most `within`: with `response`, unless another response was
    /// decided before. Two concurrent responders send the same response.
    ///
    /// # Errors
    ///
    /// Those of [`Responder::send_decided`].
    pub async fn respond(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        response: &CfnResponse,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), DeliveryError> {
        tracing::info!(%owner, kind = %latest_request.kind, status = ?response.status(), id = %response.physical_id(), reason = response.reason(), "response built");
        let built = DecidedResponse::of(response);
        let decided = match self.records.decide_response(owner, &latest_request.request_hash, built.clone()).await {
            Ok(decided) => decided,
            Err(error) => {
                // Sending the response matters more than recording it.
                tracing::warn!(%owner, %error, "decided response not recorded");
                built
            }
        };
        self.send_decided(owner, latest_request, &decided, now_ms, within).await
    }

    /// Sends the decided response of a request, and records it as sent.
    ///
    /// A failure to record is not an error: the response has arrived, and sending it again changes nothing. A response that
    /// can never be delivered is not an error either: the request is then done as well.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`], if CloudFormation is still waiting and a later attempt may succeed.
    pub async fn send_decided(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        decided: &DecidedResponse,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), DeliveryError> {
        let address = &latest_request.response_address;
        let reason = match self.response_sender.send(&decided.body, address, self.hosts, within).await {
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => format!("{} Not delivered: {error}.", decided.reason),
            Ok(()) => decided.reason.clone(),
        };
        let sent = SentResponse {
            request_hash: latest_request.request_hash.clone(),
            kind: latest_request.kind,
            sent_ms: latest_request.sent_ms,
            responded_ms: now_ms,
            success: decided.success,
            reason,
        };
        // The next request of the owner reads when this one ended, so the record is worth more than one attempt.
        for _ in 0..RECORD_ATTEMPTS {
            match self.record_sent(owner, sent.clone()).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%owner, %error, "sent response not recorded"),
            }
        }
        Ok(())
    }

    async fn record_sent(&self, owner: &Owner, sent: SentResponse) -> Result<(), crate::RecordsError> {
        let Some(record) = self.records.owner(owner).await? else { return Ok(()) };
        self.records.record_sent_responses(owner, sent.appended_to(&record.responses)).await
    }
}

/// A time in the form for operators: `2026-01-02T03:04:05Z`, in UTC.
#[must_use]
pub fn time_text(ms: u64) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let time = DateTime::from_secs(i64::try_from(ms / 1_000).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_else(|_| format!("{ms} ms"))
}
