//! Tags of EC2 resources: one pair of operations for all kinds.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use environment::{Call, Kind, Setting, Tags, mark};

use crate::AwsCloud;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

/// The tags of a create call, so that a crash never leaves an unmarked resource.
pub(super) fn at_creation(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(written(tags))).build()
}

/// Tags in the form of EC2.
pub(super) fn written(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Tags in the form of the engine: without the tags that AWS sets itself.
pub(super) fn read(tags: &[Tag]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The name of a resource without a name of its own: the name in the owner's record, or in its mark, or else its id, so
/// that every marked resource is found.
pub(super) fn name(observation: &Observation<'_>, kind: Kind, tags: &Tags, id: &str) -> String {
    let in_mark = || tags.get(mark::NAME).map(String::as_str).filter(|name| !name.is_empty());
    observation.recorded_name(kind, id).or_else(in_mark).unwrap_or(id).to_owned()
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
    use crate::ids::Ids;
    use environment::{Key, Names, Proofs};
    use std::collections::BTreeMap;

    #[test]
    fn tags_that_aws_sets_are_dropped() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let tags = read(&[tag("aws:cloudformation:stack-name", "x"), tag("Name", "a")]);
        assert_eq!(tags, Tags::from([("Name".into(), "a".into())]));
    }

    #[test]
    fn the_name_is_the_recorded_one_else_that_of_the_mark_else_the_id() {
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let recorded = [("vpc-2".to_owned(), Key::new(Kind::Vpc, "the-vpc"))];
        let proofs = Proofs { ids: recorded.into(), ..Proofs::default() };
        let observation = Ids::default().observation("owner", &names).with(&proofs, BTreeMap::new());
        let name = |tags: &[(&str, &str)], id: &str| {
            let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            name(&observation, Kind::Vpc, &tags, id)
        };
        assert_eq!(name(&[], "vpc-1"), "vpc-1");
        assert_eq!(name(&[(mark::NAME, "")], "vpc-1"), "vpc-1");
        assert_eq!(name(&[(mark::NAME, "a")], "vpc-1"), "a");
        assert_eq!(name(&[(mark::NAME, "renamed")], "vpc-2"), "the-vpc");
    }
}
