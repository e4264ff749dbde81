//! The end of a request: what it is answered is decided once, delivered, and written down.

use crate::records::{DecidedResponse, LatestRequest, REASON, SentResponse};
use crate::{AllowedHosts, CfnResponse, NotDelivered, Owner, Records, ResponseSender};
use std::time::Duration;

/// How often it is tried to write an answer down, each with the client's own retries: 3 times, a second and a half apart
/// by those.
const WRITTEN_DOWN_IN: u32 = 3;

/// What it takes to answer.
#[derive(Debug)]
pub struct Responder<'a, R> {
    /// Who carries the reply.
    pub response_sender: &'a ResponseSender,
    /// Where it is written down.
    pub records: &'a R,
    /// Where replies may go.
    pub hosts: &'a AllowedHosts,
}

impl<R: Records> Responder<'_, R> {
    /// Answers the request that `latest_request` tells of, at `now_ms` and for `within` at most: with `reply`, unless something else
    /// was decided before. Two that answer at the same time say the same.
    ///
    /// # Errors
    ///
    /// As of [`Responder::deliver`].
    pub async fn response(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        reply: &CfnResponse,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        tracing::info!(%owner, kind = %latest_request.kind, status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        let response = DecidedResponse::on(reply);
        let decided = match self.records.decide_response(owner, &latest_request.request_hash, response.clone()).await {
            Ok(decided) => decided,
            Err(error) => {
                // An answer is worth more than its record.
                tracing::warn!(%owner, %error, "that this is the answer is not written down");
                response
            }
        };
        self.deliver(owner, latest_request, &decided, now_ms, within).await
    }

    /// Delivers what a request is answered, and writes that down.
    ///
    /// That it can't be written down is no failure: it has arrived, and the same again changes nothing. Nor is it one that
    /// nobody will ever take it: then the request is over as well.
    ///
    /// # Errors
    ///
    /// [`NotDelivered`], if somebody real still waits and may yet take it.
    pub async fn deliver(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        response: &DecidedResponse,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        let reason =
            match self.response_sender.response(&response.body, &latest_request.reply, self.hosts, within).await {
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => format!("{error}. {}", response.reason).chars().take(REASON).collect(),
                Ok(()) => response.reason.clone(),
            };
        let answered = SentResponse {
            request_hash: latest_request.request_hash.clone(),
            kind: latest_request.kind,
            sent_ms: latest_request.sent_ms,
            responded_ms: now_ms,
            success: response.success,
            reason,
        };
        // The next request asks when this one ended, so it is worth more than one try.
        for _ in 0..WRITTEN_DOWN_IN {
            match self.write_down(owner, answered.clone()).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%owner, %error, "the answer is not written down"),
            }
        }
        Ok(())
    }

    async fn write_down(&self, owner: &Owner, answered: SentResponse) -> Result<(), crate::RecordsError> {
        let Some(record) = self.records.owner(owner).await? else { return Ok(()) };
        self.records.record_sent_responses(owner, answered.beside(&record.responses)).await
    }
}

/// A time as people read it: `2026-01-02T03:04:05Z`, in UTC.
#[must_use]
pub fn time_text(ms: u64) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let time = DateTime::from_secs(i64::try_from(ms / 1_000).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_else(|_| format!("{ms} ms"))
}
