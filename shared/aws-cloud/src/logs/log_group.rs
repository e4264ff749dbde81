//! Log groups, with their retention and the key that encrypts their events.

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::types::LogGroup as Found;
use environment::{
    Call, CallKind, Fields, LogGroup, LogGroupSetting, ObservedResource, Resource, Setting, State, Tags,
};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

const DESCRIBE: &str = "logs:DescribeLogGroups";

/// The observed attributes of a log group: the group with its tags.
pub(crate) struct LogGroupAttributes {
    group: Found,
    arn: String,
    tags: Tags,
}

/// Reads the log group with exactly this name, owned or foreign. (`dev` is a prefix of `dev2`.)
pub(crate) async fn read(clients: &Clients, name: &str) -> Result<Option<LogGroupAttributes>, Problem> {
    let Some(group) = find(clients, name).await? else { return Ok(None) };
    let arn = arn_of(&group).ok_or_else(|| Problem::unreadable(DESCRIBE, "ARN"))?;
    let response = clients.logs.list_tags_for_resource().resource_arn(&arn).send().await;
    let Some(response) = response.classified("logs:ListTagsForResource").none_if_not_found()? else { return Ok(None) };
    let tags = response.tags.unwrap_or_default().into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
    Ok(Some(LogGroupAttributes { group, arn, tags }))
}

/// AWS sorts the pages by name (the API reference), so the name itself, the shortest of all with this prefix, is on the
/// first page.
async fn find(clients: &Clients, name: &str) -> Result<Option<Found>, Problem> {
    let response = clients.logs.describe_log_groups().log_group_name_prefix(name).send().await.classified(DESCRIBE)?;
    Ok(response.log_groups.unwrap_or_default().into_iter().find(|group| group.log_group_name() == Some(name)))
}

/// The ARN that tags belong to: without the `:*` that stands for the streams.
fn arn_of(group: &Found) -> Option<String> {
    let arn = group.log_group_arn().or(group.arn())?;
    Some(arn.strip_suffix(":*").unwrap_or(arn).to_owned())
}

/// The log group in the form of the engine.
pub(crate) fn observed(attributes: &LogGroupAttributes, observation: &Observation<'_>) -> ObservedResource {
    let retention_days = attributes.group.retention_in_days().and_then(|days| u32::try_from(days).ok());
    ObservedResource {
        id: Some(attributes.arn.clone()),
        ownership: ObservedResource::ownership(&attributes.tags, observation.owner),
        resource: Resource {
            name: attributes.group.log_group_name().unwrap_or_default().to_owned(),
            tags: attributes.tags.clone(),
            fields: Fields::LogGroup(LogGroup {
                retention_days,
                kms_key: attributes.group.kms_key_id().map(str::to_owned),
            }),
        },
        state: State::Ready,
        references: vec![],
        version: None,
    }
}

/// Executes one call on a log group.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::LogGroup(LogGroupSetting::Retention(days))] => set_retention(aws, call, *days).await,
            [Setting::LogGroup(LogGroupSetting::Key(arn))] => set_key(aws, call, arn).await,
            settings => set_tags(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::LogGroup(LogGroupSetting::Retention(_))] => clear_retention(aws, call).await,
            [Setting::LogGroup(LogGroupSetting::Key(_))] => clear_key(aws, call).await,
            settings => clear_tags(aws, call, settings).await,
        },
        CallKind::Delete => {
            let request = aws.clients.logs.delete_log_group().log_group_name(&call.key.name);
            request.send().await.classified(call.operation()).none_if_not_found()?;
            Ok(())
        }
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::LogGroup(group) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let tags: HashMap<String, String> = resource.tags.clone().into_iter().collect();
    let request = aws.clients.logs.create_log_group().log_group_name(&call.key.name).set_tags(Some(tags));
    request.set_kms_key_id(group.kms_key.clone()).send().await.classified(call.operation())?;
    Ok(())
}

async fn set_retention(aws: &AwsCloud, call: &Call, days: u32) -> Result<(), Problem> {
    let request = aws.clients.logs.put_retention_policy().log_group_name(&call.key.name);
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    request.retention_in_days(days).send().await.classified(call.operation())?;
    Ok(())
}

async fn clear_retention(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.logs.delete_retention_policy().log_group_name(&call.key.name);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}

/// Logs encrypts only new events with the key and keeps older events as they are (the user guide of Logs).
async fn set_key(aws: &AwsCloud, call: &Call, arn: &str) -> Result<(), Problem> {
    let request = aws.clients.logs.associate_kms_key().log_group_name(&call.key.name).kms_key_id(arn);
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn clear_key(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.logs.disassociate_kms_key().log_group_name(&call.key.name);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.logs.tag_resource().resource_arn(aws.ids.of_call(call)?);
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::unsupported_call(call)) };
        request = request.tags(key, value);
    }
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.logs.untag_resource().resource_arn(aws.ids.of_call(call)?);
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::unsupported_call(call)) };
        request = request.tag_keys(key);
    }
    request.send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_belong_to_the_arn_without_its_streams() {
        let group = Found::builder().arn("arn:aws:logs:eu-west-1:1:log-group:a:*").build();
        assert_eq!(arn_of(&group).as_deref(), Some("arn:aws:logs:eu-west-1:1:log-group:a"));
    }
}
