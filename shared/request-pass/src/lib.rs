//! The pass over one request, which changes environments: shared by the functions that process requests.
//!
//! The function `reconciler` runs a pass for each message of the request queue. The functions `custom-resource` and
//! `operator` admit requests before they queue them, and run the passes themselves if the deployment has no request queue.
//!
//! A request has as many passes as it needs. A pass ends with the response to CloudFormation, or the request is requeued
//! for a short delay. Before each wave of calls the pass checks whether a newer request exists.
//!
//! The modules: `request_handler` (receives a request, and responds), `pass` (one pass: Create, Update, Delete, Repair), `admitted_spec`
//! (the checked spec of a request), `repair` (the request that corrects drift), `rolling` (the rollout of a request), `rollout` (the
//! rollout of any pass), `due_pass` (a pass without a request), `protection` (the limits of a Delete), `recorded` (the
//! interpretation of a record), `facts` (the facts that decide whether a request can succeed), `preflight` (the limits of the account
//! that decide it too), `cloud_factory` (the account that the passes work on), `pass_error` (the errors that end
//! a pass), `response` (the response that ends a request), `request_events` (the progress of requests, for the ledger), `settings`.

#![warn(missing_docs)]

mod admitted_spec;
mod cloud_factory;
mod converge;
mod due_pass;
mod facts;
mod journal;
mod pass;
mod pass_error;
mod preflight;
mod protection;
mod recorded;
mod repair;
mod request_events;
mod request_handler;
mod response;
mod rolling;
mod rollout;
mod settings;

pub use admitted_spec::{AdmittedSpec, admitted_spec};
pub use cloud_factory::{Aws, CloudFactory, StackState};
pub use due_pass::{DueOutcome, DuePass};
pub use facts::{read_facts, violated_facts};
pub use pass::{
    AdmittedRequest, MAX_NAMED_VIOLATIONS, PassOutcome, RequestPass, TRANSIENT_REQUEUE, describe_violations,
    work_deadline,
};
pub use pass_error::{PassError, superseded_reason};
pub use preflight::plan_findings;
pub use recorded::{
    is_protected, next_progress, open_since, recorded_image, recorded_proofs, recorded_rollout, recorded_spec,
    retired_tags, scope,
};
pub use repair::{RepairRefusal, pending_repair, repair_event, repairable};
pub use request_events::publish_accepted;
pub use request_handler::RequestHandler;
pub use settings::Settings;
