//! The model of an environment, and the engine that reconciles the observed resources with the desired state. Pure: no
//! AWS SDK, no clock, no environment variable.
//!
//! The pipeline: [`Spec`] (checked properties) → [`desired`](desired::desired) (resources) → [`plan`](plan()) (steps)
//! → apply (calls through the [`Cloud`] seam), repeated in a loop by [`reconcile`](reconcile()).
//!
//! The folders, each of which uses only folders that precede it:
//!
//! - `model`: resources, their kinds and fields, names, the ownership mark, the texts that instances and hooks get.
//! - `input`: the table of properties, and the checked properties of one environment.
//! - `desired`: the resources that the properties describe.
//! - `engine`: the seam to the cloud, plans, their execution, the reconcile loop, drift, outputs.
//! - `rollout`: how running instances follow a change, and how they return.
//! - `preflight`: whether the account has room for a plan.
//! - `automation`: observed alarms, and the remediations that the rules of an environment choose.

#![warn(missing_docs)]

mod automation;
mod desired;
mod engine;
mod input;
mod model;
pub mod preflight;
pub mod rollout;

pub use automation::observed_alarm::{AlarmCheck, ObservedAlarm};
pub use automation::recorded_rules::RecordedRules;
pub use automation::remediation::{
    InvalidRemediation, Member, NoRemediation, ObservedGroup, PriorAttempt, REMEDIATION_TTL_MS, RemediationAction,
    RemediationRequest, choose_remediation, execution_key, needs_instance_health,
};
pub use desired::{
    CheckedFacts, EndpointServiceFacts, Facts, FactsQuery, ImageFacts, InstanceTypeFacts, KmsKeyFacts, ROOT_DEVICE,
    SubnetFacts, check_facts, check_hooks_are_handled, desired, endpoint_services, rolling_inputs, template_version,
};
pub use engine::apply::{CALL_TIMEOUT, CREATE_VISIBILITY, READ_LAG, Risk};
pub use engine::awaited::{COMPLETE_OBSERVATION_INTERVAL, Waiting, still_open};
pub use engine::cloud::{Call, CallError, CallKind, Cloud, ObservedResource, Ownership, Scope, State, Timestamp};
pub use engine::condition::{Awaited, Condition, OBSTACLE_LIMIT, OpenSince};
pub use engine::drift::{Drift, drift, foreign_ingress};
pub use engine::outputs::{OUTPUTS, outputs};
pub use engine::ownership::{Proofs, Standing, apply_standings, is_unmarked_create, standings};
pub use engine::plan::{Action, DesiredState, FixedDrift, Plan, Step, TemplateRollout, desired_version, plan};
pub use engine::reconcile::{Checkpoint, Run, RunOutcome, indeterminate_until, reconcile};
pub use engine::rejection::Rejection;
pub use input::alarm_action::{ActionKind, AlarmAction};
pub use input::allow_lists::{AllowLists, ImageOwner};
pub use input::property;
pub use input::spec::{Defaults, Egress, Hooks, Network, PropertyDefaults, Scaling, Spec, Violation, check_change};
pub use model::departure::{Departure, INSTANCE_TERMINATION};
pub use model::field::{Field, Value};
pub use model::key::{Key, Ref, Tags};
pub use model::kind::{Kind, KindFacts, Marking, Proof};
pub use model::kinds::*;
pub use model::names::{DEFAULT_PROJECT, Deployment, INTERFACE_SERVICES, Names};
pub use model::on_delete::OnDelete;
pub use model::partition::Partition;
pub use model::resource::{Fields, Resource, Setting};
pub use model::rollout_call::{INSTANCE_REFRESH, Preferences, RolloutCall};
pub use model::script::Script;
pub use model::version_description::VersionDescription;
pub use model::{hook_settings, mark};
