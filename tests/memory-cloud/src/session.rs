//! The view that one run has of the account: the run knows the ids of resources that it observed or created.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;

use environment::rollout::{ObservedRollout, RolloutCloud};
use environment::{
    CALL_TIMEOUT, Call, CallError, CallKind, Cloud, Key, Kind, ObservedResource, Ownership, Proof, Scope, Timestamp,
};

use crate::state::{Fault, MemoryAccount};
use crate::{rollouts, rules};

/// The round-trip time of a call: estimates (ARCHITECTURE, Facts).
fn call_time(call: &Call) -> Duration {
    let millis = match call.operation().split(':').next() {
        Some("ec2") => 400,
        Some("iam") => 200,
        Some("autoscaling") => 250,
        Some("cloudwatch") => 150,
        Some("s3") => 100,
        _ => 80,
    };
    Duration::from_millis(millis)
}

/// The duration of an observation: reads take 0.08 to 0.2 s and run concurrently (also an estimate).
const OBSERVE_TIME: Duration = Duration::from_millis(200);

/// The implementation of the seam for one run.
#[derive(Debug)]
pub struct Session<'a> {
    account: &'a MemoryAccount,
    /// The client token of the request's create calls, different for each request.
    token: String,
    ids: RefCell<BTreeMap<Key, String>>,
}

impl<'a> Session<'a> {
    /// A run of the request that `token` identifies.
    #[must_use]
    pub fn new(account: &'a MemoryAccount, token: &str) -> Self {
        Session { account, token: token.to_owned(), ids: RefCell::default() }
    }

    fn take_effect(&self, call: &Call, is_interrupted: bool) -> Result<Option<String>, CallError> {
        let mut ids = self.ids.borrow_mut();
        match &call.kind {
            CallKind::Create(desired) => {
                let mut created = desired.as_ref().clone();
                if is_interrupted && call.key.kind == Kind::Bucket && !self.account.buckets_take_tags_at_creation {
                    created.tags.clear();
                }
                let id = rules::create(self.account, &created, &ids, &self.token)?;
                ids.insert(call.key.clone(), id.clone());
                Ok((call.key.kind.facts().proof == Proof::Id).then_some(id))
            }
            CallKind::Rollout(rollout) => rollouts::call(self.account, &call.key, rollout),
            kind => {
                let id = call.id.as_ref().or_else(|| ids.get(&call.key)).cloned();
                let Some(id) = id else {
                    return Err(CallError::Rejected { message: format!("{}: no id is known", call.key) });
                };
                rules::change(self.account, &id, kind, &ids)?;
                if *kind == CallKind::Delete {
                    ids.retain(|_, known| *known != id);
                }
                Ok(None)
            }
        }
    }
}

impl Cloud for Session<'_> {
    fn now(&self) -> Timestamp {
        self.account.clock.now()
    }

    async fn pause(&self, span: Duration) {
        self.account.clock.sleep(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError> {
        self.pause(OBSERVE_TIME).await;
        rules::check_names(&scope.names)?;
        let observed = self.account.observe(scope, None);
        let owned = observed.iter().filter(|it| matches!(it.ownership, Ownership::Owned | Ownership::Retained(_)));
        self.ids.borrow_mut().extend(owned.filter_map(|it| Some((it.key(), it.id.clone()?))));
        Ok(observed)
    }

    async fn observe_kinds(&self, scope: &Scope, kinds: &BTreeSet<Kind>) -> Result<Vec<ObservedResource>, CallError> {
        self.pause(OBSERVE_TIME).await;
        rules::check_names(&scope.names)?;
        Ok(self.account.observe(scope, Some(kinds)))
    }

    async fn call(&self, call: &Call) -> Result<Option<String>, CallError> {
        let number = self.account.calls.borrow().len();
        self.account.calls.borrow_mut().push(call.clone());
        self.account.sent.borrow_mut().push(self.now());
        let fault = self.account.faults.borrow().get(&number).copied();
        let describe = |problem: &str| format!("{}: {}: {problem}", call.key, call.operation());
        match fault {
            Some(Fault::CrashBefore) => {
                self.account.clock.halt();
                return pending().await;
            }
            Some(Fault::Throttled) => {
                return Err(CallError::Retry { waiting_for: describe("throttled").into(), after: call_time(call) });
            }
            Some(Fault::Denied) => return Err(CallError::Rejected { message: describe("access denied") }),
            Some(Fault::Quota) => {
                return Err(CallError::Rejected { message: describe("the account's quota is exceeded") });
            }
            Some(Fault::NotFoundLag) => {
                return Err(CallError::Retry { waiting_for: describe("not found yet").into(), after: call_time(call) });
            }
            Some(Fault::LostRequest) => return Err(CallError::Indeterminate { message: describe("no response") }),
            Some(Fault::CrashAfter | Fault::CrashAfterResponse | Fault::LostResponse | Fault::Twice | Fault::Stall)
            | None => {}
        }
        self.pause(call_time(call) / 2).await;
        let is_interrupted = matches!(fault, Some(Fault::CrashAfter | Fault::LostResponse | Fault::Stall));
        let mut response = self.take_effect(call, is_interrupted);
        if fault == Some(Fault::Twice) && call.key.kind.facts().create_can_be_repeated {
            response = self.take_effect(call, is_interrupted);
        }
        match fault {
            Some(Fault::CrashAfter) => {
                self.account.clock.halt();
                return pending().await;
            }
            Some(Fault::LostResponse) => return Err(CallError::Indeterminate { message: describe("no response") }),
            _ => {}
        }
        if fault == Some(Fault::Stall) {
            self.pause(CALL_TIMEOUT).await;
            return Err(CallError::Indeterminate { message: describe("no response") });
        }
        self.pause(call_time(call) / 2).await;
        if fault == Some(Fault::CrashAfterResponse) {
            self.account.clock.halt();
            return pending().await;
        }
        response
    }
}

impl RolloutCloud for Session<'_> {
    async fn observe_rollout(&self, scope: &Scope, alarms: &[String]) -> Result<Option<ObservedRollout>, CallError> {
        self.pause(OBSERVE_TIME).await;
        rules::check_names(&scope.names)?;
        Ok(rollouts::observe(self.account, scope, alarms))
    }
}
