//! The tests of the function in one program: each program of tests costs its own compilation and link.

mod common;
mod deployment_limits;
mod envelopes;
mod facts;
mod handler;
mod protection;
mod reported_events;
mod reported_inputs;
mod request_queue;
mod runtime_headers;
mod secrets;
mod unreadable;
mod version;
