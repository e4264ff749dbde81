//! A pure evaluator of IAM's policy documents: it decides whether a request is allowed, as AWS documents the decision.
//!
//! Sources: IAM User Guide, "Policy evaluation for requests within a single account", "IAM JSON policy elements
//! reference", "Condition operators", "Set operators for multi-valued context keys" and "Variables and tags".
//!
//! An element, operator or condition key that the evaluator does not know is an error, and a request that depends on an
//! error is denied: a policy with a feature that is not simulated never allows more than on AWS.
//!
//! # Limits
//!
//! There is one account. Session policies, service control policies, `NotPrincipal`, and the operators for dates, binary
//! values and IP addresses are not supported.

mod arn;
mod condition;
mod context;
mod decision;
mod keys;
mod pattern;
mod policy;
mod principal;

pub use context::{Context, Value};
pub use decision::{Decision, Denial, Policies, Request};
pub use policy::{Effect, Policy, PolicyError};
pub use principal::Principal;

#[cfg(test)]
mod tests;
