//! A FAILED for who still waits.

use std::time::Duration;

use lambda_kit::Error;
use requests::records::{Note, OwnerRecord};
use requests::{Desk, NotDelivered, Owner, PhysicalId, Records, Reply, time_text};

use crate::{Marks, Watchdog};

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Answers every request that is due by now, and returns whose they were.
    pub(crate) async fn overdue(&self, now_ms: u64, deadline_ms: u64) -> Result<Vec<String>, Error> {
        let mut answered = Vec::new();
        for owner in self.records.overdue(now_ms).await? {
            // The index may lag behind the record.
            let Some(record) = self.records.owner(&owner).await? else { continue };
            let Some(newest) = record.newest.as_ref().filter(|_| record.answer_due_ms.is_some_and(|due| due <= now_ms))
            else {
                continue;
            };
            let why = format!(
                "Nobody answered by {}: the function that carries requests out did not start, or was ended, or is overloaded; its log says more.",
                time_text(newest.deadline_ms)
            );
            if self.fail(&owner, newest, &record, &why, now_ms, deadline_ms).await.is_ok() {
                answered.push(owner.to_string());
            }
        }
        Ok(answered)
    }

    /// Answers one request, which `record` may know, with FAILED.
    pub(crate) async fn fail(
        &self,
        owner: &Owner,
        note: &Note,
        record: &OwnerRecord,
        why: &str,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), NotDelivered> {
        let progress = record.progress.as_ref().filter(|_| record.is_newest(&note.request_hash));
        let waited = progress.map(|it| format!(" It waited for: {}.", it.waiting_for.join("; "))).unwrap_or_default();
        let environment = record.environment.as_deref();
        let id = note.physical_id.as_deref().or(environment);
        let id = PhysicalId::or(id, PhysicalId::of_owner(owner));
        let reason =
            format!("{why}{waited} What exists was left as it is, and carries the tag envkeeper:owner={owner}.");
        let reply = Reply::failed(&note.reply, id, reason);
        let desk = Desk { courier: &self.courier, records: &self.records, hosts: &self.settings.reply_hosts };
        let within = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        desk.answer(owner, note, &reply, now_ms, within).await
    }
}
