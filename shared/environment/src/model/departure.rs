//! How the instances of a drained group leave it, by their lifecycle states.

use std::time::Duration;

/// The time from the end of the last hook until EC2 has ended an instance, and Auto Scaling lists it no more: 133 s is the
/// longest that was recorded on AWS (September 2026).
pub const INSTANCE_TERMINATION: Duration = Duration::from_mins(10);

/// How an instance of a drained group leaves the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Auto Scaling ends the instance, or moves it to a state that Auto Scaling ends.
    ByItself,
    /// A call terminates the instance: no scale-in takes it.
    ByTermination,
    /// No call of Envkeeper ends this state: an operator detaches or terminates the instance.
    ByOperator,
}

impl Departure {
    /// By AWS's name of a lifecycle state. The states of [`Departure::ByOperator`] are `Quarantined`, `…:Retained`, those of
    /// a replacement of the root volume, and unknown ones. A warm pool that is deleted with force ends its instances as a
    /// drained group does.
    #[must_use]
    pub fn of(state: &str) -> Departure {
        match state.strip_prefix("Warmed:").unwrap_or(state) {
            "Standby" => Departure::ByTermination,
            "Pending"
            | "Pending:Wait"
            | "Pending:Proceed"
            | "InService"
            | "EnteringStandby"
            | "Detaching"
            | "Detached"
            | "Terminating"
            | "Terminating:Wait"
            | "Terminating:Proceed"
            | "Terminated"
            | "Stopped"
            | "Running"
            | "Hibernated" => Departure::ByItself,
            _ => Departure::ByOperator,
        }
    }

    /// Whether protection from scale-in keeps an instance in a drained group. AWS lifts the protection in these states
    /// only; an instance that still starts reaches one of them.
    #[must_use]
    pub fn is_held_by_protection(state: &str) -> bool {
        matches!(state, "InService" | "EnteringStandby" | "Standby")
    }
}
