//! The end of a request: what it is answered is decided once, delivered, and written down.

use crate::records::{Answered, Decided, Note, REASON};
use crate::{AllowedHosts, Courier, NotDelivered, Owner, Records, Reply};
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
    /// Answers the request that `note` tells of, at `now_ms` and for `within` at most: with `reply`, unless something else
    /// was decided before. Two that answer at the same time say the same.
    ///
    /// # Errors
    ///
    /// As of [`Desk::deliver`].
    pub async fn answer(
        &self,
        owner: &Owner,
        note: &Note,
        reply: &Reply,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        tracing::info!(%owner, kind = %note.kind, status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        let answer = Decided::on(reply);
        let decided = match self.records.decide(owner, &note.request_hash, answer.clone()).await {
            Ok(decided) => decided,
            Err(error) => {
                // An answer is worth more than its record.
                tracing::warn!(%owner, %error, "that this is the answer is not written down");
                answer
            }
        };
        self.deliver(owner, note, &decided, now_ms, within).await
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
        note: &Note,
        answer: &Decided,
        now_ms: u64,
        within: Duration,
    ) -> Result<(), NotDelivered> {
        let reason = match self.courier.answer(&answer.body, &note.reply, self.hosts, within).await {
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => format!("{error}. {}", answer.reason).chars().take(REASON).collect(),
            Ok(()) => answer.reason.clone(),
        };
        let answered = Answered {
            request_hash: note.request_hash.clone(),
            kind: note.kind,
            sent_ms: note.sent_ms,
            answered_ms: now_ms,
            success: answer.success,
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

    async fn write_down(&self, owner: &Owner, answered: Answered) -> Result<(), crate::RecordsError> {
        let Some(record) = self.records.owner(owner).await? else { return Ok(()) };
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
