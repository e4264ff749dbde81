//! The function `reconciler`: wiring only.
// The whole request is one future, and the compiler works its layout out call by call, deeper than it does unasked.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, environment, init_logging, run, sdk_config};
use reconciler::{Aws, Reconciler, Settings};
use requests::{Courier, LedgerQueue, SqsLine, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("reconciler");
    let config = sdk_config().await?;
    let settings = Settings::from_vars(environment)?;
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), settings.records_table.clone());
    let queue =
        settings.queue_url.clone().ok_or("REQUEST_QUEUE_URL is not set: the queue that this function serves")?;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let ledger = LedgerQueue::new(sqs.clone(), settings.ledger_url.clone());
    let line = SqsLine::new(sqs, queue);
    let parts = Arc::new((settings, records, Aws::new(&config, ledger), Courier::new(), line));
    run("reconciler", move |event, invocation| {
        let parts = Arc::clone(&parts);
        async move {
            let (settings, records, clouds, courier, line) = parts.as_ref();
            let reconciler = Reconciler { settings, records, clouds, courier };
            let response = reconciler.handle(line, serde_json::from_value(event)?, invocation.deadline_ms).await;
            Ok(serde_json::to_value(response)?)
        }
    })
    .await
}
