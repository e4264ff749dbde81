//! The launch template and its versions.
//!
//! A version's description contains the digest of the version's content and the source of the image, which the
//! version's data does not contain: the data has the image's id. A version without such a description was not created
//! by Envkeeper, and is left out.

use aws_sdk_ec2::types::{
    Filter, LaunchTemplate as Found, LaunchTemplateVersion, ResourceType, ResponseLaunchTemplateData, Tag,
    TagDescription,
};
use environment::{
    Call, CallKind, Fields, LaunchTemplate, LaunchTemplateSetting, Names, ObservedResource, Resource, Setting, State,
    Tags, TemplateVersion,
};

use super::tags;
use super::template_data as data;
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;
use crate::token::client_token;

const DESCRIBE: &str = "ec2:DescribeLaunchTemplates";
const DESCRIBE_VERSIONS: &str = "ec2:DescribeLaunchTemplateVersions";

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
    let by_name = Filter::builder().name("launch-template-name").values(&name).build();
    let templates = clients.ec2.describe_launch_templates().filters(by_name).into_paginator().items().send();
    let by_name = clients.ec2.describe_launch_template_versions().launch_template_name(&name);
    let versions = by_name.into_paginator().items().send();
    let template = async {
        let templates: Vec<Found> = templates.collect::<Result<Vec<_>, _>>().await.classified(DESCRIBE)?;
        let found = templates.into_iter().find(|it| it.launch_template_name() == Some(name.as_str()));
        let Some(found) = found else { return Ok(None) };
        let tags = read_tags(clients, found.launch_template_id().unwrap_or_default()).await?;
        Ok(Some((found, tags)))
    };
    let versions =
        async { versions.collect::<Result<Vec<_>, _>>().await.classified(DESCRIBE_VERSIONS).none_if_not_found() };
    let (template, versions) = tokio::try_join!(template, versions)?;
    Ok(template.map(|(template, tags)| TemplateAttributes { template, tags, versions: versions.unwrap_or_default() }))
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
    for (number, version) in &numbered {
        observation.record_version(id, &version.digest, *number);
    }
    let all_data = attributes.versions.iter().filter_map(LaunchTemplateVersion::launch_template_data);
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
        CallKind::Drain | CallKind::Empty => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::LaunchTemplate(LaunchTemplate { versions }) = &resource.fields else {
        return Err(Problem::unsupported_call(call));
    };
    // A desired template has one version.
    let [version] = versions.as_slice() else { return Err(Problem::unsupported_call(call)) };
    let request = aws.clients.ec2.create_launch_template().launch_template_name(&call.key.name);
    let request = request.client_token(client_token(&aws.token_seed, &call.key, &version.digest));
    let request = request.tag_specifications(tags::at_creation(ResourceType::LaunchTemplate, &resource.tags));
    let request = request.version_description(data::description(version));
    let request = request.launch_template_data(data::request(version, &aws.ids, call.operation())?);
    let response = request.send().await.classified(call.operation())?;
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
    let request = aws.clients.ec2.create_launch_template_version().launch_template_id(&template);
    let request = request.client_token(client_token(&aws.token_seed, &call.key, &version.digest));
    let request = request.version_description(data::description(version));
    let request = request.launch_template_data(data::request(version, &aws.ids, call.operation())?);
    let response = request.send().await.classified(call.operation())?;
    if let Some(number) = response.launch_template_version().and_then(LaunchTemplateVersion::version_number) {
        aws.ids.record_version(&template, &version.digest, number);
    }
    Ok(())
}

