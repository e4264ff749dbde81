//! The engine: the seam to the cloud, plans and their execution, the reconcile loop, drift, outputs. It knows resources
//! and their settings, and no property.

pub(crate) mod apply;
pub(crate) mod awaited;
pub(crate) mod cloud;
pub(crate) mod condition;
pub(crate) mod drift;
pub(crate) mod outputs;
pub(crate) mod ownership;
pub(crate) mod plan;
pub(crate) mod reconcile;
pub(crate) mod rejection;
mod retain;
