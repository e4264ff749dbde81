//! Whole calls of the product's code, for the comparison with AWS's API models (`tests/api-models`).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::{BodyExt, Either, Full};
use hyper::{HeaderMap, Response, body::Bytes, header::CONTENT_TYPE, http::request::Parts};
use permissions::Function;
use serde::Serialize;

use crate::{router::Body, scope::Scope};

/// The application id of clients that run the product's adapters outside of the functions, in tests.
pub const ADAPTER_TESTS: &str = "adapter-tests";

/// The longest recorded body of a request, in bytes: more than any service accepts from the functions (`PutLogEvents`
/// and `SendMessage`, with 1 MiB each, in JSON).
const MAX_REQUEST: usize = 2 * 1024 * 1024;

/// The longest recorded body of a response, in bytes. A page of a listing is shorter.
const MAX_RESPONSE: usize = 256 * 1024;

/// The headers that belong to an operation; the others are the transport's, or contain secrets.
const HEADERS: [&str; 5] = ["accept", "content-md5", "content-type", "smithy-protocol", "x-amz-target"];

/// The headers with this prefix belong to an operation too, except those below.
const PREFIX: &str = "x-amz-";
const NOT_RECORDED: [&str; 3] = ["x-amz-date", "x-amz-security-token", "x-amz-user-agent"];

/// The operations of S3 whose bodies are an object's content.
const OBJECT_BODIES: [&str; 3] = ["GetObject", "PutObject", "UploadPart"];

/// The names of the fields that contain a `ResponseURL`: in CloudFormation's events, and in the records of owners.
const SECRET_FIELDS: [&str; 2] = ["ResponseURL", "response_url"];

/// A request and its response.
#[derive(Debug, Serialize)]
pub struct Exchange {
    /// The function that sent the request, or [`ADAPTER_TESTS`].
    pub app: String,
    /// The signing name of the service.
    pub service: String,
    /// The region of the signature; empty if it has none.
    pub region: String,
    /// AWS's name of the operation, as in the record of calls.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path with the query.
    pub target: String,
    /// The headers of the operation, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body of the request.
    #[serde(flatten)]
    pub body: RecordedBody,
    /// The response; `None` if a fault rule suppressed it.
    pub response: Option<RecordedResponse>,
}

/// A response to a recorded request.
#[derive(Debug, Serialize)]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The content type; empty if the response has none.
    pub content_type: String,
    /// The body.
    #[serde(flatten)]
    pub body: RecordedBody,
}

/// A body: as text if it is UTF-8, otherwise in base64. Neither is present for the content of an object, and for a body
/// beyond the limits of this module.
#[derive(Debug, Default, Serialize)]
pub struct RecordedBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Exchange {
    /// The exchange that begins with a request, still without its response. `None` unless a function sent the request, or
    /// a test of the adapters.
    #[must_use]
    pub fn begin(scope: &Scope, app: Option<&str>, operation: &str, head: &Parts, body: &[u8]) -> Option<Self> {
        let app = app.filter(|app| *app == ADAPTER_TESTS || Function::of(app).is_some())?;
        let mut exchange = Self {
            app: app.to_owned(),
            service: scope.service.clone(),
            region: scope.region.clone(),
            operation: operation.to_owned(),
            method: head.method.to_string(),
            target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            headers: headers(&head.headers),
            body: RecordedBody::default(),
            response: None,
        };
        exchange.body = exchange.recorded(body, MAX_REQUEST);
        Some(exchange)
    }

    /// Adds the response, and returns it for the caller. Reads the body completely, unless it is the content of an object.
    ///
    /// # Errors
    /// The connection to the emulator broke.
    pub async fn respond(&mut self, response: Response<Body>) -> Result<Response<Body>, String> {
        let (head, body) = response.into_parts();
        let content_type =
            head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        let (body, recorded) = if self.has_object_body() {
            (body, RecordedBody::default())
        } else {
            let whole: Bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            let recorded = self.recorded(&whole, MAX_RESPONSE);
            (Either::Right(Full::new(whole)), recorded)
        };
        self.response = Some(RecordedResponse { status: head.status.as_u16(), content_type, body: recorded });
        Ok(Response::from_parts(head, body))
    }

    fn has_object_body(&self) -> bool {
        self.service == "s3" && OBJECT_BODIES.contains(&self.operation.as_str())
    }

    fn recorded(&self, body: &[u8], limit: usize) -> RecordedBody {
        if self.has_object_body() || body.len() > limit {
            return RecordedBody::default();
        }
        match std::str::from_utf8(body) {
            Ok(text) => RecordedBody { body: Some(without_response_urls(text)), body_base64: None },
            Err(_) => RecordedBody { body: None, body_base64: Some(STANDARD.encode(body)) },
        }
    }
}

