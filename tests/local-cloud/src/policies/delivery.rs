//! Deliveries of services to queues: of events, notifications and failed invocations.

use std::collections::BTreeMap;

use permissions::{Function, judge::allows};
use serde::Deserialize;

use super::{Emulators, Identity, Policies, access, denial_text, function_identity, identities::request_context};
use crate::{
    emulators::ACCOUNT,
    iam::{self, Decision, Policy, Principal},
};

const ACTION: &str = "sqs:SendMessage";

/// Who delivers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// A service in its own name, for a resource such as a rule or a topic.
    Service {
        /// Such as `events.amazonaws.com`.
        name: String,
        /// The ARN of the resource, which is `aws:SourceArn`.
        source: String,
    },
    /// A service with a role: that of a rule's target or of a hook.
    Role {
        /// The ARN of the role.
        arn: String,
    },
    /// Lambda with the role of a function, for a failed asynchronous invocation.
    Function {
        /// The function's name.
        name: String,
        /// The ARN of its role.
        role: String,
    },
}

/// A delivery within ministack, with the policy of the queue: while ministack waits for the answer, it cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// Who delivers.
    pub sender: Sender,
    /// The ARN of the queue.
    pub queue: String,
    /// The policy of the queue; empty if it has none.
    pub policy: String,
}

impl Policies {
    /// Checks a delivery of the local cloud itself.
    ///
    /// # Errors
    /// The reason why the policies do not allow the delivery.
    pub async fn check_delivery(&self, sender: &Sender, queue: &str) -> Result<(), String> {
        let policy = self.of_resources.of(queue).await?;
        self.decide_delivery(sender, queue, policy.as_ref(), Emulators::Both).await
    }

    /// Checks a delivery within ministack.
    ///
    /// # Errors
    /// The delivery is malformed; or the reason why the policies do not allow it.
    pub async fn check_ministack_delivery(&self, delivery: &[u8]) -> Result<(), String> {
        let delivery: Delivery = serde_json::from_slice(delivery).map_err(|error| format!("a delivery: {error}"))?;
        let Delivery { sender, queue, policy } = delivery;
        let policy = Some(policy).filter(|it| !it.is_empty()).map(|it| Policy::parse(&it)).transpose();
        let policy = policy.map_err(|error| error.to_string())?;
        self.decide_delivery(&sender, &queue, policy.as_ref(), Emulators::Moto).await
    }

    async fn decide_delivery(
        &self,
        sender: &Sender,
        queue: &str,
        policy: Option<&Policy>,
        emulators: Emulators,
    ) -> Result<(), String> {
        let Identity { principal, context, policies, boundary } = match sender {
            Sender::Service { name, source } => service_identity(name, source),
            Sender::Role { arn } => {
                let role = arn.rsplit('/').next().unwrap_or_default();
                self.identities.role(role, "delivery", emulators).await?
            }
            Sender::Function { name, role } => {
                self.check_function_delivery(name, queue)?;
                function_identity(role, name)
            }
        };
        let request = iam::Request { principal: &principal, action: ACTION, resource: queue, context: &context };
        let identity = policies.as_deref();
        match (iam::Policies { identity, boundary: boundary.as_ref(), resource: policy }).decide(&request) {
            Decision::Allowed => Ok(()),
            Decision::Denied(reason) => Err(denial_text(&principal, ACTION, queue, &reason)),
        }
    }
    /// Lambda sends in the name of the function's role, which needs the permission.
    fn check_function_delivery(&self, name: &str, queue: &str) -> Result<(), String> {
        let function = name.strip_prefix(&self.deployment.project).and_then(|it| it.strip_prefix('-'));
        let access = access(ACTION, Some(queue.to_owned()), BTreeMap::new());
        match function.and_then(Function::of) {
            Some(function) if !allows(function, &access, &self.deployment) => {
                Err(format!("{name} is not authorized to perform: {ACTION} on resource: {queue}"))
            }
            _ => Ok(()),
        }
    }
}

/// A service that acts for a resource of this account.
fn service_identity(name: &str, source: &str) -> Identity {
    let keys = [
        ("aws:PrincipalIsAWSService", "true"),
        ("aws:PrincipalServiceName", name),
        ("aws:SourceArn", source),
        ("aws:SourceAccount", ACCOUNT),
        ("aws:SourceOwner", ACCOUNT),
    ];
    let context = keys.into_iter().collect::<iam::Context>().with(&request_context());
    Identity { principal: Principal::Service { name: name.to_owned() }, context, policies: None, boundary: None }
}
