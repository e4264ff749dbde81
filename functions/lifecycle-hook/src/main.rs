//! The function `lifecycle-hook`: wiring only.
// The whole request is one future, and the compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, env_var, init_logging, run, sdk_config};
use lifecycle_hook::aws::{Account, Queues};
use lifecycle_hook::{LifecycleHook, MESSAGE_TIMEOUT, Settings};
use requests::{EventBus, EventPublisher, QueueSender, SqsRequestQueue, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("lifecycle-hook");
    let config = sdk_config().await?;
    let settings = Settings::from_vars(env_var)?;
    let (deployment, poll_interval, message_timeout) =
        (settings.deployment, settings.poll_interval, Some(MESSAGE_TIMEOUT));
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), settings.records_table);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let bus = settings.event_bus.map(|name| EventBus::new(aws_sdk_eventbridge::Client::new(&config), name));
    let ledger = settings.ledger_url.map(|url| QueueSender::new(sqs.clone(), url));
    let dead_letters = settings.dead_letters_url.map(|url| QueueSender::new(sqs.clone(), url));
    let request_queue = settings.request_queue_url.map(|url| SqsRequestQueue::new(sqs.clone(), url));
    let queue = Queues::new(sqs, settings.queue_url, dead_letters);
    let cloud = Account::new(&config, records, EventPublisher::new(bus, ledger), request_queue);
    let function = Arc::new(LifecycleHook { cloud, queue, deployment, poll_interval, message_timeout });
    run("lifecycle-hook", move |event, _| {
        let function = Arc::clone(&function);
        async move { Box::pin(function.handle(event)).await }
    })
    .await
}
