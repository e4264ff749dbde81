//! Resources, their kinds and fields, their names and ownership mark, and the texts that instances and hooks get.

pub(crate) mod departure;
pub(crate) mod digest;
pub(crate) mod field;
pub mod hook_settings;
pub(crate) mod key;
pub(crate) mod kind;
pub(crate) mod kinds;
pub mod mark;
pub(crate) mod names;
pub(crate) mod on_delete;
pub(crate) mod partition;
pub(crate) mod resource;
pub(crate) mod rollout_call;
pub(crate) mod script;
pub(crate) mod user_data;
pub(crate) mod version_description;
