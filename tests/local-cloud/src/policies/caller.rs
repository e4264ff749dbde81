//! The caller of a request, from the access key of its signature.

use permissions::Function;

use crate::{REGION, emulators::ACCOUNT};

/// Who signed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// The access key `role.NAME`: a session of this role.
    Role(&'a str),
    /// The access key `instance.ID`: the session of the instance's role.
    Instance(&'a str),
    /// A function, by the application id of its SDK: ministack gives all functions the same access key.
    Function(Function),
    /// Any other access key: an IAM user of this name, whose own rights are not limited.
    Administrator(&'a str),
}

impl<'a> Caller<'a> {
    /// The caller with this access key and application id.
    #[must_use]
    pub fn of(access_key: &'a str, app: Option<&str>) -> Self {
        if let Some(role) = access_key.strip_prefix("role.") {
            return Self::Role(role);
        }
        if let Some(instance) = access_key.strip_prefix("instance.") {
            return Self::Instance(instance);
        }
        app.and_then(Function::of).map_or(Self::Administrator(access_key), Self::Function)
    }

    /// The ARN of a role or an instance, for the record of calls; `None` for functions and administrators, which the record
    /// shows by application id and access key.
    #[must_use]
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::Role(name) => Some(format!("arn:aws:iam::{ACCOUNT}:role/{name}")),
            Self::Instance(id) => Some(format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id}")),
            Self::Function(_) | Self::Administrator(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_comes_before_the_application_id() {
        for (key, app, expected) in [
            ("role.forger", Some("reconciler"), Caller::Role("forger")),
            ("instance.i-1", None, Caller::Instance("i-1")),
            ("123456789012", Some("reconciler"), Caller::Function(Function::Reconciler)),
            ("test", Some("tester"), Caller::Administrator("test")),
            ("test", None, Caller::Administrator("test")),
        ] {
            assert_eq!(Caller::of(key, app), expected, "{key}");
        }
        assert_eq!(Caller::Role("forger").arn().as_deref(), Some("arn:aws:iam::123456789012:role/forger"));
    }
}
