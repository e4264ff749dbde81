//! The evaluation of a metric alarm: the state that follows from the data, and the reason in AWS's words. Pure.
//!
//! Periods slide back from now; AWS's periods begin at multiples of their length. As on AWS, the evaluation searches some
//! more periods than the alarm counts, and treats only the periods that are still missing as missing data. "Recorded" is
//! recorded on AWS, September 2026 (stackd 9dc356f5, `alarm_evaluation`).

use std::time::Duration;

use auto_scaling::Timestamp;
use serde_json::json;

use super::{
    alarm::{AlarmState, MissingData, State, Threshold},
    message::timestamp,
};

/// The number of periods that are searched in addition to the alarm's EvaluationPeriods: the user guide's tables search
/// 5 for 3.
const MORE_PERIODS: usize = 2;
/// The number of periods of less than a minute that are searched at least: data of 10 s periods counted for 107 to 118 s
/// (recorded).
const SHORT_PERIODS: usize = 11;
/// The maximum number of datapoints that a reason lists.
const MOST_LISTED: usize = 5;

/// The values that were put in one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    pub at: Timestamp,
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

/// The result of an evaluation.
#[derive(Debug, PartialEq)]
pub struct Verdict {
    pub state: AlarmState,
    /// The difference between the newest datapoint and the limit; 0 without one.
    pub difference: f64,
    /// Whether any period had datapoints.
    pub has_data: bool,
}

/// A period with data.
struct Period {
    /// The number of newer periods.
    age: usize,
    start: Timestamp,
    count: f64,
    value: f64,
    breaches: bool,
}

/// The time range before now from which data count.
pub fn range(threshold: &Threshold) -> Duration {
    Duration::from_secs(threshold.period.saturating_mul(searched(threshold) as u64))
}

/// The number of periods that are searched for data.
fn searched(threshold: &Threshold) -> usize {
    let least = if threshold.period < 60 { SHORT_PERIODS } else { 0 };
    (threshold.evaluation_periods + MORE_PERIODS).max(least)
}

/// The next state of an alarm. `None` where the state remains unchanged, regardless of its value, or where statistic,
/// metric or comparison are not simulated.
pub fn evaluate(threshold: &Threshold, points: &[Datapoint], now: Timestamp) -> Option<Verdict> {
    if threshold.metric.name.is_empty() {
        return None;
    }
    let found = periods(threshold, points, now)?;
    let breaching = found.iter().filter(|it| it.breaches).count();
    let missing = threshold.evaluation_periods - found.len();
    let treated_as_breaching = if threshold.missing == MissingData::Breaching { missing } else { 0 };
    let is_treated = matches!(threshold.missing, MissingData::Breaching | MissingData::NotBreaching);
    let value = if breaching + treated_as_breaching >= threshold.datapoints_to_alarm {
        State::Alarm
    } else if missing > 0 && !is_treated && breaching == found.len() {
        // No datapoint supports OK.
        match found.last() {
            _ if threshold.missing == MissingData::Ignore => return None,
            None => State::InsufficientData,
            // Fewer breaching datapoints than DatapointsToAlarm are enough once the oldest is as old as so many periods
            // (CloudWatch user guide, "Avoiding premature transitions to alarm state"; recorded).
            Some(oldest) if oldest.age + 1 >= threshold.datapoints_to_alarm => State::Alarm,
            Some(_) => return None,
        }
    } else {
        State::Ok
    };
    let reason = reason(threshold, value, &found, missing);
    let reason_data = Some(reason_data(threshold, &found, now));
    let difference = found.first().map_or(0.0, |newest| newest.value - threshold.limit);
    let state = AlarmState { value, reason, reason_data, since: now };
    Some(Verdict { state, difference, has_data: !found.is_empty() })
}

/// The newest periods with data, newest first, at most EvaluationPeriods. `None` if the periods cannot be evaluated.
fn periods(threshold: &Threshold, points: &[Datapoint], now: Timestamp) -> Option<Vec<Period>> {
    let length = threshold.period.saturating_mul(1000);
    let mut found = Vec::new();
    for age in 0..searched(threshold) {
        let Timestamp(start) = start_of(threshold, age, now);
        let end = start.saturating_add(length);
        let inside: Vec<_> = points.iter().filter(|it| start < it.at.0 && it.at.0 <= end && it.count > 0.0).collect();
        let value = value(&threshold.statistic, &inside)?;
        let breaches = breaches(&threshold.comparison, value, threshold.limit)?;
        if !inside.is_empty() && found.len() < threshold.evaluation_periods {
            let count = inside.iter().map(|it| it.count).sum();
            found.push(Period { age, start: Timestamp(start), count, value, breaches });
        }
    }
    Some(found)
}

/// The beginning of the period that is newer than all but `age` periods.
fn start_of(threshold: &Threshold, age: usize, now: Timestamp) -> Timestamp {
    let length = threshold.period.saturating_mul(1000);
    Timestamp(now.0.saturating_sub(length.saturating_mul(age as u64 + 1)))
}

