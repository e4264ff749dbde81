//! The one function that touches environments: takes requests from the line, and brings them about turn by turn.
//!
//! A request has as many turns as it needs. One ends with an answer, or the message goes back to its place in the line
//! for a moment. Whoever asked something newer meanwhile is heard before the next wave of calls.
//!
//! The files: `request_pass` (one turn: create, update, delete), `protection` (what a delete has to respect), `recorded` (what
//! a record means), `action` (what an alarm's rule comes to), `outcome` (what becomes of it), `batch` (messages in, outcomes out), `cloud_factory` (where the work is done), `stop` (why one does not go on), `settings`. The door uses the
//! same turns where there is no line.

#![warn(missing_docs)]

mod batch;
mod cloud_factory;
mod pass;
mod pass_error;
mod protection;
mod recorded;
mod remediation;
mod remediation_outcome;
mod settings;

pub use cloud_factory::{Aws, CloudFactory, Stack};
pub use pass::{PassOutcome, RequestOutcome, RequestPass, resources, told};
pub use pass_error::PassError;
pub use recorded::{frozen_defaults, is_protected, known, retired_tags};
pub use remediation_outcome::RemediationOutcome;
pub use settings::Settings;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environment::{CALL_TIME, Cloud as _, Timestamp};
use futures_util::FutureExt as _;
use requests::records::LatestRequest;
use requests::{CfnResponse, NotDelivered, Records, Request, Responder, ResponseSender};

/// How much of an invocation is kept for the answer: two tries of the courier and the pause between them.
const TIME_TO_ANSWER: Duration = Duration::from_secs(12);

/// When the work in an invocation that Lambda ends at `deadline` has to be over.
#[must_use]
pub fn work_deadline(deadline: Timestamp) -> Timestamp {
    Timestamp::default() + (deadline - Timestamp::default()).saturating_sub(TIME_TO_ANSWER)
}

/// Everything that the function has.
#[derive(Debug)]
pub struct Reconciler<'a, R, C> {
    /// Its configuration.
    pub settings: &'a Settings,
    /// Who asked last, what is wanted, what was settled.
    pub records: &'a R,
    /// Where the work is done.
    pub cloud_factory: &'a C,
    /// Who carries the answers.
    pub response_sender: &'a ResponseSender,
}

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// All that it takes to carry a request out.
    #[must_use]
    pub fn request_pass<'a>(&'a self, request: &'a Request) -> RequestPass<'a, R, C> {
        RequestPass { settings: self.settings, records: self.records, cloud_factory: self.cloud_factory, request }
    }

    /// One turn of a request, over at `until`, or when nothing has moved for `wait_budget`. A panic in it is an answer too.
    pub async fn pass(&self, request: &Request, until: Timestamp, wait_budget: Duration) -> PassOutcome {
        let work = self.request_pass(request);
        let turn = AssertUnwindSafe(work.run(until, wait_budget)).catch_unwind().await;
        turn.unwrap_or_else(|_| {
            let reason = "Envkeeper failed inside: the function's log says where. What exists was left as it is.";
            PassOutcome::Done(work.response(None, Err(reason.to_owned())))
        })
    }

    /// Turn after turn in one invocation, until it is answered, at `until` at the latest: where there is no line.
    pub async fn run_to_completion(&self, request: &Request, until: Timestamp) -> RequestOutcome {
        loop {
            match self.pass(request, until, Duration::MAX).await {
                PassOutcome::Done(response) => return response,
                PassOutcome::Requeue { waiting_for, again } => {
                    if self.cloud_factory.now() + again + CALL_TIME > until {
                        let work = self.request_pass(request);
                        return work.response(None, Err(work.out_of_time(&waiting_for).await));
                    }
                    self.cloud_factory.for_run(request.owner().as_str(), &request.hash, None).pause(again).await;
                }
            }
        }
    }

    fn responder(&self) -> Responder<'_, R> {
        Responder { response_sender: self.response_sender, records: self.records, hosts: &self.settings.response_hosts }
    }

    /// Delivers an answer, until `deadline` at the latest, and notes that it was.
    ///
    /// # Errors
    /// If somebody real still waits.
    pub async fn deliver(
        &self,
        request: &Request,
        reply: &CfnResponse,
        deadline: Timestamp,
    ) -> Result<(), NotDelivered> {
        let now = self.cloud_factory.now();
        self.responder()
            .response(&request.owner(), &LatestRequest::of_request(request), reply, now.0, deadline - now)
            .await
    }
}

/// The reply that an answer makes.
#[must_use]
pub fn reply(request: &Request, response: RequestOutcome) -> CfnResponse {
    let RequestOutcome { id, outcome } = response;
    match outcome {
        Ok(data) => CfnResponse::success(&request.to, id, data),
        Err(reason) => CfnResponse::failed(&request.to, id, reason),
    }
}
