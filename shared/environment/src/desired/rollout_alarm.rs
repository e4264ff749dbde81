//! The alarms of `RolloutAlarms`.

/// An alarm of `RolloutAlarms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutAlarm {
    /// The name.
    pub name: String,
    /// The state.
    pub state: RolloutAlarmState,
}

/// The state of an alarm of `RolloutAlarms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutAlarmState {
    /// OK.
    Ok,
    /// ALARM: the rollout goes back.
    Alarm,
    /// `INSUFFICIENT_DATA`: Auto Scaling starts no refresh, and stops the replacements of an active one.
    InsufficientData,
    /// The alarm does not exist.
    Missing,
    /// Missing data are breaching, or change the state: `TreatMissingData` is neither `notBreaching` nor `ignore`. The metrics of
    /// replaced instances end, so such an alarm would end the rollout.
    BreachesOnMissingData,
}

impl RolloutAlarmState {
    /// Why the state blocks a start, as a continuation of the alarm's name; `None` if it does not.
    #[must_use]
    pub fn obstacle(self) -> Option<&'static str> {
        match self {
            RolloutAlarmState::Ok => None,
            RolloutAlarmState::Alarm => Some("is in ALARM"),
            RolloutAlarmState::InsufficientData => Some("is in INSUFFICIENT_DATA"),
            RolloutAlarmState::Missing => Some("does not exist"),
            RolloutAlarmState::BreachesOnMissingData => Some("treats missing data as neither notBreaching nor ignore"),
        }
    }
}

impl RolloutAlarm {
    /// The first alarm that blocks a start, with its state.
    #[must_use]
    pub fn first_blocking(alarms: &[RolloutAlarm]) -> Option<String> {
        let blocking = |it: &RolloutAlarm| Some(format!("alarm {} {}", it.name, it.state.obstacle()?));
        alarms.iter().find_map(blocking)
    }
}
