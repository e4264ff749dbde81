//! The only function that changes environments. The reconciler receives requests from the request queue, and reconciles
//! them in passes.
//!
//! A request has as many passes as it needs. A pass ends with a response, or the message returns to its position in the
//! request queue for a short delay. Before each wave of calls the pass checks whether a newer request exists.
//!
//! The modules: `pass` (one pass: Create, Update, Delete), `protection` (the limits of a Delete), `recorded` (the
//! interpretation of a record), `remediation` (the actions of alarm rules), `remediation_outcome` (their outcomes),
//! `batch` (messages and their outcomes), `cloud_factory` (the account that the passes work on), `pass_error` (the
//! errors that end a pass), `settings`. The function `custom-resource` runs the same passes if the deployment has no
//! request queue.

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

pub use cloud_factory::{Aws, CloudFactory, StackState};
pub use pass::{PassOutcome, RequestOutcome, RequestPass, describe_violations, resources};
pub use pass_error::PassError;
pub use recorded::{frozen_defaults, is_protected, recorded_spec, retired_tags};
pub use remediation_outcome::RemediationOutcome;
pub use settings::Settings;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environment::{CALL_TIMEOUT, Cloud as _, Timestamp};
use futures_util::FutureExt as _;
use requests::records::LatestRequest;
use requests::{CfnResponse, DeliveryError, Reason, Records, Request, Responder, ResponseSender, Runbook};

/// The part of an invocation that is reserved for the response: two attempts of the response sender and the pause
/// between them.
const RESPONSE_TIME: Duration = Duration::from_secs(12);

/// The time by which the work in an invocation that Lambda ends at `deadline` has to end.
#[must_use]
pub fn work_deadline(deadline: Timestamp) -> Timestamp {
    Timestamp::default() + (deadline - Timestamp::default()).saturating_sub(RESPONSE_TIME)
}

/// The parts of the function.
#[derive(Debug)]
pub struct Reconciler<'a, R, C> {
    /// The function's settings.
    pub settings: &'a Settings,
    /// The owners' records: the latest request, the desired spec, the settled spec.
    pub records: &'a R,
    /// The account that the passes work on.
    pub cloud_factory: &'a C,
    /// Delivers responses to `CloudFormation`.
    pub response_sender: &'a ResponseSender,
}

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Builds the pass over a request.
    #[must_use]
    pub fn request_pass<'a>(&'a self, request: &'a Request) -> RequestPass<'a, R, C> {
        RequestPass { settings: self.settings, records: self.records, cloud_factory: self.cloud_factory, request }
    }

    /// Runs one pass over a request. The pass ends at `until`, or when nothing has changed for `wait_budget`. A panic
    /// in the pass results in a FAILED.
    pub async fn run_pass(&self, request: &Request, until: Timestamp, wait_budget: Duration) -> PassOutcome {
        let pass = self.request_pass(request);
        let outcome = AssertUnwindSafe(pass.run(until, wait_budget)).catch_unwind().await;
        outcome.unwrap_or_else(|_| {
            let reason = "Envkeeper failed with an internal error and made no further changes. Send the same request again after the cause is fixed.";
            PassOutcome::Done(pass.response(None, Err(Reason::with_runbook(reason, Runbook::InternalError))))
        })
    }

    /// Runs passes in one invocation until the request has a response, until `until` at the latest: for a function
    /// without a request queue.
    pub async fn run_to_completion(&self, request: &Request, until: Timestamp) -> RequestOutcome {
        loop {
            match self.run_pass(request, until, Duration::MAX).await {
                PassOutcome::Done(response) => return response,
                PassOutcome::Requeue { waiting_for, after } => {
                    if self.cloud_factory.now() + after + CALL_TIMEOUT > until {
                        let pass = self.request_pass(request);
                        return pass.response(None, Err(pass.timeout_reason(&waiting_for).await));
                    }
                    self.cloud_factory.for_run(request.owner().as_str(), &request.hash, None).pause(after).await;
                }
            }
        }
    }

    fn responder(&self) -> Responder<'_, R> {
        Responder { response_sender: self.response_sender, records: self.records, hosts: &self.settings.response_hosts }
    }

    /// Delivers a response, until `deadline` at the latest, and records the delivery.
    ///
    /// # Errors
    /// If the response was not delivered and `CloudFormation` still waits for it.
    pub async fn deliver(
        &self,
        request: &Request,
        cfn_response: &CfnResponse,
        deadline: Timestamp,
    ) -> Result<(), DeliveryError> {
        let now = self.cloud_factory.now();
        self.responder()
            .respond(&request.owner(), &LatestRequest::of_request(request), cfn_response, now.0, deadline - now)
            .await
    }
}

/// Converts the outcome of a request into a response of `function`, the name of the Lambda function that sends it.
#[must_use]
pub fn cfn_response(request: &Request, outcome: RequestOutcome, function: &str) -> CfnResponse {
    let RequestOutcome { id, outcome } = outcome;
    match outcome {
        Ok(data) => CfnResponse::success(&request.response_address, id, data),
        Err(reason) => CfnResponse::failed(&request.response_address, id, reason, function),
    }
}
