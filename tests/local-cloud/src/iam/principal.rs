//! The principal of a request, and the `Principal` element of resource policies.

use serde_json::Value as Json;

use super::{PolicyError, policy::texts};

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user, by ARN.
    User {
        /// `arn:aws:iam::ACCOUNT:user/NAME`
        arn: String,
    },
    /// A session of a role.
    Role {
        /// `arn:aws:iam::ACCOUNT:role/NAME`, the value of `aws:PrincipalArn`.
        arn: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`
        session: String,
    },
    /// An AWS service that acts in its own name.
    Service {
        /// Such as `events.amazonaws.com`.
        name: String,
    },
}

/// A `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalElement {
    /// ARNs, account ids and `*`.
    aws: Vec<String>,
    services: Vec<String>,
}

/// How an element names a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// By the whole account: an Allow delegates to the account's own policies, and grants nothing itself.
    Account,
    /// By `*`, or by the role's ARN: the role's permissions boundary still limits an Allow.
    Entity,
    /// By the ARN of the user or of the session: a permissions boundary does not limit an Allow.
    Exact,
}

impl Principal {
    fn account(&self) -> Option<&str> {
        match self {
            Principal::User { arn } | Principal::Role { arn, .. } => arn.split(':').nth(4),
            Principal::Service { .. } => None,
        }
    }

    /// The ARN in error messages: a session's for a role. A service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Principal::User { arn } => arn,
            Principal::Role { session, .. } => session,
            Principal::Service { name } => name,
        }
    }
}

impl PrincipalElement {
    /// Reads an element: `"*"`, or an object with `AWS`, `Service` or both.
    ///
    /// # Errors
    /// A kind of principal that is not supported.
    pub fn parse(element: &Json) -> Result<Self, PolicyError> {
        let mut parsed = Self { aws: Vec::new(), services: Vec::new() };
        match element {
            Json::String(all) if all == "*" => parsed.aws.push("*".to_owned()),
            Json::Object(kinds) => {
                for (kind, names) in kinds {
                    match kind.as_str() {
                        "AWS" => parsed.aws.extend(texts(names, "Principal.AWS")?),
                        "Service" => parsed.services.extend(texts(names, "Principal.Service")?),
                        _ => {
                            return Err(PolicyError::new(format!("Principal.{kind} is not supported: AWS or Service")));
                        }
                    }
                }
            }
            _ => return Err(PolicyError::new("Principal is neither \"*\" nor an object".to_owned())),
        }
        let is_valid = |it: &String| it == "*" || it.starts_with("arn:") && !it.contains('*') || is_account(it);
        match parsed.aws.iter().find(|it| !is_valid(it)) {
            Some(other) => {
                Err(PolicyError::new(format!("Principal.AWS is '{other}': expected an ARN, an account id or *")))
            }
            None => Ok(parsed),
        }
    }

    /// How the element names the principal; `None` if it does not. The ARN of an account's root stands for all principals
    /// of the account (IAM User Guide, "AWS JSON policy elements: Principal").
    pub fn names(&self, principal: &Principal) -> Option<Naming> {
        let of_service = match principal {
            Principal::Service { name } => self.services.contains(name).then_some(Naming::Entity),
            _ => None,
        };
        let naming = |name: &String| {
            if name == "*" {
                return Some(Naming::Entity);
            }
            let account = name.strip_prefix("arn:aws:iam::").and_then(|it| it.strip_suffix(":root")).unwrap_or(name);
            match principal {
                Principal::User { arn } if name == arn => Some(Naming::Exact),
                Principal::Role { session, .. } if name == session => Some(Naming::Exact),
                Principal::Role { arn, .. } if name == arn => Some(Naming::Entity),
                other => (other.account() == Some(account)).then_some(Naming::Account),
            }
        };
        self.aws.iter().filter_map(naming).chain(of_service).max()
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
}
