//! The door: takes a request, carries it out, and answers it, always and once.
//!
//! `CloudFormation` waits for an answer for up to an hour, so everything here is arranged around giving one: the address
//! of the answer is taken out of the event before anything is judged, and whatever happens after that, a panic included,
//! ends in a reply. A person's request comes by direct invocation and is answered in its result.
//!
//! The files: `door` (one answer, whatever happens), `carry_out` (create, update, delete), `people` (plan), `clouds`
//! (where the work is done), `settings`.

mod carry_out;
mod clouds;
mod door;
mod people;
mod settings;

pub use clouds::{Aws, Clouds};
pub use door::Door;
pub use settings::Settings;
