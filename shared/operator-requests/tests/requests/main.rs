//! The tests of operator requests in one program: each program of tests costs its own compilation and link.

mod common;
mod doctor;
mod environments;
mod functions;
mod ledger;
mod operator;
mod page;
mod repairs;
mod rollout_requests;
mod rollouts;
mod status;
mod validate;
