//! Tags of groups.

use std::collections::BTreeMap;

use crate::{AutoScaling, Fault};

/// The number of tags that a group may have (AWS's quota).
const MAX_TAGS: usize = 50;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// 1 to 128 characters, not beginning with `aws:`.
    pub key: String,
    /// Up to 256 characters.
    pub value: String,
    /// Whether new instances get the tag.
    pub propagate_at_launch: bool,
}

impl AutoScaling {
    /// Adds tags to a group, or changes the values of existing ones.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, or a tag is not valid. `LimitExceeded`: the group would have more
    /// than 50 tags.
    pub fn set_tags(&mut self, group: &str, tags: Vec<Tag>) -> Result<(), Fault> {
        set(&mut self.modifiable(group)?.tags, tags)
    }

    /// Removes tags from a group. Keys that the group does not have are not an error.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist.
    pub fn delete_tags(&mut self, group: &str, keys: &[String]) -> Result<(), Fault> {
        self.modifiable(group)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }
}

pub(crate) fn set(existing: &mut BTreeMap<String, Tag>, tags: Vec<Tag>) -> Result<(), Fault> {
    let mut all = existing.clone();
    for tag in tags {
        check(&tag)?;
        all.insert(tag.key.clone(), tag);
    }
    if all.len() > MAX_TAGS {
        return Err(Fault::limit(format!("{} tags: a group has at most {MAX_TAGS}", all.len())));
    }
    *existing = all;
    Ok(())
}

fn check(Tag { key, value, .. }: &Tag) -> Result<(), Fault> {
    let problem = if !(1..=128).contains(&key.chars().count()) {
        "a key has 1 to 128 characters"
    } else if key.to_lowercase().starts_with("aws:") {
        "keys that begin with aws: are reserved"
    } else if value.chars().count() > 256 {
        "a value has at most 256 characters"
    } else {
        return Ok(());
    };
    Err(Fault::validation(format!("Tag {key}={value}: {problem}")))
}
