//! The user guide's tables of missing data, and the texts of reasons.

use super::*;
use crate::alarms::metric::Metric;

/// 2026-11-23T08:00:00Z
const NOW: Timestamp = Timestamp(1_795_420_800_000);

fn threshold(periods: usize, to_alarm: usize, missing: MissingData) -> Threshold {
    Threshold {
        metric: Metric { namespace: "N".into(), name: "M".into(), ..Metric::default() },
        statistic: "Average".into(),
        unit: None,
        period: 60,
        evaluation_periods: periods,
        datapoints_to_alarm: to_alarm,
        limit: 70.0,
        comparison: "GreaterThanOrEqualToThreshold".into(),
        missing,
    }
}

fn point(seconds_ago: u64, value: f64) -> Datapoint {
    Datapoint { at: Timestamp(NOW.0 - seconds_ago * 1000), count: 1.0, sum: value, min: value, max: value }
}

/// Periods from the oldest to the newest, in the guide's notation: `X` breaches, `0` does not, `-` has no data.
fn points(periods: &str) -> Vec<Datapoint> {
    let newest_first = periods.split(' ').rev().enumerate();
    newest_first
        .filter(|(_, it)| *it != "-")
        .map(|(age, it)| point(60 * age as u64 + 30, if it == "X" { 95.0 } else { 5.0 }))
        .collect()
}

/// The next state; `unchanged` where the evaluation has no result.
fn state(threshold: &Threshold, points: &[Datapoint]) -> &'static str {
    let verdict = evaluate(threshold, points, NOW);
    verdict.map_or("unchanged", |verdict| verdict.state.value.as_str())
}

