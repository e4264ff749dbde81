//! SSM: what is run on an instance. A command is found again by its comment, so nobody has to remember its id.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey, CommandInvocationStatus};
use environment::hook_settings::DRAIN_SCRIPT;
use lambda_kit::describe_error;
use requests::time_text;

use super::shown;
use crate::cloud::HookCallOutcome;
use crate::facts::Command;

const DOCUMENT: &str = "AWS-RunShellScript";
const DRAIN: &str = "envkeeper drain";
const EVIDENCE: &str = "envkeeper evidence";

/// How long a command may take to reach its instance; SSM takes 30 s at least.
const DELIVERY_S: i32 = 60;
/// The bounds of a command's own time (the document's parameter), in seconds.
const LEAST_S: u64 = 5;
const MOST_S: u64 = 172_800;

/// How long evidence is waited for, and how often it is asked for.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(20);
const ASKED_EVERY: Duration = Duration::from_secs(2);

/// The ends of both logs, which fit into the 24,000 characters that SSM keeps of a command's output.
const TAILS: &str = "tail -c 11000 /var/log/cloud-init-output.log /var/log/user-data.log";

/// Clocks differ a little.
const SKEW_MS: u64 = 10_000;

pub(super) async fn drain_status(client: &Client, instance: &str, since_ms: Option<u64>) -> Result<Command, String> {
    const OPERATION: &str = "ssm:ListCommandInvocations";
    let since = since_ms.map(|since_ms| {
        let since = CommandFilter::builder().key(CommandFilterKey::InvokedAfter);
        since.value(time_text(since_ms.saturating_sub(SKEW_MS))).build()
    });
    let since = since.transpose().map_err(|error| format!("{OPERATION}: {error}"))?;
    let call = client.list_command_invocations().instance_id(instance);
    let pages = call.set_filters(since.map(|it| vec![it])).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(|error| describe_error(OPERATION, &error))?;
    let ours = all.iter().filter(|it| it.comment() == Some(DRAIN));
    let latest = ours.max_by_key(|it| it.requested_date_time().map(aws_sdk_ssm::primitives::DateTime::as_nanos));
    Ok(latest.and_then(|it| Some((it.status()?, it.status_details()))).map_or(Command::NotSent, |(status, details)| {
        match status {
            CommandInvocationStatus::Success => Command::Succeeded,
            CommandInvocationStatus::Pending
            | CommandInvocationStatus::InProgress
            | CommandInvocationStatus::Delayed => Command::Running,
            other => Command::Failed(details.unwrap_or(other.as_str()).to_owned()),
        }
    }))
}

pub(super) async fn drain(client: &Client, instance: &str, timeout: Duration) -> Result<HookCallOutcome, String> {
    match send(client, instance, DRAIN_SCRIPT, DRAIN, timeout).await {
        Ok(_) => Ok(HookCallOutcome::Accepted),
        Err(NotSent::NoAgent) => Ok(HookCallOutcome::TooLate),
        Err(NotSent::Failed(reason)) => Err(reason),
    }
}

/// The ends of the logs of an instance's start.
pub(super) async fn logs(client: &Client, instance: &str) -> Result<String, String> {
    let id = match send(client, instance, TAILS, EVIDENCE, EVIDENCE_WITHIN).await {
        Ok(id) => id,
        Err(NotSent::NoAgent) => return Err(String::from("its SSM agent is gone")),
        Err(NotSent::Failed(reason)) => return Err(reason),
    };
    let mut waited = Duration::ZERO;
    while waited < EVIDENCE_WITHIN {
        tokio::time::sleep(ASKED_EVERY).await;
        waited += ASKED_EVERY;
        let response = client.get_command_invocation().command_id(&id).instance_id(instance).send().await;
        let Ok(response) = response else { continue };
        match response.status() {
            None
            | Some(
                CommandInvocationStatus::Pending
                | CommandInvocationStatus::InProgress
                | CommandInvocationStatus::Delayed,
            ) => {}
            // A log that is missing is an error of tail, and what it found is told all the same.
            Some(_) => {
                let parts = [response.standard_output_content(), response.standard_error_content()];
                return Ok(parts.into_iter().flatten().collect::<Vec<_>>().join("\n"));
            }
        }
    }
    Err(format!("no answer within {} s", EVIDENCE_WITHIN.as_secs()))
}

/// Why a command was not sent.
enum NotSent {
    /// SSM has no agent to send it to.
    NoAgent,
    Failed(String),
}

async fn send(client: &Client, instance: &str, line: &str, comment: &str, timeout: Duration) -> Result<String, NotSent> {
    const OPERATION: &str = "ssm:SendCommand";
    let seconds = timeout.as_secs().clamp(LEAST_S, MOST_S).to_string();
    let call = client.send_command().instance_ids(instance).document_name(DOCUMENT).comment(comment);
    let call = call.timeout_seconds(DELIVERY_S).parameters("commands", vec![line.to_owned()]);
    match call.parameters("executionTimeout", vec![seconds]).send().await {
        Ok(response) => {
            let id = response.command().and_then(|it| it.command_id()).map(str::to_owned);
            id.ok_or_else(|| NotSent::Failed(format!("{OPERATION}: no id: {}", shown(response))))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_ssm::operation::send_command::SendCommandError::is_invalid_instance_id) =>
        {
            Err(NotSent::NoAgent)
        }
        Err(error) => Err(NotSent::Failed(describe_error(OPERATION, &error))),
    }
}
