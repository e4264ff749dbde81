//! Heartbeats are in time, also where observations are late or skipped.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::time::Duration;

use lifecycle_hook::pace;
use test_support::hooks::SeededRng;

/// A wait that is observed now and then, in seconds from its beginning.
struct Wait {
    heartbeat: u64,
    /// How much earlier its activity began; the start of the activity is the time that the sweep knows.
    activity_lead: u64,
}

impl Wait {
    /// When the wait ends because no heartbeat arrives, if one of these observations has no effect: skipped, or its
    /// heartbeat lost. Each observation has its time and the delay before it.
    fn ends_at(&self, observations: &[(u64, Duration)], lost: Option<usize>) -> Option<u64> {
        let mut last_beat = 0;
        for (number, (at, gap)) in observations.iter().enumerate() {
            if *at >= last_beat + self.heartbeat {
                return Some(last_beat + self.heartbeat);
            }
            let waited = Duration::from_secs(at + self.activity_lead);
            if lost != Some(number) && pace::needs_heartbeat(waited, *gap, Duration::from_secs(self.heartbeat)) {
                last_beat = *at;
            }
        }
        None
    }

    /// Loses each of the observations once.
    fn outlives_each_loss(&self, observations: &[(u64, Duration)]) -> Result<(), String> {
        for lost in std::iter::once(None).chain((0..observations.len()).map(Some)) {
            if let Some(at) = self.ends_at(observations, lost) {
                let (heartbeat, activity_lead) = (self.heartbeat, self.activity_lead);
                return Err(format!(
                    "{heartbeat} s, {activity_lead} s longer: ends at {at} without {lost:?} of {observations:?}"
                ));
            }
        }
        Ok(())
    }
}

/// The heartbeats of Envkeeper's hooks, and others from five minutes on: to the second at which observations become
/// rarer than thirds.
const HEARTBEATS: [u64; 8] = [300, 400, 539, 540, 541, 600, 900, 3_600];

#[test]
fn late_sweeps_alone_keep_an_instance_waiting_although_one_is_missed() {
    let mut rng = SeededRng::new(7);
    for heartbeat in HEARTBEATS {
        for first in 0..pace::SWEEP_INTERVAL.as_secs() {
            let sweeps = (0..heartbeat / 20).map(|number| {
                // Each schedule fires somewhere within its minute.
                (first + number * pace::SWEEP_INTERVAL.as_secs() + rng.below(60), pace::SWEEP_INTERVAL)
            });
            let sweeps: Vec<_> = sweeps.collect();
            for activity_lead in [0, 25, 110] {
                assert_eq!(Wait { heartbeat, activity_lead }.outlives_each_loss(&sweeps), Ok(()));
            }
        }
    }
}

#[test]
fn late_messages_alone_keep_a_launch_waiting_although_one_heartbeat_is_lost() {
    let mut rng = SeededRng::new(8);
    for initial in [1, 15, 60] {
        for _ in 0..100 {
            let initial = Duration::from_secs(initial);
            let (mut at, mut observations) = (0, Vec::new());
            while at < 6 * 3_600 {
                let gap = pace::next_poll(Duration::from_secs(at), initial);
                observations.push((at, gap));
                at += gap.as_secs() + rng.below(60);
            }
            assert_eq!(Wait { heartbeat: 900, activity_lead: 0 }.outlives_each_loss(&observations), Ok(()));
        }
    }
}

#[test]
fn the_sweep_interval_is_that_of_the_template() {
    let template = include_str!("../../../../infra/template.yaml");
    let (_, hook) = template.split_once("\n  LifecycleHook:\n").expect("the function");
    let (_, sweep) = hook.split_once("\n        Sweep:\n").expect("its schedule");
    let (_, rate) = sweep.split_once("Schedule: rate(").expect("a rate");
    let (minutes, _) = rate.split_once(" minutes)").expect("of some minutes");
    assert_eq!(pace::SWEEP_INTERVAL, Duration::from_mins(minutes.parse().expect("a number")));
}