fn headers(all: &HeaderMap) -> BTreeMap<String, String> {
    let is_recorded =
        |name: &str| HEADERS.contains(&name) || (name.starts_with(PREFIX) && !NOT_RECORDED.contains(&name));
    let recorded = all.iter().filter(|(name, _)| is_recorded(name.as_str()));
    recorded.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// The text with each `ResponseURL` replaced by as many `x`, so that lengths remain. In JSON within JSON the address
/// ends before the backslashes of its closing quote.
fn without_response_urls(text: &str) -> String {
    let mut masked = text.to_owned();
    for field in SECRET_FIELDS {
        let mut from = 0;
        while let Some(found) = masked[from..].find(field) {
            from += found + field.len();
            // Between the field's name and its value are at most a colon, the type of DynamoDB, and quotes.
            let value = masked[from..].find("http").map(|at| from + at);
            let Some(start) =
                value.filter(|start| !masked[from..*start].contains(|it: char| it.is_alphanumeric() && it != 'S'))
            else {
                continue;
            };
            let quote = masked[start..].find('"').map_or(masked.len(), |at| start + at);
            let end = start + masked[start..quote].trim_end_matches('\\').len();
            masked.replace_range(start..end, &"x".repeat(end - start));
            from = end;
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "https://bucket.s3.amazonaws.com/a?X-Amz-Signature=abc%2F";

    fn head() -> Parts {
        let request =
            Request::post("/?x=1").header("Authorization", "AWS4 secret").header("X-Amz-Security-Token", "secret");
        let request = request.header("X-Amz-Target", "AmazonSQS.SendMessage").header("Host", "h").body(());
        request.unwrap().into_parts().0
    }

    fn begun(app: &str, service: &str, operation: &str, body: &[u8]) -> Option<Exchange> {
        let scope = Scope { access_key: "k".into(), region: "us-west-2".into(), service: service.into() };
        Exchange::begin(&scope, Some(app), operation, &head(), body)
    }

    #[tokio::test]
    async fn an_exchange_has_request_and_response_without_secrets() {
        let mut exchange = begun("reconciler", "sqs", "SendMessage", br#"{"a":1}"#).unwrap();
        let response = Response::builder().status(200).header("content-type", "application/x-amz-json-1.0");
        let returned = exchange.respond(response.body(Either::Right(Full::from("{}"))).unwrap()).await.unwrap();
        assert_eq!(returned.into_body().collect().await.unwrap().to_bytes(), "{}");
        let expected = json!({
            "app": "reconciler", "service": "sqs", "region": "us-west-2", "operation": "SendMessage",
            "method": "POST", "target": "/?x=1", "headers": { "x-amz-target": "AmazonSQS.SendMessage" },
            "body": "{\"a\":1}",
            "response": { "status": 200, "content_type": "application/x-amz-json-1.0", "body": "{}" },
        });
        assert_eq!(serde_json::to_value(exchange).unwrap(), expected);
    }

    #[test]
    fn only_calls_of_the_product_are_recorded() {
        assert!(begun("custom-resource", "ec2", "CreateVpc", b"").is_some());
        assert!(begun(ADAPTER_TESTS, "ec2", "CreateVpc", b"").is_some());
        assert!(begun("instance", "ec2", "CreateTags", b"").is_none());
    }

    #[test]
    fn a_body_is_text_or_base64_and_an_objects_content_is_neither() {
        let body = |service: &str, operation: &str, body: &[u8]| {
            let exchange: Value = serde_json::to_value(begun("alarm", service, operation, body).unwrap()).unwrap();
            (exchange["body"].clone(), exchange["body_base64"].clone())
        };
        assert_eq!(body("monitoring", "PutMetricAlarm", b"\xff"), (Value::Null, json!("/w==")));
        assert_eq!(body("s3", "PutBucketTagging", b"<a/>"), (json!("<a/>"), Value::Null));
        assert_eq!(body("s3", "PutObject", b"content"), (Value::Null, Value::Null));
        assert_eq!(body("sqs", "SendMessage", &vec![b'x'; MAX_REQUEST + 1]), (Value::Null, Value::Null));
    }

    #[test]
    fn a_response_url_is_masked_at_its_length_wherever_it_is() {
        let event = json!({ "ResponseURL": SECRET, "StackId": "http://kept" }).to_string();
        let message = json!({ "MessageBody": event }).to_string();
        let queued = json!({ "MessageBody": message }).to_string();
        let item = json!({ "M": { "response_url": { "S": SECRET }, "stack_id": { "S": "kept" } } }).to_string();
        for text in [event, message, queued, item] {
            let masked = without_response_urls(&text);
            assert!(!masked.contains("Signature") && masked.contains("kept"), "{masked}");
            assert_eq!(masked.len(), text.len());
            assert_eq!(masked.matches('x').count(), text.matches('x').count() + SECRET.len(), "{masked}");
            serde_json::from_str::<Value>(&masked).unwrap();
        }
        let without = r#"{"error": "the ResponseURL is invalid", "Link": "https://docs"}"#;
        assert_eq!(without_response_urls(without), without);
    }
}
