//! The identities of callers: principal, policies, permissions boundary and context, as the emulators' IAM stores them.

use std::net::SocketAddr;

use percent_encoding::percent_decode_str;

use crate::{
    REGION,
    element::Element,
    emulators::ACCOUNT,
    http::Http,
    iam::{Context, Policy, Principal},
};

/// An identity with its own policies.
#[derive(Debug)]
pub struct Identity {
    /// The principal.
    pub principal: Principal,
    /// The condition keys that depend on the principal alone.
    pub context: Context,
    /// The policies of the principal; `None` if its own rights are not limited, or are checked elsewhere.
    pub policies: Option<Vec<Policy>>,
    /// The permissions boundary.
    pub boundary: Option<Policy>,
}

/// The emulators' IAM: moto has the roles of environments and of tests, ministack those of CloudFormation's templates.
#[derive(Clone)]
pub struct Identities {
    http: Http,
    moto: SocketAddr,
    ministack: SocketAddr,
}

/// The emulators in which a role is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Emulators {
    /// moto, then ministack.
    Both,
    /// moto only: while ministack waits for the answer, it does not respond itself.
    Moto,
}

/// Parameters of a query protocol.
type Parameters<'a> = &'a [(&'a str, &'a str)];

impl Identities {
    /// The IAM of these emulators.
    #[must_use]
    pub fn new(http: Http, moto: SocketAddr, ministack: SocketAddr) -> Self {
        Self { http, moto, ministack }
    }