/// The number of the version with this content. A version that neither an observation nor this run knows is looked up.
pub(crate) async fn version_number(aws: &AwsCloud, template: &str, digest: &str) -> Result<i64, Problem> {
    if let Some(number) = aws.ids.version(template, digest) {
        return Ok(number);
    }
    let pages = aws.clients.ec2.describe_launch_template_versions().launch_template_id(template);
    let versions = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let versions = versions.classified(DESCRIBE_VERSIONS)?;
    let has_content = |it: &&LaunchTemplateVersion| data::digest(it) == Some(digest);
    let number = versions.iter().filter(has_content).filter_map(LaunchTemplateVersion::version_number).max();
    let not_visible =
        || Problem::blocked(DESCRIBE_VERSIONS, format!("no version with content {digest} is visible yet"));
    let number = number.ok_or_else(not_visible)?;
    aws.ids.record_version(template, digest, number);
    Ok(number)
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let request = aws.clients.ec2.delete_launch_template().launch_template_id(&id);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_ec2::types::{
        InstanceType, LaunchTemplateBlockDeviceMapping, LaunchTemplateEbsBlockDevice,
        LaunchTemplateIamInstanceProfileSpecification, LaunchTemplatesMonitoring,
    };
    use environment::{Key, Kind, Ref, TemplateContent};

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
    }

    fn found(number: i64, description: &str) -> LaunchTemplateVersion {
        let root = LaunchTemplateEbsBlockDevice::builder().volume_size(8).encrypted(true).kms_key_id("arn:key").build();
        let profile = LaunchTemplateIamInstanceProfileSpecification::builder();
        let data = ResponseLaunchTemplateData::builder()
            .image_id("ami-12345678")
            .instance_type(InstanceType::T3Micro)
            .iam_instance_profile(profile.name(names().instance_profile().name).build())
            .security_group_ids("sg-1")
            .block_device_mappings(LaunchTemplateBlockDeviceMapping::builder().ebs(root).build())
            .monitoring(LaunchTemplatesMonitoring::builder().enabled(true).build())
            .user_data("IyEvYmluL2Jhc2gK")
            .build();
        LaunchTemplateVersion::builder()
            .version_number(number)
            .version_description(description)
            .launch_template_data(data)
            .build()
    }

    fn template_with(versions: Vec<LaunchTemplateVersion>) -> TemplateAttributes {
        let name = names().launch_template().name;
        let template = Found::builder().launch_template_id("lt-1").launch_template_name(name).build();
        TemplateAttributes { template, tags: Tags::new(), versions }
    }

    fn versions_of(observed: &ObservedResource) -> Vec<TemplateVersion> {
        match &observed.resource.fields {
            Fields::LaunchTemplate(template) => template.versions.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_version_is_read_as_it_was_requested() {
        let (ids, names) = (Ids::default(), names());
        ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
        let mut observation = ids.observation("owner", &names);
        let observed =
            observed(&template_with(vec![found(1, "envkeeper 0123456789abcdef /aws/service/ami")]), &mut observation)
                .unwrap();
        let content = TemplateContent {
            image_source: "/aws/service/ami".into(),
            instance_type: "t3.micro".into(),
            instance_profile: Ref::Owned(names.instance_profile()),
            security_groups: vec![Ref::owned(Kind::SecurityGroup, "the-sg")],
            root_volume_gib: 8,
            volume_key: Some("arn:key".into()),
            detailed_monitoring: true,
            user_data: "#!/bin/bash\n".into(),
        };
        let version = TemplateVersion { digest: "0123456789abcdef".into(), image: "ami-12345678".into(), content };
        assert_eq!(versions_of(&observed), [version]);
        assert_eq!(observed.references, ["sg-1"]);
        assert_eq!(observation.digest("lt-1", 1), Some("0123456789abcdef"));
    }

    #[test]
    fn a_template_whose_tags_are_not_listed_yet_is_owned() {
        let mark = Tag::builder().key(environment::mark::OWNER).value("owner").build();
        let template = Found::builder().launch_template_id("lt-1").tags(mark).build();
        let attributes = TemplateAttributes { template, tags: Tags::new(), versions: vec![] };
        let (ids, names) = (Ids::default(), names());
        let observed = observed(&attributes, &mut ids.observation("owner", &names)).unwrap();
        assert_eq!((observed.ownership, observed.resource.tags), (environment::Ownership::Owned, Tags::new()));
    }

    #[test]
    fn versions_are_sorted_by_age_and_foreign_versions_are_left_out() {
        let (ids, names) = (Ids::default(), names());
        ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
        let all = vec![
            found(3, "envkeeper 3333333333333333 ami-1"),
            found(2, "created manually"),
            found(1, "envkeeper 1111111111111111 ami-1"),
        ];
        let observed = observed(&template_with(all), &mut ids.observation("owner", &names)).unwrap();
        let digests: Vec<String> = versions_of(&observed).into_iter().map(|it| it.digest).collect();
        assert_eq!(digests, ["1111111111111111", "3333333333333333"]);
    }

    #[test]
    fn a_version_with_a_deleted_security_group_does_not_have_the_digest_of_its_description() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("owner", &names);
        let observed =
            observed(&template_with(vec![found(1, "envkeeper 0123456789abcdef ami-1")]), &mut observation).unwrap();
        let [version] = versions_of(&observed).try_into().unwrap();
        assert_eq!(version.content.security_groups, [Ref::Foreign("sg-1".into())]);
        assert_ne!(version.digest, "0123456789abcdef");
        assert_eq!(observation.digest("lt-1", 1), Some(version.digest.as_str()));
        // The image is still pinned.
        assert_eq!((version.content.image_source.as_str(), version.image.as_str()), ("ami-1", "ami-12345678"));
    }
}
