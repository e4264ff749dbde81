//! Publishes Envkeeper's own events: to the event bus of the deployment, from which rules deliver them to the ledger's queue
//! and to the queues and topics of operators.
//!
//! The bus is one more service that may fail, and the ledger must not lack an event for that reason. An event that the bus
//! does not accept is therefore sent to the ledger's queue directly; only the operators' rules miss it.

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::DisplayErrorContext;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

use crate::sqs_text::escape_rejected;
use crate::{QueueError, QueueSender};

/// The time for all attempts to put one event: 5 s. EventBridge responds within milliseconds; a function that waited for the
/// SDK's own limit of 25 s twice, for the bus and for the queue, could time out before the event is queued.
const BUS_TIMEOUT: Duration = Duration::from_secs(5);

/// The wait before the one repetition of an entry that EventBridge rejected for a transient reason. The SDK repeats failed
/// calls itself, but a call with a rejected entry is successful.
const ENTRY_RETRY_AFTER: Duration = Duration::from_millis(200);

/// The largest entry that every region accepts, in bytes (EventBridge user guide, "Calculating PutEvents event entry size").
/// The size counts the time as 14 bytes, and source, detail type and detail with their own lengths.
const LONGEST_ENTRY: usize = 256 * 1_024;
const TIME_BYTES: usize = 14;

/// The error codes of entries that may be accepted later (EventBridge API reference, `PutEventsResultEntry`).
const RETRYABLE: [&str; 2] = ["InternalFailure", "ThrottlingException"];

/// The event bus of the deployment, by its name.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
}

/// Publishes events: to the bus, or to the ledger's queue. Without a queue nothing is published.
#[derive(Clone, Debug, Default)]
pub struct EventPublisher {
    bus: Option<EventBus>,
    queue: Option<QueueSender>,
}

impl EventPublisher {
    /// A publisher to this bus, if there is one, and to the ledger's queue for the events that the bus does not accept.
    #[must_use]
    pub fn new(bus: Option<EventBus>, queue: Option<QueueSender>) -> EventPublisher {
        EventPublisher { bus, queue }
    }

    /// Publishes an event in the shape of EventBridge. An event whose acceptance is unknown is sent to the queue too: both
    /// have the same `EventId` in their detail, and the ledger counts it once.
    ///
    /// # Errors
    /// Those of [`QueueSender::send`], for an event that the bus did not accept.
    pub async fn publish(&self, event: &Value) -> Result<(), QueueError> {
        let Some(queue) = &self.queue else { return Ok(()) };
        if let Some(bus) = &self.bus {
            match bus.put(event).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(bus = bus.name, %error, "event bus put failed, event queued"),
            }
        }
        queue.send(&event.to_string()).await
    }
}

/// The reason why the bus did not accept an event, or may not have.
#[derive(Debug, thiserror::Error)]
enum PutError {
    /// The event has a missing or unreadable field.
    #[error("the event has no {0}")]
    Unreadable(&'static str),
    #[error("the event has {0} bytes, more than the {LONGEST_ENTRY} that EventBridge accepts")]
    TooLong(usize),
    #[error("{0}")]
    CallFailed(String),
    #[error("no response within {} s", BUS_TIMEOUT.as_secs())]
    TimedOut,
    #[error("EventBridge rejected the event: {code}: {message}")]
    Rejected { code: String, message: String },
}

impl PutError {
    fn is_retryable(&self) -> bool {
        matches!(self, PutError::Rejected { code, .. } if RETRYABLE.contains(&code.as_str()))
    }
}

impl EventBus {
    /// The bus with this name in the client's account and region.
    pub fn new(client: Client, name: impl Into<String>) -> EventBus {
        EventBus { client, name: name.into() }
    }

    /// Puts one event, within [`BUS_TIMEOUT`].
    async fn put(&self, event: &Value) -> Result<(), PutError> {
        let entry = self.entry(event)?;
        let attempts = async {
            match self.put_entry(entry.clone()).await {
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(ENTRY_RETRY_AFTER).await;
                    self.put_entry(entry).await
                }
                result => result,
            }
        };
        tokio::time::timeout(BUS_TIMEOUT, attempts).await.unwrap_or(Err(PutError::TimedOut))
    }

    async fn put_entry(&self, entry: PutEventsRequestEntry) -> Result<(), PutError> {
        let response = self.client.put_events().entries(entry).send().await;
        let response = response.map_err(|error| PutError::CallFailed(DisplayErrorContext(error).to_string()))?;
        if response.failed_entry_count() == 0 {
            return Ok(());
        }
        let rejected = response.entries().first();
        let text =
            |of: fn(&PutEventsResultEntry) -> Option<&str>| rejected.and_then(of).unwrap_or("unknown").to_owned();
        let (code, message) = (text(PutEventsResultEntry::error_code), text(PutEventsResultEntry::error_message));
        Err(PutError::Rejected { code, message })
    }

    fn entry(&self, event: &Value) -> Result<PutEventsRequestEntry, PutError> {
        let text = |name: &'static str| event.get(name).and_then(Value::as_str).ok_or(PutError::Unreadable(name));
        let (source, detail_type) = (text("source")?, text("detail-type")?);
        let time = DateTime::from_str(text("time")?, Format::DateTime).map_err(|_| PutError::Unreadable("time"))?;
        let detail = event.get("detail").ok_or(PutError::Unreadable("detail"))?.to_string();
        // A rule delivers the detail to a queue, which rejects some characters.
        let detail = escape_rejected(&detail);
        let bytes = TIME_BYTES + source.len() + detail_type.len() + detail.len();
        if bytes > LONGEST_ENTRY {
            return Err(PutError::TooLong(bytes));
        }
        let entry = PutEventsRequestEntry::builder().event_bus_name(&self.name).source(source).detail_type(detail_type);
        Ok(entry.detail(detail).time(time).build())
    }
}
