//! The requests on the wire, and the handling of responses that no emulator returns.

#![allow(clippy::expect_used, reason = "a test fails at unexpected data, in its helpers too")]

mod account;
mod alarms;
mod bounds;
mod buckets;
mod denied;
mod emptying;
mod facts;
mod in_use;
mod lost_responses;
mod remediations;
mod rollouts;
mod samples;
mod second_looks;
mod service;
mod stacks;
