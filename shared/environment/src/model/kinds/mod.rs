//! The kinds of resources, one file for each kind: the fields that Envkeeper owns, the settings that calls change, the
//! AWS operations of these calls, and the other facts of the kind.

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

pub use super::field::NoSetting;
pub use address::Address;
pub use alarm::{Alarm, AlarmRule, AlarmSetting, Comparison, Statistic};
pub use auto_scaling_group::{AutoScalingGroup, AutoScalingGroupSetting, GroupInstance, HealthCheck, Hook, Transition};
pub use bucket::{AccessLogs, Bucket, BucketSetting, Encryption};
pub use dashboard::{Dashboard, DashboardSetting};
pub use instance_profile::{InstanceProfile, InstanceProfileSetting};
pub use internet_gateway::{InternetGateway, InternetGatewaySetting};
pub use launch_template::{LaunchTemplate, LaunchTemplateSetting, TemplateChange, TemplateContent, TemplateVersion};
pub use log_group::{LogGroup, LogGroupSetting};
pub use nat_gateway::NatGateway;
pub use role::{Role, RoleSetting};
pub use route_table::{RouteTable, RouteTableSetting};
pub use saved_query::{Query, SavedQuery, SavedQuerySetting};
pub use scaling_policy::{Adjustment, ScalingPolicy, ScalingPolicySetting, ScalingStep};
pub use security_group::{ForeignIngress, IngressSource, SecurityGroup, SecurityGroupSetting};
pub use subnet::{Subnet, SubnetSetting};
pub use vpc::{Vpc, VpcSetting};
pub use vpc_endpoint::{Reach, VpcEndpoint, VpcEndpointSetting};
