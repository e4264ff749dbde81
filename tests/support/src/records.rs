//! Records that fail on request.

use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use requests::records::{
    Claim, CreateIntent, DesiredRecord, DueTask, EnvironmentPage, ExecutionClaim, HistoryEntry, LatestRequest,
    ListedEnvironment, MemoryRecords, OwnerRecord, PageToken, Progress, RecordedRequest, RuleExecution,
};
use requests::{CfnResponse, Owner, Records, RecordsError, RolloutRequest};

/// Records in memory: their next calls can be throttled, and one owner's record can be unreadable.
#[derive(Debug, Default)]
pub struct FlakyRecords {
    pub inner: MemoryRecords,
    /// How many of the next calls are throttled.
    pub throttled: AtomicUsize,
    /// How many of the next writes of a finished rule execution are throttled.
    pub throttled_finishes: AtomicUsize,
    /// The owner whose record cannot be read.
    pub unreadable: Mutex<Option<Owner>>,
    /// The owners that are still in the index, although no response is pending any more.
    pub lagging: Mutex<Vec<Owner>>,
}

impl FlakyRecords {
    fn available(&self) -> Result<&MemoryRecords, RecordsError> {
        throttle(&self.throttled).map(|()| &self.inner)
    }
}

/// Fails for as many calls as requested.
fn throttle(throttled: &AtomicUsize) -> Result<(), RecordsError> {
    let left = throttled.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
    if left.is_ok() { Err(RecordsError::Throttled { table: "records".into() }) } else { Ok(()) }
}

impl Records for FlakyRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        if self.unreadable.lock().expect("one thread").as_ref() == Some(owner) {
            return Err(RecordsError::Unreadable { table: "records".into(), message: format!("owner#{owner}") });
        }
        self.available()?.owner(owner).await
    }

    async fn record_request(&self, owner: &Owner, request: LatestRequest) -> Result<RecordedRequest, RecordsError> {
        self.available()?.record_request(owner, request).await
    }

    async fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: Option<u64>,
        proofs: Value,
    ) -> Result<CreateIntent, RecordsError> {
        self.available()?.record_create_intent(owner, request_hash, now_ms, proofs).await
    }

    async fn record_proofs(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        self.available()?.record_proofs(owner, proofs).await
    }

    async fn record_progress(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        self.available()?.record_progress(owner, request_hash, progress).await
    }

    async fn record_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: CfnResponse,
    ) -> Result<CfnResponse, RecordsError> {
        self.available()?.record_response(owner, request_hash, response).await
    }

    async fn record_history(&self, owner: &Owner, history: Vec<HistoryEntry>) -> Result<(), RecordsError> {
        self.available()?.record_history(owner, history).await
    }

    async fn save_rollout(&self, owner: &Owner, rollout: Value) -> Result<(), RecordsError> {
        self.available()?.save_rollout(owner, rollout).await
    }

    async fn request_rollout(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        self.available()?.request_rollout(owner, request).await
    }

    async fn remove_rollout_request(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        self.available()?.remove_rollout_request(owner, request).await
    }

    async fn request_hold(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.available()?.request_hold(owner, until_ms).await
    }

    async fn remove_hold_request(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.available()?.remove_hold_request(owner, until_ms).await
    }

    async fn schedule(&self, owner: &Owner, due_ms: u64) -> Result<(), RecordsError> {
        self.available()?.schedule(owner, due_ms).await
    }

    async fn unschedule(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.available()?.unschedule(owner).await
    }

    async fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        self.available()?.due(now_ms, limit).await
    }

    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        let mut owners = self.available()?.overdue(now_ms).await?;
        owners.extend(self.lagging.lock().expect("one thread").clone());
        Ok(owners)
    }

    async fn rule_execution(&self, owner: &Owner, rule: &str) -> Result<Option<RuleExecution>, RecordsError> {
        self.available()?.rule_execution(owner, rule).await
    }

    async fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> Result<ExecutionClaim, RecordsError> {
        self.available()?.begin_execution(owner, rule, next, cooldown_ms).await
    }

    async fn finish_execution(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        throttle(&self.throttled_finishes)?;
        self.available()?.finish_execution(owner, rule, since_ms).await
    }

    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        self.available()?.claim(environment, owner).await
    }

    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        self.available()?.environment_owner(environment).await
    }

    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.available()?.release(environment, owner).await
    }

    async fn save_desired(&self, owner: &Owner, desired: DesiredRecord) -> Result<(), RecordsError> {
        self.available()?.save_desired(owner, desired).await
    }

    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.available()?.unlock(owner).await
    }

    async fn mark_settled(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        self.available()?.mark_settled(owner, proofs).await
    }

    async fn environments(&self, after: Option<&PageToken>, limit: usize) -> Result<EnvironmentPage, RecordsError> {
        self.available()?.environments(after, limit).await
    }

    async fn environments_named(&self, environment: &str) -> Result<Vec<ListedEnvironment>, RecordsError> {
        self.available()?.environments_named(environment).await
    }

    async fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        self.available()?.mark_deleted(owner, now_ms).await
    }
}
