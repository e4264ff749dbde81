//! The in-memory cloud under virtual time: the second implementation of [`environment::Cloud`].
//!
//! This cloud enforces the rules of the real services that the decisions of `environment` depend on (`rules`, each with
//! its fact). Reads show a change only after a stated lag. A repeated create without a client token creates a second
//! resource. Any call can be lost, rejected or cut off. Time moves only when every future waits, so an hour takes
//! milliseconds and every run of a scenario is the same.

#![warn(missing_docs)]
#![expect(clippy::expect_used, reason = "an invalid request by a test stops the test")]

mod clock;
mod dependencies;
mod groups;
mod quotas;
mod reads;
mod rollouts;
mod rules;
mod session;
mod state;

pub use clock::Clock;
pub use quotas::{AccountQuota, Counted};
pub use session::Session;
pub use state::{Fault, LaunchOutcome, MemoryAccount};
