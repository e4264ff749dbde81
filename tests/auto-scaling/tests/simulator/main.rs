//! The simulator's contract with the tests of Envkeeper, with a host that starts every requested instance.
#![allow(clippy::unwrap_used, reason = "a test stops at an unexpected value")]

mod deleting;
mod events;
mod fleet;
mod groups;
mod health;
mod hooked;
mod host;
mod instances;
mod interruptions;
mod latencies;
mod lifecycle;
mod policies;
mod processes;
mod refresh_alarms;
mod refresh_batches;
mod refresh_ends;
mod refresh_of_one;
mod refresh_rules;
mod refresh_schedules;
mod refreshed;
mod standby;
mod time_outs;
mod warm_pools;
