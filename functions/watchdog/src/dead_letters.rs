//! What ended in the dead-letter queue of the line, or in the queue of the door's failed invocations.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use requests::records::{LatestRequest, OwnerRecord};
use requests::{CfnResponse, PhysicalId, Records, Request, ResponseAddress, member, read_event};
use serde_json::Value;

use crate::{Marks, Watchdog};

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Answers each message's request, if nobody has; those that could not be answered come again.
    pub(crate) async fn dead_letters(&self, batch: SqsEvent, now_ms: u64, deadline_ms: u64) -> SqsBatchResponse {
        let all = batch.records.into_iter().map(async |message| {
            let answered = self.dead_letter(&message, now_ms, deadline_ms).await;
            (message, answered)
        });
        let mut response = SqsBatchResponse::default();
        for (message, answered) in join_all(all).await {
            if let Err(error) = answered {
                tracing::error!(id = message.message_id, error, "a request that failed is not answered yet");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    async fn dead_letter(&self, message: &SqsMessage, now_ms: u64, deadline_ms: u64) -> Result<(), String> {
        let body = message.body.as_deref().unwrap_or_default();
        let reason = told(body);
        // Lambda's record of a failed invocation holds the event; the line's dead letter is the event. The event is read by
        // itself, since the record around it makes it one level deeper.
        let text = member(body, "requestPayload").unwrap_or(body);
        let event = match read_event(text).or_else(|unreadable| unreadable.delete(now_ms)) {
            Ok(event) => event,
            Err(unreadable) => {
                let reason = format!("{reason} {unreadable}");
                return self.make_no_sense(&unreadable.rest, &reason, now_ms, deadline_ms).await;
            }
        };
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let Ok(request) = Request::read(&event, sent_ms.unwrap_or(now_ms)) else {
            return self.make_no_sense(&event, &reason, now_ms, deadline_ms).await;
        };
        let owner = request.owner();
        let record = self.records.owner(&owner).await.map_err(|error| error.to_string())?;
        let record = record.unwrap_or_else(|| OwnerRecord::empty(&owner));
        if record.has_responded(&request.hash) {
            return Ok(());
        }
        let latest_request = LatestRequest::of_request(&request);
        self.fail(&owner, &latest_request, &record, &reason, now_ms, deadline_ms)
            .await
            .map_err(|error| error.to_string())
    }

    async fn make_no_sense(&self, event: &Value, reason: &str, now_ms: u64, deadline_ms: u64) -> Result<(), String> {
        let to = ResponseAddress::of(event);
        if to.response_url.is_none() {
            // Nobody can be told, and it would say the same next time.
            tracing::error!(reason, "a letter without an address for the answer is dropped");
            return Ok(());
        }
        let reply = CfnResponse::failed(&to, PhysicalId::last_resort(event, &to), reason);
        let within = std::time::Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        match self.response_sender.response(&reply.body(), &to, &self.settings.response_hosts, within).await {
            Err(error) if error.is_retryable() => Err(error.to_string()),
            // Delivered, or never to be.
            _ => Ok(()),
        }
    }
}

/// Why a letter ended here, as far as it says so itself.
fn told(dead_letter: &str) -> String {
    let word = |part: &str, name: &str| {
        let part: Value = serde_json::from_str(member(dead_letter, part)?).ok()?;
        part.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    match (word("requestContext", "condition"), word("responsePayload", "errorMessage")) {
        (Some(condition), Some(error)) => format!("The request was given up ({condition}): {error}."),
        (Some(condition), None) => format!("The request was given up ({condition}) before anybody could answer it."),
        (None, _) => String::from("The request was tried as often as the queue allows, and never came to an end."),
    }
}
