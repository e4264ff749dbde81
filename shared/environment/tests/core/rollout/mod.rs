//! Rollouts: the table, its invariants, and a model of Auto Scaling that plays it to the end.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

mod answers;
mod automaton;
mod begun;
mod calls;
mod fixture;
mod hold;
mod invariants;
mod ownership;
mod properties;
mod prune;
mod summary;
mod table;
mod versions;
