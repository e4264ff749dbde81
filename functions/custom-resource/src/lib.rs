//! The door: takes a request, checks it, and sees to it that it is answered.
//!
//! `CloudFormation` waits for an answer for up to an hour, so everything here is arranged around giving one: the address
//! of the answer is taken out of the event before anything is judged, and whatever happens after that, a panic included,
//! ends in a reply, or in the line of requests, from where the reconciler replies. Without a line the door carries the
//! request out itself. A person's request comes by direct invocation and is answered in its result.
//!
//! The files: `handler` (one answer, whatever happens), `people` (plan, status, drift, unlock, delete). What a request comes
//! to is the `reconciler`'s.

#![warn(missing_docs)]

mod handler;
mod operator;

pub use handler::RequestHandler;
