//! The contract of the records, checked for the records in memory and for a table of ministack.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics at the first violation")]
#![allow(clippy::large_futures, reason = "the contract is one long future, created once")]

mod contract;
mod ministack;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use ministack::Ministack;
use requests::Owner;
use requests::records::{DynamoRecords, MemoryRecords, Records, RecordsError};

#[tokio::test]
async fn records_in_memory_keep_the_contract() {
    contract::check(&MemoryRecords::new()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let ministack = Ministack::start().await;
    let client = ministack.dynamodb();
    create_table(&client, "records").await;
    contract::check(&DynamoRecords::new(client.clone(), "records")).await;

    let missing = DynamoRecords::new(client, "no-such-table").owner(&Owner::of("s", "l")).await;
    let table = "no-such-table".to_owned();
    assert_eq!(missing, Err(RecordsError::NoTable { table }));
}

#[tokio::test]
async fn a_table_without_an_endpoint_is_broken_and_named() {
    let client = ministack::client("http://127.0.0.1:9");
    let error = DynamoRecords::new(client, "records").owner(&Owner::of("s", "l")).await.unwrap_err();
    assert!(matches!(error, RecordsError::Broken { .. }) && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("records"));
}

async fn create_table(client: &Client, name: &str) {
    let attribute = |name: &str, kind: ScalarAttributeType| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key =
        |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder().index_name("pending_response").projection(keys_only);
    let index =
        index.key_schema(key("pending_response", KeyType::Hash)).key_schema(key("response_due_ms", KeyType::Range));
    let projected = Projection::builder().projection_type(ProjectionType::Include).non_key_attributes("deleted_ms");
    let environments = GlobalSecondaryIndex::builder().index_name("environments").projection(projected.build());
    let environments =
        environments.key_schema(key("listed", KeyType::Hash)).key_schema(key("listed_as", KeyType::Range));
    let create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(attribute("pk", ScalarAttributeType::S));
    let create = create.attribute_definitions(attribute("pending_response", ScalarAttributeType::S));
    let create = create.attribute_definitions(attribute("response_due_ms", ScalarAttributeType::N));
    let create = create.attribute_definitions(attribute("listed", ScalarAttributeType::S));
    let create = create.attribute_definitions(attribute("listed_as", ScalarAttributeType::S));
    let create = create.key_schema(key("pk", KeyType::Hash)).global_secondary_indexes(index.build().unwrap());
    let create = create.global_secondary_indexes(environments.build().unwrap());
    create.send().await.unwrap();
}
