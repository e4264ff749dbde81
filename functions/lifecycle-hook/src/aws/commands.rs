//! SSM: commands on an instance. A command is found again by its comment, so no id has to be stored.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey, CommandInvocationStatus};
use environment::hook_settings::DRAIN_SCRIPT;
use lambda_kit::AwsCallError;
use requests::time_text;

use super::debug_text;
use crate::cloud::HookCallOutcome;
use crate::error::EvidenceError;
use crate::facts::{Command, DELIVERY_TIMEOUT};

const DOCUMENT: &str = "AWS-RunShellScript";
const DRAIN: &str = "envkeeper drain";
const EVIDENCE: &str = "envkeeper evidence";

/// The bounds of a command's execution timeout (the document's parameter), in seconds.
const MIN_EXECUTION_S: u64 = 5;
const MAX_EXECUTION_S: u64 = 172_800;

/// How long the function waits for evidence, and how often it polls for it.
const EVIDENCE_TIMEOUT: Duration = Duration::from_secs(20);
const EVIDENCE_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The ends of both logs, which fit into the 24,000 characters that SSM keeps of a command's output.
const TAIL_COMMAND: &str = "tail -c 11000 /var/log/cloud-init-output.log /var/log/user-data.log";

/// Allows for small differences between clocks.
const CLOCK_SKEW_MS: u64 = 10_000;

pub(super) async fn drain_status(
    client: &Client,
    instance: &str,
    since_ms: Option<u64>,
    now_ms: u64,
) -> Result<Command, AwsCallError> {
    const OPERATION: &str = "ssm:ListCommandInvocations";
    let invoked_after = since_ms.map(|since_ms| {
        let filter = CommandFilter::builder().key(CommandFilterKey::InvokedAfter);
        filter.value(time_text(since_ms.saturating_sub(CLOCK_SKEW_MS))).build()
    });
    let invoked_after = invoked_after.transpose().map_err(|error| AwsCallError::not_built(OPERATION, error))?;
    let call = client.list_command_invocations().instance_id(instance);
    let pages = call.set_filters(invoked_after.map(|it| vec![it])).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(|error| AwsCallError::of(OPERATION, &error))?;
    let owned = all.iter().filter(|it| it.comment() == Some(DRAIN));
    let latest = owned.max_by_key(|it| it.requested_date_time().map(aws_sdk_ssm::primitives::DateTime::as_nanos));
    let command = latest.and_then(|it| {
        let sent_ms = it.requested_date_time().and_then(|at| u64::try_from(at.to_millis().ok()?).ok());
        let age = Duration::from_millis(now_ms.saturating_sub(sent_ms.unwrap_or(now_ms)));
        Some(Command::read(it.status()?.as_str(), it.status_details(), age))
    });
    Ok(command.unwrap_or(Command::NotSent))
}

pub(super) async fn send_drain_command(
    client: &Client,
    instance: &str,
    timeout: Duration,
) -> Result<HookCallOutcome, AwsCallError> {
    match send(client, instance, DRAIN_SCRIPT, DRAIN, timeout).await {
        Ok(_) => Ok(HookCallOutcome::Accepted),
        Err(SendError::NoAgent) => Ok(HookCallOutcome::TooLate),
        Err(SendError::Failed(error)) => Err(error),
    }
}

/// The ends of the logs of an instance's start.
pub(super) async fn logs(client: &Client, instance: &str) -> Result<String, EvidenceError> {
    let id = match send(client, instance, TAIL_COMMAND, EVIDENCE, EVIDENCE_TIMEOUT).await {
        Ok(id) => id,
        Err(SendError::NoAgent) => return Err(EvidenceError::AgentOffline),
        Err(SendError::Failed(error)) => return Err(error.into()),
    };
    let mut waited = Duration::ZERO;
    while waited < EVIDENCE_TIMEOUT {
        tokio::time::sleep(EVIDENCE_POLL_INTERVAL).await;
        waited += EVIDENCE_POLL_INTERVAL;
        let response = client.get_command_invocation().command_id(&id).instance_id(instance).send().await;
        let Ok(response) = response else { continue };
        match response.status() {
            None
            | Some(
                CommandInvocationStatus::Pending
                | CommandInvocationStatus::InProgress
                | CommandInvocationStatus::Delayed,
            ) => {}
            // A missing log is an error of `tail`; the output of the other log is returned nevertheless.
            Some(_) => {
                let parts = [response.standard_output_content(), response.standard_error_content()];
                return Ok(parts.into_iter().flatten().collect::<Vec<_>>().join("\n"));
            }
        }
    }
    Err(EvidenceError::NoResponse(EVIDENCE_TIMEOUT))
}

/// Why a command was not sent.
enum SendError {
    /// SSM has no agent to send the command to.
    NoAgent,
    Failed(AwsCallError),
}

async fn send(
    client: &Client,
    instance: &str,
    script: &str,
    comment: &str,
    timeout: Duration,
) -> Result<String, SendError> {
    const OPERATION: &str = "ssm:SendCommand";
    let seconds = timeout.as_secs().clamp(MIN_EXECUTION_S, MAX_EXECUTION_S).to_string();
    let call = client.send_command().instance_ids(instance).document_name(DOCUMENT).comment(comment);
    let delivery_s = i32::try_from(DELIVERY_TIMEOUT.as_secs()).unwrap_or(i32::MAX);
    let call = call.timeout_seconds(delivery_s).parameters("commands", vec![script.to_owned()]);
    match call.parameters("executionTimeout", vec![seconds]).send().await {
        Ok(response) => {
            let id = response.command().and_then(|it| it.command_id()).map(str::to_owned);
            let missing = || AwsCallError::unexpected(OPERATION, format!("no id: {}", debug_text(response)));
            id.ok_or_else(|| SendError::Failed(missing()))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_ssm::operation::send_command::SendCommandError::is_invalid_instance_id) =>
        {
            Err(SendError::NoAgent)
        }
        Err(error) => Err(SendError::Failed(AwsCallError::of(OPERATION, &error))),
    }
}
