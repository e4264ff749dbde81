//! Saved queries of Logs Insights. Queries have no tags: the text of a query carries the ownership mark.

use aws_sdk_cloudwatchlogs::operation::put_query_definition::builders::PutQueryDefinitionFluentBuilder;
use environment::{
    Call, CallKind, Fields, Names, ObservedResource, Query, Ref, Resource, SavedQuery, SavedQuerySetting, Setting,
    State, Tags, mark,
};

use crate::AwsCloud;
use crate::clients::{Clients, one_attempt_of_logs};
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;
use crate::token::client_token;

pub(crate) use aws_sdk_cloudwatchlogs::types::QueryDefinition as Found;

const DESCRIBE: &str = "logs:DescribeQueryDefinitions";

/// Reads every query in the environment's folder of queries, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Found>, Problem> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let request = clients.logs.describe_query_definitions().query_definition_name_prefix(names.saved_queries());
        let response = request.set_next_token(next).send().await.classified(DESCRIBE)?;
        found.extend(response.query_definitions.unwrap_or_default());
        next = response.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// The query in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |field| move || Problem::unreadable(DESCRIBE, field);
    let id = found.query_definition_id().ok_or_else(missing("id"))?;
    let name = found.name().ok_or_else(missing("name"))?;
    let text = found.query_string().unwrap_or_default();
    let log_groups = found.log_group_names().iter().map(|name| log_group(observation.names, name)).collect();
    let query = Query { text: text.to_owned(), log_groups };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&mark::in_text(text), observation.owner),
        resource: Resource {
            name: name.to_owned(),
            tags: Tags::new(),
            fields: Fields::SavedQuery(SavedQuery { query }),
        },
        state: State::Ready,
        references: vec![],
        version: None,
    })
}

/// The reference to a log group. Queries refer to log groups by name; every other resource refers to them by ARN.
fn log_group(names: &Names, name: &str) -> Ref {
    let owned = [names.scaling_log_group(), names.instance_log_group()];
    owned.into_iter().find(|key| key.name == name).map_or_else(|| Ref::Foreign(name.to_owned()), Ref::Owned)
}

/// Executes one call on a query.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::SavedQuery(SavedQuerySetting::Query(query))] => {
                let request = put(aws, call, query).query_definition_id(aws.ids.of_call(call)?);
                request.send().await.classified(call.operation())?;
                Ok(())
            }
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => {
            Err(Problem::unsupported_call(call))
        }
    }
}

/// The request is sent once. The API reference states that the token keeps a request that the network duplicated from
/// failing, and does not state that AWS creates only one query.
async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::SavedQuery(SavedQuery { query }) = &resource.fields else {
        return Err(Problem::unsupported_call(call));
    };
    let request = put(aws, call, query).client_token(client_token(&aws.token_seed, &call.key, ""));
    let response =
        request.customize().config_override(one_attempt_of_logs()).send().await.classified(call.operation())?;
    let id = response.query_definition_id().ok_or_else(|| Problem::unreadable(call.operation(), "id"))?;
    aws.ids.record_created(&call.key, id);
    Ok(())
}

/// The whole query: a request without an id creates a new one.
fn put(aws: &AwsCloud, call: &Call, query: &Query) -> PutQueryDefinitionFluentBuilder {
    let groups = query.log_groups.iter().map(ToString::to_string).collect();
    let request = aws.clients.logs.put_query_definition().name(&call.key.name).query_string(&query.text);
    request.set_log_group_names(Some(groups))
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let request = aws.clients.logs.delete_query_definition().query_definition_id(&id);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::Ownership;

    #[test]
    fn the_text_of_a_query_carries_its_mark_and_owned_log_groups_have_names() {
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let text = format!("# {}\nfields @message", mark::text("owner", "p-eu-west-1-dev"));
        let query = Found::builder()
            .query_definition_id("q-1")
            .name(names.saved_query("a").name)
            .query_string(&text)
            .log_group_names(names.instance_log_group().name)
            .log_group_names("foreign");
        let ids = Ids::default();
        let owned = observed(&query.clone().build(), &ids.observation("owner", &names)).unwrap();
        assert_eq!((owned.key(), owned.ownership), (names.saved_query("a"), Ownership::Owned));
        let log_groups = vec![Ref::Owned(names.instance_log_group()), Ref::Foreign("foreign".into())];
        assert_eq!(owned.resource.fields, Fields::SavedQuery(SavedQuery { query: Query { text, log_groups } }));
        let foreign =
            observed(&query.query_string("fields @message").build(), &ids.observation("owner", &names)).unwrap();
        assert!(matches!(foreign.ownership, Ownership::Foreign(_)));
    }
}
