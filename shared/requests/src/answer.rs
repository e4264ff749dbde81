//! The end of a request: its reply is delivered, and that is written down.

use crate::records::{Answered, Note};
use crate::{AllowedHosts, Courier, NotDelivered, Owner, Records, Reply, Status};
use std::time::Duration;

/// How often it is tried to write an answer down, each with the client's own retries: 3 times, a second and a half apart
/// by those.
const WRITTEN_DOWN_IN: u32 = 3;

/// What it takes to answer.
#[derive(Debug)]
pub struct Desk<'a, R> {
    /// Who carries the reply.
    pub courier: &'a Courier,
    /// Where it is written down.
    pub records: &'a R,
    /// Where replies may go.
    pub hosts: &'a AllowedHosts,
}

impl<R: Records> Desk<'_, R> {
    /// Answers the request that `note` tells of, at `now_ms` and for `within` at most.
    ///
    /// That the answer can't be written down is no failure: it has arrived, and a second one changes nothing.
    ///
    /// # Errors
    ///
    /// [`NotDelivered`], if somebody real still waits.
    pub async fn answer(
        &self,
        owner: &Owner,
        note: &Note,
        reply: &Reply,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        tracing::info!(%owner, kind = %note.kind, status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        self.courier.answer(reply, &note.reply, self.hosts, within).await?;
        // The next request asks when this one ended, so it is worth more than one try.
        for _ in 0..WRITTEN_DOWN_IN {
            match self.write_down(owner, note, reply, now_ms).await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%owner, %error, "the answer is not written down"),
            }
        }
        Ok(())
    }

    async fn write_down(
        &self,
        owner: &Owner,
        note: &Note,
        reply: &Reply,
        now_ms: u64,
    ) -> Result<(), crate::RecordsError> {
        let Some(record) = self.records.owner(owner).await? else { return Ok(()) };
        let answered = Answered {
            request_hash: note.request_hash.clone(),
            kind: note.kind,
            sent_ms: note.sent_ms,
            answered_ms: now_ms,
            success: reply.status() == Status::Success,
            reason: reply.reason().to_owned(),
        };
        self.records.answered(owner, answered.beside(&record.answers)).await
    }
}

/// A time as people read it: `2026-01-02T03:04:05Z`, in UTC.
#[must_use]
pub fn time_text(ms: u64) -> String {
    use aws_smithy_types::date_time::{DateTime, Format};
    let time = DateTime::from_secs(i64::try_from(ms / 1_000).unwrap_or(i64::MAX));
    time.fmt(Format::DateTime).unwrap_or_else(|_| format!("{ms} ms"))
}
