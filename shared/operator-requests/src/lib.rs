//! Operator requests by direct invocation: the functions `operator-read` and `operator`.
//!
//! An event is `{"Request": <name>, …}`. The result is JSON for programs; the key `Text` is for operators, and `Error` replaces
//! all others. One table ([`REQUESTS`]) has every request, and whether it reads or changes: the function `operator-read`
//! performs the reading ones ([`handle_read_request`]), the function `operator` all of them ([`handle_request`]). Neither
//! takes an event of CloudFormation, or a message of SNS or SQS.
//!
//! The reading requests observe the cloud themselves, and write nothing. Of the changing ones, a delete is processed like every
//! request of CloudFormation, a due pass performs those about the rollout, and the others write one item or tag.
//!
//! The modules: `table` (all requests), `event` (an event as a request), `handle` (what each function performs), `request`
//! (plan, drift, unlock, delete), `status`, `rollout_report` (the rollout in their results), `account_report` (the account's room
//! for a plan), `validate`, `list`, `inventory`, `doctor`, `repair`,
//! `rollout_operation` (roll, rollback, cancel, hold, release), `adoption` (allow-adoption), `error`.

#![warn(missing_docs)]

mod account_report;
mod adoption;
mod doctor;
mod error;
mod event;
mod handle;
mod inventory;
mod list;
mod repair;
mod request;
mod rollout_operation;
mod rollout_report;
mod status;
mod table;
mod validate;

pub use handle::{handle_read_request, handle_request};
pub use table::{ChangeRequest, Form, REQUESTS, ReadRequest, RequestKind, RequestRow};
