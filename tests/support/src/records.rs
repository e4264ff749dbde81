//! Records that fail when they are told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use requests::records::{
    Answered, Claim, Decided, Fire, Fired, MemoryRecords, Note, Noted, OwnerRecord, Progress, Touched, Wanted,
};
use requests::{Owner, Records, RecordsError};

/// Records in memory: their next calls can be throttled, and one owner's be unreadable.
#[derive(Debug, Default)]
pub struct Shaky {
    pub inner: MemoryRecords,
    /// How many of the next calls are throttled.
    pub throttled: AtomicUsize,
    /// How many of the next writings that a rule acted are throttled.
    pub undone: AtomicUsize,
    /// Whose record nobody can read.
    pub unreadable: Mutex<Option<Owner>>,
    /// Who is still in the index, although nobody waits any more.
    pub lagging: Mutex<Vec<Owner>>,
}

impl Shaky {
    fn works(&self) -> Result<&MemoryRecords, RecordsError> {
        passes(&self.throttled).map(|()| &self.inner)
    }
}

/// Fails for as often as it is told to.
fn passes(throttled: &AtomicUsize) -> Result<(), RecordsError> {
    let left = throttled.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
    if left.is_ok() { Err(RecordsError::Throttled { table: "records".into() }) } else { Ok(()) }
}

impl Records for Shaky {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        if self.unreadable.lock().expect("one thread").as_ref() == Some(owner) {
            return Err(RecordsError::Unreadable { table: "records".into(), what: format!("owner#{owner}") });
        }
        self.works()?.owner(owner).await
    }

    async fn note(&self, owner: &Owner, note: Note) -> Result<Noted, RecordsError> {
        self.works()?.note(owner, note).await
    }

    async fn touch(&self, owner: &Owner, request_hash: &str, now_ms: u64) -> Result<Touched, RecordsError> {
        self.works()?.touch(owner, request_hash, now_ms).await
    }

    async fn waits(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        self.works()?.waits(owner, request_hash, progress).await
    }

    async fn decide(&self, owner: &Owner, request_hash: &str, answer: Decided) -> Result<Decided, RecordsError> {
        self.works()?.decide(owner, request_hash, answer).await
    }

    async fn answered(&self, owner: &Owner, answers: Vec<Answered>) -> Result<(), RecordsError> {
        self.works()?.answered(owner, answers).await
    }

    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        let mut owners = self.works()?.overdue(now_ms).await?;
        owners.extend(self.lagging.lock().expect("one thread").clone());
        Ok(owners)
    }

    async fn fired(&self, owner: &Owner, rule: &str) -> Result<Option<Fired>, RecordsError> {
        self.works()?.fired(owner, rule).await
    }

    async fn fire(&self, owner: &Owner, rule: &str, next: Fired, rest_ms: u64) -> Result<Fire, RecordsError> {
        self.works()?.fire(owner, rule, next, rest_ms).await
    }

    async fn fire_done(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        passes(&self.undone)?;
        self.works()?.fire_done(owner, rule, since_ms).await
    }

    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        self.works()?.claim(environment, owner).await
    }

    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        self.works()?.environment_owner(environment).await
    }

    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        self.works()?.release(environment, owner).await
    }

    async fn save(&self, owner: &Owner, wanted: Wanted) -> Result<(), RecordsError> {
        self.works()?.save(owner, wanted).await
    }

    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.works()?.unlock(owner).await
    }

    async fn settled(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.works()?.settled(owner).await
    }

    async fn gone(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        self.works()?.gone(owner, now_ms).await
    }
}
