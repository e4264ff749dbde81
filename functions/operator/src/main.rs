//! The function `operator`: wiring only. The crate `operator-requests` performs the requests.
// The whole request is one future. The compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, env_var, init_logging, run_text, sdk_config};
use operator_requests::handle_request;
use request_pass::{Aws, RequestHandler, Settings};
use requests::{EventPublisher, ResponseSender, SqsRequestQueue, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("operator");
    let config = sdk_config().await?;
    let settings = Settings::from_vars("operator", env_var);
    let table = settings.as_ref().map(|it| it.records_table.clone()).unwrap_or_default();
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), table);
    let queue = settings.as_ref().ok().and_then(|it| it.queue_url.clone());
    let request_queue = queue.map(|queue| SqsRequestQueue::new(aws_sdk_sqs::Client::new(&config), queue));
    let handler = Arc::new(RequestHandler {
        function_name: env_var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| String::from("operator")),
        settings,
        records,
        cloud_factory: Aws::new(&config, EventPublisher::default()),
        response_sender: ResponseSender::new(),
        request_queue,
    });
    run_text("operator", move |text, invocation| {
        let handler = Arc::clone(&handler);
        async move { Ok(Box::pin(handle_request(&handler, &text, invocation.deadline_ms)).await) }
    })
    .await
}
