//! Fault injection, crashes, and out-of-order and duplicate delivery: all of Envkeeper in one process under virtual
//! time, with the effects of CloudFormation, Lambda, SQS and the network.
//!
//! `services` contains the services around the managed cloud, `fixture` all running parts, `lifecycle` the requests of
//! a stack and the verdict on their result, `responses` the checks of the responses, `rows` the campaign's rows, and
//! `rollout_times` the durations of rollouts for the bench.
#![expect(clippy::expect_used, reason = "a campaign stops when its own fixture is broken")]

mod fixture;
mod lifecycle;
mod responses;
pub mod rollout_times;
pub mod rows;
mod services;
mod urls;

pub use lifecycle::Verdict;
