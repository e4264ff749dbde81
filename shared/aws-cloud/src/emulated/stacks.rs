//! Stacks.

use environment::Kind;

use super::{World, config};
use crate::is_rolling_back;

#[tokio::test]
async fn a_stack_that_is_there_and_one_that_nobody_knows_are_not_rolling_back() {
    let world = World::start(&[Kind::Role]).await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&config(&world.url, "nobody"));
    let template = r#"{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}"#;
    let answer = cloudformation.create_stack().stack_name("web").template_body(template).send().await.expect("a stack");
    let id = answer.stack_id().expect("its id");
    assert_eq!(is_rolling_back(&world.clients, id).await, Ok(false));
    let unknown = id.replace("/web/", "/other/");
    assert_eq!(is_rolling_back(&world.clients, &unknown).await, Ok(false));
}
