//! The outcome of a verb: a screen for people, a document for programs, and the exit code.

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::service::ServiceError;
use crate::style::{Line, Tone};

/// The version of the document that `--json` prints. A new field does not change it; a removed field, or a field with a
/// new meaning, increments it.
pub const SCHEMA: u32 = 1;

/// The outcome of a verb.
#[derive(Clone, Debug)]
pub struct Report {
    /// The screen.
    pub screen: Vec<Line>,
    /// The field `result` of the document.
    pub result: Value,
    /// The exit code.
    pub exit: Exit,
}

/// An error of a verb, with the command that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The error, as sentences.
    pub message: String,
    /// The next command, or the next step.
    pub next: String,
}

impl Failure {
    /// An error, and the next command.
    pub fn new(exit: Exit, message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), next: next.into() }
    }

    /// Wrong use of the command line.
    pub fn usage(message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message, next)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Failure {
        Failure::new(error.exit(), error.to_string(), error.next_step())
    }
}

impl From<Failure> for Report {
    fn from(Failure { exit, message, next }: Failure) -> Report {
        let screen = vec![Line::of(Tone::Bad, format!("error: {message}")), Line::plain(format!("next: {next}"))];
        Report { screen, result: json!({ "Error": message, "Next": next }), exit }
    }
}

/// The document of `--json`: one line.
#[must_use]
pub fn document(verb: &str, report: &Report) -> String {
    json!({ "schema": SCHEMA, "verb": verb, "exit": report.exit.code(), "result": report.result }).to_string()
}
