//! The function `scaling-log`: wiring only.
// A request is one future. The compiler computes its layout recursively, deeper than the default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use aws_sdk_sqs::Client as Sqs;
use lambda_kit::{Error, env_var, init_logging, run, sdk_config};
use requests::{QueueSender, records::DynamoRecords};
use scaling_log::aws::{AwsAccount, EventDeadLetters};
use scaling_log::{ScalingLog, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("scaling-log");
    let config = sdk_config().await?;
    let Settings { deployment, records_table, dead_letters_url } = Settings::from_vars(env_var)?;
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), records_table);
    let dead_letters = EventDeadLetters(dead_letters_url.map(|url| QueueSender::new(Sqs::new(&config), url)));
    let function = Arc::new(ScalingLog { deployment, cloud: AwsAccount::new(&config, records), dead_letters });
    run("scaling-log", move |event, _| {
        let function = Arc::clone(&function);
        async move { function.handle(event).await }
    })
    .await
}
