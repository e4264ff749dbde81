//! The durations of rollouts under virtual time: with Envkeeper, and by Auto Scaling's refresh alone. The launch gate judges the
//! instances of both.
//!
//! Seeds vary the boot of each instance, the delays of Auto Scaling, the phase of all polls, and the lost events. Each case
//! observes its group once a second.

mod launch_gate;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::{
    ActivityStatus, AlarmState, Instance, LaunchTemplate, LifecycleState, RefreshPreferences, StartRefresh,
};
use environment::Timestamp;
use memory_cloud::LaunchOutcome;
use request_pass::StackState;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resource, Response, properties};
use crate::rows::Dice;
use launch_gate::LaunchGate;

pub use launch_gate::LAUNCH_GATE;

/// The alarm of `RolloutAlarms`.
const ALARM: &str = "errors";

/// The default of `InstanceWarmupSeconds`.
const WARMUP: Duration = Duration::from_mins(1);

/// The longest time of a case.
const LONGEST: Duration = Duration::from_hours(3);

/// What is wrong with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The user data of each instance fails.
    UserData,
    /// EC2 terminates each instance before it is in service.
    Terminated,
    /// The agent of no instance registers.
    NoAgent,
    /// No instance reports anything.
    Silent,
    /// EC2 launches no instance: the image is gone.
    Image,
    /// The alarm goes to ALARM once an instance of the version is in service.
    Alarm,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Flaw; 7] =
        [Flaw::None, Flaw::UserData, Flaw::Terminated, Flaw::NoAgent, Flaw::Silent, Flaw::Image, Flaw::Alarm];

    /// The name in the rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flaw::None => "good change",
            Flaw::UserData => "user data fails",
            Flaw::Terminated => "EC2 terminates it",
            Flaw::NoAgent => "no agent",
            Flaw::Silent => "silent instances",
            Flaw::Image => "image is gone",
            Flaw::Alarm => "alarm after the canary",
        }
    }
}

/// The course of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The instances of the group.
    pub size: usize,
    /// The flaw of the new version.
    pub flaw: Flaw,
    /// When the flaw shows, and what happens beside it.
    pub turn: Turn,
}

/// What a course has beside its flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: the Update waits for the whole rollout, and its passes observe it every 5 s.
    Plain,
    /// The Update has its SUCCESS after the canary, and the flaw shows only then: due passes alone observe the rollout.
    AfterCanary {
        /// Whether the messages that the gate sends for abandoned instances are lost.
        wakeups_are_lost: bool,
    },
    /// The group scales out by a third, at least by one, within the first 200 s.
    ScaleOut,
}

/// The durations of one course, in seconds: one of each seed.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// With Envkeeper.
    pub with: Durations,
    /// By Auto Scaling's refresh alone, from its start.
    pub native: Durations,
    /// From the Update until its response.
    pub asked_to_response: Vec<f64>,
    /// The most instances that were missing with Envkeeper at any second, of those that the group had at the Update.
    pub missing: usize,
    /// The instances in service that the rollout terminated before as many as the group had were in service and warm.
    pub early_terminations: usize,
}

/// The durations of one course, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// From the end of the first failed launch, or the ALARM, until Auto Scaling has accepted the rollback.
    pub verdict_to_rollback: Vec<f64>,
    /// Until every instance is in service at the version that the group should end with; `LONGEST` where it never is.
    pub to_end: Vec<f64>,
    /// The same from the time at which the first instance of the new version was in service.
    pub in_service_to_end: Vec<f64>,
    /// From the scale-out until all its instances are in service.
    pub scaled_out: Vec<f64>,
}

/// The durations of a course, for this number of seeds.
#[must_use]
pub fn times(course: Course, seeds: u64) -> Times {
    let mut times = Times::default();
    for seed in 0..seeds {
        let case = Case::new(course, seed);
        times.asked_to_response.extend(case.with_envkeeper());
        case.add_to(&mut times.with);
        let fewest = case.in_service.borrow().iter().copied().min().unwrap_or_default();
        times.missing = times.missing.max(course.size.saturating_sub(fewest));
        times.early_terminations += case.early_terminations.get();
        let case = Case::new(course, seed);
        case.native();
        case.add_to(&mut times.native);
    }
    times
}

