//! Enforcement of policies: of roles, of instances, of functions, and of queues, tables and event buses.
//!
//! - A call of a role or an instance needs an Allow of its policies, within its permissions boundary, or of the resource's
//!   policy, for every action that the call requires ([`requirements`]).
//! - A call of a function is checked against the role that the template gives the function: the crate `permissions` has
//!   the policies, and the required access is derived from the call and from the emulators' data.
//! - A Deny in the policy of a queue, a table or an event bus holds for every caller, also for administrators.
//!
//! # Limits
//!
//! For functions, only the action is checked where the call does not contain the resource (an association's route table,
//! an instance's group, CloudWatch's calls). For Auto Scaling's launches in the caller's name, only the launch template is
//! checked. An Allow of a resource's policy gives a function no right that its role lacks.

mod cache;
mod call;
mod caller;
mod delivery;
mod ec2;
mod identities;
mod other_services;
mod requirements;
mod resource_policies;

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    REGION,
    auto_scaling::AutoScalingService,
    emulators::ACCOUNT,
    http::Http,
    iam::{self, Decision, Principal},
    ministack::Ministack,
};
use cache::Cache;
pub use call::Call;
pub use caller::Caller;
pub use delivery::{Delivery, Sender};
use hyper::Request;
use identities::{Emulators, Identities, Identity, principal_context};
use permissions::{
    Function, StatementScope,
    judge::{Access, allows},
};
use requirements::Requirement;
use resource_policies::ResourcePolicies;

/// The services whose resources have policies.
const WITH_RESOURCE_POLICIES: [&str; 3] = ["sqs", "dynamodb", "events"];

/// The policies of one deployment and of the emulators' roles, queues, tables and event buses.
pub struct Policies {
    deployment: StatementScope,
    ministack: Ministack,
    identities: Identities,
    of_resources: ResourcePolicies,
    /// The ARNs of the functions' roles, by function.
    roles: Cache<String>,
}

impl Policies {
    /// The policies of the deployment with this project name, and of the emulators at these addresses.
    #[must_use]
    pub fn new(project: &str, http: &Http, moto: SocketAddr, ministack: SocketAddr) -> Policies {
        let client = Ministack::new(http.clone(), ministack);
        Policies {
            deployment: StatementScope {
                partition: "aws".to_owned(),
                region: REGION.to_owned(),
                account: ACCOUNT.to_owned(),
                project: project.to_owned(),
            },
            identities: Identities::new(http.clone(), moto, ministack),
            of_resources: ResourcePolicies::new(client.clone()),
            ministack: client,
            roles: Cache::default(),
        }
    }

    /// The access denied message for a call that the policies do not allow; `None` for an allowed call.
    pub async fn denial(&self, caller: Caller<'_>, call: &Call<'_>, scaling: &AutoScalingService) -> Option<String> {
        if let Caller::Function(function) = caller
            && let Some(denial) = self.function_denial(function, call, scaling).await
        {
            return Some(denial);
        }
        let is_limited = matches!(caller, Caller::Role(_) | Caller::Instance(_));
        if !is_limited && !WITH_RESOURCE_POLICIES.contains(&call.service) {
            return None;
        }
        self.check(caller, call, scaling, is_limited).await.err()
    }

    /// Checks every action that a call requires. The identity of a caller without limits of its own is only needed, and
    /// read, for a resource with a policy.
    async fn check(
        &self,
        caller: Caller<'_>,
        call: &Call<'_>,
        scaling: &AutoScalingService,
        is_limited: bool,
    ) -> Result<(), String> {
        let requirements = requirements::of(call, scaling, &self.ministack).await;
        let requirements = requirements.map_err(|missing| {
            format!("The local cloud cannot check {}:{}, and denies the call: {missing}", call.service, call.operation)
        })?;
        let mut identity = None;
        for Requirement { action, resource, context } in requirements {
            let of_resource = self.of_resources.of(&resource).await?;
            if of_resource.is_none() && !is_limited {
                continue;
            }
            let Identity { principal, context: own, policies, boundary } = match &mut identity {
                Some(known) => known,
                unknown => unknown.insert(self.identity(caller).await?),
            };
            let context = own.clone().with(&context);
            let request = iam::Request { principal, action: &action, resource: &resource, context: &context };
            let policies = iam::Policies {
                identity: policies.as_deref(),
                boundary: boundary.as_ref(),
                resource: of_resource.as_ref(),
            };
            if let Decision::Denied(reason) = policies.decide(&request) {
                return Err(denial_text(principal, &action, &resource, &reason));
            }
        }
        Ok(())
    }

