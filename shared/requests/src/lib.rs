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
//!   ([`ReplyAddress::of`]); a malformed event is described whole, not by its first fault ([`Malformed`]).
//! - A reply is at most 4,096 bytes, always parses, and copies the ids unchanged ([`Reply::body`]).
//! - A reply goes only to a host on the list, over https, and follows no redirect ([`ReplyUrl`], [`Courier`]). The
//!   `ResponseURL` is a bearer secret: no `Debug`, error or log line of this crate shows its path or query.
//! - The newest word wins, by one conditional write ([`Records::note`]); a name has one owner ([`Records::claim`]).
//! - Time enters as an argument, in milliseconds since the Unix epoch (fields end in `_ms`). Only the back-off of
//!   [`Courier`] sleeps, through tokio.
//!
//! # What it does not do
//!
//! It does not judge properties (`environment` does), and it does not read environment variables or clocks.
#![warn(missing_docs)]

mod answer;
mod deliver;
mod event;
mod letters;
mod line;
mod owner;
pub mod records;
mod reply;
mod reply_url;
mod request;
mod sendable;
mod text;

pub use answer::{Desk, time_text};
pub use deliver::{Courier, Delivered, NotDelivered, Why};
pub use event::{Event, Kind, MARGIN_MS, Malformed, ReplyAddress, URL_LIFETIME_MS, Violation, request_hash};
pub use letters::{LedgerQueue, Letters};
pub use line::{Line, LineError, SqsLine};
pub use owner::Owner;
pub use records::{Records, RecordsError};
pub use reply::{BadPhysicalId, MAX_BODY, PhysicalId, Reply, Status};
pub use reply_url::{AllowedHosts, BadHost, Refused, ReplyUrl};
pub use request::Request;
pub use text::{Unreadable, member, read_event};
