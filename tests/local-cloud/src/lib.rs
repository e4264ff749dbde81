//! AWS for this project on a laptop and in CI, without an account and without Docker.
//!
//! Two emulators that know different services run behind one router. The router reads the service
//! out of each request's signature, hands the request to the emulator that knows it, and notes the
//! call. What neither emulator knows is answered here. What this proves, and what it does not, is in
//! the README beside this crate.

pub mod alarms;
pub mod auto_scaling;
pub mod control;
pub mod ec2;
pub mod element;
pub mod emf;
pub mod emulators;
pub mod event_bridge;
pub mod exports;
pub mod fault_response;
pub mod faults;
pub mod form;
pub mod truncated_body;
pub mod http;
pub mod instances;
pub mod latency;
pub mod ministack;
pub mod operation;
pub mod policies;
pub mod recorder;
pub mod records_table;
pub mod responses;
pub mod router;
pub mod saved_queries;
pub mod scope;

/// The region in which the local cloud is used: what the exports name, and what the emulators take
/// for requests that carry no signature.
pub const REGION: &str = "us-west-2";
