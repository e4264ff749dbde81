//! The function `timeline`: wiring only.
// The whole request is one future, and the compiler computes its layout call by call, deeper than its default limit.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_kit::{Error, env_var, init_logging, run, sdk_config};
use timeline::aws::AwsLogs;
use timeline::{Settings, Timeline};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("timeline");
    let config = sdk_config().await?;
    let Settings { deployment } = Settings::from_vars(env_var)?;
    let function = Arc::new(Timeline { deployment, logs: AwsLogs::new(&config) });
    run("timeline", move |event, _| {
        let function = Arc::clone(&function);
        async move { function.handle(&event).await }
    })
    .await
}
