//! `version`: the versions of the command line and of the deployment.

use serde_json::json;

use crate::exit::Exit;
use crate::report::{Failure, Report};
use crate::style::{Line, Tone};

/// The version of the command line.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// `version`. `deployed` is the version that the function reported. Differing versions differ; a deployment without an answer
/// does not hide the command line's own version.
#[must_use]
pub fn version(deployed: Result<Option<String>, Failure>) -> Report {
    let mut screen = vec![Line::plain(format!("envkeeper {OWN}"))];
    let (exit, deployed, error) = match deployed {
        Ok(Some(deployed)) if deployed == OWN => (Exit::Settled, Some(deployed), None),
        Ok(deployed) => (Exit::Differs, deployed, None),
        Err(failure) => (failure.exit, None, Some(failure)),
    };
    match (&deployed, &error) {
        (Some(deployed), _) => screen.push(Line::plain(format!("deployment {deployed}"))),
        (None, None) => screen.push(Line::of(Tone::Notice, "The deployment reports no version.")),
        (None, Some(failure)) => screen.extend(Report::from(failure.clone()).screen),
    }
    if exit == Exit::Differs {
        screen.push(Line::of(Tone::Notice, "The versions differ: requests and results may not match."));
        screen.push(Line::plain("next: update the older of both, as OPERATIONS.md describes under \"Upgrade\""));
    }
    let result = json!({ "Version": OWN, "Deployed": deployed, "Error": error.map(|it| it.message) });
    Report { screen, result, exit }
}
