//! Start-up, configuration and logging of a function: everything that every `main.rs` needs, and nothing else.
//!
//! `examples/echo.rs` is a complete `main.rs`.
//!
//! The tokio runtime belongs to `main`: `#[tokio::main(flavor = "current_thread")]`, because Lambda sends one
//! invocation at a time.
//!
//! # Guarantees
//!
//! - A log line is one JSON object on stderr. At no level do the libraries below log requests and bodies: these contain
//!   `ResponseURL`s, which are secrets.
//! - Settings are read once. All invalid settings are reported together, each with the variable, its value and the
//!   valid form.
//! - Every call to AWS ends: after 10 s for an attempt, after 25 s for all attempts.
//! - A failed invocation reports one of the names below.
//!
//! # Failed invocations
//!
//! The error of a failed invocation has one of these values as `errorType`, and a text for operators as `errorMessage`.
//! Both are in Lambda's response, in the record of a failed asynchronous invocation, and in the function's log. The
//! names are stable; a handler's error gets its name from [`Failure`] or by its type ([`ReportAs`]).
//!
//! | `errorType` | meaning |
//! |---|---|
//! | `Envkeeper.InvalidEvent` | The function does not accept the event. A retry fails again. |
//! | `Envkeeper.RecordsUnavailable` | A call to the records table failed: it is throttled, missing, or the role may not use it. |
//! | `Envkeeper.QueueUnavailable` | A message could not be sent to a queue. |
//! | `Envkeeper.ResponseNotDelivered` | CloudFormation's response URL did not accept the response. |
//! | `Envkeeper.AwsCallFailed` | Another call to AWS failed. The message names the call. |
//! | `Envkeeper.StaleObservation` | AWS returned an older state than the event reported. A retry observes again. |
//! | `Envkeeper.Panic` | The handler panicked: a defect. The log contains the place in the source. |
//! | `Envkeeper.Unhandled` | Any other error. |
//!
//! Lambda itself names the failures that the process cannot report, such as `Runtime.ExitError` if the process ends
//! (for example at the start, because a setting is invalid) and `Sandbox.Timedout`. An event that is not JSON has the
//! type of `lambda_runtime`'s error, but Lambda's Invoke API rejects such an event before it invokes the function.
#![warn(missing_docs)]

mod aws_call_error;
pub mod aws_texts;
mod failure;
mod invocation;
mod logging;
mod sdk;
mod vars;

pub use aws_call_error::AwsCallError;
pub use environment::Deployment;
pub use failure::{Failure, FailureKind, ReportAs};
pub use invocation::{Error, Invocation, check_batch, now_ms, run, run_text, sent_ms};
pub use logging::init_logging;
pub use sdk::{Lazy, sdk_config};
pub use vars::{InvalidSetting, InvalidSettings, Vars, env_var};
