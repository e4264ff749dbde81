//! What the tests of Envkeeper rely on in the simulator, with a host that starts everything it is told to.
#![allow(clippy::unwrap_used, reason = "a test stops where it finds nonsense")]

mod deleting;
mod events;
mod fleet;
mod groups;
mod health;
mod hooked;
mod host;
mod instances;
mod interruptions;
mod lifecycle;
mod policies;
mod time_outs;
