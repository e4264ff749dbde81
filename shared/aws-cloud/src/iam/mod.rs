//! The instances' role and its profile. IAM identifies both by name, which is unique in the account.

use aws_sdk_iam::types::Tag;
use environment::{Call, Key, Ref, Setting, Tags};

use crate::errors::Problem;

pub(crate) mod instance_profile;
mod obstacles;
pub(crate) mod role;

/// The reference that a name stands for, where `owned_key` has the computed name of its kind.
pub(crate) fn reference_by_name(owned_key: Key, name: &str) -> Ref {
    if owned_key.name == name { Ref::Owned(owned_key) } else { Ref::Foreign(name.to_owned()) }
}

/// Tags in the form of a request.
fn tags_of<'a>(
    tags: impl Iterator<Item = (&'a String, &'a String)>,
    operation: &'static str,
) -> Result<Vec<Tag>, Problem> {
    let built = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
    built.collect::<Result<_, _>>().map_err(|_| Problem::unreadable(operation, "tag"))
}

/// Tags in the form of the engine.
fn read_tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// The tags among the settings of one call.
fn tags_to_set(call: &Call, settings: &[Setting]) -> Result<Vec<Tag>, Problem> {
    let pairs = settings.iter().map(|setting| match setting {
        Setting::Tag(key, value) => Ok((key, value)),
        _ => Err(Problem::unsupported_call(call)),
    });
    tags_of(pairs.collect::<Result<Vec<_>, _>>()?.into_iter(), call.operation())
}

/// The keys of the tags among the settings of one call.
fn tags_to_clear(call: &Call, settings: &[Setting]) -> Result<Vec<String>, Problem> {
    let keys = settings.iter().map(|setting| match setting {
        Setting::Tag(key, _) => Ok(key.clone()),
        _ => Err(Problem::unsupported_call(call)),
    });
    keys.collect()
}
