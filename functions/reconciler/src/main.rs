//! The function `reconciler`: wiring only.
// The whole request is one future. The compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, check_batch, env_var, init_logging, run, sdk_config};
use reconciler::{Reconciler, Settings};
use request_pass::Aws;
use requests::{EventBus, EventPublisher, QueueSender, ResponseSender, SqsRequestQueue, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("reconciler");
    let config = sdk_config().await?;
    let settings = Settings::from_vars(env_var)?;
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), settings.pass.records_table.clone());
    let queue = settings
        .pass
        .queue_url
        .clone()
        .ok_or("REQUEST_QUEUE_URL is not set: valid is the URL of the FIFO queue of the requests")?;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let bus = settings.event_bus.clone().map(|name| EventBus::new(aws_sdk_eventbridge::Client::new(&config), name));
    let ledger = settings.ledger_url.clone().map(|url| QueueSender::new(sqs.clone(), url));
    let publisher = EventPublisher::new(bus, ledger);
    let request_queue = SqsRequestQueue::new(sqs, queue);
    let parts = Arc::new((settings, records, Aws::new(&config, publisher), ResponseSender::new(), request_queue));
    run("reconciler", move |event, invocation| {
        let parts = Arc::clone(&parts);
        async move {
            let (settings, records, cloud_factory, response_sender, request_queue) = parts.as_ref();
            let reconciler = Reconciler { settings, records, cloud_factory, response_sender };
            check_batch(&event)?;
            let batch = serde_json::from_value(event)?;
            let response = reconciler.handle(request_queue, batch, invocation.deadline_ms).await;
            Ok(serde_json::to_value(response)?)
        }
    })
    .await
}
