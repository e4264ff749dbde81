//! What our own role may not do: for good, or until IAM sees the mark of what was just made.

use std::time::Duration;

use aws_cloud::AwsCloud;
use environment::{Call, CallError, CallKind, Cloud, Fields, InternetGateway, Key, Kind, Resource, Tags};

use crate::service;

/// An account in which everything can be made, and nothing changed.
fn cloud() -> AwsCloud {
    let clients = service::start(|request| {
        if request.body.starts_with("Action=CreateInternetGateway&") {
            let made = "<internetGateway><internetGatewayId>igw-1</internetGatewayId></internetGateway>";
            return Some((200, format!("<CreateInternetGatewayResponse>{made}</CreateInternetGatewayResponse>")));
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
async fn a_denial_is_final_where_nothing_was_made() {
    let response = cloud().call(&delete()).await;
    assert!(
        matches!(&response, Err(CallError::Rejected { message: what }) if what.contains(" Allow what it names ")),
        "{response:?}"
    );
}

#[tokio::test]
async fn a_denial_right_after_something_was_made_may_pass_and_is_final_later() {
    let cloud = cloud();
    let fields = Fields::InternetGateway(InternetGateway { attached_to: None });
    let resource = Resource { name: "the-name".into(), tags: Tags::new(), fields };
    let create = Call { key: delete().key, id: None, kind: CallKind::Create(Box::new(resource)) };
    cloud.call(&create).await.expect("it is made");
    let response = cloud.call(&delete()).await;
    assert!(matches!(response, Err(CallError::Retry { .. })), "{response:?}");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(21)).await;
    tokio::time::resume();
    let response = cloud.call(&delete()).await;
    assert!(matches!(response, Err(CallError::Rejected { .. })), "{response:?}");
}
