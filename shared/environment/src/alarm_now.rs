//! An alarm as CloudWatch has it now, and whether it may be acted on. Pure.

/// An alarm, metric or composite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmNow {
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when, in ms since the epoch: one time for all the ways in which it is told.
    pub since_ms: u64,
    /// Whether its own actions may run. EventBridge is told of its state even if not.
    pub actions_enabled: bool,
    /// What suppresses a composite alarm's actions: `Alarm`, `WaitPeriod`, `ExtensionPeriod`.
    pub suppressed_by: Option<String>,
    pub description: String,
    /// The dimensions of all its metrics.
    pub dimensions: Vec<(String, String)>,
}

/// What a look at an alarm comes to that was told to be in ALARM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// It is, and may be acted on.
    On { since_ms: u64 },
    /// Nothing is to be done; why.
    Off(String),
    /// What is seen is older than what was told: looking again may help.
    Stale,
}

impl AlarmNow {
    /// What a look comes to, at an alarm that told of its state of `told_ms`; nothing is an alarm that is not there.
    #[must_use]
    pub fn fresh(now: Option<&AlarmNow>, told_ms: Option<u64>) -> Fresh {
        let Some(AlarmNow { state, since_ms, actions_enabled, suppressed_by, .. }) = now else {
            return Fresh::Off(String::from("the alarm is gone"));
        };
        match suppressed_by {
            _ if state != "ALARM" && told_ms.is_some_and(|told| *since_ms < told) => Fresh::Stale,
            _ if state != "ALARM" => Fresh::Off(format!("the alarm is {state} by now")),
            _ if !actions_enabled => Fresh::Off(String::from("the alarm's actions are disabled")),
            Some(by) => Fresh::Off(format!("the alarm's actions are suppressed ({by})")),
            None => Fresh::On { since_ms: *since_ms },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on() -> AlarmNow {
        AlarmNow { state: "ALARM".into(), since_ms: 2_000, actions_enabled: true, ..AlarmNow::default() }
    }

    #[test]
    fn an_alarm_that_is_on_may_be_acted_on_unless_its_actions_may_not_run() {
        let fresh = |now: &AlarmNow| AlarmNow::fresh(Some(now), Some(2_000));
        let off = |why: &str| Fresh::Off(why.to_owned());
        assert_eq!(fresh(&on()), Fresh::On { since_ms: 2_000 });
        assert_eq!(fresh(&AlarmNow { actions_enabled: false, ..on() }), off("the alarm's actions are disabled"));
        let suppressed = AlarmNow { suppressed_by: Some("WaitPeriod".into()), ..on() };
        assert_eq!(fresh(&suppressed), off("the alarm's actions are suppressed (WaitPeriod)"));
        assert_eq!(AlarmNow::fresh(None, Some(2_000)), off("the alarm is gone"));
    }

    #[test]
    fn a_look_that_is_older_than_what_was_told_says_nothing() {
        let ok = AlarmNow { state: "OK".into(), ..on() };
        assert_eq!(AlarmNow::fresh(Some(&ok), Some(2_001)), Fresh::Stale);
        for told_ms in [Some(2_000), None] {
            assert_eq!(AlarmNow::fresh(Some(&ok), told_ms), Fresh::Off("the alarm is OK by now".into()));
        }
        assert_eq!(AlarmNow::fresh(Some(&on()), Some(9_000)), Fresh::On { since_ms: 2_000 });
    }
}
