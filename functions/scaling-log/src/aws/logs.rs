//! CloudWatch Logs: writes log events, and reads the ids of the written ones.

use std::collections::BTreeSet;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::create_log_stream::CreateLogStreamError;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use aws_sdk_cloudwatchlogs::operation::put_log_events::{PutLogEventsError, PutLogEventsOutput};
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, RejectedLogEventsInfo};
use lambda_kit::AwsCallError;
use ledger::batch::LogEvent;
use serde_json::Value;

use crate::cloud::PutOutcome;

const PUT_LOG_EVENTS: &str = "logs:PutLogEvents";
pub(super) const FILTER_LOG_EVENTS: &str = "logs:FilterLogEvents";

/// Writes a batch. The stream exists except for the first batch of a day, so it is created only after a write has
/// failed.
pub(super) async fn put_events(
    client: &Client,
    group: &str,
    stream: &str,
    events: &[&LogEvent],
) -> Result<PutOutcome, AwsCallError> {
    if let Some(outcome) = write(client, group, stream, events).await? {
        return Ok(outcome);
    }
    match client.create_log_stream().log_group_name(group).log_stream_name(stream).send().await {
        Ok(_) => {}
        Err(error) => match error.as_service_error() {
            Some(CreateLogStreamError::ResourceAlreadyExistsException(_)) => {}
            Some(CreateLogStreamError::ResourceNotFoundException(_)) => return Ok(PutOutcome::LogGroupNotFound),
            _ => return Err(AwsCallError::of("logs:CreateLogStream", &error)),
        },
    }
    // The log group exists, because the stream was created: a ResourceNotFoundException now is a consistency delay.
    let outcome = write(client, group, stream, events).await?;
    let invisible = || format!("the stream {stream} was created and is not visible yet");
    outcome.ok_or_else(|| AwsCallError::unexpected(PUT_LOG_EVENTS, invisible()))
}

/// Writes a batch; `None` if the stream or its log group does not exist.
async fn write(
    client: &Client,
    group: &str,
    stream: &str,
    events: &[&LogEvent],
) -> Result<Option<PutOutcome>, AwsCallError> {
    let input = |event: &&LogEvent| {
        let timestamp = i64::try_from(event.at_ms).unwrap_or(i64::MAX);
        let input = InputLogEvent::builder().timestamp(timestamp).message(&event.text).build();
        input.map_err(|error| AwsCallError::not_built(PUT_LOG_EVENTS, error))
    };
    let inputs: Vec<InputLogEvent> = events.iter().map(input).collect::<Result<_, _>>()?;
    let call = client.put_log_events().log_group_name(group).log_stream_name(stream).set_log_events(Some(inputs));
    match call.send().await {
        Ok(response) => Ok(Some(PutOutcome::Written { rejected: rejected(&response, events.len()) })),
        Err(error) => match error.as_service_error() {
            Some(PutLogEventsError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(AwsCallError::of(PUT_LOG_EVENTS, &error)),
        },
    }
}

/// The indexes of the rejected log events in an accepted batch: all events before the end of the range that is too old
/// or past the log group's retention, and all events from the start of the range that is too far ahead.
fn rejected(response: &PutLogEventsOutput, count: usize) -> Vec<usize> {
    let Some(info) = response.rejected_log_events_info() else { return Vec::new() };
    let RejectedLogEventsInfo { too_old_log_event_end_index, expired_log_event_end_index, .. } = info;
    let position = |index: &Option<i32>| index.and_then(|it| usize::try_from(it).ok());
    let first_accepted = position(too_old_log_event_end_index).max(position(expired_log_event_end_index)).unwrap_or(0);
    let first_too_new = position(&info.too_new_log_event_start_index).unwrap_or(count);
    (0..count).filter(|at| *at < first_accepted || *at >= first_too_new).collect()
}

/// Selects the lines that have the versions of instances.
pub(super) const WITH_VERSIONS: &str = r#"{ ($.kind = "state") || ($.kind = "launch") }"#;

/// The ids of the lines in a time range. A line that is not JSON, or has no id, is not an entry of the ledger.
pub(super) async fn written_ids(
    client: &Client,
    group: &str,
    stream_prefix: &str,
    from_ms: u64,
    to_ms: u64,
) -> Result<BTreeSet<String>, AwsCallError> {
    let lines = lines(client, group, stream_prefix, (from_ms, to_ms), None).await?;
    let id = |line: &String| Some(serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str()?.to_owned());
    Ok(lines.iter().filter_map(id).collect())
}

/// The lines in a time range, both ends included, that the pattern selects. None if the log group does not exist.
pub(super) async fn lines(
    client: &Client,
    group: &str,
    stream_prefix: &str,
    (from_ms, to_ms): (u64, u64),
    pattern: Option<&str>,
) -> Result<Vec<String>, AwsCallError> {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let call = client.filter_log_events().log_group_name(group).log_stream_name_prefix(stream_prefix);
    let call = call.set_filter_pattern(pattern.map(str::to_owned));
    // The end of the range is exclusive.
    let mut pages = call.start_time(ms(from_ms)).end_time(ms(to_ms.saturating_add(1))).into_paginator().send();
    let mut lines = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => match error.as_service_error() {
                Some(FilterLogEventsError::ResourceNotFoundException(_)) => return Ok(lines),
                _ => return Err(AwsCallError::of(FILTER_LOG_EVENTS, &error)),
            },
        };
        lines.extend(page.events.unwrap_or_default().into_iter().filter_map(|event| event.message));
    }
    Ok(lines)
}
