//! Auto Scaling.

pub(crate) mod group;
pub(crate) mod scaling_policy;
