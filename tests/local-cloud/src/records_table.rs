//! The DynamoDB table for records, with the same properties as in the functions' template on AWS.

use serde_json::json;

use crate::ministack::Ministack;

/// Creates a table with the string key `pk`, item expiry by `expires` (seconds since 1970), the index by which the
/// watchdog finds requests without a response, and the list of environments.
///
/// # Errors
/// The message contains the call that ministack rejected, and ministack's error.
pub async fn create(ministack: &Ministack, name: &str) -> Result<(), String> {
    let table = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "pending_response", "AttributeType": "S"},
            {"AttributeName": "response_due_ms", "AttributeType": "N"},
            {"AttributeName": "listed", "AttributeType": "S"},
            {"AttributeName": "listed_as", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "pending_response",
            "KeySchema": [
                {"AttributeName": "pending_response", "KeyType": "HASH"},
                {"AttributeName": "response_due_ms", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }, {
            "IndexName": "environments",
            "KeySchema": [
                {"AttributeName": "listed", "KeyType": "HASH"},
                {"AttributeName": "listed_as", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["deleted_ms"]},
        }],
    });
    let expiry = json!({
        "TableName": name,
        "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"},
    });
    ministack.json("dynamodb", "DynamoDB_20120810.CreateTable", &table).await?;
    ministack.json("dynamodb", "DynamoDB_20120810.UpdateTimeToLive", &expiry).await.map(drop)
}
