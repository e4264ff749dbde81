//! The AWS side against moto 5.2.1, through the SDK's own clients and the engine's own loop.
//!
//! What moto cannot show is said where it would be tested, and never worked around in the code under test:
//! - It knows no client tokens, no read lag and no deletion in use, so nothing here proves those.
//! - A group's instances are gone the moment that it is drained, so nobody sees a group leaving.
//! - It lets a subnet that one route table serves be associated with another, and keeps the first.
//! - It makes a second group under the name of the first, and takes it for the first.

#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense, in its helpers too")]

mod calls;
mod differential;
mod drift;
mod emulator;
mod foreign;
mod lifecycle;
mod world;
