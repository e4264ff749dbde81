//! The table: the operations of each function, with their resources and conditions.

mod boundary;
mod events;
mod observe;
mod queues;
mod reconciler;
mod requests;

pub(crate) use boundary::BOUNDARY;
pub(crate) use events::{ALARM, LIFECYCLE_HOOK, SCALING_LOG, TIMELINE};
pub(crate) use observe::READ_ENVIRONMENTS;
pub(crate) use queues::QUEUES;
pub(crate) use reconciler::{DATA, FLEET, NETWORK, RECONCILER, ROLE};
pub(crate) use requests::{CUSTOM_RESOURCE, OPERATOR, OPERATOR_READ, WATCHDOG};

use crate::{Grant, Managed, Statement};

/// All managed policies, in the order of the template.
pub(crate) const MANAGED: [&Managed; 6] = [&READ_ENVIRONMENTS, &BOUNDARY, &NETWORK, &FLEET, &ROLE, &DATA];

/// The functions that publish Envkeeper's own events, which all have this source.
const PUBLISH: Statement =
    allow("PublishEvents", &[call("events:PutEvents")], &[crate::Resource::Deployed("EventBus", "")])
        .when(&[crate::Condition::EventSource("envkeeper")]);

/// AWS's page on the permissions of a queue that invokes a function.
const OF_QUEUES: &str = "Lambda, Using Lambda with Amazon SQS: execution role permissions";
/// AWS's page on the actions that depend on other actions.
const REFERENCE: &str = "Service Authorization Reference, dependent actions";

/// The actions that Lambda performs on a queue with the function's role.
const CONSUME: &[Grant] = &[
    implied("sqs:ReceiveMessage", "the event source mapping", OF_QUEUES),
    implied("sqs:DeleteMessage", "the event source mapping", OF_QUEUES),
    implied("sqs:GetQueueAttributes", "the event source mapping", OF_QUEUES),
];

const fn call(operation: &'static str) -> Grant {
    Grant::Call(operation)
}

const fn implied(action: &'static str, by: &'static str, source: &'static str) -> Grant {
    Grant::Implied { action, by, source }
}

const fn allow(sid: &'static str, grants: &'static [Grant], on: &'static [crate::Resource]) -> Statement {
    Statement::allow(sid, grants, on)
}
