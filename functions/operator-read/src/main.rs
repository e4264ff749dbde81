//! The function `operator-read`: wiring only. The crate `operator-requests` performs the requests.
// The whole request is one future. The compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, env_var, init_logging, run_text, sdk_config};
use operator_requests::handle_read_request;
use request_pass::{Aws, Settings};
use requests::{EventPublisher, records::DynamoRecords};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("operator-read");
    let config = sdk_config().await?;
    let settings = Settings::from_vars("operator-read", env_var);
    let table = settings.as_ref().map(|it| it.records_table.clone()).unwrap_or_default();
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), table);
    let parts = Arc::new((settings, records, Aws::new(&config, EventPublisher::default())));
    run_text("operator-read", move |text, _| {
        let parts = Arc::clone(&parts);
        async move {
            let (settings, records, cloud_factory) = parts.as_ref();
            Ok(Box::pin(handle_read_request(settings, records, cloud_factory, &text)).await)
        }
    })
    .await
}
