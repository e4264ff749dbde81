use std::collections::BTreeMap;

use super::{Limit, Need};

/// What an account states about its limits, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    allowances: BTreeMap<(Limit, Option<String>), Allowance>,
}

/// Why a value is not known, as the end of a sentence: a denied or throttled read, or a value that no call returns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(String);

impl<T: Into<String>> From<T> for Unread {
    fn from(reason: T) -> Unread {
        Unread(reason.into())
    }
}

/// What an account states about one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How much the limit allows: the applied quota, not the default.
    pub limit: Result<u32, Unread>,
    /// How much of it is in use.
    pub used: Result<u32, Unread>,
}

impl Account {
    /// Records an allowance for a need.
    pub fn insert(&mut self, need: &Need, allowance: Allowance) {
        self.allowances.insert((need.limit, need.within.clone()), allowance);
    }

    /// The allowance for a need; `None` if it was not read.
    #[must_use]
    pub fn allowance(&self, need: &Need) -> Option<&Allowance> {
        self.allowances.get(&(need.limit, need.within.clone()))
    }
}
