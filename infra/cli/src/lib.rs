//! The command line of Envkeeper: arguments → verb → report → exit code.
//!
//! `run` makes the calls of a verb through the seam [`service::Service`], and prints its report. The files of `verbs` turn
//! results into reports, and make no call.
//!
//! # Guarantees
//!
//! - Reading verbs invoke only the function `<project>-operator-read` and read log groups; changing verbs invoke
//!   `<project>-operator`, after a question or with `--yes`.
//! - With `--json` the output is one document ([`report::document`]), also for an error; `watch` prints one for each refresh.
//! - Each error names the next command.
//!
//! # Limits
//!
//! The command line has no state of its own, and writes no file but that of `timeline --output`.
#![warn(missing_docs)]

pub mod arguments;
pub mod aws;
pub mod console;
pub mod exit;
pub mod report;
pub mod run;
pub mod service;
pub mod session;
pub mod since;
pub mod style;
pub mod template;
pub mod verbs;
pub mod yaml;
