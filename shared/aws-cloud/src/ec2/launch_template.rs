//! The launch template and its versions.
//!
//! A version's description contains the source of the image, which the version's data does not contain: the data has the
//! image's id. A version without such a description was not created by Envkeeper, and is left out. Any principal that may
//! create versions can write such a description, so a version is used only if its whole data is the desired data.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    Filter, LaunchTemplate as Found, LaunchTemplateErrorCode, LaunchTemplateVersion, ResourceType,
    ResponseLaunchTemplateData, Tag, TagDescription,
};
use environment::{
    Call, CallKind, Fields, LaunchTemplate, LaunchTemplateSetting, Names, ObservedResource, Resource, RolloutCall,
    Setting, State, Tags, TemplateVersion,
};

use super::tags;
use super::template_data as data;
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;
use crate::token::with_token;

const DESCRIBE: &str = "ec2:DescribeLaunchTemplates";
const DESCRIBE_VERSIONS: &str = "ec2:DescribeLaunchTemplateVersions";

/// The most versions of a page (EC2 API reference, `DescribeLaunchTemplateVersions`).
const MAX_LISTED: i32 = 200;

pub(crate) use data::version;

/// The observed attributes of a template: the template with its tags and all its versions.
pub(crate) struct TemplateAttributes {
    template: Found,
    tags: Tags,
    versions: Vec<LaunchTemplateVersion>,
}

/// Reads the template with the computed name, owned or foreign: names are unique, so a foreign template has to be
/// observed.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<TemplateAttributes>, Problem> {
    let name = names.launch_template().name;
    let template = async {
        let Some(found) = find(clients, &name).await? else { return Ok(None) };
        let tags = read_tags(clients, found.launch_template_id().unwrap_or_default()).await?;
        Ok(Some((found, tags)))
    };
    let (template, versions) = tokio::try_join!(template, versions(clients, &name))?;
    Ok(template.map(|(template, tags)| TemplateAttributes { template, tags, versions }))
}

/// Finds the template with this name.
async fn find(clients: &Clients, name: &str) -> Result<Option<Found>, Problem> {
    let by_name = Filter::builder().name("launch-template-name").values(name).build();
    let pages = clients.ec2.describe_launch_templates().filters(by_name).into_paginator().items().send();
    let templates: Vec<Found> = pages.collect::<Result<_, _>>().await.classified(DESCRIBE)?;
    Ok(templates.into_iter().find(|it| it.launch_template_name() == Some(name)))
}

/// Lists the versions of the template with this name; none if it does not exist.
pub(crate) async fn versions(clients: &Clients, name: &str) -> Result<Vec<LaunchTemplateVersion>, Problem> {
    let request = clients.ec2.describe_launch_template_versions().launch_template_name(name);
    let pages = request.max_results(MAX_LISTED).into_paginator().items();
    let found = pages.send().collect::<Result<_, _>>().await.classified(DESCRIBE_VERSIONS).none_if_not_found()?;
    Ok(found.unwrap_or_default())
}

/// Reads the tags from `DescribeTags`. The template's own listing has tags too, but the emulator's listing keeps the
/// tags of the creation, and a change of tags has to be observed there as well.
async fn read_tags(clients: &Clients, id: &str) -> Result<Tags, Problem> {
    let by_id = Filter::builder().name("resource-id").values(id).build();
    let pages = clients.ec2.describe_tags().filters(by_id).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeTags")?;
    let tag = |it: &TagDescription| Tag::builder().set_key(it.key.clone()).set_value(it.value.clone()).build();
    Ok(tags::read(&found.iter().map(tag).collect::<Vec<_>>()))
}

/// The template in the form of the engine, with the versions that Envkeeper created, the oldest
/// first.
pub(crate) fn observed(
    attributes: &TemplateAttributes,
    observation: &mut Observation<'_>,
) -> Result<ObservedResource, Problem> {
    let id = attributes.template.launch_template_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = attributes.tags.clone();
    let mut numbered: Vec<(i64, TemplateVersion)> = attributes
        .versions
        .iter()
        .filter_map(|it| Some((it.version_number()?, data::version(it, observation)?)))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    // Of versions with the same data the oldest is used: a version that is added later changes nothing.
    for (number, version) in numbered.iter().rev() {
        observation.record_version(id, &version.digest, *number);
    }
    // A version that another principal added leads to no security group.
    let is_own = |it: &&LaunchTemplateVersion| {
        numbered.iter().any(|(number, version)| it.version_number() == Some(*number) && !version.is_altered())
    };
    let all_data = attributes.versions.iter().filter(is_own).filter_map(LaunchTemplateVersion::launch_template_data);
    let references = all_data.flat_map(ResponseLaunchTemplateData::security_group_ids).cloned().collect();
    let versions = numbered.into_iter().map(|(_, version)| version).collect();
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        // From the template's own listing: `DescribeTags` can lag behind, and would classify a new template as foreign.
        ownership: ObservedResource::ownership(&tags::read(attributes.template.tags()), observation.owner),
        resource: Resource {
            name: attributes.template.launch_template_name().unwrap_or(id).to_owned(),
            tags,
            fields: Fields::LaunchTemplate(LaunchTemplate { versions }),
        },
        state: State::Ready,
        references,
        version: None,
    })
}