/// The statistic's value over the datapoints. `None` for percentiles, which cannot be computed from sums.
fn value(statistic: &str, points: &[&Datapoint]) -> Option<f64> {
    let all = |part: fn(&Datapoint) -> f64| points.iter().copied().map(part);
    let (sum, count): (f64, f64) = (all(|it| it.sum).sum(), all(|it| it.count).sum());
    Some(match statistic {
        "Average" => sum / count,
        "Sum" => sum,
        "SampleCount" => count,
        "Minimum" => all(|it| it.min).fold(f64::INFINITY, f64::min),
        "Maximum" => all(|it| it.max).fold(f64::NEG_INFINITY, f64::max),
        _ => return None,
    })
}

/// Whether the value breaches the threshold. `None` for the bands of anomaly detection.
fn breaches(comparison: &str, value: f64, threshold: f64) -> Option<bool> {
    Some(match comparison {
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "GreaterThanThreshold" => value > threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        _ => return None,
    })
}

/// The reason of a state. It names the transition between OK and ALARM also for an alarm that had no data, and
/// EvaluationPeriods also if fewer periods have data (recorded).
fn reason(threshold: &Threshold, state: State, found: &[Period], missing: usize) -> String {
    use MissingData::{Breaching, NotBreaching};
    if state == State::InsufficientData {
        return format!("Insufficient Data: {} unknown.", datapoints(missing, ""));
    }
    let shown: Vec<&Period> = found.iter().filter(|it| it.breaches == (state == State::Alarm)).collect();
    let treated = if threshold.missing == MissingData::Breaching { "Breaching" } else { "NonBreaching" };
    if shown.is_empty() {
        let periods = if missing == 1 { "period" } else { "periods" };
        return format!(
            "Threshold Crossed: no datapoints were received for {missing} {periods} and {} treated as [{treated}].",
            datapoints(missing, "missing ")
        );
    }
    let listed: Vec<String> =
        shown.iter().take(MOST_LISTED).map(|it| format!("{:?} ({})", it.value, short(it.start))).collect();
    let listed = listed.join(", ");
    let not = if state == State::Alarm { "" } else { "not " };
    let than = match threshold.comparison.as_str() {
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "GreaterThanThreshold" => "greater than",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
    };
    let (were, limit) = (if shown.len() == 1 { "was" } else { "were" }, threshold.limit);
    let crossed = if shown.len() > MOST_LISTED {
        format!(
            "datapoints {were} {not}{than} the threshold ({limit:?}). The most recent datapoints which crossed the \
             threshold: [{listed}]"
        )
    } else {
        format!("datapoints [{listed}] {were} {not}{than} the threshold ({limit:?})")
    };
    let enough = match state {
        State::Alarm => threshold.datapoints_to_alarm,
        _ => threshold.evaluation_periods + 1 - threshold.datapoints_to_alarm,
    };
    let least = if enough == 1 { "datapoint" } else { "datapoints" };
    let with_treated = if shown.len() < enough && matches!(threshold.missing, Breaching | NotBreaching) {
        format!(" and {} treated as [{treated}]", datapoints(missing, "missing "))
    } else {
        String::new()
    };
    let transition = if state == State::Alarm { "OK -> ALARM" } else { "ALARM -> OK" };
    format!(
        "Threshold Crossed: {} out of the last {} {crossed}{with_treated} (minimum {enough} {least} for {transition} \
         transition).",
        shown.len(),
        threshold.evaluation_periods
    )
}

fn datapoints(count: usize, kind: &str) -> String {
    if count == 1 { format!("1 {kind}datapoint was") } else { format!("{count} {kind}datapoints were") }
}

/// The periods back to the oldest one with data. A missing period is `null` among the recent values, and a time alone among
/// the evaluated ones (recorded).
fn reason_data(threshold: &Threshold, found: &[Period], now: Timestamp) -> String {
    let ages = 0..found.last().map_or(threshold.evaluation_periods, |oldest| oldest.age + 1);
    let at = |age: usize| found.iter().find(|it| it.age == age);
    // `recentDatapoints` lists the oldest value first.
    let recent: Vec<Option<f64>> = ages.clone().rev().map(|age| at(age).map(|it| it.value)).collect();
    let evaluated = ages.map(|age| match at(age) {
        Some(it) => json!({ "timestamp": timestamp(it.start), "sampleCount": it.count, "value": it.value }),
        None => json!({ "timestamp": timestamp(start_of(threshold, age, now)) }),
    });
    let mut data = json!({
        "version": "1.0",
        "queryDate": timestamp(now),
        "statistic": threshold.statistic,
        "period": threshold.period,
        "recentDatapoints": recent,
        "threshold": threshold.limit,
        "evaluatedDatapoints": evaluated.collect::<Vec<_>>(),
    });
    if let Some(unit) = &threshold.unit {
        data["unit"] = json!(unit);
    }
    if let Some(oldest) = found.last() {
        data["startDate"] = json!(timestamp(oldest.start));
    }
    data.to_string()
}

/// `23/11/26 08:00:00`, from `2026-11-23T08:00:00Z`.
fn short(at: Timestamp) -> String {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}/{}/{} {}", part(8, 10), part(5, 7), part(2, 4), part(11, 19))
}

#[cfg(test)]
mod tests;
