//! The timeline of an environment as a custom widget of CloudWatch dashboards: HTML with the picture of
//! `ledger::timeline` and its table.
//!
//! The function reads the environment's scaling log group and nothing else, and writes nothing. `parameters` reads the
//! event, `entries` the log group through the seam `logs`, whose implementation is `aws`; `settings` reads the variables.
//!
//! # Guarantees
//!
//! - An invalid parameter results in a widget with a sentence that names the parameter, its value and the valid form.
//! - A read is bounded (`entries`). A part of a range is drawn up to its last entry, and the widget says so.
//! - A call that fails fails the invocation, as `Envkeeper.AwsCallFailed`: the dashboard shows its text.

#![warn(missing_docs)]

pub mod aws;
mod entries;
pub mod logs;
mod parameters;
mod settings;

pub use settings::Settings;

use environment::Deployment;
use lambda_kit::{Error, Failure, FailureKind};
use ledger::timeline::{Range, paragraph, part};
use serde_json::{Value, json};

use entries::Reading;
use logs::{LogApi, LogError};
use parameters::{Parameters, is_description};

/// The documentation of the parameters, which the console shows while the widget is edited.
const DESCRIPTION: &str = include_str!("description.md");

/// The function's configuration and port.
#[derive(Debug)]
pub struct Timeline<L> {
    /// The deployment, to which the environments belong.
    pub deployment: Deployment,
    /// The log groups of the account.
    pub logs: L,
}

impl<L: LogApi> Timeline<L> {
    /// The widget for an event: a text of HTML, or for `describe` an object with Markdown.
    ///
    /// # Errors
    /// Fails if a call to CloudWatch Logs fails.
    pub async fn handle(&self, event: &Value) -> Result<Value, Error> {
        if is_description(event) {
            return Ok(json!({ "markdown": DESCRIPTION }));
        }
        let parameters = match Parameters::read(event, &self.deployment, self.logs.now_ms()) {
            Ok(parameters) => parameters,
            Err(invalid) => return Ok(paragraph(&invalid.to_string()).into()),
        };
        let group = parameters.names.scaling_log_group().name;
        match entries::read(&self.logs, &group, parameters.range).await {
            Ok(reading) => Ok(widget(&parameters, &reading).into()),
            Err(LogError::NoLogGroup) => {
                let id = parameters.names.environment_id();
                let text = format!("{id} has no ledger: the log group {group} does not exist.");
                Ok(paragraph(&text).into())
            }
            Err(LogError::Call(error)) => Err(Failure::new(FailureKind::AwsCallFailed, error.to_string()).into()),
        }
    }
}

/// The sentences about the picture, and the picture.
fn widget(parameters: &Parameters, reading: &Reading) -> String {
    let Parameters { range, size, theme, ids, unknown, .. } = parameters;
    let ended = reading.ended_ms.and_then(|until_ms| range.until(until_ms));
    let cut = reading.ended_ms.map(|_| match ended {
        Some(_) => "The range has more entries than a picture reads, so it ends earlier. Select a shorter range.",
        None => "The range has more entries than a picture reads; only the oldest are drawn. Select a shorter range.",
    });
    let notes: String = unknown.iter().map(String::as_str).chain(cut).map(paragraph).collect();
    let range: Range = ended.unwrap_or(*range);
    notes + &part(&reading.entries, range, *size, *theme, ids)
}
