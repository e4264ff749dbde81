//! AWS for this project on a laptop and in CI, without an account and without Docker.
//!
//! Two emulators that support different services run behind one router. The router reads the service
//! from each request's signature, forwards the request to the emulator that supports the service, and
//! records the call. The local cloud itself responds to calls that neither emulator supports. The README
//! of this crate lists the proven and the unproven behaviour.

pub mod alarms;
pub mod auto_scaling;
pub mod cbor;
pub mod control;
pub mod ec2;
pub mod ec2_additions;
pub mod ec2_catalog;
pub mod ec2_gaps;
pub mod element;
pub mod emf;
pub mod emulators;
pub mod event_bridge;
pub mod exchange;
pub mod exports;
pub mod fault_response;
pub mod faults;
pub mod form;
pub mod http;
pub mod iam;
pub mod instances;
pub mod latency;
pub mod message_moves;
pub mod ministack;
pub mod operation;
pub mod policies;
pub mod recorder;
pub mod records_table;
pub mod rejections;
pub mod responses;
pub mod router;
pub mod saved_queries;
pub mod scope;
pub mod service_quotas;
pub mod truncated_body;

/// The region of the local cloud: the exports name this region, and the emulators assume it for
/// requests without a signature.
pub const REGION: &str = "us-west-2";
