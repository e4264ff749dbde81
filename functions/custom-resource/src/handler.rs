//! Handles events: every request gets exactly one valid response.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use environment::Timestamp;
use futures_util::FutureExt as _;
use lambda_kit::{Error, Failure, FailureKind, InvalidSettings};
use request_pass::{CloudFactory, PassError, RequestPass, Settings, work_deadline};
use requests::records::LatestRequest;
use requests::{
    AllowedHosts, CfnResponse, Malformed, PhysicalId, Reason, Records, Request, RequestQueue, Responder,
    ResponseAddress, ResponseSender, Runbook, enveloped_requests, member, read_event,
};
use serde_json::{Value, json};

use crate::operator::{OperatorOutcome, OperatorRequest};
use crate::operator_error::OperatorError;

/// The parts of the function. The function also starts with invalid settings, and reports them in each response.
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

/// The error for records of SNS or SQS without a request.
const NO_REQUEST: &str = "Records has no request of CloudFormation: valid are records of SNS or SQS, each with a request that has a ResponseURL";

/// How a request was processed.
enum Processed {
    /// The request has this response, which the function sends.
    Done(CfnResponse),
    /// The request is queued, and the reconciler responds; or it was delivered again after its response. The value is
    /// the invocation's result.
    NoResponse(Value),
}

impl<R: Records, C: CloudFactory, Q: RequestQueue> RequestHandler<R, C, Q> {
    /// Handles one invocation, which Lambda ends at `deadline_ms`.
    ///
    /// The result is the response's body, the fact that the request is queued, or the result of an operator request; for
    /// requests in the records of SNS or SQS, a list of these. An event that no [`Value`] can hold gets a FAILED; such a
    /// Delete is processed by the ids in the event ([`requests::UnreadableEvent::into_delete`]).
    ///
    /// # Errors
    /// If the request could not be queued, or the response not be delivered, or if a record of SNS or SQS has no request
    /// with an address for a response. Lambda then retries the same event, and after the last attempt sends it to the
    /// queue of failed invocations. The watchdog responds from there.
    pub async fn handle(&self, event: &str, deadline_ms: u64) -> Result<Value, Error> {
        let Some(requests) = enveloped_requests(event) else { return self.handle_text(event, deadline_ms).await };
        if requests.is_empty() {
            return Err(Failure::new(FailureKind::InvalidEvent, NO_REQUEST).into());
        }
        let (mut results, mut first_error) = (Vec::new(), None);
        for request in &requests {
            match self.handle_enveloped(request, deadline_ms).await {
                Ok(result) => results.push(result),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(Value::Array(results)), Err)
    }

    /// Handles a request in a record of SNS or SQS. The invocation's result has no reader, so the request needs an
    /// address for its response.
    async fn handle_enveloped(&self, request: &str, deadline_ms: u64) -> Result<Value, Error> {
        let address = member(request, "ResponseURL").and_then(|url| serde_json::from_str::<String>(url).ok());
        // A principal that may publish to a topic is no operator.
        let is_operators = member(request, "RequestType").is_none();
        if is_operators || address.is_none_or(|url| url.is_empty()) {
            return Err(Failure::new(FailureKind::InvalidEvent, NO_REQUEST).into());
        }
        self.handle_text(request, deadline_ms).await
    }

    /// Handles one request, of CloudFormation or of an operator.
    async fn handle_text(&self, event: &str, deadline_ms: u64) -> Result<Value, Error> {
        let event = read_event(event).or_else(|unreadable| unreadable.into_delete(self.cloud_factory.now().0));
        match event {
            Ok(event) if event.get("Request").is_some() && event.get("RequestType").is_none() => {
                Ok(self.handle_operator_request(&event, deadline_ms).await)
            }
            Ok(event) => match miswritten_request(&event) {
                Some(field) => {
                    Ok(json!({ "Error": OperatorError::MiswrittenField { field: field.to_owned() }.to_string() }))
                }
                None => self.handle_request(&event, deadline_ms).await,
            },
            Err(unreadable) => {
                let to = ResponseAddress::of(&unreadable.readable_fields);
                let response = self.failed(&unreadable.readable_fields, &to, unreadable.to_string());
                self.respond(None, &response, &to, deadline_ms).await
            }
        }
    }

    /// Handles an operator request. The result describes a failure in `Error`.
    async fn handle_operator_request(&self, event: &Value, deadline_ms: u64) -> Value {
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(invalid) => return json!({ "Error": invalid.to_string(), "Text": invalid.to_string() }),
        };
        let request = OperatorRequest { settings, records: &self.records, cloud_factory: &self.cloud_factory, event };
        match request.handle().await {
            Ok(OperatorOutcome::Done(result)) => result,
            Ok(OperatorOutcome::Delete(delete)) => match self.handle_request(&delete.event, deadline_ms).await {
                Ok(response) => delete.result(&response),
                Err(error) => json!({ "Error": error.to_string() }),
            },
            Ok(OperatorOutcome::Rollout(operation)) => {
                let parts = (settings, &self.records, &self.cloud_factory);
                let until = work_deadline(Timestamp(deadline_ms));
                let performed = Box::pin(operation.perform(self.request_queue.as_ref(), parts, until)).await;
                performed.unwrap_or_else(|error| json!({ "Error": error.to_string() }))
            }
            Err(error) => json!({ "Error": error.to_string() }),
        }
    }

    /// Handles a request of CloudFormation, or the Delete of an operator.
    async fn handle_request(&self, event: &Value, deadline_ms: u64) -> Result<Value, Error> {
        let to = ResponseAddress::of(event);
        let request = Request::read(event, self.cloud_factory.now().0);
        let processed = AssertUnwindSafe(self.process(event, &request, &to, deadline_ms)).catch_unwind().await;
        match processed.unwrap_or_else(|_| Ok(Processed::Done(self.failed(event, &to, Reason::internal_error()))))? {
            Processed::NoResponse(result) => Ok(result),
            Processed::Done(response) => self.respond(request.as_ref().ok(), &response, &to, deadline_ms).await,
        }
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

/// The field `Request` of an operator request in another case, such as `request`. No event of CloudFormation has it.
fn miswritten_request(event: &Value) -> Option<&str> {
    let fields = event.as_object().filter(|it| !it.contains_key("RequestType"))?;
    fields.keys().map(String::as_str).find(|it| it.eq_ignore_ascii_case("Request"))
}
