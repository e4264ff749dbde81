//! The routes of instances between EC2, the warm pool and the group.

use crate::Transition;

/// The route that an instance takes, or took last. AWS's events name its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A launch into the group.
    IntoGroup,
    /// A launch into the warm pool.
    IntoPool,
    /// From the warm pool into the group, at a scale-out.
    PoolToGroup,
    /// From the group back into the warm pool, at a scale-in.
    GroupToPool,
    /// A termination out of the group.
    OutOfGroup,
    /// A termination out of the warm pool.
    OutOfPool,
}

impl Route {
    /// The transition whose hooks the instance waits for.
    #[must_use]
    pub fn transition(self) -> Transition {
        match self {
            Self::IntoGroup | Self::IntoPool | Self::PoolToGroup => Transition::Launching,
            Self::GroupToPool | Self::OutOfGroup | Self::OutOfPool => Transition::Terminating,
        }
    }

    /// AWS's names of origin and destination.
    #[must_use]
    pub fn ends(self) -> (&'static str, &'static str) {
        const EC2: &str = "EC2";
        const GROUP: &str = "AutoScalingGroup";
        const POOL: &str = "WarmPool";
        match self {
            Self::IntoGroup => (EC2, GROUP),
            Self::IntoPool => (EC2, POOL),
            Self::PoolToGroup => (POOL, GROUP),
            Self::GroupToPool => (GROUP, POOL),
            Self::OutOfGroup => (GROUP, EC2),
            Self::OutOfPool => (POOL, EC2),
        }
    }

    /// Whether an instance on this route belongs to the warm pool: the group's list does not have it, also on its way
    /// back into the pool (recorded on AWS, September 2026: stackd 9dc356f5, `warm_pool_return_abandon_native`).
    #[must_use]
    pub fn is_warmed(self) -> bool {
        matches!(self, Self::IntoPool | Self::GroupToPool | Self::OutOfPool)
    }
}
