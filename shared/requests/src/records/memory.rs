//! The records in memory, for tests and experiments: the same conditions, no table.

use super::{
    Claim, CreateIntent, DesiredRecord, DueTask, EnvironmentPage, ExecutionClaim, HistoryEntry, LatestRequest,
    ListedEnvironment, OwnerRecord, PageToken, Progress, RecordedRequest, Records, RecordsError, RuleExecution,
    TOMBSTONE_TTL_S,
};
use crate::{CfnResponse, Owner, RolloutRequest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records with the lifetime of the process. They never expire.
#[derive(Debug, Default)]
pub struct MemoryRecords(Mutex<Items>);

#[derive(Debug, Default)]
struct Items {
    owners: BTreeMap<Owner, OwnerRecord>,
    environments: BTreeMap<String, Owner>,
    rule_executions: BTreeMap<(Owner, String), RuleExecution>,
    /// When the task of an owner is due.
    tasks: BTreeMap<Owner, u64>,
    /// The environment of an owner in the list.
    listed: BTreeMap<Owner, String>,
}

impl MemoryRecords {
    /// Empty records.
    #[must_use]
    pub fn new() -> MemoryRecords {
        MemoryRecords::default()
    }

    /// Ignores the poison of a test that panicked elsewhere: the records remain readable.
    fn items(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items {
    /// As DynamoDB's UpdateItem, creates the item if it is missing.
    fn upsert(&mut self, owner: &Owner) -> &mut OwnerRecord {
        self.owners.entry(owner.clone()).or_insert_with(|| OwnerRecord::empty(owner))
    }

    /// The list of environments, in its order.
    fn listed(&self) -> Vec<ListedEnvironment> {
        let of_owner = |(owner, environment): (&Owner, &String)| {
            let deleted_ms = self.owners.get(owner).and_then(|record| record.deleted_ms);
            ListedEnvironment { environment: environment.clone(), owner: owner.clone(), deleted_ms }
        };
        let mut listed: Vec<ListedEnvironment> = self.listed.iter().map(of_owner).collect();
        listed.sort_by_key(PageToken::of);
        listed
    }

    fn record_with_desired(&mut self, owner: &Owner, action: &str) -> Result<&mut OwnerRecord, RecordsError> {
        let record = self.owners.get_mut(owner).filter(|record| record.desired.is_some());
        record.ok_or_else(|| RecordsError::Unreadable {
            table: "(in memory)".to_owned(),
            message: format!("owner {owner} has no desired state that could be {action}"),
        })
    }
}

impl Records for MemoryRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        Ok(self.items().owners.get(owner).cloned())
    }

    async fn record_request(
        &self,
        owner: &Owner,
        latest_request: LatestRequest,
    ) -> Result<RecordedRequest, RecordsError> {
        let mut items = self.items();
        let record = items.upsert(owner);
        if let Some(latest) = record.latest_request.as_ref().filter(|latest| !latest_request.replaces(latest)) {
            return Ok(RecordedRequest::Superseded { kind: latest.kind, sent_ms: latest.sent_ms });
        }
        record.expires = record.desired.is_none().then(|| latest_request.expires_s());
        record.response_due_ms = Some(latest_request.deadline_ms);
        record.progress = None;
        record.recorded_response = None;
        record.rollout_request = None;
        record.latest_request = Some(latest_request);
        Ok(RecordedRequest::Latest)
    }

    async fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: Option<u64>,
        proofs: Value,
    ) -> Result<CreateIntent, RecordsError> {
        let mut items = self.items();
        let Some(record) = items.owners.get_mut(owner) else { return Ok(CreateIntent::NoRequest) };
        let Some(latest) = &record.latest_request else { return Ok(CreateIntent::NoRequest) };
        if latest.request_hash != request_hash {
            return Ok(CreateIntent::Superseded { kind: latest.kind, sent_ms: latest.sent_ms });
        }
        record.create_intent_ms = now_ms.or(record.create_intent_ms);
        record.proofs = Some(proofs);
        Ok(CreateIntent::Recorded)
    }

    async fn record_proofs(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        if let Some(record) = self.items().owners.get_mut(owner) {
            record.proofs = Some(proofs);
        }
        Ok(())
    }

    async fn record_progress(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.owners.get_mut(owner);
        if let Some(record) = record.filter(|record| record.is_latest(request_hash)) {
            record.progress = Some(progress);
        }
        Ok(())
    }

    async fn record_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: CfnResponse,
    ) -> Result<CfnResponse, RecordsError> {
        let mut items = self.items();
        let record = items.owners.get_mut(owner).filter(|record| record.is_latest(request_hash));
        Ok(match record {
            Some(record) => record.recorded_response.get_or_insert(response).clone(),
            None => response,
        })
    }

    async fn record_history(&self, owner: &Owner, history: Vec<HistoryEntry>) -> Result<(), RecordsError> {
        let mut items = self.items();
        let Some(record) = items.owners.get_mut(owner) else { return Ok(()) };
        if history.last().is_some_and(|last| record.is_latest(&last.request_hash)) {
            record.response_due_ms = None;
            record.progress = None;
            record.recorded_response = None;
        }
        record.history = history;
        Ok(())
    }

    async fn save_rollout(&self, owner: &Owner, rollout: Value) -> Result<(), RecordsError> {
        if let Some(record) = self.items().owners.get_mut(owner) {
            record.rollout = Some(rollout);
        }
        Ok(())
    }

    async fn request_rollout(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        self.items().record_with_desired(owner, "rolled out")?.rollout_request = Some(request);
        Ok(())
    }

    async fn remove_rollout_request(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        if let Some(record) = self.items().owners.get_mut(owner) {
            record.rollout_request.take_if(|it| *it == request);
        }
        Ok(())
    }

    async fn request_hold(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.items().record_with_desired(owner, "held")?.hold_request_ms = Some(until_ms);
        Ok(())
    }

    async fn remove_hold_request(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        if let Some(record) = self.items().owners.get_mut(owner) {
            record.hold_request_ms.take_if(|it| *it == until_ms);
        }
        Ok(())
    }

    async fn schedule(&self, owner: &Owner, due_ms: u64) -> Result<(), RecordsError> {
        self.items().tasks.insert(owner.clone(), due_ms);
        Ok(())
    }

    async fn unschedule(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.items().tasks.remove(owner);
        Ok(())
    }

    async fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        let items = self.items();
        let is_pending = |owner| items.owners.get(owner).is_some_and(|record| record.response_due_ms.is_some());
        let due = items.tasks.iter().filter(|(owner, due_ms)| **due_ms <= now_ms && !is_pending(*owner));
        let mut due: Vec<(u64, &Owner)> = due.map(|(owner, due_ms)| (*due_ms, owner)).collect();
        // Not all of them are sorted: a bench has 10,000.
        if limit < due.len() {
            due.select_nth_unstable(limit);
            due.truncate(limit);
        }
        due.sort_unstable();
        Ok(due.into_iter().map(|(due_ms, owner)| DueTask { due_ms, owner: owner.clone() }).collect())
    }

    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        let items = self.items();
        let overdue = items.owners.values().filter(|it| it.response_due_ms.is_some_and(|due| due <= now_ms));
        Ok(overdue.map(|it| it.owner.clone()).collect())
    }

    async fn rule_execution(&self, owner: &Owner, rule: &str) -> Result<Option<RuleExecution>, RecordsError> {
        Ok(self.items().rule_executions.get(&(owner.clone(), rule.to_owned())).cloned())
    }

    async fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> Result<ExecutionClaim, RecordsError> {
        let mut items = self.items();
        let key = (owner.clone(), rule.to_owned());
        match items.rule_executions.get(&key) {
            Some(last) if !last.permits(&next, cooldown_ms) => Ok(ExecutionClaim::Denied(last.clone())),
            _ => {
                items.rule_executions.insert(key, next);
                Ok(ExecutionClaim::Granted)
            }
        }
    }

    async fn finish_execution(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        let mut items = self.items();
        let last = items.rule_executions.get_mut(&(owner.clone(), rule.to_owned()));
        if let Some(last) = last.filter(|last| last.since_ms == since_ms) {
            last.done = true;
        }
        Ok(())
    }

    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        let mut items = self.items();
        let holder = items.environments.entry(environment.to_owned()).or_insert(owner.clone());
        Ok(if holder == owner { Claim::Owned } else { Claim::Taken { owner: holder.clone() } })
    }

    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        Ok(self.items().environments.get(environment).cloned())
    }

    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.items().environments.retain(|id, holder| id != environment || holder != owner);
        Ok(())
    }

    async fn environments(&self, after: Option<&PageToken>, limit: usize) -> Result<EnvironmentPage, RecordsError> {
        let mut listed = self.items().listed();
        listed.retain(|it| after.is_none_or(|after| PageToken::of(it) > *after));
        Ok(EnvironmentPage::of(listed, limit))
    }

    async fn environments_named(&self, environment: &str) -> Result<Vec<ListedEnvironment>, RecordsError> {
        let mut listed = self.items().listed();
        listed.retain(|it| it.environment == environment);
        Ok(listed)
    }

    async fn save_desired(&self, owner: &Owner, desired: DesiredRecord) -> Result<(), RecordsError> {
        let mut items = self.items();
        items.listed.insert(owner.clone(), desired.environment.clone());
        let record = items.upsert(owner);
        record.environment = Some(desired.environment);
        record.desired = Some(desired.spec);
        record.frozen = Some(desired.frozen);
        record.retired_tags = desired.retired_tags;
        record.settled = false;
        record.unlocked &= desired.keeps_unlock;
        record.deleted = false;
        record.deleted_ms = None;
        record.expires = None;
        Ok(())
    }

    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.items().record_with_desired(owner, "unlocked")?.unlocked = true;
        Ok(())
    }

    async fn mark_settled(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        let mut items = self.items();
        let record = items.record_with_desired(owner, "settled")?;
        record.settled_spec.clone_from(&record.desired);
        record.settled = true;
        record.proofs = Some(proofs);
        Ok(())
    }

    async fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        let mut items = self.items();
        items.tasks.remove(owner);
        let record = items.upsert(owner);
        *record = OwnerRecord {
            create_intent_ms: record.create_intent_ms,
            latest_request: record.latest_request.take(),
            response_due_ms: record.response_due_ms,
            progress: record.progress.take(),
            recorded_response: record.recorded_response.take(),
            history: std::mem::take(&mut record.history),
            deleted: true,
            deleted_ms: record.deleted_ms.or(Some(now_ms)),
            expires: Some(now_ms / 1_000 + TOMBSTONE_TTL_S),
            ..OwnerRecord::empty(owner)
        };
        Ok(())
    }
}
