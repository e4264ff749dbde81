//! The kinds of resources, one file each: what we own of it, and how each field is set.
//!
//! A kind's file has three answers: `fields` (the one list that plans, diffs and edges come from), and `set` and
//! `clear`, which do to the value what the calls do to the real thing.

mod auto_scaling_group;
mod instance_profile;
mod internet_gateway;
mod launch_template;
mod log_group;
mod role;
mod route_table;
mod security_group;
mod subnet;
mod vpc;

pub use auto_scaling_group::AutoScalingGroup;
pub use instance_profile::InstanceProfile;
pub use internet_gateway::InternetGateway;
pub use launch_template::{LaunchTemplate, TemplateContent, TemplateVersion};
pub use log_group::LogGroup;
pub use role::Role;
pub use route_table::RouteTable;
pub use security_group::SecurityGroup;
pub use subnet::Subnet;
pub use vpc::Vpc;
