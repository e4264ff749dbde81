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
type Answer = (u16, String);

/// What was asked: the bodies, in their order.
type Asked = Arc<Mutex<Vec<String>>>;

/// An account that answers what a test says, and what it was asked. The answer may depend on how often it was asked before.
fn account(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> (Account, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let config = service(move |request| {
        let mut seen = seen.lock().expect("one at a time");
        seen.push(request.body.clone());
        Some(answer(&request, seen.len() - 1))
    });
    (of_service(&config), asked)
}

/// An account whose clients have this configuration.
fn of_service(config: &SdkConfig) -> Account {
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(config), "records");
    Account::new(config, records, LedgerQueue::default())
}

/// An account that answers one thing.
fn always(answer: Answer) -> Account {
    account(move |_, _| answer.clone()).0
}

fn bodies(asked: &Asked) -> Vec<String> {
    asked.lock().expect("one at a time").clone()
}

/// A result of the services that speak XML and call themselves by their operation.
fn told(operation: &str, result: &str) -> Answer {
    let id = "<ResponseMetadata><RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ResponseMetadata>";
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    (200, format!("<{operation}Response>{result}{id}</{operation}Response>"))
}

/// A refusal of the same.
fn refused(code: &str, message: &str) -> Answer {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (400, format!("<ErrorResponse>{error}<RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId></ErrorResponse>"))
}

/// A refusal of the services that speak JSON.
fn refused_json(kind: &str, message: &str) -> Answer {
    (400, format!(r#"{{"__type":"{kind}","message":"{message}"}}"#))
}
