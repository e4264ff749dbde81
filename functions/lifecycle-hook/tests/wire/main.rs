//! The responses of AWS over the wire, in their documented shapes, and the results of the function.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

mod commands;
mod groups;
mod instances;
mod logs;
mod queues;
mod targets;

use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use lifecycle_hook::aws::Account;
use requests::{EventPublisher, SqsRequestQueue, records::DynamoRecords};
use test_support::{Request, service};

const ID: &str = "i-0a1b2c3d4e5f60718";

/// The response to a call: a status and a body.
type Response = (u16, String);

/// The requests: their bodies, in order.
type Requests = Arc<Mutex<Vec<String>>>;

/// An account with the responses of a test, and its requests. A response may depend on the number of earlier requests.
fn account(response: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> (Account, Requests) {
    let requests = Requests::default();
    let recorded = Arc::clone(&requests);
    let config = service(move |request| {
        let mut recorded = recorded.lock().expect("one at a time");
        recorded.push(request.body.clone());
        Some(response(&request, recorded.len() - 1))
    });
    (of_service(&config), requests)
}

/// An account whose clients have this configuration.
fn of_service(config: &SdkConfig) -> Account {
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(config), "records");
    let queue = SqsRequestQueue::new(aws_sdk_sqs::Client::new(config), "https://sqs/requests.fifo");
    Account::new(config, records, EventPublisher::default(), Some(queue))
}

/// An account with one response for all calls.
fn always(response: Response) -> Account {
    account(move |_, _| response.clone()).0
}

fn bodies(requests: &Requests) -> Vec<String> {
    requests.lock().expect("one at a time").clone()
}

/// A result of the services that speak XML and name it after their operation.
fn success(operation: &str, result: &str) -> Response {
    let id = "<ResponseMetadata><RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ResponseMetadata>";
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    (200, format!("<{operation}Response>{result}{id}</{operation}Response>"))
}

/// A rejection by the same services.
fn rejected(code: &str, message: &str) -> Response {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (400, format!("<ErrorResponse>{error}<RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ErrorResponse>"))
}

/// A rejection by the services that speak JSON.
fn rejected_json(kind: &str, message: &str) -> Response {
    (400, format!(r#"{{"__type":"{kind}","message":"{message}"}}"#))
}
