//! The command line in one program: each verb with recorded results, without a network.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first unexpected value")]

mod changing;
mod fixture;
mod history;
mod page;
mod process;
mod reading;
mod templates;
mod watching;
