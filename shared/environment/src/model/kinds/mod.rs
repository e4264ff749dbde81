//! The kinds of resources, one file for each kind: the fields that Envkeeper owns, and the way to set each field.
//!
//! A kind's file has three methods. `fields` is the only source of plans, diffs and edges. `set` and `clear` apply the
//! effect of the calls on the AWS resource to the value in memory.

mod address;
mod alarm;
mod auto_scaling_group;
mod bucket;
mod dashboard;
mod instance_profile;
mod internet_gateway;
mod launch_template;
mod log_group;
mod nat_gateway;
mod role;
mod route_table;
mod saved_query;
mod scaling_policy;
mod security_group;
mod subnet;
mod vpc;
mod vpc_endpoint;

pub use address::Address;
pub use alarm::{Alarm, AlarmRule, Comparison, Statistic};
pub use auto_scaling_group::{AutoScalingGroup, HealthCheck, Hook, Transition};
pub use bucket::{AccessLogs, Bucket, Encryption};
pub use dashboard::Dashboard;
pub use instance_profile::InstanceProfile;
pub use internet_gateway::InternetGateway;
pub use launch_template::{LaunchTemplate, TemplateContent, TemplateVersion};
pub use log_group::LogGroup;
pub use nat_gateway::NatGateway;
pub use role::Role;
pub use route_table::RouteTable;
pub use saved_query::{Query, SavedQuery};
pub use scaling_policy::{Adjustment, ScalingPolicy};
pub use security_group::SecurityGroup;
pub use subnet::Subnet;
pub use vpc::Vpc;
pub use vpc_endpoint::{Reach, VpcEndpoint};
