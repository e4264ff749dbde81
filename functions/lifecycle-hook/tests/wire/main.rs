//! What AWS answers over the wire, in its documented shapes, and what the function makes of it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod commands;
mod groups;
mod instances;
mod logs;
mod queues;
mod targets;

use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use lifecycle_hook::aws::Account;
use requests::{LedgerQueue, records::DynamoRecords};
use test_support::{Request, service};

const ID: &str = "i-0a1b2c3d4e5f60718";

/// What a call is answered: a status and a body.
type Response = (u16, String);

/// What was asked: the bodies, in their order.
type Asked = Arc<Mutex<Vec<String>>>;

/// An account that answers what a test says, and what it was asked. The answer may depend on how often it was asked before.
fn account(response: impl Fn(&Request, usize) -> Response + Send + Sync + 'static) -> (Account, Asked) {
    let asked = Asked::default();
    let observed = Arc::clone(&asked);
    let config = service(move |request| {
        let mut observed = observed.lock().expect("one at a time");
        observed.push(request.body.clone());
        Some(response(&request, observed.len() - 1))
    });
    (of_service(&config), asked)
}

/// An account whose clients have this configuration.
fn of_service(config: &SdkConfig) -> Account {
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(config), "records");
    Account::new(config, records, LedgerQueue::default())
}

/// An account that answers one thing.
fn always(response: Response) -> Account {
    account(move |_, _| response.clone()).0
}

fn bodies(asked: &Asked) -> Vec<String> {
    asked.lock().expect("one at a time").clone()
}

/// A result of the services that speak XML and call themselves by their operation.
fn told(operation: &str, result: &str) -> Response {
    let id = "<ResponseMetadata><RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ResponseMetadata>";
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    (200, format!("<{operation}Response>{result}{id}</{operation}Response>"))
}

/// A refusal of the same.
fn rejected(code: &str, message: &str) -> Response {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (400, format!("<ErrorResponse>{error}<RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ErrorResponse>"))
}

/// A refusal of the services that speak JSON.
fn refused_json(kind: &str, message: &str) -> Response {
    (400, format!(r#"{{"__type":"{kind}","message":"{message}"}}"#))
}
