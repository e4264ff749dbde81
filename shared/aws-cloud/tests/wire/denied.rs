//! Denials of Envkeeper's role: permanent ones, and ones that last until IAM sees the mark of a new resource.

use std::time::Duration;

use aws_cloud::AwsCloud;
use environment::{Call, CallError, CallKind, Cloud, Fields, InternetGateway, Key, Kind, Resource, Tags};

use crate::service;

/// An account that allows every create, and denies every change.
fn cloud() -> AwsCloud {
    let clients = service::start(|request| {
        if request.body.starts_with("Action=CreateInternetGateway&") {
            let gateway = "<internetGateway><internetGatewayId>igw-1</internetGatewayId></internetGateway>";
            return Some((200, format!("<CreateInternetGatewayResponse>{gateway}</CreateInternetGatewayResponse>")));
        }
        let error = "<Code>UnauthorizedOperation</Code><Message>You are not authorized.</Message>";
        Some((403, format!("<Response><Errors><Error>{error}</Error></Errors></Response>")))
    });
    AwsCloud::new(&clients, "owner".into(), "request".into())
}

fn delete() -> Call {
    Call { key: Key::new(Kind::InternetGateway, "the-name"), id: Some("igw-1".into()), kind: CallKind::Delete }
}

#[tokio::test]
async fn a_denial_without_an_earlier_create_is_final() {
    let response = cloud().call(&delete()).await;
    assert!(
        matches!(&response, Err(CallError::Rejected { message }) if message.contains(" Allow the action that the message names ")),
        "{response:?}"
    );
}

#[tokio::test]
async fn a_denial_right_after_a_create_is_retried_and_is_final_later() {
    let cloud = cloud();
    let fields = Fields::InternetGateway(InternetGateway { attached_to: None });
    let resource = Resource { name: "the-name".into(), tags: Tags::new(), fields };
    let create = Call { key: delete().key, id: None, kind: CallKind::Create(Box::new(resource)) };
    cloud.call(&create).await.expect("created");
    let response = cloud.call(&delete()).await;
    assert!(matches!(response, Err(CallError::Retry { .. })), "{response:?}");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21)).await;
    tokio::time::resume();
    let response = cloud.call(&delete()).await;
    assert!(matches!(response, Err(CallError::Rejected { .. })), "{response:?}");
}
