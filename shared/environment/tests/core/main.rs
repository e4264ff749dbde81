//! The tests of the core in one program: each program of tests costs its own compilation and link.

mod bounds;
mod buckets;
mod changes;
mod chaos;
mod common;
mod crashes;
mod dashboards;
mod deployment_limits;
mod drift;
mod facts;
mod hooks;
mod networks;
mod ownership;
mod partitions;
mod plans;
mod preflight;
mod properties;
mod reported_properties;
mod rollout;
mod running_instances;
mod scaling;
mod secrets;
mod unresolved_properties;
mod user_data;
mod waits;
