//! The function `operator`: wiring only. The crate `operator-requests` performs the requests.
// The whole request is one future. The compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, Vars, env_var, init_logging, run_text, sdk_config};
use operator_requests::handle_request;
use request_pass::{Aws, RequestHandler, Settings};
use requests::{EventBus, EventPublisher, QueueSender, ResponseSender, SqsRequestQueue, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("operator");
    let config = sdk_config().await?;
    let mut vars = Vars::new(env_var);
    let settings = Settings::read("operator", &mut vars);
    let (event_bus, ledger_url) = (vars.event_bus(), vars.queue_url("LEDGER_QUEUE_URL"));
    let settings = vars.checked(settings);
    let table = settings.as_ref().map(|it| it.records_table.clone()).unwrap_or_default();
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), table);
    let queue = settings.as_ref().ok().and_then(|it| it.queue_url.clone());
    let sqs = aws_sdk_sqs::Client::new(&config);
    let bus = event_bus.map(|name| EventBus::new(aws_sdk_eventbridge::Client::new(&config), name));
    let publisher = EventPublisher::new(bus, ledger_url.map(|url| QueueSender::new(sqs.clone(), url)));
    let request_queue = queue.map(|queue| SqsRequestQueue::new(sqs, queue));
    let handler = Arc::new(RequestHandler {
        function_name: env_var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| String::from("operator")),
        settings,
        records,
        cloud_factory: Aws::new(&config, publisher),
        response_sender: ResponseSender::new(),
        request_queue,
    });
    run_text("operator", move |text, invocation| {
        let handler = Arc::clone(&handler);
        async move { Ok(Box::pin(handle_request(&handler, &text, invocation.deadline_ms)).await) }
    })
    .await
}
