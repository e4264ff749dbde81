//! What an environment is, and how it gets from what is live to what is wanted. Pure: no AWS SDK, no clock, no
//! environment variable.
//!
//! The way through: [`Spec`] (checked properties) → [`wanted`](wanted::wanted) (resources) → [`plan`](plan()) (steps)
//! → [`apply`](apply()) (calls through the [`Cloud`] seam), again and again in [`reconcile`](reconcile()).

#![warn(missing_docs)]

mod alarm_action;
mod alarm_now;
mod apply;
mod cloud;
mod drift;
mod field;
pub mod hook_settings;
mod kinds;
pub mod mark;
mod names;
mod operation;
mod outputs;
mod partition;
mod plan;
mod plan_text;
pub mod property;
mod reconcile;
mod recorded_rules;
mod remedy;
mod resource;
mod retain;
mod spec;
mod twins;
mod user_data;
mod wanted;

pub use alarm_action::{Act, AlarmAction};
pub use alarm_now::{AlarmNow, Fresh};
pub use apply::{BELIEF, CALL_TIME, DOUBT, Memory, Risk, Wave, apply};
pub use cloud::{Call, Cloud, Live, Moment, Scope, Setback, State, What, Whose};
pub use drift::{Drift, drift};
pub use field::{Field, Setting, Value};
pub use kinds::*;
pub use names::{INTERFACE_SERVICES, Names, Place};
pub use outputs::outputs;
pub use partition::Partition;
pub use plan::{Action, Plan, Step, Wanted, plan};
pub use reconcile::{Ending, Run, in_doubt_until, reconcile};
pub use recorded_rules::RecordedRules;
pub use remedy::{Begun, GroupNow, Member, REMEDY_MS, Remediation, Remedy, asks_for_health, fires_as, remedy};
pub use resource::{Fields, Key, Kind, Marking, Ref, Resource, Tags};
pub use retain::OnDelete;
pub use spec::{Defaults, Egress, Hooks, Network, Scaling, Spec, Violation, check_change};
pub use user_data::user_data;
pub use wanted::{Facts, hooks_that_are_answered, wanted};