/// From a scale-out without any rollout until all its instances are in service, in seconds, for this number of seeds.
#[must_use]
pub fn scale_outs(size: usize, seeds: u64) -> Vec<f64> {
    let mut durations = Durations::default();
    for seed in 0..seeds {
        let case = Case::new(Course { size, flaw: Flaw::None, turn: Turn::ScaleOut }, seed);
        case.fixture.run(async {
            while case.scaled_out.get().is_none() && case.since_begin() < LONGEST.as_secs_f64() {
                case.second().await;
            }
        });
        case.add_to(&mut durations);
    }
    durations.scaled_out
}

struct Case {
    fixture: Fixture,
    course: Course,
    began: Timestamp,
    gate: LaunchGate,
    /// Whether launches of the new version have its flaw from now on.
    is_flawed: Cell<bool>,
    /// When the group scales out.
    scale_out: Option<Timestamp>,
    /// The instances that the group should have.
    size: Cell<usize>,
    /// The instances in service, each second.
    in_service: RefCell<Vec<usize>>,
    serving: RefCell<BTreeSet<String>>,
    early_terminations: Cell<usize>,
    alarmed: Cell<Option<Timestamp>>,
    first_in_service: Cell<Option<Timestamp>>,
    scaled_out: Cell<Option<Timestamp>>,
    ended: Cell<Option<Timestamp>>,
}

impl Case {
    fn new(course: Course, seed: u64) -> Case {
        let mut dice = Dice::new(usize::try_from(seed).unwrap_or_default());
        let mut fixture = Fixture::with_hooks();
        fixture.set_stack(StackState::Active);
        fixture.account().operate(|simulator, _| simulator.set_alarm_state(ALARM, Some(AlarmState::Ok)));
        let phase = Duration::from_millis(dice.below(60_000));
        let response = fixture.run(async {
            let response = fixture.send(&resource(), "Create", &of_type("t3.micro", course)).await;
            fixture.wait(Duration::from_mins(5) + phase).await;
            response
        });
        assert_eq!(response, Response::Success, "a create without faults succeeds");
        let account = fixture.account();
        let mut between = |(least, most): (u64, u64)| Duration::from_millis(least + dice.below(most - least));
        account.operate(|simulator, _| {
            // Recorded on AWS, September 2026: see `Latency::RECORDED`, and ARCHITECTURE's facts for the launch.
            let mut timing = simulator.timing();
            timing.launch = between((24_000, 52_000));
            timing.latency.decision = between((5_000, 11_000));
            timing.latency.refresh_start = between((8_000, 11_000));
            timing.latency.refresh_health = between((60_000, 70_000));
            simulator.set_timing(timing);
        });
        for version in ["1", "2"] {
            let outcome = match course.flaw {
                Flaw::Image if version == "2" => {
                    LaunchOutcome::Fails("The image id '[ami-gone]' does not exist".into())
                }
                // The gate completes the hooks.
                _ => LaunchOutcome::Unanswered,
            };
            account.launch_outcomes.borrow_mut().insert(version.into(), outcome);
        }
        let began = account.clock.now();
        let after = between((20_000, 200_000));
        Case {
            course,
            began,
            gate: LaunchGate::new(seed),
            is_flawed: Cell::new(!matches!(course.turn, Turn::AfterCanary { .. })),
            scale_out: (course.turn == Turn::ScaleOut).then_some(began + after),
            size: Cell::new(course.size),
            in_service: RefCell::default(),
            serving: RefCell::default(),
            early_terminations: Cell::default(),
            alarmed: Cell::default(),
            first_in_service: Cell::default(),
            scaled_out: Cell::default(),
            ended: Cell::default(),
            fixture,
        }
    }

