//! The only function that changes environments. The reconciler receives requests from the request queue, and reconciles
//! them in passes; it also runs due passes, and performs the actions of alarm rules.
//!
//! The modules: `batch` (messages and their outcomes), `due` (due passes), `remediation` (the actions of alarm rules),
//! `remediation_outcome` (their outcomes), `settings`. The crate `request-pass` has the pass over one request, and the due
//! pass.

#![warn(missing_docs)]

mod batch;
mod due;
mod remediation;
mod remediation_outcome;
mod settings;

pub use remediation_outcome::RemediationOutcome;
pub use settings::Settings;

use requests::ResponseSender;

/// The parts of the function.
#[derive(Debug)]
pub struct Reconciler<'a, R, C> {
    /// The function's settings.
    pub settings: &'a Settings,
    /// The owners' records: the latest request, the desired spec, the settled spec.
    pub records: &'a R,
    /// The account that the passes work on.
    pub cloud_factory: &'a C,
    /// Sends responses to `CloudFormation`.
    pub response_sender: &'a ResponseSender,
}
