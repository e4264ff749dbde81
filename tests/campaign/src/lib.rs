//! Faults, crashes and disorder: the whole of Envkeeper in one process under virtual time, and what CloudFormation,
//! Lambda, SQS and the network do to it.
//!
//! `outer` holds the services around the managed cloud, `fixture` all that moves, `life` what a stack asks of an
//! environment and how it is judged, `answered` what it was told, and `rows` the campaign's rows.
#![expect(clippy::expect_used, reason = "a campaign stops where its own stage is broken")]

mod fixture;
mod life;
mod outer;
mod responses;
pub mod rows;
mod urls;

pub use life::Verdict;
