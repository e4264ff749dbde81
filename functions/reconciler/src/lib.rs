//! The one function that touches environments: takes requests from the line, and brings them about turn by turn.
//!
//! A request has as many turns as it needs. One ends with an answer, or the message goes back to its place in the line
//! for a moment. Whoever asked something newer meanwhile is heard before the next wave of calls.
//!
//! The files: `carry_out` (one turn: create, update, delete), `protection` (what a delete has to respect), `recorded` (what
//! a record means), `remedy` (what an alarm's rule comes to), `remedied` (what becomes of it), `batch` (messages in, outcomes out), `clouds` (where the work is done), `stop` (why one does not go on), `settings`. The door uses the
//! same turns where there is no line.

#![warn(missing_docs)]

mod batch;
mod carry_out;
mod clouds;
mod protection;
mod recorded;
mod remedied;
mod remedy;
mod settings;
mod stop;

pub use carry_out::{Answer, CarryOut, Turn, resources, told};
pub use clouds::{Aws, Clouds, Stack};
pub use recorded::{frozen_defaults, is_protected, known, retired_tags};
pub use remedied::Remedied;
pub use settings::Settings;
pub use stop::Stop;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environment::{CALL_TIME, Cloud as _, Moment};
use futures_util::FutureExt as _;
use requests::records::Note;
use requests::{Courier, Desk, NotDelivered, Records, Reply, Request};

/// How much of an invocation is kept for the answer: two tries of the courier and the pause between them.
const TIME_TO_ANSWER: Duration = Duration::from_secs(12);

/// When the work in an invocation that Lambda ends at `deadline` has to be over.
#[must_use]
pub fn work_ends(deadline: Moment) -> Moment {
    Moment::default() + (deadline - Moment::default()).saturating_sub(TIME_TO_ANSWER)
}

/// Everything that the function has.
#[derive(Debug)]
pub struct Reconciler<'a, R, C> {
    /// Its configuration.
    pub settings: &'a Settings,
    /// Who asked last, what is wanted, what was settled.
    pub records: &'a R,
    /// Where the work is done.
    pub clouds: &'a C,
    /// Who carries the answers.
    pub courier: &'a Courier,
}

impl<R: Records, C: Clouds> Reconciler<'_, R, C> {
    /// All that it takes to carry a request out.
    #[must_use]
    pub fn carry_out<'a>(&'a self, request: &'a Request) -> CarryOut<'a, R, C> {
        CarryOut { settings: self.settings, records: self.records, clouds: self.clouds, request }
    }

    /// One turn of a request, over at `until`, or when nothing has moved for `patience`. A panic in it is an answer too.
    pub async fn turn(&self, request: &Request, until: Moment, patience: Duration) -> Turn {
        let work = self.carry_out(request);
        let turn = AssertUnwindSafe(work.turn(until, patience)).catch_unwind().await;
        turn.unwrap_or_else(|_| {
            let reason = "Envkeeper failed inside: the function's log says where. What exists was left as it is.";
            Turn::Done(work.answer(None, Err(reason.to_owned())))
        })
    }

    /// Turn after turn in one invocation, until it is answered, at `until` at the latest: where there is no line.
    pub async fn to_the_end(&self, request: &Request, until: Moment) -> Answer {
        loop {
            match self.turn(request, until, Duration::MAX).await {
                Turn::Done(answer) => return answer,
                Turn::Later { waiting_for, again } => {
                    if self.clouds.now() + again + CALL_TIME > until {
                        let work = self.carry_out(request);
                        return work.answer(None, Err(work.out_of_time(&waiting_for).await));
                    }
                    self.clouds.for_run(request.owner().as_str(), &request.hash, None).pause(again).await;
                }
            }
        }
    }

    fn desk(&self) -> Desk<'_, R> {
        Desk { courier: self.courier, records: self.records, hosts: &self.settings.reply_hosts }
    }

    /// Delivers an answer, until `deadline` at the latest, and notes that it was.
    ///
    /// # Errors
    /// If somebody real still waits.
    pub async fn deliver(&self, request: &Request, reply: &Reply, deadline: Moment) -> Result<(), NotDelivered> {
        let now = self.clouds.now();
        self.desk().answer(&request.owner(), &Note::of_request(request), reply, now.0, deadline - now).await
    }
}

/// The reply that an answer makes.
#[must_use]
pub fn reply(request: &Request, answer: Answer) -> Reply {
    let Answer { id, outcome } = answer;
    match outcome {
        Ok(data) => Reply::success(&request.to, id, data),
        Err(reason) => Reply::failed(&request.to, id, reason),
    }
}
