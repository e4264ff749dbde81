//! The function `custom-resource`: receives a request of CloudFormation, checks it, and guarantees a response.
//!
//! `CloudFormation` waits for a response for up to an hour, so this crate is built around sending one. The response
//! address is read from the event before any check. Every later outcome, a panic included, ends in a response, or in
//! the request queue, from where the reconciler responds. Without a request queue the function processes the request
//! itself. Operator requests have functions of their own, `operator` and `operator-read`.
//!
//! The module `handler` reads the events. The crate `request-pass` has the request handler and the pass over one request.

#![warn(missing_docs)]

mod handler;

pub use handler::handle;
