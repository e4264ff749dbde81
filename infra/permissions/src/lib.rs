//! What each function may do.
//!
//! One table (`table/`) has a row for each operation that a function calls: the IAM actions that it needs, on which
//! resources, under which condition. From it come
//!
//! - the roles in `infra/template.yaml`, which a test of this crate writes ([`yaml`]),
//! - the judgement of every call on the local cloud ([`judge`]),
//! - the comparison with the calls that were recorded there, both ways ([`recorded`]).
//!
//! # What it does not prove
//!
//! It is checked against recorded calls and against AWS's Service Authorization Reference, not against AWS.
#![warn(missing_docs)]

mod actions;
mod condition;
pub mod judge;
pub mod recorded;
mod statement;
mod table;
pub mod yaml;

pub use actions::actions_of;
pub use statement::{Condition, Grant, Managed, Resource, Statement, StatementScope};

/// A function of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// The door.
    CustomResource,
    /// The only one that writes to environments.
    Reconciler,
    /// Answers for the dead.
    Watchdog,
    /// Gates launches and drains ends.
    LifecycleHook,
    /// Writes the ledger.
    ScalingLog,
    /// Asks for what alarms call for.
    Alarm,
}

impl Function {
    /// All of them, in the order of the template.
    pub const ALL: [Function; 6] = [
        Function::CustomResource,
        Function::Reconciler,
        Function::Watchdog,
        Function::LifecycleHook,
        Function::ScalingLog,
        Function::Alarm,
    ];

    /// What its SDK calls itself: the name of its folder, and the last part of its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::CustomResource => "custom-resource",
            Function::Reconciler => "reconciler",
            Function::Watchdog => "watchdog",
            Function::LifecycleHook => "lifecycle-hook",
            Function::ScalingLog => "scaling-log",
            Function::Alarm => "alarm",
        }
    }

    /// The function of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The statements of its role's inline policy.
    #[must_use]
    pub fn own(self) -> &'static [Statement] {
        match self {
            Function::CustomResource => table::CUSTOM_RESOURCE,
            Function::Reconciler => table::RECONCILER,
            Function::Watchdog => table::WATCHDOG,
            Function::LifecycleHook => table::LIFECYCLE_HOOK,
            Function::ScalingLog => table::SCALING_LOG,
            Function::Alarm => table::ALARM,
        }
    }

    /// The managed policies that its role has beside it.
    #[must_use]
    pub fn managed(self) -> &'static [&'static Managed] {
        match self {
            Function::CustomResource => &[&table::LOOK],
            Function::Reconciler => &[&table::LOOK, &table::NETWORK, &table::FLEET, &table::DATA],
            _ => &[],
        }
    }

    /// All statements of its role.
    pub fn statements(self) -> impl Iterator<Item = &'static Statement> {
        self.managed().iter().flat_map(|policy| policy.statements).chain(self.own())
    }
}
