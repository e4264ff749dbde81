//! The ownership mark: tags that the create call of every resource contains, so that a crash never leaves an owned
//! resource that appears foreign.

use crate::model::key::Tags;
use crate::model::names::Names;

/// The tag with the owner: a hash of the stack's id and the resource's logical id.
pub const OWNER: &str = "envkeeper:owner";
/// The tag with the environment's id.
pub const ENVIRONMENT: &str = "envkeeper:environment";
/// The tag with the name of a resource whose kind has no name on AWS: `Name` is for operators, who may edit it.
pub const NAME: &str = "envkeeper:name";
/// The tag of the instances' role with the suffix of its environment: the deployment's permissions boundary, which is one
/// policy for all environments, names the log group and the bucket by it (`aws:PrincipalTag`).
pub const SUFFIX: &str = "envkeeper:suffix";
/// The tag of a deliberately retained resource: the id of the environment that retained it. If the resource also has an
/// owner's mark, a later environment has adopted it, with the consent of [`ADOPTABLE_BY`].
pub const RETAINED: &str = "envkeeper:retained";
/// The tag of an operator's consent on a retained bucket: the owner that may adopt it, once. The operator request
/// `allow-adoption` writes it; adoption and retention remove it.
pub const ADOPTABLE_BY: &str = "envkeeper:adoptable-by";
/// The tag with the action for a bucket when its environment is deleted: see [`OnDelete`](crate::OnDelete).
pub const ON_DELETE: &str = "envkeeper:on-delete";
/// Tag keys that Envkeeper sets. A stack author's tags cannot use them, nor any key that starts with `aws:` or
/// `envkeeper:`.
pub const RESERVED: [&str; 4] = ["Name", "Project", "Environment", "ManagedBy"];

/// Whether a stack author cannot set the tag key. The comparison ignores case, as some services do.
#[must_use]
pub fn is_mark(key: &str) -> bool {
    let lower = key.to_lowercase();
    RESERVED.iter().any(|it| it.eq_ignore_ascii_case(key))
        || lower.starts_with("aws:")
        || lower.starts_with("envkeeper:")
}

/// The mark as a line of text, for kinds that have no tags or do not show them in listings.
#[must_use]
pub fn text(owner: &str, environment_id: &str) -> String {
    format!("{OWNER}={owner} {ENVIRONMENT}={environment_id}")
}

/// The tags of the mark in a text, at any position.
#[must_use]
pub fn in_text(text: &str) -> Tags {
    let value = |key: &str| {
        let (_, after) = text.split_once(&format!("{key}="))?;
        let value: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        Some((key.to_owned(), value))
    };
    [OWNER, ENVIRONMENT].into_iter().filter_map(value).collect()
}

/// The tags of one resource: the stack author's tags, the mark, and the tags by which operators search.
#[must_use]
pub fn tags(user: &Tags, owner: &str, names: &Names, environment: &str, name: &str) -> Tags {
    let environment_id = names.environment_id();
    let own_tags = [
        (OWNER, owner),
        (ENVIRONMENT, environment_id.as_str()),
        (NAME, name),
        ("Name", name),
        ("Project", names.project.as_str()),
        ("Environment", environment),
        ("ManagedBy", "envkeeper"),
    ];
    let own_tags = own_tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    user.clone().into_iter().chain(own_tags).collect()
}
