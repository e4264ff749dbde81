//! The decision about a request.

use super::{Context, Effect, Policy, PolicyError, Principal, principal::Naming};

/// A request: one action on one resource.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who sends it.
    pub principal: &'a Principal,
    /// The IAM action, such as `sqs:SendMessage`.
    pub action: &'a str,
    /// The ARN of the resource; `*` for an action that supports no resource.
    pub resource: &'a str,
    /// The values of condition keys.
    pub context: &'a Context,
}

/// The policies that apply to a request.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'a> {
    /// The policies of the principal. `None` for a principal whose own rights are not limited, such as an administrator.
    pub identity: Option<&'a [Policy]>,
    /// The permissions boundary of the principal.
    pub boundary: Option<&'a Policy>,
    /// The policy of the resource.
    pub resource: Option<&'a Policy>,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A policy allows the request, and none denies it.
    Allowed,
    /// The reason of the rejection.
    Denied(Denial),
}

/// The reason why a request is denied. The texts are those of IAM User Guide, "Troubleshoot access denied error messages".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A statement of this kind of policy denies the request.
    Explicit(&'static str),
    /// No statement of this kind of policy allows the request.
    Implicit(&'static str),
    /// A policy cannot be evaluated.
    Error(PolicyError),
}

const IDENTITY: &str = "identity-based policy";
const BOUNDARY: &str = "permissions boundary";
const RESOURCE: &str = "resource-based policy";

impl Denial {
    /// The reason as the end of AWS's message about an action.
    #[must_use]
    pub fn text(&self, action: &str) -> String {
        match self {
            Denial::Explicit(IDENTITY) => format!("with an explicit deny in an {IDENTITY}"),
            Denial::Explicit(kind) => format!("with an explicit deny in a {kind}"),
            Denial::Implicit(kind) => format!("because no {kind} allows the {action} action"),
            Denial::Error(error) => format!("because {error}"),
        }
    }
}

impl Policies<'_> {
    /// Decides by IAM User Guide, "Policy evaluation for requests within a single account": an explicit Deny of any policy
    /// wins. Otherwise an Allow is needed: by an identity policy and by the boundary, if there is one; or by the
    /// resource's policy. The boundary also limits the resource policy's Allow for a role, but not for a user or a session
    /// that the resource policy names. A service needs the resource policy's Allow.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        match self.denial(request) {
            Ok(None) => Decision::Allowed,
            Ok(Some(denial)) => Decision::Denied(denial),
            Err(error) => Decision::Denied(Denial::Error(error)),
        }
    }

    fn denial(&self, request: &Request<'_>) -> Result<Option<Denial>, PolicyError> {
        let is_service = matches!(request.principal, Principal::Service { .. });
        let identity = if is_service { Some(&[][..]) } else { self.identity };
        let mut allowed_by_identity = identity.is_none();
        for policy in identity.unwrap_or_default() {
            match effect(policy, request)? {
                Some(Effect::Deny) => return Ok(Some(Denial::Explicit(IDENTITY))),
                Some(Effect::Allow) => allowed_by_identity = true,
                None => {}
            }
        }
        let within_boundary = match self.boundary.map(|it| effect(it, request)).transpose()? {
            Some(Some(Effect::Deny)) => return Ok(Some(Denial::Explicit(BOUNDARY))),
            Some(allowed) => allowed.is_some(),
            None => true,
        };
        let granted = match self.resource.map(|it| grant(it, request)).transpose()? {
            Some((Some(Effect::Deny), _)) => return Ok(Some(Denial::Explicit(RESOURCE))),
            Some((_, granted)) => granted,
            None => None,
        };
        Ok(match granted {
            Some(Naming::Exact) => None,
            Some(Naming::Entity) if within_boundary => None,
            _ if is_service => Some(Denial::Implicit(RESOURCE)),
            _ if !allowed_by_identity => Some(Denial::Implicit(IDENTITY)),
            _ if !within_boundary => Some(Denial::Implicit(BOUNDARY)),
            _ => None,
        })
    }
}

/// The effect of an identity policy or a boundary on a request; Deny before Allow.
fn effect(policy: &Policy, request: &Request<'_>) -> Result<Option<Effect>, PolicyError> {
    let mut effect = None;
    for statement in &policy.statements {
        if statement.principal.is_some() {
            return Err(PolicyError::new("the policy of an identity has a Principal".to_owned()));
        }
        if statement.applies(request.action, request.resource, request.context)? {
            if statement.effect == Effect::Deny {
                return Ok(Some(Effect::Deny));
            }
            effect = Some(Effect::Allow);
        }
    }
    Ok(effect)
}

/// A Deny of a resource policy for the request, and how its Allow names the principal.
fn grant(policy: &Policy, request: &Request<'_>) -> Result<(Option<Effect>, Option<Naming>), PolicyError> {
    let mut granted = None;
    for statement in &policy.statements {
        let principal = statement.principal.as_ref();
        let principal =
            principal.ok_or_else(|| PolicyError::new("the policy of a resource has no Principal".to_owned()))?;
        let Some(naming) = principal.names(request.principal) else { continue };
        if statement.applies(request.action, request.resource, request.context)? {
            if statement.effect == Effect::Deny {
                return Ok((Some(Effect::Deny), None));
            }
            granted = granted.max(Some(naming));
        }
    }
    Ok((None, granted))
}