/// Executes one call on a launch template.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::LaunchTemplate(LaunchTemplateSetting::Version(version))] => {
                create_version(aws, call, version).await
            }
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => tags::clear(aws, call, settings).await,
        CallKind::Delete => delete(aws, call).await,
        CallKind::Rollout(RolloutCall::DeleteVersions(numbers)) => delete_versions(aws, call, numbers).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::LaunchTemplate(LaunchTemplate { versions }) = &resource.fields else {
        return Err(Problem::unsupported_call(call));
    };
    // A desired template has one version.
    let [version] = versions.as_slice() else { return Err(Problem::unsupported_call(call)) };
    let data = data::request(version, &aws.ids, call.operation())?;
    let send = async |token: String| {
        let request = aws.clients.ec2.create_launch_template().launch_template_name(&call.key.name);
        let request = request.client_token(token).version_description(data::description(version));
        let request = request.tag_specifications(tags::at_creation(ResourceType::LaunchTemplate, &resource.tags));
        request.launch_template_data(data.clone()).send().await.classified(call.operation())
    };
    let exists = async || Ok(find(&aws.clients, &call.key.name).await?.is_some());
    let response = with_token(&aws.token_seed, &call.key, &version.digest, send, exists).await?;
    let template = response.launch_template();
    let id = template.and_then(Found::launch_template_id);
    let id = id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?;
    aws.ids.record_created(&call.key, id);
    if let Some(number) = template.and_then(Found::latest_version_number) {
        aws.ids.record_version(id, &version.digest, number);
    }
    Ok(())
}

async fn create_version(aws: &AwsCloud, call: &Call, version: &TemplateVersion) -> Result<(), Problem> {
    let template = aws.ids.of_call(call)?;
    let data = data::request(version, &aws.ids, call.operation())?;
    let send = async |token: String| {
        let request = aws.clients.ec2.create_launch_template_version().launch_template_id(&template);
        let request = request.client_token(token).version_description(data::description(version));
        request.launch_template_data(data.clone()).send().await.classified(call.operation())
    };
    let description = data::description(version);
    let exists = async || {
        let found = versions(&aws.clients, &call.key.name).await?;
        Ok(found.iter().any(|it| it.version_description() == Some(description.as_str())))
    };
    let response = with_token(&aws.token_seed, &call.key, &version.digest, send, exists).await?;
    if let Some(number) = response.launch_template_version().and_then(LaunchTemplateVersion::version_number) {
        aws.ids.record_version(&template, &version.digest, number);
    }
    Ok(())
}

/// The number of the version with this digest, which this run created or observed.
pub(crate) fn version_number(aws: &AwsCloud, template: &str, digest: &str) -> Result<i64, Problem> {
    let not_visible =
        || Problem::blocked(DESCRIBE_VERSIONS, format!("no version with content {digest} is visible yet"));
    aws.ids.version(template, digest).ok_or_else(not_visible)
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let request = aws.clients.ec2.delete_launch_template().launch_template_id(&id);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

/// Deletes versions. A version that is left is reported in the response, which is not an error.
async fn delete_versions(aws: &AwsCloud, call: &Call, numbers: &BTreeSet<u64>) -> Result<(), Problem> {
    let request = aws.clients.ec2.delete_launch_template_versions().launch_template_id(aws.ids.of_call(call)?);
    let request = request.set_versions(Some(numbers.iter().map(u64::to_string).collect()));
    let response = request.send().await.classified(call.operation())?;
    let left = response.unsuccessfully_deleted_launch_template_versions().iter();
    left.filter_map(|it| Some((it.version_number()?, it.response_error()?)))
        .find(|(_, error)| error.code() != Some(&LaunchTemplateErrorCode::LaunchTemplateVersionDoesNotExist))
        .map_or(Ok(()), |(number, error)| {
            let code = error.code().map_or("unknown", LaunchTemplateErrorCode::as_str);
            let message = format!("version {number} is left: {}", error.message().unwrap_or_default());
            Err(Problem::new(ErrorClass::Rejected, call.operation(), code, &message))
        })
}

#[cfg(test)]
mod tests;
