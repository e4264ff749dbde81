//! The model of an environment, and the engine that reconciles the observed resources with the desired state. Pure: no
//! AWS SDK, no clock, no environment variable.
//!
//! The pipeline: [`Spec`] (checked properties) → [`desired`](desired::desired) (resources) → [`plan`](plan()) (steps)
//! → [`apply`](apply()) (calls through the [`Cloud`] seam), repeated in a loop by [`reconcile`](reconcile()).

#![warn(missing_docs)]

mod alarm_action;
mod apply;
mod cloud;
mod desired;
mod drift;
mod duplicates;
mod field;
pub mod hook_settings;
mod kinds;
pub mod mark;
mod names;
mod observed_alarm;
mod operation;
mod outputs;
mod partition;
mod plan;
mod plan_text;
pub mod property;
mod reconcile;
mod recorded_rules;
mod remediation;
mod resource;
mod retain;
mod spec;
mod user_data;

pub use alarm_action::{ActionKind, AlarmAction};
pub use apply::{CALL_TIMEOUT, CREATE_VISIBILITY, READ_LAG, RecentWrites, Risk, StepError, Wave, apply};
pub use cloud::{Call, CallError, CallKind, Cloud, ObservedResource, Ownership, Scope, State, Timestamp};
pub use desired::{Facts, check_hooks_are_handled, desired};
pub use drift::{Drift, drift};
pub use field::{Field, Setting, Value};
pub use kinds::*;
pub use names::{Deployment, INTERFACE_SERVICES, Names};
pub use observed_alarm::{AlarmCheck, ObservedAlarm};
pub use outputs::outputs;
pub use partition::Partition;
pub use plan::{Action, Condition, DesiredState, Plan, Step, plan};
pub use reconcile::{Run, RunOutcome, indeterminate_until, reconcile};
pub use recorded_rules::RecordedRules;
pub use remediation::{
    Member, ObservedGroup, PriorAttempt, REMEDIATION_TTL_MS, RemediationAction, RemediationRequest, choose_remediation,
    execution_key, needs_instance_health,
};
pub use resource::{Fields, Key, Kind, Marking, Ref, Resource, Tags};
pub use retain::OnDelete;
pub use spec::{Defaults, Egress, Hooks, Network, Scaling, Spec, Violation, check_change};
pub use user_data::user_data;
