//! The function `custom-resource`: wiring only.
// The whole request is one future. The compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, FailureKind, ReportAs as _, env_var, init_logging, run_text, sdk_config};
use request_pass::{Aws, RequestHandler, Settings};
use requests::{DeliveryError, EventPublisher, QueueError, ResponseSender, SqsRequestQueue, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("custom-resource");
    let config = sdk_config().await?;
    let settings = Settings::from_vars("custom-resource", env_var);
    let table = settings.as_ref().map(|it| it.records_table.clone()).unwrap_or_default();
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), table);
    let queue = settings.as_ref().ok().and_then(|it| it.queue_url.clone());
    let request_queue = queue.map(|queue| SqsRequestQueue::new(aws_sdk_sqs::Client::new(&config), queue));
    let handler = Arc::new(RequestHandler {
        function_name: env_var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| String::from("custom-resource")),
        settings,
        records,
        cloud_factory: Aws::new(&config, EventPublisher::default()),
        response_sender: ResponseSender::new(),
        request_queue,
    });
    run_text("custom-resource", move |text, invocation| {
        let handler = Arc::clone(&handler);
        async move {
            let result = Box::pin(custom_resource::handle(&handler, &text, invocation.deadline_ms)).await;
            let result = result.report_as::<QueueError>(FailureKind::QueueUnavailable);
            result.report_as::<DeliveryError>(FailureKind::ResponseNotDelivered)
        }
    })
    .await
}
