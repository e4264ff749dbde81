//! A cloud in memory, under virtual time: the second implementation of [`environment::Cloud`].
//!
//! It enforces the rules of the real services that the decisions of `environment` hang on (`rules`, each with its fact),
//! shows what happens only after a stated lag, gives a create without a token twice if it is asked twice, and can lose,
//! refuse or cut off any call. Time moves only when everything waits, so an hour takes milliseconds and every run of a
//! scenario is the same.

#![warn(missing_docs)]
#![expect(clippy::expect_used, reason = "a test's cloud stops the test when the test asks for nonsense")]

mod clock;
mod groups;
mod dependencies;
mod rules;
mod session;
mod state;

pub use clock::Clock;
pub use session::Session;
pub use state::{Fault, MemoryAccount};
