//! Messages of the request queue's dead-letter queue, and of the queue of custom-resource's failed invocations.

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use requests::records::{LatestRequest, OwnerRecord};
use requests::{
    CfnResponse, PhysicalId, Reason, Records, Request, RequestQueue, ResponseAddress, Runbook, enveloped_requests,
    member, read_due_message, read_event,
};
use serde_json::Value;

use crate::responses::{Cause, ResponseError};
use crate::{OwnershipMarks, Watchdog};

impl<R: Records, M: OwnershipMarks, Q: RequestQueue> Watchdog<R, M, Q> {
    /// Responds to the request in each message, if it has no response yet; messages whose response could not be sent are
    /// returned as failed, and SQS redelivers them.
    pub(crate) async fn dead_letters(&self, batch: SqsEvent, now_ms: u64, deadline_ms: u64) -> SqsBatchResponse {
        let all = batch.records.into_iter().map(async |message| {
            let result = self.dead_letter(&message, now_ms, deadline_ms).await;
            (message, result)
        });
        let mut response = SqsBatchResponse::default();
        for (message, result) in join_all(all).await {
            if let Err(error) = result {
                tracing::error!(id = message.message_id, %error, "dead letter response failed");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    async fn dead_letter(&self, message: &SqsMessage, now_ms: u64, deadline_ms: u64) -> Result<(), ResponseError> {
        let body = message.body.as_deref().unwrap_or_default();
        let cause = failure_cause(body);
        // Lambda's record of a failed invocation contains the event; a dead letter of the request queue is the event. The
        // event is read separately, since the record around the event adds one level of nesting.
        let event = member(body, "requestPayload").unwrap_or(body);
        for request in enveloped_requests(event).unwrap_or_else(|| vec![event.to_owned()]) {
            self.dead_request(message, &request, cause.clone(), now_ms, deadline_ms).await?;
        }
        Ok(())
    }

    /// Responds to one request in a message, if it has no response yet.
    async fn dead_request(
        &self,
        message: &SqsMessage,
        text: &str,
        cause: Cause,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), ResponseError> {
        let event = match read_event(text).or_else(|unreadable| unreadable.into_delete(now_ms)) {
            // The task remains due, and the schedule requests its pass again.
            Ok(event) if read_due_message(&event).is_some() => return Ok(()),
            Ok(event) => event,
            Err(unreadable) => {
                let cause = Cause { message: format!("{} {unreadable}", cause.message), ..cause };
                return self.respond_malformed(&unreadable.readable_fields, &cause, now_ms, deadline_ms).await;
            }
        };
        let sent_ms = lambda_kit::sent_ms(&message.attributes).map_or(now_ms, |sent_ms| sent_ms.min(now_ms));
        // custom-resource rejects a Repair, so an invocation of it that failed is none.
        let read = if cause.is_failed_invocation { Request::read } else { Request::read_recorded };
        let Ok(request) = read(&event, sent_ms) else {
            return self.respond_malformed(&event, &cause, now_ms, deadline_ms).await;
        };
        let owner = request.owner();
        let latest_request = LatestRequest::of_request(&request);
        match self.records.owner(&owner).await? {
            Some(record) if record.has_responded(&request.hash) => Ok(()),
            Some(record) if record.is_latest(&request.hash) => {
                Ok(self.respond_failed(&owner, &latest_request, &record, &cause, now_ms, deadline_ms).await?)
            }
            // An invocation may fail before custom-resource records its request, and a superseded request is no longer
            // recorded. Both get a response, and the record of the owner remains unchanged: the sender of the message
            // may be anyone.
            record
                if cause.is_failed_invocation || record.as_ref().is_some_and(|it| it.supersedes(&latest_request)) =>
            {
                let response = self.failed_response(&owner, &latest_request, &OwnerRecord::empty(&owner), &cause);
                self.send_unrecorded(&response, &latest_request.response_address, now_ms, deadline_ms).await
            }
            // custom-resource records a request before it queues it.
            _ => {
                tracing::error!(id = message.message_id, "dead letter dropped: no record has its request");
                Ok(())
            }
        }
    }

    async fn respond_malformed(
        &self,
        event: &Value,
        cause: &Cause,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), ResponseError> {
        let to = ResponseAddress::of(event);
        // custom-resource queues no malformed request. Without an address no response is possible, and a redelivery
        // would have the same result.
        if !cause.is_failed_invocation || to.response_url.is_none() {
            tracing::error!("malformed dead letter dropped");
            return Ok(());
        }
        let reason = Reason::with_runbook(&cause.message, cause.runbook);
        let function = cause.function_name(&self.settings.deployment.project);
        let response = CfnResponse::failed(&to, PhysicalId::last_resort(event, &to), reason, &function);
        self.send_unrecorded(&response, &to, now_ms, deadline_ms).await
    }

    /// Sends a response to CloudFormation's own hosts, and records nothing.
    async fn send_unrecorded(
        &self,
        response: &CfnResponse,
        to: &ResponseAddress,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), ResponseError> {
        let within = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        match self.response_sender.send(response, to, &self.settings.response_hosts, within).await {
            Err(error) if error.is_retryable() => Err(error.into()),
            // Delivered, or impossible to deliver.
            _ => Ok(()),
        }
    }
}

/// Why the request in a dead letter has no response, as far as the dead letter contains the cause.
fn failure_cause(dead_letter: &str) -> Cause {
    let field = |part: &str, name: &str| {
        let part: Value = serde_json::from_str(member(dead_letter, part)?).ok()?;
        part.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let condition = field("requestContext", "condition");
    let is_failed_invocation = condition.is_some();
    let (message, function) = match (condition, field("responsePayload", "errorMessage")) {
        (Some(condition), Some(error)) => {
            (format!("Lambda stopped retrying the request ({condition}): {error}."), "custom-resource")
        }
        (Some(condition), None) => (
            format!("Lambda stopped retrying the request ({condition}) before a response was sent."),
            "custom-resource",
        ),
        (None, _) => {
            let message = "The request was processed as often as the request queue allows, and never completed.";
            (message.to_owned(), "reconciler")
        }
    };
    Cause { message, runbook: Runbook::RequestNotProcessed, function, is_failed_invocation }
}
