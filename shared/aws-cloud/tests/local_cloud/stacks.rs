//! Stacks.

use serde_json::json;

use crate::harness::Harness;
use crate::parts::config;

#[tokio::test]
async fn an_existing_stack_is_active_and_an_unknown_stack_is_deleted() {
    let harness = Harness::start().await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&config(&harness, "tests"));
    let template = json!({ "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } } }).to_string();
    let response =
        cloudformation.create_stack().stack_name("web").template_body(template).send().await.expect("a stack");
    let id = response.stack_id().expect("its id");
    assert_eq!(aws_cloud::stack(&harness.clients, id).await, Ok(aws_cloud::StackState::Active));
    let unknown = id.replace("/web/", "/other/");
    assert_eq!(aws_cloud::stack(&harness.clients, &unknown).await, Ok(aws_cloud::StackState::Deleted));
}
