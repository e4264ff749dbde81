//! The protocol between CloudFormation and Envkeeper: custom resource events, the response, its delivery, and the records
//! of the latest request of each owner.
//!
//! # Why this is a separate crate
//!
//! The functions custom-resource, reconciler and watchdog all respond to CloudFormation, and a mistake here costs a stack
//! an hour of waiting. So the protocol is implemented once, separate from the definition of an environment: this crate does
//! not know VPCs, and the `environment` crate does not know events.
//!
//! # Guarantees
//!
//! - The address of the response can be read from **every** JSON object, before the event is validated
//!   ([`ResponseAddress::of`]); a malformed event is described with all of its faults, not only the first ([`Malformed`]).
//! - A response has at most 4,096 bytes, always parses, and copies the ids unchanged ([`CfnResponse::body`]).
//! - A response is sent only to a host on the list, over https, and redirects are not followed ([`ResponseUrl`],
//!   [`ResponseSender`]). The `ResponseURL` is a bearer secret: no `Debug`, error or log line of this crate shows its path
//!   or query.
//! - The latest request wins, by one conditional write ([`Records::record_request`]); an environment has one owner
//!   ([`Records::claim`]).
//! - Time is an argument, in milliseconds since the Unix epoch (fields end in `_ms`). Only the back-off of
//!   [`ResponseSender`] sleeps, through tokio.
//!
//! # Limits
//!
//! This crate does not validate properties (`environment` does), and reads neither environment variables nor clocks.
#![warn(missing_docs)]

mod deliver;
mod due;
mod envelope;
mod event;
mod event_publisher;
mod hex;
mod owner;
mod queue_sender;
pub mod records;
mod request;
mod request_queue;
mod responder;
mod response;
mod response_url;
mod sqs_text;
mod text;

pub use deliver::{Delivery, DeliveryError, DeliveryFailure, ResponseSender};
pub use due::{
    DueError, DueReason, DueSender, InvalidDue, RolloutRequest, due_passes_at_once, read_due_message, send_oldest_due,
};
pub use envelope::enveloped_requests;
pub use event::{Event, Kind, MARGIN_MS, Malformed, ResponseAddress, URL_LIFETIME_MS, Violation, request_hash};
pub use event_publisher::{EventBus, EventPublisher};
pub use owner::Owner;
pub use queue_sender::QueueSender;
pub use records::{Records, RecordsError};
pub use request::Request;
pub use request_queue::{QueueError, RequestQueue, SqsRequestQueue};
pub use responder::{Responder, time_text};
pub use response::{BadPhysicalId, CfnResponse, MAX_BODY, PhysicalId, Reason, Runbook, Status};
pub use response_url::{AllowedHosts, BadHost, ResponseUrl, ResponseUrlError};
pub use text::{UnreadableEvent, member, read_event};
