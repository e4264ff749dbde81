//! One run's view of the world: it knows the ids that it saw or made.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use environment::{CALL_TIME, Call, CallError, CallKind, Cloud, Key, ObservedResource, Ownership, Scope, Timestamp};

use crate::rules;
use crate::state::{Fault, MemoryAccount};

/// How long a call takes, there and back: estimates (ARCHITECTURE, Facts).
fn takes(call: &Call) -> Duration {
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

/// How long a look takes: reads take 0.08 to 0.2 s, all at once (an estimate, too).
const LOOK_TAKES: Duration = Duration::from_millis(200);

/// The seam, for one run.
#[derive(Debug)]
pub struct Session<'a> {
    account: &'a MemoryAccount,
    /// Told apart from other requests' by the client tokens of its calls.
    token: String,
    ids: RefCell<BTreeMap<Key, String>>,
}

impl<'a> Session<'a> {
    /// A run of the request that `token` stands for.
    #[must_use]
    pub fn new(account: &'a MemoryAccount, token: &str) -> Self {
        Session { account, token: token.to_owned(), ids: RefCell::default() }
    }

    fn take_effect(&self, call: &Call) -> Result<(), CallError> {
        let mut ids = self.ids.borrow_mut();
        match &call.kind {
            CallKind::Create(desired) => {
                let id = rules::create(self.account, desired, &ids, &self.token)?;
                ids.insert(call.key.clone(), id);
                Ok(())
            }
            what => {
                let id = call.id.as_ref().or_else(|| ids.get(&call.key)).cloned();
                let Some(id) = id else {
                    return Err(CallError::Rejected { message: format!("{}: no id is known", call.key) });
                };
                rules::change(self.account, &id, what, &ids)?;
                if *what == CallKind::Delete {
                    ids.retain(|_, known| *known != id);
                }
                Ok(())
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
        self.pause(LOOK_TAKES).await;
        rules::can_be_asked_for(&scope.names)?;
        let observed = self.account.look(scope);
        let ours = observed.iter().filter(|it| !matches!(it.ownership, Ownership::Foreign(_) | Ownership::Hidden(_)));
        self.ids.borrow_mut().extend(ours.filter_map(|it| Some((it.key(), it.id.clone()?))));
        Ok(observed)
    }

    async fn call(&self, call: &Call) -> Result<(), CallError> {
        let number = self.account.calls.borrow().len();
        self.account.calls.borrow_mut().push(call.clone());
        self.account.sent.borrow_mut().push(self.now());
        let fault = self.account.faults.borrow().get(&number).copied();
        let told = |problem: &str| format!("{}: {}: {problem}", call.key, call.operation());
        match fault {
            Some(Fault::CrashBefore) => {
                self.account.clock.halt();
                return pending().await;
            }
            Some(Fault::Throttled) => {
                return Err(CallError::Retry { waiting_for: told("throttled"), after: takes(call) });
            }
            Some(Fault::Denied) => return Err(CallError::Rejected { message: told("access denied") }),
            Some(Fault::Quota) => return Err(CallError::Rejected { message: told("the account's quota is reached") }),
            Some(Fault::NotFoundLag) => {
                return Err(CallError::Retry { waiting_for: told("not found yet"), after: takes(call) });
            }
            Some(Fault::LostRequest) => return Err(CallError::Indeterminate { message: told("no answer") }),
            Some(Fault::CrashAfter | Fault::CrashAnswered | Fault::LostAnswer | Fault::Twice | Fault::Stall) | None => {
            }
        }
        self.pause(takes(call) / 2).await;
        let mut response = self.take_effect(call);
        if fault == Some(Fault::Twice) && call.key.kind.create_can_be_repeated() {
            response = self.take_effect(call);
        }
        match fault {
            Some(Fault::CrashAfter) => {
                self.account.clock.halt();
                return pending().await;
            }
            Some(Fault::LostAnswer) => return Err(CallError::Indeterminate { message: told("no answer") }),
            _ => {}
        }
        if fault == Some(Fault::Stall) {
            self.pause(CALL_TIME).await;
            return Err(CallError::Indeterminate { message: told("no answer") });
        }
        self.pause(takes(call) / 2).await;
        if fault == Some(Fault::CrashAnswered) {
            self.account.clock.halt();
            return pending().await;
        }
        response
    }
}
