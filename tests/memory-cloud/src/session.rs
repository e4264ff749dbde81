//! One run's view of the world: it knows the ids that it saw or made.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use environment::{CALL_TIME, Call, Cloud, Key, Live, Moment, Scope, Setback, What, Whose};

use crate::rules;
use crate::world::{Fault, World};

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
    world: &'a World,
    /// Told apart from other requests' by the client tokens of its calls.
    token: String,
    ids: RefCell<BTreeMap<Key, String>>,
}

impl<'a> Session<'a> {
    /// A run of the request that `token` stands for.
    #[must_use]
    pub fn new(world: &'a World, token: &str) -> Self {
        Session { world, token: token.to_owned(), ids: RefCell::default() }
    }

    fn take_effect(&self, call: &Call) -> Result<(), Setback> {
        let mut ids = self.ids.borrow_mut();
        match &call.what {
            What::Create(wanted) => {
                let id = rules::create(self.world, wanted, &ids, &self.token)?;
                ids.insert(call.key.clone(), id);
                Ok(())
            }
            what => {
                let id = call.id.as_ref().or_else(|| ids.get(&call.key)).cloned();
                let Some(id) = id else {
                    return Err(Setback::Refused { what: format!("{}: no id is known", call.key) });
                };
                rules::change(self.world, &id, what, &ids)?;
                if *what == What::Delete {
                    ids.retain(|_, known| *known != id);
                }
                Ok(())
            }
        }
    }
}

impl Cloud for Session<'_> {
    fn now(&self) -> Moment {
        self.world.clock.now()
    }

    async fn pause(&self, span: Duration) {
        self.world.clock.sleep(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<Live>, Setback> {
        self.pause(LOOK_TAKES).await;
        rules::can_be_asked_for(&scope.names)?;
        let live = self.world.look(scope);
        let ours = live.iter().filter(|it| !matches!(it.whose, Whose::Foreign(_) | Whose::Hidden(_)));
        self.ids.borrow_mut().extend(ours.filter_map(|it| Some((it.key(), it.id.clone()?))));
        Ok(live)
    }

    async fn call(&self, call: &Call) -> Result<(), Setback> {
        let number = self.world.calls.borrow().len();
        self.world.calls.borrow_mut().push(call.clone());
        self.world.sent.borrow_mut().push(self.now());
        let fault = self.world.faults.borrow().get(&number).copied();
        let told = |problem: &str| format!("{}: {}: {problem}", call.key, call.operation());
        match fault {
            Some(Fault::CrashBefore) => {
                self.world.clock.halt();
                return pending().await;
            }
            Some(Fault::Throttled) => return Err(Setback::Busy { what: told("throttled"), again: takes(call) }),
            Some(Fault::Denied) => return Err(Setback::Refused { what: told("access denied") }),
            Some(Fault::Quota) => return Err(Setback::Refused { what: told("the account's quota is reached") }),
            Some(Fault::NotFoundLag) => return Err(Setback::Busy { what: told("not found yet"), again: takes(call) }),
            Some(Fault::LostRequest) => return Err(Setback::Doubtful { what: told("no answer") }),
            Some(Fault::CrashAfter | Fault::CrashAnswered | Fault::LostAnswer | Fault::Twice | Fault::Stall) | None => {
            }
        }
        self.pause(takes(call) / 2).await;
        let mut answer = self.take_effect(call);
        if fault == Some(Fault::Twice) && call.key.kind.create_can_be_repeated() {
            answer = self.take_effect(call);
        }
        match fault {
            Some(Fault::CrashAfter) => {
                self.world.clock.halt();
                return pending().await;
            }
            Some(Fault::LostAnswer) => return Err(Setback::Doubtful { what: told("no answer") }),
            _ => {}
        }
        if fault == Some(Fault::Stall) {
            self.pause(CALL_TIME).await;
            return Err(Setback::Doubtful { what: told("no answer") });
        }
        self.pause(takes(call) / 2).await;
        if fault == Some(Fault::CrashAnswered) {
            self.world.clock.halt();
            return pending().await;
        }
        answer
    }
}
