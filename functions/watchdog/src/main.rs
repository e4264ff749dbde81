//! The function `watchdog`: wiring only.
// The whole request is one future, and the compiler computes its layout call by call, deeper than the default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use aws_cloud::{MarkSearch, MarkedResource};
use environment::CallError;
use lambda_kit::{Error, FailureKind, ReportAs as _, env_var, init_logging, now_ms, run, sdk_config};
use requests::{RecordsError, ResponseSender, SqsRequestQueue, records::DynamoRecords};
use watchdog::{OwnershipMarks, Settings, Watchdog};

/// The function's own account.
struct Aws(MarkSearch);

impl OwnershipMarks for Aws {
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError> {
        self.0.marked().await
    }

    async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError> {
        self.0.existing(resources).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("watchdog");
    let config = sdk_config().await?;
    let settings = Settings::from_vars(env_var)?;
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), settings.records_table.clone());
    let sqs = aws_sdk_sqs::Client::new(&config);
    let request_queue = settings.queue_url.clone().map(|url| SqsRequestQueue::new(sqs, url));
    let (marks, response_sender) = (Aws(MarkSearch::new(&config)), ResponseSender::new());
    let watchdog = Watchdog { settings, records, marks, request_queue, response_sender };
    let watchdog = Arc::new(watchdog);
    run("watchdog", move |event, invocation| {
        let watchdog = Arc::clone(&watchdog);
        async move {
            let result = watchdog.handle(event, now_ms(), invocation.deadline_ms).await;
            result.report_as::<RecordsError>(FailureKind::RecordsUnavailable)
        }
    })
    .await
}
