//! Start-up, configuration and logging of a function: what every `main.rs` needs, and nothing else.
//!
//! `examples/echo.rs` is a whole `main.rs`.
//!
//! The tokio runtime is `main`'s: `#[tokio::main(flavor = "current_thread")]`, since one invocation at a time is what
//! Lambda sends.
//!
//! # What it promises
//!
//! - A log line is one JSON object on stderr. At no level do the libraries beneath log requests and bodies: among these are
//!   `ResponseURL`s, which are secrets.
//! - Settings are read once, and every fault in them is describe_error at once, with the variable, its value and what is valid.
//! - Every call to AWS ends: 10 s for an attempt, 25 s for all of them.
#![warn(missing_docs)]

mod invocation;
mod logging;
mod sdk;
mod vars;

pub use environment::Deployment;
pub use invocation::{Error, Invocation, now_ms, run, run_text, sent_ms};
pub use logging::init_logging;
pub use sdk::{Lazy, describe_error, sdk_config};
pub use vars::{BadSetting, BadSettings, Vars, environment};