#[test]
fn missing_data_count_as_in_the_user_guides_tables() {
    const NONE: &str = "INSUFFICIENT_DATA";
    let ways = [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];
    for (to_alarm, periods, expected) in [
        (3, "0 - X - X", ["OK", "OK", "OK", "OK"]),
        (3, "- - - - 0", ["OK", "OK", "OK", "OK"]),
        (3, "- - - - -", [NONE, "unchanged", "ALARM", "OK"]),
        (3, "0 X X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (3, "- - X - -", ["ALARM", "unchanged", "ALARM", "OK"]),
        // Recorded on AWS, September 2026 (stackd 9dc356f5, alarm_evaluation: isolated-premature-m2, -m3).
        (3, "- - - X -", ["unchanged", "unchanged", "ALARM", "OK"]),
        (2, "- - - - X", ["unchanged", "unchanged", "ALARM", "OK"]),
        (2, "0 - X - X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "0 0 X 0 X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "0 - X - -", ["OK", "OK", "ALARM", "OK"]),
        (2, "- - - - 0", ["OK", "OK", "ALARM", "OK"]),
        (2, "- - - X -", ["ALARM", "unchanged", "ALARM", "OK"]),
    ] {
        let found = ways.map(|missing| state(&threshold(3, to_alarm, missing), &points(periods)));
        assert_eq!(found, expected, "{to_alarm} of 3: {periods}");
    }
}

#[test]
fn statistics_and_comparisons_behave_as_on_aws() {
    let both = [point(1, 60.0), point(2, 80.0)];
    for (statistic, limit, comparison, expected) in [
        ("Average", 70.0, "GreaterThanOrEqualToThreshold", "ALARM"),
        ("Average", 70.0, "GreaterThanThreshold", "OK"),
        ("Average", 70.0, "LessThanOrEqualToThreshold", "ALARM"),
        ("Average", 70.0, "LessThanThreshold", "OK"),
        ("Sum", 140.0, "GreaterThanOrEqualToThreshold", "ALARM"),
        ("Minimum", 61.0, "LessThanThreshold", "ALARM"),
        ("Maximum", 80.0, "GreaterThanThreshold", "OK"),
        ("SampleCount", 2.0, "LessThanOrEqualToThreshold", "ALARM"),
        ("p90", 1.0, "GreaterThanThreshold", "unchanged"),
        ("Average", 1.0, "GreaterThanUpperThreshold", "unchanged"),
    ] {
        let alarm = Threshold {
            statistic: statistic.into(),
            limit,
            comparison: comparison.into(),
            ..threshold(1, 1, MissingData::Missing)
        };
        assert_eq!(state(&alarm, &both), expected, "{statistic} {comparison}");
    }
    let expression = Threshold { metric: Metric::default(), ..threshold(1, 1, MissingData::NotBreaching) };
    assert_eq!(state(&expression, &both), "unchanged");
}

#[test]
fn periods_slide_back_from_now() {
    let alarm = threshold(1, 1, MissingData::NotBreaching);
    assert_eq!(state(&alarm, &[point(0, 95.0), point(60, 5.0)]), "ALARM");
    assert_eq!(state(&alarm, &[point(59, 95.0)]), "ALARM");
    assert_eq!(state(&alarm, &[point(61, 95.0), point(1, 5.0)]), "OK");
    assert_eq!(state(&alarm, &[point(179, 95.0)]), "ALARM", "no newer datapoint exists");
    assert_eq!(state(&alarm, &[point(180, 95.0)]), "OK", "the datapoint is too old");
}

#[test]
fn reasons_have_the_texts_of_aws() {
    let reason = |periods: usize, to_alarm, missing, points: &[Datapoint]| {
        evaluate(&threshold(periods, to_alarm, missing), points, NOW).unwrap().state.reason
    };
    let found = reason(1, 1, MissingData::Missing, &[point(1, 95.0)]);
    let expected = "Threshold Crossed: 1 out of the last 1 datapoints [95.0 (23/11/26 07:59:00)] was greater than or \
                    equal to the threshold (70.0) (minimum 1 datapoint for OK -> ALARM transition).";
    assert_eq!(found, expected);
    let found = reason(3, 2, MissingData::Missing, &points("0 X 0.1"));
    let expected = "Threshold Crossed: 2 out of the last 3 datapoints [5.0 (23/11/26 07:59:00), 5.0 (23/11/26 \
                    07:57:00)] were not greater than or equal to the threshold (70.0) (minimum 2 datapoints for ALARM \
                    -> OK transition).";
    assert_eq!(found, expected);
    let found = reason(6, 6, MissingData::Missing, &points("X X X X X X"));
    let begins = "Threshold Crossed: 6 out of the last 6 datapoints were greater than or equal to the threshold (70.0). \
                  The most recent datapoints which crossed the threshold: [95.0 (";
    assert!(found.starts_with(begins), "{found}");
    assert!(found.ends_with(")] (minimum 6 datapoints for OK -> ALARM transition)."), "{found}");
    let found = reason(1, 1, MissingData::NotBreaching, &[]);
    let expected = "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as \
                    [NonBreaching].";
    assert_eq!(found, expected);
    let found = reason(5, 5, MissingData::Missing, &[]);
    assert_eq!(found, "Insufficient Data: 5 datapoints were unknown.");
    // Recorded on AWS, September 2026 (stackd 9dc356f5, alarm_evaluation: sparse-partial-window).
    let found = reason(3, 3, MissingData::Breaching, &points("X - - - X"));
    let expected = "Threshold Crossed: 2 out of the last 3 datapoints [95.0 (23/11/26 07:59:00), 95.0 (23/11/26 \
                    07:55:00)] were greater than or equal to the threshold (70.0) and 1 missing datapoint was treated \
                    as [Breaching] (minimum 3 datapoints for OK -> ALARM transition).";
    assert_eq!(found, expected);
    let found = reason(3, 3, MissingData::NotBreaching, &points("0"));
    assert!(found.starts_with("Threshold Crossed: 1 out of the last 3 datapoints [5.0 ("), "{found}");
    assert!(found.ends_with("the threshold (70.0) (minimum 1 datapoint for ALARM -> OK transition)."), "{found}");
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, `alarm_evaluation`): 107 to 118 s for periods of 10 s.
#[test]
fn data_of_short_periods_count_for_eleven_of_them() {
    let alarm = Threshold { period: 10, ..threshold(3, 3, MissingData::NotBreaching) };
    let all = |newest: u64| [newest, newest + 10, newest + 20].map(|seconds_ago| point(seconds_ago, 95.0));
    assert_eq!(state(&alarm, &all(85)), "ALARM");
    assert_eq!(state(&alarm, &all(95)), "OK");
    assert_eq!(range(&alarm), Duration::from_secs(110));
}

#[test]
fn the_reason_data_are_valid_json() {
    let verdict = evaluate(&threshold(2, 2, MissingData::Missing), &points("X X"), NOW).unwrap();
    let data: serde_json::Value = serde_json::from_str(&verdict.state.reason_data.unwrap()).unwrap();
    assert_eq!(data["queryDate"], "2026-11-23T08:00:00.000+0000");
    assert_eq!(data["startDate"], "2026-11-23T07:58:00.000+0000");
    assert_eq!(data["recentDatapoints"], json!([95.0, 95.0]));
    assert_eq!(data["evaluatedDatapoints"][0]["timestamp"], "2026-11-23T07:59:00.000+0000");
    assert!(verdict.has_data);
    assert_eq!(data.get("unit"), None);

    // Recorded on AWS, September 2026 (stackd 9dc356f5, alarm_evaluation).
    let alarm = Threshold { unit: Some("Percent".into()), ..threshold(3, 3, MissingData::NotBreaching) };
    let verdict = evaluate(&alarm, &points("X - X"), NOW).unwrap();
    let data: serde_json::Value = serde_json::from_str(&verdict.state.reason_data.unwrap()).unwrap();
    assert_eq!((&data["unit"], &data["recentDatapoints"]), (&json!("Percent"), &json!([95.0, null, 95.0])));
    assert_eq!(data["evaluatedDatapoints"][1], json!({ "timestamp": "2026-11-23T07:58:00.000+0000" }));
}
