//! Seeded schedules of calls and failures during a refresh: it ends, and the group has its desired size afterwards.

use std::time::Duration;

use auto_scaling::{
    AlarmState, Latency, LifecycleState, ProtectedInstances, PutHook, RefreshChoices, RefreshPreferences,
    RefreshStatus, StandbyInstances, Transition,
};

use crate::{
    hooked::{ABANDON, CONTINUE, hook, hooked},
    host::Host,
    refreshed::{MINUTE, SECOND, to_version_2},
};

const SEEDS: u64 = 600;
/// A rollback of any length after a refresh of any length, each with its hour of retries, and warm-ups and hooks between.
const LONGEST: Duration = Duration::from_hours(24);

/// A small generator of numbers, the same for a seed on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        let index = usize::try_from(self.below(values.len() as u64)).unwrap();
        values[index]
    }
}

fn preferences(draw: &mut Draw) -> RefreshPreferences {
    let (min, max) =
        draw.one_of(&[(100, Some(110)), (100, Some(100)), (100, Some(200)), (90, None), (50, Some(150)), (0, None)]);
    let checkpoint_percentages = draw.one_of::<&[u32]>(&[&[], &[10, 100], &[30, 60, 100], &[50]]).to_vec();
    RefreshPreferences {
        min_healthy_percentage: Some(min),
        max_healthy_percentage: max,
        checkpoint_delay: (!checkpoint_percentages.is_empty()).then(|| draw.one_of(&[Duration::ZERO, MINUTE * 20])),
        checkpoint_percentages,
        instance_warmup: Some(draw.one_of(&[Duration::ZERO, MINUTE * 3])),
        bake_time: Some(draw.one_of(&[Duration::ZERO, MINUTE * 10])),
        skip_matching: draw.below(2) == 0,
        auto_rollback: draw.below(2) == 0,
        protected_instances: draw.one_of(&[
            ProtectedInstances::Wait,
            ProtectedInstances::Ignore,
            ProtectedInstances::Refresh,
        ]),
        standby_instances: draw.one_of(&[
            StandbyInstances::Wait,
            StandbyInstances::Ignore,
            StandbyInstances::Terminate,
        ]),
        alarms: draw.one_of::<&[&str]>(&[&[], &["errors"]]).iter().map(|&it| it.into()).collect(),
    }
}

/// A call or a failure. A refused call changes nothing.
fn disturb(host: &mut Host, draw: &mut Draw) {
    let now = host.now;
    let ids: Vec<String> = host.web().instances.iter().map(|it| it.id.clone()).collect();
    let place = usize::try_from(draw.below(ids.len().max(1) as u64)).unwrap();
    let id = ids.get(place).cloned().unwrap_or_default();
    let desired = u32::try_from(draw.below(7)).unwrap();
    let process = draw.one_of(&["InstanceRefresh", "Launch", "Terminate", "ReplaceUnhealthy"]);
    match draw.below(14) {
        0 | 1 => drop(host.sim.set_desired_capacity("web", desired, false, now)),
        2 => drop(host.sim.suspend_processes("web", &[process.into()], now)),
        3 | 4 => drop(host.sim.resume_processes("web", &[])),
        5 => drop(host.sim.set_instance_health(&id, false, false, now)),
        6 => drop(host.sim.terminate_instance(&id, desired % 2 == 0, now)),
        7 => drop(host.sim.set_instance_protection("web", &[id], desired % 2 == 0)),
        8 => drop(host.sim.enter_standby("web", &[id], desired % 2 == 0, now)),
        9 => drop(host.sim.exit_standby("web", &[id], now)),
        10 => {
            host.sim.set_alarm_state("errors", Some(draw.one_of(&[AlarmState::Ok, AlarmState::Ok, AlarmState::Alarm])));
        }
        11 => drop(host.sim.rollback_instance_refresh("web", now)),
        12 => drop(host.sim.cancel_instance_refresh("web", desired % 2 == 0, now)),
        _ => {
            host.launch_error = (desired < 3).then_some("InsufficientInstanceCapacity");
            host.failing_version = draw.one_of(&[None, Some("1"), Some("2")]);
        }
    }
    host.advance(Duration::ZERO);
}

/// Completes the waits of launching instances, with a share of abandoned ones.
fn answer(host: &mut Host, draw: &mut Draw) {
    let waiting = host.web().instances.iter().filter(|it| it.state == LifecycleState::PendingWait);
    let ids: Vec<String> = waiting.map(|it| it.id.clone()).collect();
    for id in ids {
        let result = if draw.below(5) == 0 { ABANDON } else { CONTINUE };
        host.complete(&id, "gate", result).unwrap();
    }
}

#[test]
fn a_refresh_ends_whatever_happens_and_leaves_the_desired_size() {
    let mut ends = std::collections::BTreeMap::new();
    for seed in 0..SEEDS {
        let draw = &mut Draw(seed);
        let mut host = Host::with_latency(Latency::RECORDED);
        let choices: Vec<RefreshChoices> = RefreshChoices::all().collect();
        host.sim.set_refresh_choices(draw.one_of(&choices));
        host.sim.set_alarm_state("errors", Some(AlarmState::Ok));
        let gate = PutHook { heartbeat: Some(MINUTE * 5), ..hook("gate", Transition::Launching, ABANDON) };
        let desired = u32::try_from(draw.below(6)).unwrap();
        host.sim.create_group(hooked(desired.min(4), vec![gate]), host.now).unwrap();
        host.update(|it| it.max_size = 6).unwrap();
        for _ in 0..20 {
            host.run(SECOND * 10);
            answer(&mut host, draw);
        }
        host.sim.start_instance_refresh("web", to_version_2(preferences(draw)), host.now).unwrap();
        for _ in 0..draw.below(25) {
            host.run(SECOND * u32::try_from(draw.below(120)).unwrap());
            answer(&mut host, draw);
            disturb(&mut host, draw);
        }
        (host.launch_error, host.failing_version) = (None, None);
        host.sim.resume_processes("web", &[]).unwrap();
        host.sim.set_alarm_state("errors", Some(AlarmState::Ok));
        let quiet = host.now;
        while host.state().is_active() {
            host.run(SECOND * 20);
            answer(&mut host, draw);
            assert!(host.now.since(quiet) < LONGEST, "seed {seed}: {} {}", host.progress(), host.reason());
        }
        for _ in 0..60 {
            host.run(MINUTE);
            answer(&mut host, draw);
        }
        let counted = host.sizes().0;
        let is_protected = host.web().instances.iter().any(|it| it.protected);
        let desired = host.web().desired_capacity as usize;
        assert!(counted == desired || (is_protected && counted > desired), "seed {seed}: {counted} of {desired}");
        *ends.entry(host.state().as_str()).or_insert(0) += 1;
        if host.state() == RefreshStatus::Successful {
            assert_eq!(host.web().settings.launch_template.version, "2", "seed {seed}");
        } else {
            assert_eq!(host.web().settings.launch_template.version, "1", "seed {seed}");
        }
    }
    for end in ["Successful", "Failed", "Cancelled", "RollbackSuccessful"] {
        assert!(ends.get(end).is_some_and(|count| *count >= 10), "{ends:?}");
    }
}
