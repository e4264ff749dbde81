//! The rights of each function.
//!
//! One table (`table/`) has a row for each operation that a function calls: the IAM actions that the operation needs, the
//! resources and the conditions. The table is the source of
//!
//! - the roles in `infra/template.yaml`, and the policies of its queues and table, which a test of this crate writes ([`yaml`]),
//! - the authorization of every call on the local cloud ([`judge`]),
//! - the comparison with the calls recorded there, in both directions ([`recorded`]).
//!
//! # Limits
//!
//! The table is checked against recorded calls and against AWS's Service Authorization Reference, not against AWS.
#![warn(missing_docs)]

mod actions;
mod caller;
mod condition;
pub mod judge;
pub mod recorded;
pub mod resource_policy;
mod statement;
mod table;
pub mod yaml;

pub use actions::actions_of;
pub use caller::Caller;
pub use statement::{Condition, Grant, Managed, Resource, Statement, StatementScope};

/// A queue of the deployment.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// The logical id in the template.
    pub id: &'static str,
    /// The logical ids of the EventBridge rules that deliver to the queue, as target or dead-letter queue.
    pub rules: &'static [&'static str],
    /// Whether the topics of the parameter `HookTopics` may deliver to the queue.
    pub takes_topics: bool,
}

impl Queue {
    /// All queues, in the order of the template.
    pub const ALL: [Queue; 7] = table::QUEUES;
}

/// A function of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Validates and queues requests; responds to invalid ones.
    CustomResource,
    /// Performs the reading requests of operators.
    OperatorRead,
    /// Performs all requests of operators.
    Operator,
    /// The only function that writes to environments.
    Reconciler,
    /// Sends responses for requests that no other function responded to.
    Watchdog,
    /// Gates launching instances and drains terminating ones.
    LifecycleHook,
    /// Writes the ledger.
    ScalingLog,
    /// Requests the remediations that alarms call for.
    Alarm,
    /// Shows the ledger as a widget.
    Timeline,
}

impl Function {
    /// All functions, in the order of the template.
    pub const ALL: [Function; 9] = [
        Function::CustomResource,
        Function::OperatorRead,
        Function::Operator,
        Function::Reconciler,
        Function::Watchdog,
        Function::LifecycleHook,
        Function::ScalingLog,
        Function::Alarm,
        Function::Timeline,
    ];

    /// The name of its folder, the last part of its function name, and the app id of its SDK clients.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::CustomResource => "custom-resource",
            Function::OperatorRead => "operator-read",
            Function::Operator => "operator",
            Function::Reconciler => "reconciler",
            Function::Watchdog => "watchdog",
            Function::LifecycleHook => "lifecycle-hook",
            Function::ScalingLog => "scaling-log",
            Function::Alarm => "alarm",
            Function::Timeline => "timeline",
        }
    }

    /// The logical id in the template; the role's id is this one with `Role`.
    #[must_use]
    pub fn logical_id(self) -> String {
        let capitalised = |word: &str| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        };
        self.name().split('-').map(capitalised).collect()
    }

    /// The function with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The statements of the inline policy of the function's role.
    #[must_use]
    pub fn own(self) -> &'static [Statement] {
        match self {
            Function::CustomResource => table::CUSTOM_RESOURCE,
            Function::OperatorRead => table::OPERATOR_READ,
            Function::Operator => table::OPERATOR,
            Function::Reconciler => table::RECONCILER,
            Function::Watchdog => table::WATCHDOG,
            Function::LifecycleHook => table::LIFECYCLE_HOOK,
            Function::ScalingLog => table::SCALING_LOG,
            Function::Alarm => table::ALARM,
            Function::Timeline => table::TIMELINE,
        }
    }

    /// The managed policies of the role, in addition to the inline policy.
    #[must_use]
    pub fn managed(self) -> &'static [&'static Managed] {
        match self {
            Function::OperatorRead | Function::Operator => &[&table::READ_ENVIRONMENTS],
            Function::Reconciler => {
                &[&table::READ_ENVIRONMENTS, &table::NETWORK, &table::FLEET, &table::ROLE, &table::DATA]
            }
            _ => &[],
        }
    }

    /// All statements of the role: managed policies first, then the inline policy.
    pub fn statements(self) -> impl Iterator<Item = &'static Statement> {
        self.managed().iter().flat_map(|policy| policy.statements).chain(self.own())
    }
}
