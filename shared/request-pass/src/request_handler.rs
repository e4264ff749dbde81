//! Receives a request: admits it, queues it or runs it to completion, and responds. Every request gets exactly one valid
//! response.
//!
//! The function `custom-resource` receives the requests of CloudFormation, the function `operator` those that an operator makes
//! in the name of a stack.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use environment::Timestamp;
use futures_util::FutureExt as _;
use lambda_kit::{Error, Failure, FailureKind, InvalidSettings};
use requests::records::LatestRequest;
use requests::{
    AllowedHosts, CfnResponse, Malformed, PhysicalId, Reason, Records, Request, RequestQueue, Responder,
    ResponseAddress, ResponseSender, Runbook,
};
use serde_json::{Value, json};

use crate::cloud_factory::CloudFactory;
use crate::pass::{RequestPass, work_deadline};
use crate::pass_error::PassError;
use crate::settings::Settings;

/// The parts of a function that receives requests. The function also starts with invalid settings, and reports them in each
/// response.
#[derive(Debug)]
pub struct RequestHandler<R, C, Q> {
    /// The name of the Lambda function, which reasons for operators contain.
    pub function_name: String,
    /// The settings from the environment variables, or the invalid variables.
    pub settings: Result<Settings, InvalidSettings>,
    /// The owners' records.
    pub records: R,
    /// The account that operator requests observe. Without a request queue, requests change this account as well.
    pub cloud_factory: C,
    /// Sends responses to CloudFormation.
    pub response_sender: ResponseSender,
    /// The queue that receives the requests. Without a queue, the function processes the requests itself.
    pub request_queue: Option<Q>,
}

/// How a request was processed.
enum Processed {
    /// The request has this response, which the function sends.
    Done(CfnResponse),
    /// The request is queued, and the reconciler responds; or it was delivered again after its response. The value is
    /// the invocation's result.
    NoResponse(Value),
}

impl<R: Records, C: CloudFactory, Q: RequestQueue> RequestHandler<R, C, Q> {
    /// Handles a request in an invocation that Lambda ends at `deadline_ms`. The result is the response's body, or the fact
    /// that the request is queued.
    ///
    /// # Errors
    /// If the request could not be queued, or the response not be delivered.
    pub async fn handle_request(&self, event: &Value, deadline_ms: u64) -> Result<Value, Error> {
        let to = ResponseAddress::of(event);
        let request = Request::read(event, self.cloud_factory.now().0);
        let processed = AssertUnwindSafe(self.process(event, &request, &to, deadline_ms)).catch_unwind().await;
        match processed.unwrap_or_else(|_| Ok(Processed::Done(self.failed(event, &to, Reason::internal_error()))))? {
            Processed::NoResponse(result) => Ok(result),
            Processed::Done(response) => self.respond(request.as_ref().ok(), &response, &to, deadline_ms).await,
        }
    }

    /// Responds with a FAILED to an event that no pass works on: `fields` are those that could be read.
    ///
    /// # Errors
    /// If the response could not be delivered.
    pub async fn reject(&self, fields: &Value, reason: String, deadline_ms: u64) -> Result<Value, Error> {
        let to = ResponseAddress::of(fields);
        let response = self.failed(fields, &to, reason);
        self.respond(None, &response, &to, deadline_ms).await
    }

    async fn process(
        &self,
        event: &Value,
        request: &Result<Request, Malformed>,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<Processed, Error> {
        let failed = |reason: Reason| Ok(Processed::Done(self.failed(event, to, reason)));
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(invalid) => return failed(Reason::with_runbook(invalid.to_string(), Runbook::InvalidSettings)),
        };
        let request = match request {
            Ok(request) => request,
            Err(malformed) => return failed(malformed.to_string().into()),
        };
        let pass = RequestPass { settings, records: &self.records, cloud_factory: &self.cloud_factory, request };
        let Some(request_queue) = &self.request_queue else {
            return Ok(Processed::Done(pass.run_to_completion(work_deadline(Timestamp(deadline_ms))).await));
        };
        match pass.admit().await {
            // A late redelivery of an event may be rejected now, although the response was delivered before.
            Err(PassError::Failed(_)) if self.has_responded(request).await => Ok(Processed::NoResponse(
                json!({ "RespondedBefore": request.event.kind, "Owner": request.owner().as_str() }),
            )),
            Err(PassError::Failed(reason)) => Ok(Processed::Done(pass.failed(None, reason))),
            Err(PassError::Requeue(reason)) => Err(Failure::new(FailureKind::AwsCallFailed, reason).into()),
            Err(PassError::RecordsUnavailable(reason)) => {
                Err(Failure::new(FailureKind::RecordsUnavailable, reason).into())
            }
            Ok(admitted) if admitted.is_without_work() => Ok(Processed::Done(pass.succeeded(None, BTreeMap::new()))),
            Ok(_) => {
                request_queue.send(&request.owner(), &request.hash, event).await?;
                tracing::info!(owner = %request.owner(), kind = %request.event.kind, "request queued");
                Ok(Processed::NoResponse(json!({ "Sent": request.event.kind, "Owner": request.owner().as_str() })))
            }
        }
    }

    /// Builds the FAILED for an event that no pass works on.
    fn failed(&self, event: &Value, to: &ResponseAddress, reason: impl Into<Reason>) -> CfnResponse {
        CfnResponse::failed(to, PhysicalId::last_resort(event, to), reason, &self.function_name)
    }

    async fn has_responded(&self, request: &Request) -> bool {
        let record = self.records.owner(&request.owner()).await.ok().flatten();
        record.is_some_and(|it| it.has_responded(&request.hash))
    }

    /// Records the response and sends it to its address. Its body is the invocation's result, and the only response to a
    /// request without an address.
    async fn respond(
        &self,
        request: Option<&Request>,
        response: &CfnResponse,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<Value, Error> {
        let now = self.cloud_factory.now();
        let within = Timestamp(deadline_ms) - now;
        match (&self.settings, request) {
            (Ok(settings), Some(request)) => {
                let responder = Responder {
                    response_sender: &self.response_sender,
                    records: &self.records,
                    hosts: &settings.response_hosts,
                };
                let latest = LatestRequest::of_request(request);
                responder.respond(&request.owner(), &latest, response, now.0, within).await?;
            }
            (settings, _) => {
                let none = AllowedHosts::default();
                let hosts = settings.as_ref().map_or(&none, |settings| &settings.response_hosts);
                tracing::info!(status = ?response.status(), id = %response.physical_id(), reason = response.reason(), "response ready");
                self.response_sender.send(response, to, hosts, within).await?;
            }
        }
        Ok(serde_json::from_str(&response.body())?)
    }
}