    /// A session of a role.
    ///
    /// # Errors
    /// The role, its boundary or a policy does not exist or cannot be evaluated.
    pub async fn role(&self, name: &str, session: &str, emulators: Emulators) -> Result<Identity, String> {
        let (at, found) = self.find(emulators, "GetRole", &[("RoleName", name)]).await?;
        let role = found.find("GetRoleResult/Role").ok_or_else(|| format!("the role {name} has no data"))?;
        let text = |path: &str| role.text_of(path).unwrap_or_default().to_owned();
        let arn = text("Arn");
        let mut context = principal_context(&arn, "AssumedRole");
        context.set("aws:userid", format!("{}:{session}", text("RoleId")));
        for tag in role.items("Tags") {
            let key = tag.text_of("Key").unwrap_or_default();
            context.set(&format!("aws:PrincipalTag/{key}"), tag.text_of("Value").unwrap_or_default());
        }
        let boundary = match role.text_of("PermissionsBoundary/PermissionsBoundaryArn") {
            Some(arn) => Some(self.managed_policy(emulators, arn).await?),
            None => None,
        };
        let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}");
        Ok(Identity {
            principal: Principal::Role { arn, session },
            context,
            policies: Some(self.policies(at, name, emulators).await?),
            boundary,
        })
    }

    /// The session of the role of an instance.
    ///
    /// # Errors
    /// The instance does not exist or has no instance profile with a role; otherwise as [`Identities::role`].
    pub async fn instance(&self, id: &str) -> Result<Identity, String> {
        let found = self.call(self.moto, "ec2", "DescribeInstances", &[("InstanceId.1", id)]).await?;
        let instance = found.items("reservationSet").first().and_then(|it| it.items("instancesSet").first());
        let profile = instance.and_then(|it| it.text_of("iamInstanceProfile/arn")).and_then(|it| it.rsplit('/').next());
        let profile =
            profile.ok_or_else(|| format!("the instance {id} has no instance profile, and so no credentials"))?;
        let found = self.call(self.moto, "iam", "GetInstanceProfile", &[("InstanceProfileName", profile)]).await?;
        let roles = found.items("GetInstanceProfileResult/InstanceProfile/Roles");
        let role = roles.first().and_then(|it| it.text_of("RoleName"));
        let role = role.ok_or_else(|| format!("the instance profile {profile} has no role"))?;
        let mut identity = self.role(role, id, Emulators::Both).await?;
        let arn = format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id}");
        identity.context.set("ec2:SourceInstanceARN", arn);
        Ok(identity)
    }

    /// The inline policies of a role, then the attached ones.
    async fn policies(&self, at: SocketAddr, role: &str, emulators: Emulators) -> Result<Vec<Policy>, String> {
        let mut policies = Vec::new();
        let names = self.call(at, "iam", "ListRolePolicies", &[("RoleName", role)]).await?;
        for name in names.items("ListRolePoliciesResult/PolicyNames") {
            let found =
                self.call(at, "iam", "GetRolePolicy", &[("RoleName", role), ("PolicyName", &name.text)]).await?;
            policies.push(document(found.text_of("GetRolePolicyResult/PolicyDocument"), &name.text)?);
        }
        let attached = self.call(at, "iam", "ListAttachedRolePolicies", &[("RoleName", role)]).await?;
        for policy in attached.items("ListAttachedRolePoliciesResult/AttachedPolicies") {
            policies.push(self.managed_policy(emulators, policy.text_of("PolicyArn").unwrap_or_default()).await?);
        }
        Ok(policies)
    }

    async fn managed_policy(&self, emulators: Emulators, arn: &str) -> Result<Policy, String> {
        let (at, found) = self.find(emulators, "GetPolicy", &[("PolicyArn", arn)]).await?;
        let version = found.text_of("GetPolicyResult/Policy/DefaultVersionId").unwrap_or("v1");
        let found = self.call(at, "iam", "GetPolicyVersion", &[("PolicyArn", arn), ("VersionId", version)]).await?;
        document(found.text_of("GetPolicyVersionResult/PolicyVersion/Document"), arn)
    }

    /// The response of the first emulator that has the resource, with the emulator's address.
    async fn find(
        &self,
        emulators: Emulators,
        action: &str,
        parameters: Parameters<'_>,
    ) -> Result<(SocketAddr, Element), String> {
        match self.call(self.moto, "iam", action, parameters).await {
            Ok(found) => Ok((self.moto, found)),
            Err(error) if emulators == Emulators::Moto => Err(error),
            Err(_) => Ok((self.ministack, self.call(self.ministack, "iam", action, parameters).await?)),
        }
    }

    async fn call(
        &self,
        at: SocketAddr,
        service: &str,
        action: &str,
        parameters: Parameters<'_>,
    ) -> Result<Element, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{action} {parameters:?}: {error}");
        let version = if service == "ec2" { "2016-11-15" } else { "2010-05-08" };
        let pairs = [("Action", action), ("Version", version)].into_iter().chain(parameters.iter().copied());
        let parameters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (status, body) = self.http.call(at, service, &parameters).await.map_err(|error| failed(&error))?;
        match Element::parse(&body) {
            Some(response) if status.is_success() => Ok(response),
            _ => Err(failed(&status)),
        }
    }
}

/// The condition keys of an IAM principal (IAM User Guide, "AWS global condition context keys").
pub(super) fn principal_context(arn: &str, kind: &str) -> Context {
    [
        ("aws:PrincipalArn", arn),
        ("aws:PrincipalAccount", ACCOUNT),
        ("aws:PrincipalType", kind),
        ("aws:PrincipalIsAWSService", "false"),
    ]
    .into_iter()
    .collect::<Context>()
    .with(&request_context())
}

/// The condition keys of every request: the local cloud counts its own plain HTTP as secure.
pub(super) fn request_context() -> Context {
    [
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", REGION),
        ("aws:ResourceAccount", ACCOUNT),
        ("aws:ViaAWSService", "false"),
    ]
    .into_iter()
    .collect()
}

/// A document, which IAM returns percent-encoded.
fn document(text: Option<&str>, name: &str) -> Result<Policy, String> {
    let text = percent_decode_str(text.unwrap_or_default()).decode_utf8_lossy();
    Policy::parse(&text).map_err(|error| format!("policy {name}: {error}"))
}
