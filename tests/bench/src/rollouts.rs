//! The durations of rollouts, beside those of Auto Scaling's refresh alone.

use campaign::rollout_times::{Flaw, times};
use serde_json::Value;

use crate::row;

/// The sizes of the groups.
const SIZES: [usize; 3] = [1, 3, 10];

pub fn rows() -> Vec<Value> {
    let cases = Flaw::ALL.into_iter().flat_map(|flaw| SIZES.map(|size| (flaw, size)));
    cases.flat_map(|(flaw, size)| rows_of(flaw, size)).collect()
}

fn rows_of(flaw: Flaw, size: usize) -> Vec<Value> {
    let times = times(size, flaw);
    let name = |what: &str| format!("rollout, {}, {size} in the group: {what}", flaw.name());
    let native = p95(&times.native);
    let mut rows = vec![
        row(&name("asked to the end, p95"), p95(&times.asked_to_end), "s", Some(native)),
        row(&name("asked to the response, p95"), p95(&times.asked_to_response), "s", Some(native)),
    ];
    if flaw != Flaw::None {
        rows.push(row(&name("verdict to rollback accepted, p95"), p95(&times.verdict_to_rollback), "s", None));
    }
    // The difference of small numbers is exact.
    let missing = u32::try_from((-times.margin).max(0)).unwrap_or(u32::MAX);
    rows.push(row(&name("instances missing at worst"), f64::from(missing), "instances", None));
    rows
}

/// The 95th percentile by rank; 0 of nothing.
fn p95(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * 95).div_ceil(100);
    rank.checked_sub(1).and_then(|at| sorted.get(at)).copied().unwrap_or(0.0)
}
