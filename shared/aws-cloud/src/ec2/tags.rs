//! Tags of EC2 resources: one pair of operations for all kinds.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use environment::{Call, Setting, Tags, mark};

use crate::AwsCloud;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};

/// The tags of a create call, so that a crash never leaves an unmarked resource.
pub(super) fn at_creation(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// Tags in the form of the engine: without the tags that AWS sets itself.
pub(super) fn read(tags: &[Tag]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The name of a resource without a name of its own: the name in its mark, or else its id, so that every marked
/// resource is found.
pub(super) fn name(tags: &Tags, id: &str) -> String {
    tags.get(mark::NAME).filter(|name| !name.is_empty()).map_or_else(|| id.to_owned(), Clone::clone)
}

/// Sets tags by `CreateTags`, which overwrites values.
pub(super) async fn set(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut tags = Vec::new();
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::unsupported_call(call)) };
        tags.push(Tag::builder().key(key).value(value).build());
    }
    let request = aws.clients.ec2.create_tags().resources(aws.ids.of_call(call)?).set_tags(Some(tags));
    request.send().await.classified("ec2:CreateTags")?;
    Ok(())
}

/// Clears tags by `DeleteTags` with keys only: a request with a value would keep a tag whose value was changed.
pub(super) async fn clear(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut tags = Vec::new();
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::unsupported_call(call)) };
        tags.push(Tag::builder().key(key).build());
    }
    let request = aws.clients.ec2.delete_tags().resources(aws.ids.of_call(call)?).set_tags(Some(tags));
    request.send().await.classified("ec2:DeleteTags").none_if_not_found()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_aws_sets_are_dropped() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let tags = read(&[tag("aws:cloudformation:stack-name", "x"), tag("Name", "a")]);
        assert_eq!(tags, Tags::from([("Name".into(), "a".into())]));
    }

    #[test]
    fn without_a_name_tag_the_id_is_the_name() {
        assert_eq!(name(&Tags::new(), "vpc-1"), "vpc-1");
        assert_eq!(name(&Tags::from([(mark::NAME.into(), String::new())]), "vpc-1"), "vpc-1");
        assert_eq!(name(&Tags::from([(mark::NAME.into(), "a".into())]), "vpc-1"), "a");
    }
}
