//! What ended in the dead-letter queue of the line, or in the queue of the door's failed invocations.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use requests::records::{Note, OwnerRecord};
use requests::{PhysicalId, Records, Reply, ReplyAddress, Request};
use serde_json::Value;

use crate::{Marks, Watchdog};

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Answers each message's request, if nobody has; those that could not be answered come again.
    pub(crate) async fn letters(&self, batch: SqsEvent, now_ms: u64, deadline_ms: u64) -> SqsBatchResponse {
        let all = batch.records.into_iter().map(async |message| {
            let answered = self.letter(&message, now_ms, deadline_ms).await;
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

    async fn letter(&self, message: &SqsMessage, now_ms: u64, deadline_ms: u64) -> Result<(), String> {
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(mut letter) = serde_json::from_str::<Value>(body) else {
            // Nobody can be told, and it would say the same next time.
            tracing::error!(id = message.message_id, body = body.len(), "a letter that is no JSON is dropped");
            return Ok(());
        };
        let why = told(&letter);
        // Lambda's record of a failed invocation holds the event; the line's dead letter is the event.
        let event = match letter.get_mut("requestPayload") {
            Some(event) => event.take(),
            None => letter,
        };
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let Ok(request) = Request::read(&event, sent_ms.unwrap_or(now_ms)) else {
            return self.make_no_sense(&event, &why, now_ms, deadline_ms).await;
        };
        let owner = request.owner();
        let record = self.records.owner(&owner).await.map_err(|error| error.to_string())?;
        let record = record.unwrap_or_else(|| OwnerRecord::empty(&owner));
        if record.has_answered(&request.hash) {
            return Ok(());
        }
        let note = Note::of_request(&request);
        self.fail(&owner, &note, &record, &why, now_ms, deadline_ms).await.map_err(|error| error.to_string())
    }

    async fn make_no_sense(&self, event: &Value, why: &str, now_ms: u64, deadline_ms: u64) -> Result<(), String> {
        let to = ReplyAddress::of(event);
        let reply = Reply::failed(&to, PhysicalId::last_resort(event, &to), why);
        let within = std::time::Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        match self.courier.answer(&reply.body(), &to, &self.settings.reply_hosts, within).await {
            Err(error) if error.may_pass() => Err(error.to_string()),
            // Delivered, or never to be.
            _ => Ok(()),
        }
    }
}

/// Why a letter ended here, as far as it says so itself.
fn told(letter: &Value) -> String {
    let condition = letter.pointer("/requestContext/condition").and_then(Value::as_str);
    let error = letter.pointer("/responsePayload/errorMessage").and_then(Value::as_str);
    match (condition, error) {
        (Some(condition), Some(error)) => format!("The request was given up ({condition}): {error}."),
        (Some(condition), None) => format!("The request was given up ({condition}) before anybody could answer it."),
        (None, _) => String::from("The request was tried as often as the queue allows, and never came to an end."),
    }
}
