//! An alarm as CloudWatch has it now, and whether it may be acted on. Pure.

/// An alarm, metric or composite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedAlarm {
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when, in ms since the epoch: one time for all the ways in which it is told.
    pub since_ms: u64,
    /// When its state was last updated, in ms since the epoch: also by the end of a suppression, which changes nothing of the
    /// state itself.
    pub updated_ms: u64,
    /// Whether its own actions may run. EventBridge is told of its state even if not.
    pub actions_enabled: bool,
    /// What suppresses a composite alarm's actions: `Alarm`, `WaitPeriod`, `ExtensionPeriod`.
    pub suppressed_by: Option<String>,
    /// What its maker wrote, in which the mark of an environment may stand; empty if there is none.
    pub description: String,
    /// The dimensions of all its metrics.
    pub dimensions: Vec<(String, String)>,
}

/// What a look at an alarm comes to that was told to be in ALARM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is, and may be acted on.
    On {
        /// Since when it has been in ALARM, in ms since the epoch.
        since_ms: u64,
    },
    /// Nothing is to be done; why.
    Off(String),
    /// What is seen is older than what was told: looking again may help.
    Stale,
}

/// How much older an ALARM may look than what told of it, and be the same: a second. Some shapes have whole seconds, and no
/// alarm leaves its state and comes back within one.
const ROUNDED_MS: u64 = 1_000;

/// For how long after it was told an ALARM that looks older is taken for one of before: 30 s. No look lags for longer, and
/// Lambda tries again after a minute. Then it is believed: what told of it may have been one of the series that an alarm
/// watches, which leaves the alarm's own times as they are.
const LAGS_MS: u64 = 30_000;

impl ObservedAlarm {
    /// What a look at `now_ms` comes to, at an alarm that told of its state of `reported_ms`; nothing is an alarm that is not there.
    ///
    /// An ALARM that is older than what was told may be the one before: the alarm was over meanwhile, and went off again. Acted
    /// on as that, the rule would say that it acted on it already, and the new one would be missed.
    #[must_use]
    pub fn fresh(now: Option<&ObservedAlarm>, reported_ms: Option<u64>, now_ms: u64) -> Freshness {
        let Some(ObservedAlarm { state, since_ms, updated_ms, actions_enabled, suppressed_by, .. }) = now else {
            return Freshness::Off(String::from("the alarm is gone"));
        };
        let is_one_before = |told: u64| updated_ms.saturating_add(ROUNDED_MS) < told && now_ms < told + LAGS_MS;
        match suppressed_by {
            _ if state != "ALARM" && reported_ms.is_some_and(|told| *since_ms < told) => Freshness::Stale,
            _ if state != "ALARM" => Freshness::Off(format!("the alarm is {state} by now")),
            _ if reported_ms.is_some_and(is_one_before) => Freshness::Stale,
            _ if !actions_enabled => Freshness::Off(String::from("the alarm's actions are disabled")),
            Some(by) => Freshness::Off(format!("the alarm's actions are suppressed ({by})")),
            None => Freshness::On { since_ms: *since_ms },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on() -> ObservedAlarm {
        ObservedAlarm {
            state: "ALARM".into(),
            since_ms: 2_000,
            updated_ms: 2_000,
            actions_enabled: true,
            ..ObservedAlarm::default()
        }
    }

    #[test]
    fn an_alarm_that_is_on_may_be_acted_on_unless_its_actions_may_not_run() {
        let fresh = |now: &ObservedAlarm| ObservedAlarm::fresh(Some(now), Some(2_000), 2_500);
        let off = |reason: &str| Freshness::Off(reason.to_owned());
        assert_eq!(fresh(&on()), Freshness::On { since_ms: 2_000 });
        assert_eq!(fresh(&ObservedAlarm { actions_enabled: false, ..on() }), off("the alarm's actions are disabled"));
        let suppressed = ObservedAlarm { suppressed_by: Some("WaitPeriod".into()), ..on() };
        assert_eq!(fresh(&suppressed), off("the alarm's actions are suppressed (WaitPeriod)"));
        assert_eq!(ObservedAlarm::fresh(None, Some(2_000), 2_500), off("the alarm is gone"));
    }

    #[test]
    fn a_look_that_is_older_than_what_was_told_says_nothing() {
        let ok = ObservedAlarm { state: "OK".into(), ..on() };
        assert_eq!(ObservedAlarm::fresh(Some(&ok), Some(2_001), 2_500), Freshness::Stale);
        for reported_ms in [Some(2_000), None] {
            assert_eq!(
                ObservedAlarm::fresh(Some(&ok), reported_ms, 2_500),
                Freshness::Off("the alarm is OK by now".into())
            );
        }
    }

    #[test]
    fn an_alarm_that_went_off_again_is_not_taken_for_the_one_before() {
        let fresh = |now: &ObservedAlarm, reported_ms, now_ms| ObservedAlarm::fresh(Some(now), reported_ms, now_ms);
        let is_on = Freshness::On { since_ms: 2_000 };
        assert_eq!(fresh(&on(), Some(9_000), 9_500), Freshness::Stale);
        assert_eq!(fresh(&on(), Some(3_000), 9_500), is_on, "within a second it is the same");
        assert_eq!(fresh(&on(), None, 9_500), is_on);
        assert_eq!(fresh(&on(), Some(9_000), 39_000), is_on, "no look lags for half a minute");
        let released = ObservedAlarm { updated_ms: 9_000, ..on() };
        assert_eq!(fresh(&released, Some(9_000), 9_500), is_on, "its actions were suppressed until then");
    }
}
