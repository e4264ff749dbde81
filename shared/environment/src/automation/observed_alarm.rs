//! An alarm as CloudWatch reports it, and the check whether a rule may act on it. Pure.

/// A metric alarm or a composite alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedAlarm {
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// The time of the last change of the state, in ms since the epoch: the same time in every report of this change.
    pub since_ms: u64,
    /// The time of the last update of the state, in ms since the epoch. The end of a suppression is an update too,
    /// although the state itself does not change.
    pub updated_ms: u64,
    /// Whether the alarm's own actions may run. EventBridge receives changes of the state in either case.
    pub actions_enabled: bool,
    /// The suppressor of a composite alarm's actions: `Alarm`, `WaitPeriod`, `ExtensionPeriod`.
    pub suppressed_by: Option<String>,
    /// The alarm's description, which may contain the mark of an environment; empty if the alarm has none.
    pub description: String,
    /// The dimensions of all metrics of the alarm.
    pub dimensions: Vec<(String, String)>,
}

/// The result of checking an alarm that was reported to be in ALARM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmCheck {
    /// The alarm is in ALARM, and a rule may act on it.
    Actionable {
        /// The time of the change to ALARM, in ms since the epoch.
        since_ms: u64,
    },
    /// No rule may act; the text gives the reason.
    NotActionable(String),
    /// The observation is older than the report: a later observation may show the reported state.
    Stale,
}

/// The tolerance between the observed and the reported time of one ALARM: a second. Some shapes have whole seconds, and
/// no alarm leaves its state and returns to it within a second.
const ROUNDING_MS: u64 = 1_000;

/// How long after its report an ALARM with an older time counts as an earlier ALARM: 30 s. No observation lags for
/// longer, and Lambda retries after a minute. After that the observation is accepted: the report may have come from one
/// of the series that an alarm watches, and that leaves the alarm's own times unchanged.
const MAX_LAG_MS: u64 = 30_000;

/// How far ahead of the function's clock a reported time may be: a minute, for differences between clocks.
const MAX_AHEAD_MS: u64 = 60_000;

impl ObservedAlarm {
    /// Checks an alarm as it was observed at `now_ms`, against the report of its state of `reported_ms`. `None` is an
    /// alarm that does not exist.
    ///
    /// An ALARM that is older than the report may be an earlier one: the alarm left ALARM in between, and changed to
    /// ALARM again. If the rule acted on the earlier ALARM, it would skip the action as already executed, and would
    /// miss the new ALARM.
    #[must_use]
    pub fn check(now: Option<&ObservedAlarm>, reported_ms: Option<u64>, now_ms: u64) -> AlarmCheck {
        let Some(ObservedAlarm { state, since_ms, updated_ms, actions_enabled, suppressed_by, .. }) = now else {
            return AlarmCheck::NotActionable(String::from("the alarm no longer exists"));
        };
        // A time ahead is not the time of a state: no observation would ever show it.
        let reported_ms = reported_ms.filter(|it| *it <= now_ms.saturating_add(MAX_AHEAD_MS));
        let is_earlier_alarm =
            |reported: u64| updated_ms.saturating_add(ROUNDING_MS) < reported && now_ms < reported + MAX_LAG_MS;
        match suppressed_by {
            _ if state != "ALARM" && reported_ms.is_some_and(|reported| *since_ms < reported) => AlarmCheck::Stale,
            _ if state != "ALARM" => AlarmCheck::NotActionable(format!("the alarm is now {state}")),
            _ if reported_ms.is_some_and(is_earlier_alarm) => AlarmCheck::Stale,
            _ if !actions_enabled => AlarmCheck::NotActionable(String::from("the alarm's actions are disabled")),
            Some(suppressor) => AlarmCheck::NotActionable(format!("the alarm's actions are suppressed ({suppressor})")),
            None => AlarmCheck::Actionable { since_ms: *since_ms },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_alarm() -> ObservedAlarm {
        ObservedAlarm {
            state: "ALARM".into(),
            since_ms: 2_000,
            updated_ms: 2_000,
            actions_enabled: true,
            ..ObservedAlarm::default()
        }
    }

    #[test]
    fn an_alarm_in_alarm_is_actionable_unless_its_actions_may_not_run() {
        let check = |now: &ObservedAlarm| ObservedAlarm::check(Some(now), Some(2_000), 2_500);
        let not_actionable = |reason: &str| AlarmCheck::NotActionable(reason.to_owned());
        assert_eq!(check(&in_alarm()), AlarmCheck::Actionable { since_ms: 2_000 });
        assert_eq!(
            check(&ObservedAlarm { actions_enabled: false, ..in_alarm() }),
            not_actionable("the alarm's actions are disabled")
        );
        let suppressed = ObservedAlarm { suppressed_by: Some("WaitPeriod".into()), ..in_alarm() };
        assert_eq!(check(&suppressed), not_actionable("the alarm's actions are suppressed (WaitPeriod)"));
        assert_eq!(ObservedAlarm::check(None, Some(2_000), 2_500), not_actionable("the alarm no longer exists"));
    }

    #[test]
    fn an_observation_that_is_older_than_the_report_is_stale() {
        let ok = ObservedAlarm { state: "OK".into(), ..in_alarm() };
        assert_eq!(ObservedAlarm::check(Some(&ok), Some(2_001), 2_500), AlarmCheck::Stale);
        for reported_ms in [Some(2_000), None] {
            assert_eq!(
                ObservedAlarm::check(Some(&ok), reported_ms, 2_500),
                AlarmCheck::NotActionable("the alarm is now OK".into())
            );
        }
    }

    #[test]
    fn a_new_alarm_is_not_mistaken_for_an_earlier_one() {
        let check = |now: &ObservedAlarm, reported_ms, now_ms| ObservedAlarm::check(Some(now), reported_ms, now_ms);
        let actionable = AlarmCheck::Actionable { since_ms: 2_000 };
        assert_eq!(check(&in_alarm(), Some(9_000), 9_500), AlarmCheck::Stale);
        assert_eq!(check(&in_alarm(), Some(3_000), 9_500), actionable, "within a second it is the same alarm");
        assert_eq!(check(&in_alarm(), None, 9_500), actionable);
        assert_eq!(check(&in_alarm(), Some(9_000), 39_000), actionable, "no observation lags for half a minute");
        for ahead in [9_999_999, u64::MAX] {
            assert_eq!(check(&in_alarm(), Some(ahead), 9_500), actionable, "a time ahead is not waited for");
        }
        let released = ObservedAlarm { updated_ms: 9_000, ..in_alarm() };
        assert_eq!(check(&released, Some(9_000), 9_500), actionable, "its actions were suppressed until that time");
    }
}
