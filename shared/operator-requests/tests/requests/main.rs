//! The tests of operator requests in one program: each program of tests costs its own compilation and link.

mod common;
mod doctor;
mod functions;
mod operator;
mod page;
mod rollout_requests;
mod rollouts;
mod status;
mod validate;
