//! Alarms, parsed from ministack's DescribeAlarms.

use std::time::Duration;

use auto_scaling::Timestamp;
use serde_json::Value;

use super::metric::Metric;

/// The last millisecond of a second: ministack stores the times of states in whole seconds.
const LAST_OF_SECOND: Duration = Duration::from_millis(999);

/// A metric alarm or a composite alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub name: String,
    pub arn: String,
    pub description: String,
    pub condition: AlarmCondition,
    pub actions_enabled: bool,
    /// The ARNs of the actions for each state.
    actions: Vec<(State, Vec<String>)>,
    pub state: AlarmState,
    /// The difference between the newest datapoint and the limit at the last evaluation; 0 without one.
    pub difference: f64,
    /// The time of the last PutMetricAlarm or PutCompositeAlarm.
    pub configured_at: Timestamp,
}

/// The condition that an alarm evaluates.
#[derive(Clone, Debug)]
pub enum AlarmCondition {
    Threshold(Box<Threshold>),
    /// The rule of a composite alarm over other alarms.
    Rule(String),
}

/// The condition of a metric alarm: a metric, a comparison and a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    pub metric: Metric,
    /// AWS's name of the statistic, or a percentile: `p90`.
    pub statistic: String,
    pub unit: Option<String>,
    /// The length of a period in seconds.
    pub period: u64,
    pub evaluation_periods: usize,
    /// The number of periods that must breach.
    pub datapoints_to_alarm: usize,
    pub limit: f64,
    /// AWS's name of the comparison operator.
    pub comparison: String,
    pub missing: MissingData,
}

/// AWS's TreatMissingData: how a period without data counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MissingData {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

/// AWS's StateValue of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    Alarm,
    InsufficientData,
}

/// The state of an alarm, with the reason and the start time.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmState {
    pub value: State,
    pub reason: String,
    /// AWS's StateReasonData, as JSON.
    pub reason_data: Option<String>,
    pub since: Timestamp,
}

impl State {
    /// AWS's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|it| it.as_str() == text)
    }
}

impl MissingData {
    /// AWS's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }

    fn parse(text: &str) -> Self {
        let tracked = [Self::Breaching, Self::NotBreaching, Self::Ignore].into_iter().find(|it| it.as_str() == text);
        tracked.unwrap_or(Self::Missing)
    }
}

impl AlarmState {
    /// The state of a new alarm.
    pub fn initial(now: Timestamp) -> Self {
        let reason = "Unchecked: Initial alarm creation".to_owned();
        Self { value: State::InsufficientData, reason, reason_data: None, since: now }
    }

    /// Records that this state replaces `previous`, as an evaluation at `now` has found. ministack keeps the previous
    /// reason data where a call sends none, so equal reason data is dropped.
    ///
    /// The change is reported within the second that ministack has stored, however late the evaluation is: a function
    /// that finds the stored time more than a second before the reported one waits for a newer state.
    pub fn replaces(&mut self, previous: &Self, now: Timestamp) {
        self.since = now.min(self.since + LAST_OF_SECOND);
        if self.reason_data == previous.reason_data {
            self.reason_data = None;
        }
    }
}

impl Alarm {
    /// Parses an alarm from a response; `None` if the state is unknown.
    pub fn read(from: &Value) -> Option<Self> {
        let text = |name: &str| from[name].as_str().unwrap_or_default().to_owned();
        let actions = |state, name: &str| {
            let arns = from[name].as_array().into_iter().flatten().filter_map(Value::as_str);
            (state, arns.map(str::to_owned).collect())
        };
        let condition = match from["AlarmRule"].as_str() {
            Some(rule) => AlarmCondition::Rule(rule.to_owned()),
            None => AlarmCondition::Threshold(Box::new(Threshold::read(from))),
        };
        let seconds = |name: &str| Timestamp(from[name].as_u64().unwrap_or_default() * 1000);
        Some(Self {
            name: text("AlarmName"),
            arn: text("AlarmArn"),
            description: text("AlarmDescription"),
            condition,
            actions_enabled: from["ActionsEnabled"] != false,
            actions: vec![
                actions(State::Ok, "OKActions"),
                actions(State::Alarm, "AlarmActions"),
                actions(State::InsufficientData, "InsufficientDataActions"),
            ],
            state: AlarmState {
                value: State::parse(&text("StateValue"))?,
                reason: text("StateReason"),
                reason_data: from["StateReasonData"].as_str().map(str::to_owned),
                since: seconds("StateUpdatedTimestamp"),
            },
            difference: 0.0,
            configured_at: seconds("AlarmConfigurationUpdatedTimestamp"),
        })
    }

    /// The actions for the current state.
    pub fn actions(&self) -> &[String] {
        self.actions_for(self.state.value)
    }

    /// The actions for a state.
    pub fn actions_for(&self, state: State) -> &[String] {
        self.actions.iter().find(|(of, _)| *of == state).map_or(&[], |(_, arns)| arns)
    }
}

impl Threshold {
    fn read(from: &Value) -> Self {
        let text = |name: &str| from[name].as_str().map(str::to_owned);
        let count = |name: &str| from[name].as_u64();
        let periods = usize::try_from(count("EvaluationPeriods").unwrap_or(1)).unwrap_or(1).max(1);
        let to_alarm = count("DatapointsToAlarm").and_then(|it| usize::try_from(it).ok());
        Self {
            metric: Metric::read(from),
            // ministack returns a Statistic for every alarm, also for one with an ExtendedStatistic.
            statistic: text("ExtendedStatistic").or_else(|| text("Statistic")).unwrap_or_default(),
            unit: text("Unit"),
            period: count("Period").unwrap_or(60).max(1),
            evaluation_periods: periods,
            datapoints_to_alarm: to_alarm.unwrap_or(periods).clamp(1, periods),
            limit: from["Threshold"].as_f64().unwrap_or_default(),
            comparison: text("ComparisonOperator").unwrap_or_default(),
            missing: MissingData::parse(from["TreatMissingData"].as_str().unwrap_or_default()),
        }
    }
}
