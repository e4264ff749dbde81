//! The function `alarm`: wiring only.
// The whole request is one future, and the compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use alarm::aws::Account;
use alarm::{Alarms, Settings};
use lambda_kit::{Error, FailureKind, ReportAs as _, env_var, init_logging, run, sdk_config};
use requests::{
    EventBus, EventPublisher, QueueError, QueueSender, RecordsError, SqsRequestQueue, records::DynamoRecords,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("alarm");
    let config = sdk_config().await?;
    let Settings { deployment, records_table, queue_url, event_bus, ledger_url, paused } =
        Settings::from_vars(env_var)?;
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), records_table);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let bus = event_bus.map(|name| EventBus::new(aws_sdk_eventbridge::Client::new(&config), name));
    let ledger = ledger_url.map(|url| QueueSender::new(sqs.clone(), url));
    let cloud = Account::new(&config, EventPublisher::new(bus, ledger));
    let function =
        Arc::new(Alarms { deployment, paused, records, cloud, request_queue: SqsRequestQueue::new(sqs, queue_url) });
    run("alarm", move |event, _| {
        let function = Arc::clone(&function);
        async move {
            let result = Box::pin(function.handle(event)).await;
            let result = result.report_as::<RecordsError>(FailureKind::RecordsUnavailable);
            result.report_as::<QueueError>(FailureKind::QueueUnavailable)
        }
    })
    .await
}