    /// Plays the Update and its rollback. Returns the time of the response.
    fn with_envkeeper(&self) -> Option<f64> {
        let fixture = &self.fixture;
        fixture.run(async {
            let update = fixture.request(&resource(), "Update", &of_type("t3.small", self.course));
            fixture.deliver(&update).await;
            let mut responded = None;
            // The response follows the end of a good rollout.
            while !(self.has_ended() && (responded.is_some() || self.is_over())) {
                let abandoned = self.second().await;
                if !matches!(self.course.turn, Turn::AfterCanary { wakeups_are_lost: true }) {
                    for instance in abandoned {
                        fixture.wake(&resource(), &instance).await;
                    }
                }
                let response = if responded.is_none() { fixture.response_to(&update) } else { None };
                let Some(response) = response else { continue };
                responded = Some(self.since_begin());
                self.is_flawed.set(true);
                if response != Response::Success {
                    let rollback = fixture.request(&resource(), "Update", &of_type("t3.micro", self.course));
                    fixture.deliver(&rollback).await;
                }
            }
            responded
        })
    }

    fn native(&self) {
        let fixture = &self.fixture;
        let is_one = self.course.size == 1;
        let start = fixture.account().operate(|simulator, now| {
            let group = fixture.names("dev").group().name;
            let template = simulator.group(&group).map(|it| it.settings.launch_template.clone());
            let template = template.expect("the group exists");
            let preferences = RefreshPreferences {
                min_healthy_percentage: Some(100),
                max_healthy_percentage: Some(110),
                instance_warmup: Some(WARMUP),
                checkpoint_percentages: if is_one { vec![] } else { vec![10, 100] },
                checkpoint_delay: (!is_one).then_some(Duration::from_mins(1)),
                bake_time: Some(Duration::from_mins(1)),
                skip_matching: true,
                auto_rollback: true,
                alarms: vec![ALARM.to_owned()],
                ..RefreshPreferences::default()
            };
            let desired_configuration = Some(LaunchTemplate { version: "2".into(), ..template });
            simulator.start_instance_refresh(&group, StartRefresh { desired_configuration, preferences }, now)
        });
        start.expect("the refresh starts");
        self.is_flawed.set(true);
        fixture.run(async {
            while !self.has_ended() {
                self.second().await;
            }
        });
    }

    /// Waits for a second, and plays what is due. Returns the instances that the gate has abandoned.
    async fn second(&self) -> Vec<String> {
        self.fixture.wait(Duration::from_secs(1)).await;
        let account = self.fixture.account();
        let now = account.clock.now();
        let name = self.fixture.names("dev").group().name;
        let flaw_of = |instance: &Instance| {
            if is_new(instance) && self.is_flawed.get() { self.course.flaw } else { Flaw::None }
        };
        let scales_out = self.scale_out.is_some_and(|at| at <= now) && self.size.get() == self.course.size;
        let abandoned = account.operate(|simulator, at| {
            if scales_out {
                let size = self.course.size + (self.course.size / 3).max(1);
                let desired = u32::try_from(size).unwrap_or(u32::MAX);
                simulator.set_desired_capacity(&name, desired, false, at).expect("the size is within the bounds");
                self.size.set(size);
            }
            self.gate.judge((simulator, &name), at, flaw_of)
        });
        account.operate(|simulator, at| {
            let group = simulator.group(&name).expect("the group exists");
            self.observe(&group.instances, at);
            if self.course.flaw == Flaw::Alarm && self.first_in_service.get().is_some() && self.alarmed.get().is_none()
            {
                simulator.set_alarm_state(ALARM, Some(AlarmState::Alarm));
                self.alarmed.set(Some(now));
            }
        });
        abandoned
    }

    /// Counts the instances in service, and those that were terminated too early.
    fn observe(&self, instances: &[Instance], at: auto_scaling::Timestamp) {
        let now = Timestamp(at.0);
        let in_service = || instances.iter().filter(|it| it.state == LifecycleState::InService);
        let is_warm = |it: &&Instance| {
            let since = it.in_service.map(|since| Timestamp(since.0));
            since.is_some_and(|since| since <= self.began || since + WARMUP <= now)
        };
        let serving: BTreeSet<String> = in_service().map(|it| it.id.clone()).collect();
        let before = self.serving.replace(serving);
        let ended = before.len() - before.intersection(&self.serving.borrow()).count();
        if ended > 0 && in_service().filter(is_warm).count() < self.course.size {
            self.early_terminations.set(self.early_terminations.get() + ended);
        }
        let count = self.serving.borrow().len();
        self.in_service.borrow_mut().push(count);
        if self.first_in_service.get().is_none() && in_service().any(is_new) {
            self.first_in_service.set(Some(now));
        }
        let scales_out = self.size.get() > self.course.size;
        if scales_out && count >= self.size.get() && self.scaled_out.get().is_none() {
            self.scaled_out.set(Some(now));
        }
    }

