//! The DynamoDB table for records, as the template of the functions makes it on AWS.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use serde_json::{Value, json};
use std::net::SocketAddr;

use crate::{REGION, http::Http};

/// Makes a table with the string key `pk`, whose items expire by `expires` (seconds since 1970), and with the index by
/// which the watchdog finds what nobody answered.
///
/// # Errors
/// The sentence says which call ministack refused, and how.
pub async fn create(http: &Http, ministack: SocketAddr, name: &str) -> Result<(), String> {
    let table = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "unanswered", "AttributeType": "S"},
            {"AttributeName": "answer_due_ms", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": "unanswered",
            "KeySchema": [
                {"AttributeName": "unanswered", "KeyType": "HASH"},
                {"AttributeName": "answer_due_ms", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    let expiry = json!({
        "TableName": name,
        "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"},
    });
    call(http, ministack, "CreateTable", &table).await?;
    call(http, ministack, "UpdateTimeToLive", &expiry).await
}

async fn call(http: &Http, to: SocketAddr, operation: &str, input: &Value) -> Result<(), String> {
    let failed = |what: &dyn std::fmt::Display| format!("DynamoDB {operation}: {what}");
    let scope = format!("test/20260101/{REGION}/dynamodb/aws4_request");
    let request = Request::post(format!("http://{to}/"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        // Unsigned in all but form: ministack reads the region out of it.
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
        .body(Full::from(input.to_string()))
        .map_err(|error| failed(&error))?;
    let response = http.send(request).await.map_err(|error| failed(&error))?;
    if response.status().is_success() {
        return Ok(());
    }
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| failed(&error))?.to_bytes();
    Err(failed(&String::from_utf8_lossy(&body)))
}
