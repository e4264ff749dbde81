//! The records in memory, for tests and for trying things out: the same conditions, no table.

use super::{
    Answered, Claim, Decided, Fire, Fired, KEPT_S, Note, Noted, OwnerRecord, Progress, Records, RecordsError, Touched,
    Wanted,
};
use crate::Owner;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records that live as long as the process. Nothing expires by itself.
#[derive(Debug, Default)]
pub struct MemoryRecords(Mutex<Items>);

#[derive(Debug, Default)]
struct Items {
    owners: BTreeMap<Owner, OwnerRecord>,
    environments: BTreeMap<String, Owner>,
    fired: BTreeMap<(Owner, String), Fired>,
}

impl MemoryRecords {
    /// No records.
    #[must_use]
    pub fn new() -> MemoryRecords {
        MemoryRecords::default()
    }

    /// A test that panicked elsewhere is no reason to hide what the records say.
    fn items(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items {
    /// DynamoDB's UpdateItem makes the item if there is none.
    fn upsert(&mut self, owner: &Owner) -> &mut OwnerRecord {
        self.owners.entry(owner.clone()).or_insert_with(|| OwnerRecord::empty(owner))
    }

    fn with_something_wanted(&mut self, owner: &Owner, to_be: &str) -> Result<&mut OwnerRecord, RecordsError> {
        let record = self.owners.get_mut(owner).filter(|record| record.wanted.is_some());
        record.ok_or_else(|| RecordsError::Unreadable {
            table: "(in memory)".to_owned(),
            what: format!("owner {owner} wants nothing that could be {to_be}"),
        })
    }
}

impl Records for MemoryRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        Ok(self.items().owners.get(owner).cloned())
    }

    async fn note(&self, owner: &Owner, note: Note) -> Result<Noted, RecordsError> {
        let mut items = self.items();
        let record = items.upsert(owner);
        if let Some(newest) = record.newest.as_ref().filter(|newest| !note.beats(newest)) {
            return Ok(Noted::Older { kind: newest.kind, sent_ms: newest.sent_ms });
        }
        record.expires = record.wanted.is_none().then(|| note.expires_s());
        record.answer_due_ms = Some(note.deadline_ms);
        record.progress = None;
        record.decided = None;
        record.newest = Some(note);
        Ok(Noted::Newest)
    }

    async fn touch(&self, owner: &Owner, request_hash: &str, now_ms: u64) -> Result<Touched, RecordsError> {
        let mut items = self.items();
        let Some(record) = items.owners.get_mut(owner) else { return Ok(Touched::NoNote) };
        let Some(newest) = &record.newest else { return Ok(Touched::NoNote) };
        if newest.request_hash != request_hash {
            return Ok(Touched::Superseded { kind: newest.kind, sent_ms: newest.sent_ms });
        }
        record.touched_ms = Some(now_ms);
        Ok(Touched::Newest)
    }

    async fn waits(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.owners.get_mut(owner);
        if let Some(record) = record.filter(|record| record.is_newest(request_hash)) {
            record.progress = Some(progress);
        }
        Ok(())
    }

    async fn decide(&self, owner: &Owner, request_hash: &str, answer: Decided) -> Result<Decided, RecordsError> {
        let mut items = self.items();
        let record = items.owners.get_mut(owner).filter(|record| record.is_newest(request_hash));
        Ok(match record {
            Some(record) => record.decided.get_or_insert(answer).clone(),
            None => answer,
        })
    }

    async fn answered(&self, owner: &Owner, answers: Vec<Answered>) -> Result<(), RecordsError> {
        let mut items = self.items();
        let Some(record) = items.owners.get_mut(owner) else { return Ok(()) };
        if answers.last().is_some_and(|last| record.is_newest(&last.request_hash)) {
            record.answer_due_ms = None;
            record.progress = None;
            record.decided = None;
        }
        record.answers = answers;
        Ok(())
    }

    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        let items = self.items();
        let overdue = items.owners.values().filter(|it| it.answer_due_ms.is_some_and(|due| due <= now_ms));
        Ok(overdue.map(|it| it.owner.clone()).collect())
    }

    async fn fired(&self, owner: &Owner, rule: &str) -> Result<Option<Fired>, RecordsError> {
        Ok(self.items().fired.get(&(owner.clone(), rule.to_owned())).cloned())
    }

    async fn fire(&self, owner: &Owner, rule: &str, next: Fired, rest_ms: u64) -> Result<Fire, RecordsError> {
        let mut items = self.items();
        let key = (owner.clone(), rule.to_owned());
        match items.fired.get(&key) {
            Some(last) if !last.lets(&next, rest_ms) => Ok(Fire::No(last.clone())),
            _ => {
                items.fired.insert(key, next);
                Ok(Fire::Yes)
            }
        }
    }

    async fn fire_done(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        let mut items = self.items();
        let last = items.fired.get_mut(&(owner.clone(), rule.to_owned()));
        if let Some(last) = last.filter(|last| last.since_ms == since_ms) {
            last.done = true;
        }
        Ok(())
    }

    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        let mut items = self.items();
        let holder = items.environments.entry(environment.to_owned()).or_insert(owner.clone());
        Ok(if holder == owner { Claim::Ours } else { Claim::Taken { owner: holder.clone() } })
    }

    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        Ok(self.items().environments.get(environment).cloned())
    }

    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.items().environments.retain(|id, holder| id != environment || holder != owner);
        Ok(())
    }

    async fn save(&self, owner: &Owner, wanted: Wanted) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.upsert(owner);
        record.environment = Some(wanted.environment);
        record.wanted = Some(wanted.spec);
        record.frozen = Some(wanted.frozen);
        record.retired_tags = wanted.retired_tags;
        record.settled = false;
        record.unlocked = false;
        record.gone = false;
        record.expires = None;
        Ok(())
    }

    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.items().with_something_wanted(owner, "unlocked")?.unlocked = true;
        Ok(())
    }

    async fn settled(&self, owner: &Owner) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.with_something_wanted(owner, "settled")?;
        record.settled_spec.clone_from(&record.wanted);
        record.settled = true;
        Ok(())
    }

    async fn gone(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.upsert(owner);
        *record = OwnerRecord {
            touched_ms: record.touched_ms,
            newest: record.newest.take(),
            answer_due_ms: record.answer_due_ms,
            progress: record.progress.take(),
            decided: record.decided.take(),
            answers: std::mem::take(&mut record.answers),
            gone: true,
            expires: Some(now_ms / 1_000 + KEPT_S),
            ..OwnerRecord::empty(owner)
        };
        Ok(())
    }
}
