//! One valid answer, whatever happens.

use std::panic::AssertUnwindSafe;

use environment::Timestamp;
use futures_util::FutureExt as _;
use lambda_kit::{BadSettings, Error};
use reconciler::{CloudFactory, PassError, Reconciler, Settings, reply, work_deadline};
use requests::{
    AllowedHosts, CfnResponse, Malformed, PhysicalId, Records, Request, RequestQueue, ResponseAddress, ResponseSender,
    Unreadable, read_event,
};
use serde_json::{Value, json};

use crate::operator;

/// Everything that the function has. Bad settings don't keep it from starting: they are what it answers.
#[derive(Debug)]
pub struct RequestHandler<R, C, L> {
    /// What its environment variables say, or what is wrong with them.
    pub settings: Result<Settings, BadSettings>,
    /// The owners' records.
    pub records: R,
    /// Where it looks, and works if there is no line.
    pub cloud_factory: C,
    /// Brings replies to CloudFormation.
    pub response_sender: ResponseSender,
    /// Where requests go; without it the door carries them out itself.
    pub request_queue: Option<L>,
}

/// What became of an event.
enum Taken {
    /// It is answered here.
    SentResponse(CfnResponse),
    /// It waits in the line, where the reconciler answers; or it came again after its answer.
    Sent(Value),
}

impl<R: Records, C: CloudFactory, L: RequestQueue> RequestHandler<R, C, L> {
    /// Handles one invocation, whose event comes as text: [`RequestHandler::handle`], or a FAILED for what no [`Value`] can hold.
    ///
    /// A Delete of that kind is carried out by its ids ([`Unreadable::delete`]).
    ///
    /// # Errors
    /// As of [`RequestHandler::handle`].
    pub async fn handle_text(&self, text: &str, deadline_ms: u64) -> Result<Value, Error> {
        match read_event(text).or_else(|unreadable| unreadable.delete(self.cloud_factory.now().0)) {
            Ok(event) => self.handle(event, deadline_ms).await,
            Err(unreadable) => self.refuse(&unreadable, deadline_ms).await,
        }
    }

    async fn refuse(&self, unreadable: &Unreadable, deadline_ms: u64) -> Result<Value, Error> {
        let to = ResponseAddress::of(&unreadable.rest);
        let id = PhysicalId::last_resort(&unreadable.rest, &to);
        let reply = CfnResponse::failed(&to, id, unreadable.to_string());
        self.deliver(None, &reply, &to, deadline_ms).await?;
        Ok(serde_json::from_str(&reply.body())?)
    }

    /// Handles one invocation, which Lambda ends at `deadline_ms`.
    ///
    /// The result is the reply's body, that the request waits in the line, or what a person asked for.
    ///
    /// # Errors
    /// If the request could not be sent on, or the reply not be delivered: Lambda then runs the same event again, and in
    /// the end gives it to the queue of failed invocations, from where the watchdog answers.
    pub async fn handle(&self, event: Value, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Request").is_some() && event.get("RequestType").is_none() {
            return Ok(operator::response(self, &event, deadline_ms).await);
        }
        let to = ResponseAddress::of(&event);
        let request = Request::read(&event, self.cloud_factory.now().0);
        let taken = match AssertUnwindSafe(self.take(&event, &request, &to, deadline_ms)).catch_unwind().await {
            Ok(taken) => taken?,
            Err(_) => {
                let reason = "Envkeeper failed inside: the function's log says where. What exists was left as it is.";
                Taken::SentResponse(CfnResponse::failed(&to, PhysicalId::last_resort(&event, &to), reason))
            }
        };
        match taken {
            Taken::Sent(told) => Ok(told),
            Taken::SentResponse(reply) => {
                self.deliver(request.as_ref().ok(), &reply, &to, deadline_ms).await?;
                Ok(serde_json::from_str(&reply.body())?)
            }
        }
    }

    async fn take(
        &self,
        event: &Value,
        request: &Result<Request, Malformed>,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<Taken, Error> {
        let failed = |reason: String| {
            Ok(Taken::SentResponse(CfnResponse::failed(to, PhysicalId::last_resort(event, to), reason)))
        };
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(bad) => return failed(bad.to_string()),
        };
        let request = match request {
            Ok(request) => request,
            Err(malformed) => return failed(malformed.to_string()),
        };
        let Some(request_queue) = &self.request_queue else {
            let response =
                self.reconciler(settings).run_to_completion(request, work_deadline(Timestamp(deadline_ms))).await;
            return Ok(Taken::SentResponse(reply(request, response)));
        };
        let work = self.reconciler(settings);
        let work = work.request_pass(request);
        match work.admit().await {
            // An event that comes again, late, may be refused by now: but its answer has arrived.
            Err(PassError::Failed(_)) if self.was_answered(request).await => {
                Ok(Taken::Sent(json!({ "AnsweredBefore": request.event.kind, "Owner": request.owner().as_str() })))
            }
            Err(PassError::Failed(reason)) => Ok(Taken::SentResponse(reply(request, work.response(None, Err(reason))))),
            Err(PassError::Requeue(reason)) => Err(reason.into()),
            Ok(_) => {
                request_queue.send(&request.owner(), &request.hash, event).await?;
                tracing::info!(owner = %request.owner(), kind = %request.event.kind, "in the line");
                Ok(Taken::Sent(json!({ "Sent": request.event.kind, "Owner": request.owner().as_str() })))
            }
        }
    }

    async fn was_answered(&self, request: &Request) -> bool {
        let record = self.records.owner(&request.owner()).await.ok().flatten();
        record.is_some_and(|it| it.has_responded(&request.hash))
    }

    /// The work behind the door.
    pub(crate) fn reconciler<'a>(&'a self, settings: &'a Settings) -> Reconciler<'a, R, C> {
        Reconciler {
            settings,
            records: &self.records,
            cloud_factory: &self.cloud_factory,
            response_sender: &self.response_sender,
        }
    }

    /// Sends the reply to its address, and notes that. Without an address the invocation's result is the answer.
    async fn deliver(
        &self,
        request: Option<&Request>,
        reply: &CfnResponse,
        to: &ResponseAddress,
        deadline_ms: u64,
    ) -> Result<(), Error> {
        if let (Ok(settings), Some(request)) = (&self.settings, request) {
            return Ok(self.reconciler(settings).deliver(request, reply, Timestamp(deadline_ms)).await?);
        }
        let none = AllowedHosts::default();
        let hosts = self.settings.as_ref().map_or(&none, |settings| &settings.response_hosts);
        tracing::info!(status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        Ok(self
            .response_sender
            .response(&reply.body(), to, hosts, Timestamp(deadline_ms) - self.cloud_factory.now())
            .await?)
    }
}
