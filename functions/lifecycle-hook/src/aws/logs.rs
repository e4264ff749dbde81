//! CloudWatch Logs: the storage of evidence.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use lambda_kit::AwsCallError;

use super::debug_text;

pub(super) async fn write(
    client: &Client,
    group: &str,
    stream: &str,
    lines: Vec<String>,
    now_ms: u64,
) -> Result<(), AwsCallError> {
    const PUT: &str = "logs:PutLogEvents";
    match client.create_log_stream().log_group_name(group).log_stream_name(stream).send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(aws_sdk_cloudwatchlogs::operation::create_log_stream::CreateLogStreamError::is_resource_already_exists_exception) => {}
        Err(error) => return Err(AwsCallError::of("logs:CreateLogStream", &error)),
    }
    let event = |line: String| {
        let at = i64::try_from(now_ms).unwrap_or(i64::MAX);
        InputLogEvent::builder()
            .timestamp(at)
            .message(line)
            .build()
            .map_err(|error| AwsCallError::not_built(PUT, error))
    };
    let events: Vec<InputLogEvent> = lines.into_iter().map(event).collect::<Result<_, _>>()?;
    let call = client.put_log_events().log_group_name(group).log_stream_name(stream).set_log_events(Some(events));
    let response = call.send().await.map_err(|error| AwsCallError::of(PUT, &error))?;
    // CloudWatch Logs may reject some events while it accepts the rest.
    response
        .rejected_log_events_info()
        .map_or(Ok(()), |rejected| Err(AwsCallError::unexpected(PUT, format!("rejected: {}", debug_text(rejected)))))
}
