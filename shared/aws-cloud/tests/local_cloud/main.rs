//! The AWS side against the local cloud, through the SDK's own clients and the engine's own loop.
//!
//! What the emulators cannot show is said where it would be tested, and never worked around in the code under test:
//! - They know no client tokens, no read lag and no deletion in use, so nothing here proves those.
//! - What takes its time on AWS (NAT gateways, endpoints) is there at once, and gone at once.
//! - moto lets a subnet that one route table serves be associated with another, and keeps the first.

#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense, in its helpers too")]

mod buckets;
mod calls;
mod cloud;
mod differential;
mod drift;
mod fault_injection;
mod foreign;
mod group;
mod harness;
mod lifecycle;
mod monitoring;
mod network;
mod parts;
mod reads;
mod role_and_log_groups;
mod stacks;
