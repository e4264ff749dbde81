//! What is asked of Envkeeper and what is answered: CloudFormation's custom resource events, the reply, the way it
//! travels, and the records that remember who asked last.
//!
//! # Why it is a crate of its own
//!
//! The door, the reconciler and the watchdog all answer CloudFormation, and a mistake here costs a stack an hour of
//! waiting. So the protocol is written down once, apart from what an environment is: this crate knows nothing of VPCs,
//! and the `environment` crate knows nothing of events.
//!
//! # What it promises
//!
//! - An address for the answer can be taken out of **every** JSON object, before anything is judged
//!   ([`ResponseAddress::of`]); a malformed event is described whole, not by its first fault ([`Malformed`]).
//! - A reply is at most 4,096 bytes, always parses, and copies the ids unchanged ([`CfnResponse::body`]).
//! - A reply goes only to a host on the list, over https, and follows no redirect ([`ResponseUrl`], [`ResponseSender`]). The
//!   `ResponseURL` is a bearer secret: no `Debug`, error or log line of this crate shows its path or query.
//! - The newest word wins, by one conditional write ([`Records::record_request`]); a name has one owner ([`Records::claim`]).
//! - Time enters as an argument, in milliseconds since the Unix epoch (fields end in `_ms`). Only the back-off of
//!   [`ResponseSender`] sleeps, through tokio.
//!
//! # What it does not do
//!
//! It does not judge properties (`environment` does), and it does not read environment variables or clocks.
#![warn(missing_docs)]

mod deliver;
mod event;
mod owner;
mod queue_sender;
pub mod records;
mod request;
mod request_queue;
mod responder;
mod response;
mod response_url;
mod sendable;
mod text;

pub use deliver::{Delivered, NotDelivered, ResponseSender, Why};
pub use event::{Event, Kind, MARGIN_MS, Malformed, ResponseAddress, URL_LIFETIME_MS, Violation, request_hash};
pub use owner::Owner;
pub use queue_sender::{LedgerQueue, QueueSender};
pub use records::{Records, RecordsError};
pub use request::Request;
pub use request_queue::{QueueError, RequestQueue, SqsRequestQueue};
pub use responder::{Responder, time_text};
pub use response::{BadPhysicalId, CfnResponse, MAX_BODY, PhysicalId, Status};
pub use response_url::{AllowedHosts, BadHost, ResponseUrl, ResponseUrlError};
pub use text::{Unreadable, member, read_event};
