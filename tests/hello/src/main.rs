//! The minimal function of this runtime: one client with the SDK's own defaults, one call for each event.
//!
//! `make bench` compares the start and the memory of the real functions with this one, so it has none of their parts:
//! no settings, no log lines, no time-outs.
// The whole request is one future, and the compiler computes its layout call by call, deeper than its default limit
// allows.
#![recursion_limit = "256"]

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    let client = &client;
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Value>| async move { item_exists(client).await })).await
}

/// Whether the item exists.
async fn item_exists(client: &Client) -> Result<Value, Error> {
    let key = AttributeValue::S(String::from("environment#hello"));
    let response = client.get_item().table_name("records").key("pk", key).send().await?;
    Ok(json!({ "Found": response.item.is_some() }))
}
