//! Log groups with a key, and saved queries. The local cloud knows a key only at creation.

use environment::{Kind, Wanted};
use serde_json::json;

use super::{World, distinct};

const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/11111111-1111-1111-1111-111111111111";

#[tokio::test]
async fn a_log_group_is_made_with_its_key() {
    let world = World::start(&[Kind::LogGroup]).await;
    let encrypted = world.wanted(&json!({ "EnvironmentSuffix": "dev", "KmsKeyArn": KEY }));
    let calls = world.repair(&encrypted).await;
    assert_eq!(distinct(&calls), ["logs:CreateLogGroup", "logs:PutRetentionPolicy"].into());
    world.assert_is_there(&encrypted).await;
    world.repair(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
}

#[tokio::test]
async fn saved_queries_are_made_and_repaired_and_other_peoples_stay() {
    let world = World::start(&[Kind::SavedQuery]).await;
    let wanted = world.wanted(&json!({ "EnvironmentSuffix": "dev" }));
    let logs = &world.clients.logs;
    let theirs = world.names().saved_query("theirs").name;
    logs.put_query_definition().name(&theirs).query_string("fields @message").send().await.expect("somebody's query");
    let calls = world.repair(&wanted).await;
    assert_eq!((calls.len(), distinct(&calls)), (wanted.resources.len(), ["logs:PutQueryDefinition"].into()));
    assert_eq!(world.reads().await, ["logs:DescribeQueryDefinitions"]);
    let live = world.observe().await;
    for wanted in &wanted.resources {
        assert!(live.iter().any(|it| it.resource == *wanted), "{}", wanted.name);
    }

    // Under its id and with its mark, and asking something else of other groups.
    let (name, first) =
        (wanted.resources[0].name.clone(), &live.iter().find(|it| it.key() == wanted.resources[0].key()));
    let environment::Fields::SavedQuery(query) = &wanted.resources[0].fields else { panic!("another kind") };
    let request = logs.put_query_definition().name(&name).query_string(format!("{} | limit 1", query.query.text));
    let request = request.set_query_definition_id(first.and_then(|it| it.id.clone()));
    request.send().await.expect("another text, and no log groups");
    let calls = world.repair(&wanted).await;
    assert_eq!((calls.len(), distinct(&calls)), (1, ["logs:PutQueryDefinition"].into()));

    let calls = world.repair(&Wanted::default()).await;
    assert_eq!((calls.len(), distinct(&calls)), (wanted.resources.len(), ["logs:DeleteQueryDefinition"].into()));
    let live = world.observe().await;
    assert!(live.len() == 1 && live[0].resource.name == theirs, "{live:?}");
}
