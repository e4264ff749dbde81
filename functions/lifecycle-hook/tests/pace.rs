//! Heartbeats come in time, also where looks are late or left out.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::time::Duration;

use lifecycle_hook::pace;
use test_support::hooks::Dice;

/// A wait that somebody looks at now and then, in seconds from its beginning.
struct Wait {
    heartbeat: u64,
    /// How much longer ago its activity began, which is what the sweep knows.
    longer_ago: u64,
}

impl Wait {
    /// When it ends for want of a heartbeat, if nothing comes of one of these looks: it is left out, or its heartbeat is
    /// lost. Each look has its time and the pause before it.
    fn ends(&self, observations: &[(u64, Duration)], lost: Option<usize>) -> Option<u64> {
        let mut last_beat = 0;
        for (number, (at, gap)) in observations.iter().enumerate() {
            if *at >= last_beat + self.heartbeat {
                return Some(last_beat + self.heartbeat);
            }
            let waited = Duration::from_secs(at + self.longer_ago);
            if lost != Some(number) && pace::needs_heartbeat(waited, *gap, Duration::from_secs(self.heartbeat)) {
                last_beat = *at;
            }
        }
        None
    }

    /// Loses each of the looks once.
    fn outlives_each_loss(&self, observations: &[(u64, Duration)]) -> Result<(), String> {
        for lost in std::iter::once(None).chain((0..observations.len()).map(Some)) {
            if let Some(at) = self.ends(observations, lost) {
                let (heartbeat, longer_ago) = (self.heartbeat, self.longer_ago);
                return Err(format!(
                    "{heartbeat} s, {longer_ago} s longer: ends at {at} without {lost:?} of {observations:?}"
                ));
            }
        }
        Ok(())
    }
}

/// The heartbeats of our hooks, and others from five minutes on: to the second where looks become rarer than thirds.
const HEARTBEATS: [u64; 8] = [300, 400, 539, 540, 541, 600, 900, 3_600];

#[test]
fn the_sweep_alone_keeps_an_instance_though_it_is_late_and_misses_one_pass() {
    let mut dice = Dice::new(7);
    for heartbeat in HEARTBEATS {
        for first in 0..pace::SWEEP_INTERVAL.as_secs() {
            let passes = (0..heartbeat / 20).map(|pass| {
                // Each fires somewhere within its minute.
                (first + pass * pace::SWEEP_INTERVAL.as_secs() + dice.below(60), pace::SWEEP_INTERVAL)
            });
            let passes: Vec<_> = passes.collect();
            for longer_ago in [0, 25, 110] {
                assert_eq!(Wait { heartbeat, longer_ago }.outlives_each_loss(&passes), Ok(()));
            }
        }
    }
}

#[test]
fn the_messages_alone_keep_a_launch_though_they_are_late_and_one_heartbeat_is_lost() {
    let mut dice = Dice::new(8);
    for short in [1, 15, 60] {
        for _ in 0..100 {
            let short = Duration::from_secs(short);
            let (mut at, mut observations) = (0, Vec::new());
            while at < 6 * 3_600 {
                let gap = pace::next_poll(Duration::from_secs(at), short);
                observations.push((at, gap));
                at += gap.as_secs() + dice.below(60);
            }
            assert_eq!(Wait { heartbeat: 900, longer_ago: 0 }.outlives_each_loss(&observations), Ok(()));
        }
    }
}

#[test]
fn the_sweep_is_as_often_as_the_template_says() {
    let template = include_str!("../../../infra/template.yaml");
    let (_, hook) = template.split_once("\n  LifecycleHook:\n").expect("the function");
    let (_, sweep) = hook.split_once("\n        Sweep:\n").expect("its schedule");
    let (_, rate) = sweep.split_once("Schedule: rate(").expect("a rate");
    let (minutes, _) = rate.split_once(" minutes)").expect("of some minutes");
    assert_eq!(pace::SWEEP_INTERVAL, Duration::from_mins(minutes.parse().expect("a number")));
}
