//! The timeline: its pictures, its page, and the facts that both show.
#![allow(clippy::unwrap_used, reason = "a test stops at the first unexpected value")]

mod folding;
mod hostile;
mod instances;
mod ledgers;
mod pictures;
mod reading;
