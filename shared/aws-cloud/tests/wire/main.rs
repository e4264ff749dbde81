//! What goes over the wire, and what is made of answers that no emulator gives.

#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense, in its helpers too")]

mod alarms;
mod denied;
mod emptying;
mod in_use;
mod lost_responses;
mod remediations;
mod service;
mod stacks;
