//! CloudWatch Logs: lines in, and what was written.

use std::collections::BTreeSet;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::create_log_stream::CreateLogStreamError;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use aws_sdk_cloudwatchlogs::operation::put_log_events::{PutLogEventsError, PutLogEventsOutput};
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, RejectedLogEventsInfo};
use lambda_kit::describe_error;
use ledger::batch::LogEvent;
use serde_json::Value;

use crate::cloud::Put;

const PUT: &str = "logs:PutLogEvents";

/// The stream is there but for the first lines of a day, so it is written to first, and made if it is missing.
pub(super) async fn put(client: &Client, group: &str, stream: &str, lines: &[&LogEvent]) -> Result<Put, String> {
    if let Some(taken) = write(client, group, stream, lines).await? {
        return Ok(taken);
    }
    match client.create_log_stream().log_group_name(group).log_stream_name(stream).send().await {
        Ok(_) => {}
        Err(error) => match error.as_service_error() {
            Some(CreateLogStreamError::ResourceAlreadyExistsException(_)) => {}
            Some(CreateLogStreamError::ResourceNotFoundException(_)) => return Ok(Put::NoGroup),
            _ => return Err(describe_error("logs:CreateLogStream", &error)),
        },
    }
    // Its group is there, or it could not have been made: what says otherwise lags behind.
    let taken = write(client, group, stream, lines).await?;
    taken.ok_or_else(|| format!("{PUT}: the stream {stream} was made, and is not to be seen yet"))
}

/// Nothing, if the stream or its group is missing.
async fn write(client: &Client, group: &str, stream: &str, lines: &[&LogEvent]) -> Result<Option<Put>, String> {
    let event = |line: &&LogEvent| {
        let at = i64::try_from(line.at_ms).unwrap_or(i64::MAX);
        InputLogEvent::builder().timestamp(at).message(&line.text).build().map_err(|error| format!("{PUT}: {error}"))
    };
    let events: Vec<InputLogEvent> = lines.iter().map(event).collect::<Result<_, _>>()?;
    let call = client.put_log_events().log_group_name(group).log_stream_name(stream).set_log_events(Some(events));
    match call.send().await {
        Ok(response) => Ok(Some(Put::Taken { rejected: rejected(&response, lines.len()) })),
        Err(error) => match error.as_service_error() {
            Some(PutLogEventsError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(describe_error(PUT, &error)),
        },
    }
}

/// What was refused while the rest was taken: all before the end of what is too old or past its group's retention, and all
/// from the beginning of what is too far ahead.
fn rejected(response: &PutLogEventsOutput, count: usize) -> Vec<usize> {
    let Some(info) = response.rejected_log_events_info() else { return Vec::new() };
    let RejectedLogEventsInfo { too_old_log_event_end_index, expired_log_event_end_index, .. } = info;
    let deployment = |index: &Option<i32>| index.and_then(|it| usize::try_from(it).ok());
    let old = deployment(too_old_log_event_end_index).max(deployment(expired_log_event_end_index)).unwrap_or(0);
    let new = deployment(&info.too_new_log_event_start_index).unwrap_or(count);
    (0..count).filter(|at| *at < old || *at >= new).collect()
}

/// Lines that are no JSON, or have no id, are somebody else's.
pub(super) async fn written(
    client: &Client,
    group: &str,
    streams: &str,
    from_ms: u64,
    to_ms: u64,
) -> Result<BTreeSet<String>, String> {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let call = client.filter_log_events().log_group_name(group).log_stream_name_prefix(streams);
    // The end of the range is beyond its last line.
    let mut pages = call.start_time(ms(from_ms)).end_time(ms(to_ms.saturating_add(1))).into_paginator().send();
    let mut ids = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => match error.as_service_error() {
                Some(FilterLogEventsError::ResourceNotFoundException(_)) => return Ok(ids),
                _ => return Err(describe_error("logs:FilterLogEvents", &error)),
            },
        };
        let id = |text: &str| Some(serde_json::from_str::<Value>(text).ok()?.get("id")?.as_str()?.to_owned());
        ids.extend(page.events().iter().filter_map(|event| id(event.message()?)));
    }
    Ok(ids)
}
