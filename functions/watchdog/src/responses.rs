//! A FAILED for who still waits.

use std::time::Duration;

use futures_util::future::join_all;
use lambda_kit::Error;
use requests::records::{LatestRequest, OwnerRecord};
use requests::{CfnResponse, NotDelivered, Owner, PhysicalId, Records, Responder, time_text};

use crate::{Marks, Watchdog};

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Answers every request that is due by now, and returns whose they were. All at once, and each for itself: a host
    /// that is silent, or a record that can't be read, holds up nobody else.
    pub(crate) async fn overdue(&self, now_ms: u64, deadline_ms: u64) -> Result<Vec<String>, Error> {
        let owners = self.records.overdue(now_ms).await?;
        let all = owners.iter().map(async |owner| match self.answer_overdue(owner, now_ms, deadline_ms).await {
            Ok(answered) => answered.then(|| owner.to_string()),
            Err(error) => {
                tracing::error!(%owner, error, "a request is overdue, and not answered yet");
                None
            }
        });
        Ok(join_all(all).await.into_iter().flatten().collect())
    }

    /// Whether there was somebody to answer: the index may lag behind the record.
    async fn answer_overdue(&self, owner: &Owner, now_ms: u64, deadline_ms: u64) -> Result<bool, String> {
        let record = self.records.owner(owner).await.map_err(|error| error.to_string())?;
        let is_due = |it: &OwnerRecord| it.response_due_ms.is_some_and(|due| due <= now_ms);
        let Some(record) = record.filter(is_due) else { return Ok(false) };
        let Some(latest) = &record.latest else { return Ok(false) };
        let reason = format!(
            "Nobody answered by {}: the function that carries requests out did not start, or was ended, or is overloaded; its log says more.",
            time_text(latest.deadline_ms)
        );
        let answered = self.fail(owner, latest, &record, &reason, now_ms, deadline_ms).await;
        answered.map(|()| true).map_err(|error| error.to_string())
    }

    /// Answers one request, which `record` may know, with FAILED.
    pub(crate) async fn fail(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        record: &OwnerRecord,
        reason: &str,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), NotDelivered> {
        let progress = record.progress.as_ref().filter(|_| record.is_latest(&latest_request.request_hash));
        let waited = progress.map(|it| format!(" It waited for: {}.", it.waiting_for.join("; "))).unwrap_or_default();
        let environment = record.environment.as_deref();
        let ids = [latest_request.physical_id.as_deref(), environment];
        let id = PhysicalId::first_of(ids, PhysicalId::of_owner(owner));
        let reason =
            format!("{reason}{waited} What exists was left as it is, and carries the tag envkeeper:owner={owner}.");
        let reply = CfnResponse::failed(&latest_request.reply, id, reason);
        let responder = Responder {
            response_sender: &self.response_sender,
            records: &self.records,
            hosts: &self.settings.response_hosts,
        };
        let within = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        responder.response(owner, latest_request, &reply, now_ms, within).await
    }
}