    fn is_over(&self) -> bool {
        self.since_begin() >= LONGEST.as_secs_f64()
    }

    /// Whether a refresh was started, none is active, and every instance runs the expected version.
    fn has_ended(&self) -> bool {
        if self.ended.get().is_some() {
            return true;
        }
        let group = self.fixture.names("dev").group().name;
        let expected = if self.course.flaw == Flaw::None { "2" } else { "1" };
        let (is_settled, now) = self.fixture.account().operate(|simulator, now| {
            let found = simulator.group(&group).expect("the group exists");
            let is_expected =
                |it: &Instance| it.state == LifecycleState::InService && it.launch_template.version == expected;
            let is_settled = found.active_refresh().is_none()
                && found.instances.len() == self.size.get()
                && found.instances.iter().all(is_expected)
                && simulator.instance_refreshes(&group, now).is_ok_and(|it| !it.is_empty());
            (is_settled, Timestamp(now.0))
        });
        if is_settled || self.is_over() {
            self.ended.set(Some(now));
        }
        self.ended.get().is_some()
    }

    fn since_begin(&self) -> f64 {
        (self.fixture.account().clock.now() - self.began).as_secs_f64()
    }

    fn add_to(&self, durations: &mut Durations) {
        let seconds = |from: Option<Timestamp>, to: Option<Timestamp>| Some((to? - from?).as_secs_f64());
        let verdict = self.alarmed.get().or_else(|| self.first_failure());
        durations.verdict_to_rollback.extend(seconds(verdict, self.rollback()));
        durations.to_end.extend(seconds(Some(self.began), self.ended.get()));
        durations.in_service_to_end.extend(seconds(self.first_in_service.get(), self.ended.get()));
        durations.scaled_out.extend(seconds(self.scale_out, self.scaled_out.get()));
    }

    /// The end of the first failed launch.
    fn first_failure(&self) -> Option<Timestamp> {
        let group = self.fixture.names("dev").group().name;
        self.fixture.account().operate(|simulator, _| {
            let activities = simulator.activities(&group, false).ok()?;
            let failed = activities.into_iter().filter(|it| {
                it.description.starts_with("Launching")
                    && matches!(it.status, ActivityStatus::Failed | ActivityStatus::Cancelled)
                    && it.start.0 >= self.began.0
            });
            failed.filter_map(|it| it.end).min().map(|end| Timestamp(end.0))
        })
    }

    /// When Auto Scaling began to roll back, by a call or by itself.
    fn rollback(&self) -> Option<Timestamp> {
        let group = self.fixture.names("dev").group().name;
        self.fixture.account().operate(|simulator, now| {
            let refreshes = simulator.instance_refreshes(&group, now).ok()?;
            refreshes.iter().filter_map(|it| it.rollback.as_ref()).map(|it| Timestamp(it.start.0)).min()
        })
    }
}

fn is_new(instance: &Instance) -> bool {
    instance.launch_template.version == "2"
}

fn resource() -> Resource {
    Resource::of(1, "dev")
}

fn of_type(instance_type: &str, Course { size, turn, .. }: Course) -> Value {
    let waits_for = if matches!(turn, Turn::AfterCanary { .. }) { "Canary" } else { "Complete" };
    properties(&json!({
        "Egress": "PublicIp", "MinSize": "1", "MaxSize": (size * 2 + 2).to_string(), "DesiredCapacity": size.to_string(),
        "InstanceType": instance_type, "RolloutAlarms": [ALARM], "RolloutWait": waits_for,
    }))
}
