//! Handles events: every request gets exactly one valid response.

use std::panic::AssertUnwindSafe;

use environment::Timestamp;
use futures_util::FutureExt as _;
use lambda_kit::{Error, Failure, FailureKind, InvalidSettings};
use reconciler::{CloudFactory, PassError, Reconciler, Settings, cfn_response, work_deadline};
use requests::{
    AllowedHosts, CfnResponse, Malformed, PhysicalId, Reason, Records, Request, RequestQueue, ResponseAddress,
    ResponseSender, Runbook, UnreadableEvent, read_event,
};
use serde_json::{Value, json};

use crate::operator;

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
    /// Delivers responses to CloudFormation.
    pub response_sender: ResponseSender,
    /// The queue that receives the requests. Without a queue, the function processes the requests itself.
    pub request_queue: Option<Q>,
}

/// The outcome of an event.
enum EventOutcome {
    /// The function sends this response.
    Respond(CfnResponse),
    /// The request is queued, and the reconciler responds; or it was delivered again after its response. The value is
    /// the invocation's result.
    NoResponse(Value),
}

impl<R: Records, C: CloudFactory, Q: RequestQueue> RequestHandler<R, C, Q> {
    /// Handles one invocation, whose event comes as text: [`RequestHandler::handle`], or a FAILED for an event that no
    /// [`Value`] can hold.
    ///
    /// Such a Delete is processed by the ids in the event ([`UnreadableEvent::into_delete`]).
    ///
    /// # Errors
    /// The errors of [`RequestHandler::handle`].
    pub async fn handle_text(&self, text: &str, deadline_ms: u64) -> Result<Value, Error> {
        match read_event(text).or_else(|unreadable| unreadable.into_delete(self.cloud_factory.now().0)) {
            Ok(event) => self.handle(event, deadline_ms).await,
            Err(unreadable) => self.reject_unreadable(&unreadable, deadline_ms).await,
        }
    }

    async fn reject_unreadable(&self, unreadable: &UnreadableEvent, deadline_ms: u64) -> Result<Value, Error> {
        let to = ResponseAddress::of(&unreadable.readable_fields);
        let id = PhysicalId::last_resort(&unreadable.readable_fields, &to);
        let response = CfnResponse::failed(&to, id, unreadable.to_string(), &self.function_name);
        self.deliver(None, &response, &to, deadline_ms).await?;
        Ok(serde_json::from_str(&response.body())?)
    }

    /// Handles one invocation, which Lambda ends at `deadline_ms`.
    ///
    /// The result is the response's body, the fact that the request is queued, or the result of an operator request.
    ///
    /// # Errors
    /// If the request could not be queued, or the response not be delivered. Lambda then retries the same event, and
    /// after the last attempt sends it to the queue of failed invocations. The watchdog responds from there.
    pub async fn handle(&self, event: Value, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Request").is_some() && event.get("RequestType").is_none() {
            return Ok(operator::respond(self, &event, deadline_ms).await);
        }
        let to = ResponseAddress::of(&event);
        let request = Request::read(&event, self.cloud_factory.now().0);
        let outcome = match AssertUnwindSafe(self.process(&event, &request, &to, deadline_ms)).catch_unwind().await {
            Ok(outcome) => outcome?,
            Err(_) => {
                let reason = "Envkeeper failed with an internal error and made no further changes. Send the same request again after the cause is fixed.";
                let reason = Reason::with_runbook(reason, Runbook::InternalError);
                let id = PhysicalId::last_resort(&event, &to);
                EventOutcome::Respond(CfnResponse::failed(&to, id, reason, &self.function_name))
            }
        };
        match outcome {
            EventOutcome::NoResponse(result) => Ok(result),
            EventOutcome::Respond(response) => {
                self.deliver(request.as_ref().ok(), &response, &to, deadline_ms).await?;
                Ok(serde_json::from_str(&response.body())?)
            }
        }
    }

    async fn process(
        &self,
        event: &Value,
        request: &Result<Request, Malformed>,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<EventOutcome, Error> {
        let failed = |reason: Reason| {
            let id = PhysicalId::last_resort(event, to);
            Ok(EventOutcome::Respond(CfnResponse::failed(to, id, reason, &self.function_name)))
        };
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(invalid) => return failed(Reason::with_runbook(invalid.to_string(), Runbook::InvalidSettings)),
        };
        let request = match request {
            Ok(request) => request,
            Err(malformed) => return failed(malformed.to_string().into()),
        };
        let Some(request_queue) = &self.request_queue else {
            let response =
                self.reconciler(settings).run_to_completion(request, work_deadline(Timestamp(deadline_ms))).await;
            return Ok(EventOutcome::Respond(cfn_response(request, response, &self.function_name)));
        };
        let reconciler = self.reconciler(settings);
        let pass = reconciler.request_pass(request);
        match pass.admit().await {
            // A late redelivery of an event may be rejected now, although the response was delivered before.
            Err(PassError::Failed(_)) if self.has_responded(request).await => Ok(EventOutcome::NoResponse(
                json!({ "RespondedBefore": request.event.kind, "Owner": request.owner().as_str() }),
            )),
            Err(PassError::Failed(reason)) => {
                Ok(EventOutcome::Respond(cfn_response(request, pass.response(None, Err(reason)), &self.function_name)))
            }
            Err(PassError::Requeue(reason)) => Err(Failure::new(FailureKind::AwsCallFailed, reason).into()),
            Err(PassError::RecordsUnavailable(reason)) => {
                Err(Failure::new(FailureKind::RecordsUnavailable, reason).into())
            }
            Ok(_) => {
                request_queue.send(&request.owner(), &request.hash, event).await?;
                tracing::info!(owner = %request.owner(), kind = %request.event.kind, "request queued");
                Ok(EventOutcome::NoResponse(json!({ "Sent": request.event.kind, "Owner": request.owner().as_str() })))
            }
        }
    }

    async fn has_responded(&self, request: &Request) -> bool {
        let record = self.records.owner(&request.owner()).await.ok().flatten();
        record.is_some_and(|it| it.has_responded(&request.hash))
    }

    /// Builds the reconciler that processes the requests.
    pub(crate) fn reconciler<'a>(&'a self, settings: &'a Settings) -> Reconciler<'a, R, C> {
        Reconciler {
            settings,
            records: &self.records,
            cloud_factory: &self.cloud_factory,
            response_sender: &self.response_sender,
        }
    }

    /// Sends the response to its address, and records that. Without an address, the invocation's result is the
    /// response.
    async fn deliver(
        &self,
        request: Option<&Request>,
        response: &CfnResponse,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<(), Error> {
        if let (Ok(settings), Some(request)) = (&self.settings, request) {
            return Ok(self.reconciler(settings).deliver(request, response, Timestamp(deadline_ms)).await?);
        }
        let none = AllowedHosts::default();
        let hosts = self.settings.as_ref().map_or(&none, |settings| &settings.response_hosts);
        tracing::info!(status = ?response.status(), id = %response.physical_id(), reason = response.reason(), "response ready");
        Ok(self
            .response_sender
            .send(&response.body(), to, hosts, Timestamp(deadline_ms) - self.cloud_factory.now())
            .await?)
    }
}