    async fn identity(&self, caller: Caller<'_>) -> Result<Identity, String> {
        match caller {
            Caller::Role(name) => self.identities.role(name, "session", Emulators::Both).await,
            Caller::Instance(id) => self.identities.instance(id).await,
            Caller::Function(function) => {
                let name = format!("{}-{}", self.deployment.project, function.name());
                Ok(function_identity(&self.role_of(&name).await?, &name))
            }
            Caller::Administrator(key) => {
                let arn = format!("arn:aws:iam::{ACCOUNT}:user/{key}");
                let mut context = principal_context(&arn, "User");
                context.set("aws:username", key);
                context.set("aws:userid", key);
                Ok(Identity { principal: Principal::User { arn }, context, policies: None, boundary: None })
            }
        }
    }

    /// The ARN of the role of a deployed function.
    async fn role_of(&self, function: &str) -> Result<String, String> {
        if let Some(role) = self.roles.get(function) {
            return Ok(role);
        }
        let configuration = self.ministack.function_configuration(function).await?;
        let role = configuration["Role"].as_str().ok_or_else(|| format!("the function {function} has no role"))?;
        self.roles.put(function, role.to_owned());
        Ok(role.to_owned())
    }

    /// Checks that the role of an instance allows the instance to tag itself, as its user data does.
    ///
    /// # Errors
    /// The reason why the policies do not allow it.
    pub async fn check_own_tag(&self, instance: &str, key: &str, scaling: &AutoScalingService) -> Result<(), String> {
        let (head, ()) = Request::new(()).into_parts();
        let body = format!("ResourceId.1={instance}&Tag.1.Key={key}&Tag.1.Value=");
        let call = Call::of("ec2", "CreateTags", &head, body.as_bytes());
        self.check(Caller::Instance(instance), &call, scaling, true).await
    }

    async fn function_denial(
        &self,
        function: Function,
        call: &Call<'_>,
        scaling: &AutoScalingService,
    ) -> Option<String> {
        let accesses = if call.service == "ec2" {
            ec2::required_access(call, scaling.ec2()).await
        } else {
            other_services::required_access(call, scaling).await
        };
        let denied = accesses.into_iter().find(|it| !allows(function, it, &self.deployment))?;
        let Access { action, resource, facts } = denied;
        let on = resource.unwrap_or_else(|| "*".to_owned());
        Some(format!("{} is not authorized to perform: {action} on resource: {on} ({facts:?})", function.name()))
    }
}

/// The session of a function's role. Its own policies are checked by the crate `permissions`.
fn function_identity(role_arn: &str, function: &str) -> Identity {
    let role = role_arn.rsplit('/').next().unwrap_or_default();
    let mut context = principal_context(role_arn, "AssumedRole");
    context.set("aws:userid", format!("{role}:{function}"));
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{function}");
    let principal = Principal::Role { arn: role_arn.to_owned(), session };
    Identity { principal, context, policies: None, boundary: None }
}

/// AWS's message (IAM User Guide, "Troubleshoot access denied error messages").
fn denial_text(principal: &Principal, action: &str, resource: &str, reason: &iam::Denial) -> String {
    let (user, reason) = (principal.name(), reason.text(action));
    format!("User: {user} is not authorized to perform: {action} on resource: {resource} {reason}")
}

/// The access of an action to a resource.
fn access(action: impl Into<String>, resource: Option<String>, facts: BTreeMap<String, String>) -> Access {
    Access { action: action.into(), resource, facts }
}

/// The facts for a resource whose ARN is not in the call: the resource is assumed to be owned by an environment.
fn assumed_owned() -> BTreeMap<String, String> {
    let id = format!("scalable-ec2-{REGION}-assumed-owned");
    ["aws:ResourceTag/envkeeper:environment", "ssm:resourceTag/envkeeper:environment"]
        .map(|key| (key.to_owned(), id.clone()))
        .into()
}
