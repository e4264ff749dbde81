//! The mark of ownership: tags that every resource gets in its creating call, so that no crash leaves something that
//! looks foreign.

use crate::names::Names;
use crate::resource::Tags;

/// The tag that holds the owner: a hash of the stack's id and the resource's logical id.
pub const OWNER: &str = "envkeeper:owner";
/// The tag that holds the environment's id.
pub const ENVIRONMENT: &str = "envkeeper:environment";
/// The tag that holds a resource's name, where it has no other: `Name` is for people, and people edit it.
pub const NAME: &str = "envkeeper:name";
/// The tag of what was left behind on purpose: the id of the environment that left it. While its owner's mark is there
/// too, a later environment has adopted it.
pub const RETAINED: &str = "envkeeper:retained";
/// The tag that says what becomes of a bucket when its environment is deleted: see
/// [`OnDelete`](crate::OnDelete).
pub const ON_DELETE: &str = "envkeeper:on-delete";
/// Tag keys that are ours; a user's tags cannot use them, nor any key that starts with `aws:` or `envkeeper:`.
pub const RESERVED: [&str; 4] = ["Name", "Project", "Environment", "ManagedBy"];

/// Whether a tag's key is one that a user cannot set. Some services compare keys without regard to case, so this does.
#[must_use]
pub fn is_mark(key: &str) -> bool {
    let lower = key.to_lowercase();
    RESERVED.iter().any(|it| it.eq_ignore_ascii_case(key))
        || lower.starts_with("aws:")
        || lower.starts_with("envkeeper:")
}

/// The mark as a line of text, for what has no tags or shows none.
#[must_use]
pub fn text(owner: &str, environment_id: &str) -> String {
    format!("{OWNER}={owner} {ENVIRONMENT}={environment_id}")
}

/// The tags that a text carries, wherever in it the mark stands.
#[must_use]
pub fn in_text(text: &str) -> Tags {
    let value = |key: &str| {
        let (_, after) = text.split_once(&format!("{key}="))?;
        let value: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        Some((key.to_owned(), value))
    };
    [OWNER, ENVIRONMENT].into_iter().filter_map(value).collect()
}

/// The tags of one resource: the user's, the mark, and those that people look for.
#[must_use]
pub fn tags(user: &Tags, owner: &str, names: &Names, environment: &str, name: &str) -> Tags {
    let environment_id = names.environment_id();
    let ours = [
        (OWNER, owner),
        (ENVIRONMENT, environment_id.as_str()),
        (NAME, name),
        ("Name", name),
        ("Project", names.project.as_str()),
        ("Environment", environment),
        ("ManagedBy", "envkeeper"),
    ];
    let ours = ours.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    user.clone().into_iter().chain(ours).collect()
}
