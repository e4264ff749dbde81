//! The AWS side against the local cloud, through the SDK's own clients and the engine's own loop.
//!
//! The tests state the limits of the emulators, and the code under test never works around them:
//! - They ignore client tokens, have no read lag, and delete resources in use, so these tests prove none of the three.
//! - Resources that AWS creates and deletes slowly (NAT gateways, endpoints) exist at once, and are deleted at once.
//! - moto allows a second association of a subnet that a route table serves, and keeps the first.

#![allow(clippy::expect_used, reason = "a test fails at unexpected data, in its helpers too")]

mod account;
mod bounds;
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
mod planted_versions;
mod reads;
mod role_and_log_groups;
mod rollouts;
mod stacks;
