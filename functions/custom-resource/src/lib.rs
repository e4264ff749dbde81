//! The function `custom-resource`: receives a request, checks it, and guarantees a response.
//!
//! `CloudFormation` waits for a response for up to an hour, so this crate is built around sending one. The response
//! address is read from the event before any check. Every later outcome, a panic included, ends in a response, or in
//! the request queue, from where the reconciler responds. Without a request queue the function processes the request
//! itself. An operator request comes by direct invocation, and the response is the invocation's result.
//!
//! The modules: `handler` (exactly one response to each request), `operator` (plan, drift, unlock, delete), `status`,
//! `rollout_report` (the rollout in their results), `rollout_operation` (roll, rollback, cancel, hold, release),
//! `adoption` (allow-adoption), `operator_error` (their errors). The crate `request-pass` has the pass over one request.

#![warn(missing_docs)]

mod adoption;
mod handler;
mod operator;
mod operator_error;
mod rollout_operation;
mod rollout_report;
mod status;

pub use handler::RequestHandler;
