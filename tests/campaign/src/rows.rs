//! The rows of the campaign. Each row is a list of cases. A case is identified by its number, which is also its seed,
//! so each case can run again.

mod crashes;
mod crowds;
mod faults;
mod forged_events;
mod forged_marks;
mod forgeries;
mod hooks;
mod lifecycles;
mod repairs;
mod responses;
mod rollout_outages;
mod rollouts;
mod schedules;
mod time;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use crate::lifecycle::Verdict;

/// One row; its cases are numbered from 0.
pub struct Row {
    pub name: &'static str,
    /// The number of cases.
    pub cases: usize,
    /// The short form runs one in this many cases.
    pub short: usize,
    pub run: Box<dyn Fn(usize) -> Verdict + Send + Sync>,
    /// Whether the case numbers are seeds.
    pub seeded: bool,
}

/// The number of failed cases that a row reports.
const REPORTED_FAILURES: usize = 5;

/// The result of a row.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub name: &'static str,
    pub runs: usize,
    pub converged: usize,
    pub leaked: usize,
    pub duplicated: usize,
    pub no_response: usize,
    /// The first seed, if the cases have seeds.
    pub seed: Option<usize>,
    /// The first failed cases, each with a reason.
    #[serde(skip)]
    pub failed: Vec<(usize, String)>,
}

impl Row {
    /// Runs all cases, or one in `short` cases.
    #[must_use]
    pub fn report(&self, short: bool) -> Report {
        let step = if short { self.short.max(1) } else { 1 };
        let mut report = Report {
            name: self.name,
            runs: 0,
            converged: 0,
            leaked: 0,
            duplicated: 0,
            no_response: 0,
            seed: self.seeded.then_some(0),
            failed: Vec::new(),
        };
        for (case, verdict) in self.verdicts(step) {
            report.runs += 1;
            report.converged += usize::from(verdict.converged);
            report.leaked += verdict.leaked;
            report.duplicated += verdict.duplicated;
            report.no_response += verdict.no_response;
            if (!verdict.converged || verdict.duplicated + verdict.no_response > 0)
                && report.failed.len() < REPORTED_FAILURES
            {
                report.failed.push((case, verdict.reason));
            }
        }
        report
    }

    /// The verdict of a case. A panic is a failure of its case, and does not end the campaign.
    fn verdict(&self, case: usize) -> Verdict {
        let verdict = catch_unwind(AssertUnwindSafe(|| (self.run)(case)));
        verdict.unwrap_or_else(|panic| {
            let text = panic.downcast::<String>().map_or_else(|_| String::from("it panicked"), |text| *text);
            Verdict { reason: text, ..Verdict::default() }
        })
    }

    /// The verdicts of one in `step` cases, in their order. Each case has its own fixture, so two cases run
    /// concurrently.
    fn verdicts(&self, step: usize) -> Vec<(usize, Verdict)> {
        let next = AtomicUsize::new(0);
        let run = || {
            let cases = std::iter::repeat_with(|| next.fetch_add(step, Ordering::Relaxed));
            let cases = cases.take_while(|case| *case < self.cases);
            cases.map(|case| (case, self.verdict(case))).collect::<Vec<_>>()
        };
        let mut all = std::thread::scope(|scope| {
            let other = scope.spawn(run);
            let mut all = run();
            all.extend(other.join().expect("each case returns a verdict"));
            all
        });
        all.sort_by_key(|(case, _)| *case);
        all
    }
}

impl Report {
    /// Whether all cases converged without a leak, a duplicate or a missing response.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.runs > 0 && self.converged == self.runs && self.leaked + self.duplicated + self.no_response == 0
    }
}

/// All rows.
#[must_use]
pub fn all() -> Vec<Row> {
    [
        crashes::rows(),
        faults::rows(),
        time::rows(),
        schedules::rows(),
        lifecycles::rows(),
        responses::rows(),
        repairs::rows(),
        crowds::rows(),
        hooks::rows(),
        rollouts::rows(),
        rollout_outages::rows(),
        forgeries::rows(),
        forged_events::rows(),
        forged_marks::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Pseudorandom numbers that are equal for equal seeds (SplitMix64, Steele and others, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub fn new(seed: usize) -> Dice {
        Dice(seed as u64)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}
