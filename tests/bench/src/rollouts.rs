//! The durations of rollouts, beside those of Auto Scaling's refresh alone, and against what Envkeeper promises.

use campaign::rollout_times::{Course, Flaw, LAUNCH_GATE, Times, Turn, scale_outs, times};
use serde_json::Value;

use crate::{promise, row};

/// The sizes of the groups, each with its number of seeds. A case of a large group takes seconds.
const SIZES: [(usize, u64); 4] = [(1, 20), (3, 20), (10, 20), (100, 3)];

/// The promises, in seconds.
const ROLLBACK: f64 = 30.0;
const ROLLBACK_WITHOUT_WAKE_UP: f64 = 75.0;
const BEYOND_NATIVE: f64 = 10.0;
const AFTER_USER_DATA: f64 = 420.0;
const AFTER_LAUNCH_GATE: f64 = 300.0;
const AFTER_IN_SERVICE: f64 = 600.0;

pub fn rows() -> Vec<Value> {
    let cases = Flaw::ALL.into_iter().flat_map(|flaw| SIZES.map(|size| (flaw, size)));
    let mut rows: Vec<Value> = cases.flat_map(|(flaw, size)| plain_rows(flaw, size)).collect();
    // A group of one has no canary.
    rows.extend(SIZES[1..].iter().flat_map(|size| after_canary_rows(*size)));
    rows.extend(SIZES[1..3].iter().flat_map(|size| scale_out_rows(*size)));
    rows
}

fn plain_rows(flaw: Flaw, (size, seeds): (usize, u64)) -> Vec<Value> {
    let times = times(Course { size, flaw, turn: Turn::Plain }, seeds);
    let name = |what: &str| format!("rollout, {}, {size} in the group: {what}", flaw.name());
    let (asked_to_end, native) = (p95(&times.with.to_end), p95(&times.native.to_end));
    let mut rows = vec![
        row(&name("asked to the end, p95"), asked_to_end, "s", Some(native)),
        row(&name("asked to the response, p95"), p95(&times.asked_to_response), "s", Some(native)),
    ];
    let mut promised = |what: &str, value: f64, most: f64| rows.push(promise(&name(what), value, "s", most));
    match flaw {
        Flaw::None => {
            // Of the 95th percentiles, and not of pairs: the second that the Update takes can leave an instance behind a check
            // of Auto Scaling, which comes again after 11 s.
            promised("seconds beyond the native refresh alone, of p95", asked_to_end - native, BEYOND_NATIVE);
        }
        Flaw::UserData => promised("asked to the group as before, p95", asked_to_end, AFTER_USER_DATA),
        Flaw::Silent | Flaw::NoAgent => {
            let most = LAUNCH_GATE.as_secs_f64() + AFTER_LAUNCH_GATE;
            promised("asked to the group as before, p95", asked_to_end, most);
        }
        Flaw::Alarm => {
            let seconds = p95(&times.with.in_service_to_end);
            promised("in service to the group as before, p95", seconds, AFTER_IN_SERVICE);
        }
        Flaw::Terminated | Flaw::Image => {}
    }
    if flaw != Flaw::None {
        rows.extend(rollback_rows(&name, &times, ROLLBACK));
    }
    rows.extend(safety_rows(&name, &times));
    rows
}

fn after_canary_rows((size, seeds): (usize, u64)) -> Vec<Value> {
    let of = |wakeups_are_lost, most| {
        let turn = Turn::AfterCanary { wakeups_are_lost };
        let times = times(Course { size, flaw: Flaw::UserData, turn }, seeds);
        let wakeup = if wakeups_are_lost { ", wake-ups lost" } else { "" };
        let name =
            |what: &str| format!("rollout, user data fails after the canary{wakeup}, {size} in the group: {what}");
        let mut rows = rollback_rows(&name, &times, most);
        rows.extend(safety_rows(&name, &times));
        rows
    };
    [of(false, ROLLBACK), of(true, ROLLBACK_WITHOUT_WAKE_UP)].concat()
}

fn rollback_rows(name: &impl Fn(&str) -> String, times: &Times, most: f64) -> Vec<Value> {
    let (with, native) = (p95(&times.with.verdict_to_rollback), p95(&times.native.verdict_to_rollback));
    vec![
        promise(&name("verdict to rollback accepted, p95"), with, "s", most),
        row(&name("verdict to rollback accepted, native, p95"), native, "s", None),
    ]
}

fn scale_out_rows((size, seeds): (usize, u64)) -> Vec<Value> {
    let alone = p95(&scale_outs(size, seeds));
    let of = |flaw: Flaw| {
        let times = times(Course { size, flaw, turn: Turn::ScaleOut }, seeds);
        let name = |what: &str| format!("rollout, {}, a scale-out meanwhile, {size} in the group: {what}", flaw.name());
        let mut rows = vec![row(&name("scale-out in service, p95"), p95(&times.with.scaled_out), "s", Some(alone))];
        rows.extend(safety_rows(&name, &times));
        rows
    };
    [of(Flaw::None), of(Flaw::UserData)].concat()
}

/// What a rollout never does.
fn safety_rows(name: &impl Fn(&str) -> String, times: &Times) -> Vec<Value> {
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    vec![
        promise(&name("instances missing at worst"), count(times.missing), "instances", 0.0),
        promise(
            &name("terminations before the replacement is in service and warm"),
            count(times.early_terminations),
            "instances",
            0.0,
        ),
    ]
}

/// The 95th percentile by rank; 0 of nothing.
fn p95(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * 95).div_ceil(100);
    rank.checked_sub(1).and_then(|at| sorted.get(at)).copied().unwrap_or(0.0)
}
