//! Auto Scaling.

pub(crate) mod group;
