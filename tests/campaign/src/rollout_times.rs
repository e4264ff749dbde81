//! The durations of rollouts under virtual time: with Envkeeper, and by Auto Scaling's refresh alone.

use std::time::Duration;

use auto_scaling::{ActivityStatus, AlarmState, LaunchTemplate, LifecycleState, RefreshPreferences, StartRefresh};
use environment::{CallKind, RolloutCall, Timestamp};
use memory_cloud::LaunchOutcome;
use request_pass::StackState;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resource, Response, properties};

/// The alarm of `RolloutAlarms`.
const ALARM: &str = "errors";

/// The seeds of each case: the phase in which the update arrives, against the polls and checks of Auto Scaling.
const SEEDS: u64 = 10;

/// The longest time of a case.
const LONGEST: Duration = Duration::from_hours(3);

/// What is wrong with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The launch gate abandons each instance, since its user data fails.
    UserData,
    /// No instance reports: the hook of each launch expires.
    Silent,
    /// EC2 launches no instance: the image is gone.
    Image,
    /// The alarm goes to ALARM once an instance of the version is in service.
    Alarm,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Flaw; 5] = [Flaw::None, Flaw::UserData, Flaw::Silent, Flaw::Image, Flaw::Alarm];

    /// The name in the rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flaw::None => "good change",
            Flaw::UserData => "user data fails",
            Flaw::Silent => "silent instances",
            Flaw::Image => "image is gone",
            Flaw::Alarm => "alarm after the canary",
        }
    }

    fn outcome(self) -> LaunchOutcome {
        match self {
            Flaw::None | Flaw::Alarm => LaunchOutcome::InService,
            Flaw::UserData => LaunchOutcome::Abandoned,
            Flaw::Silent => LaunchOutcome::Unanswered,
            Flaw::Image => LaunchOutcome::Fails("The image id '[ami-gone]' does not exist".into()),
        }
    }
}

/// The durations of one size and flaw, in seconds: one of each seed.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// From the end of the first failed launch, or the ALARM, until the rollback call.
    pub verdict_to_rollback: Vec<f64>,
    /// From the Update until every instance is in service at the version that the group should end with.
    pub asked_to_end: Vec<f64>,
    /// From the Update until its response.
    pub asked_to_response: Vec<f64>,
    /// The same end by Auto Scaling's refresh alone, from its start; `LONGEST` where it does not end.
    pub native: Vec<f64>,
    /// The fewest instances in service beyond the group's size; negative if one was missing.
    pub margin: i64,
}

/// The durations of rollouts of a group of this size.
#[must_use]
pub fn times(size: usize, flaw: Flaw) -> Times {
    let mut times = Times { margin: i64::MAX, ..Times::default() };
    for seed in 0..SEEDS {
        let phase = Duration::from_secs(seed * 7);
        let case = Case::new(size, flaw, phase);
        case.with_envkeeper(&mut times);
        times.native.push(Case::new(size, flaw, phase).native());
    }
    times
}

struct Case {
    fixture: Fixture,
    size: usize,
    flaw: Flaw,
    began: Timestamp,
}

impl Case {
    fn new(size: usize, flaw: Flaw, phase: Duration) -> Case {
        let mut fixture = Fixture::with_hooks();
        fixture.set_stack(StackState::Active);
        fixture.account().operate(|simulator, _| simulator.set_alarm_state(ALARM, Some(AlarmState::Ok)));
        let response = fixture.run(async {
            let response = fixture.send(&resource(), "Create", &of_type("t3.micro", size)).await;
            fixture.wait(Duration::from_mins(5) + phase).await;
            response
        });
        assert_eq!(response, Response::Success, "a create without faults succeeds");
        fixture.account().fewest_in_service.set(usize::MAX);
        fixture.account().launch_outcomes.borrow_mut().insert("2".into(), flaw.outcome());
        let began = fixture.account().clock.now();
        Case { fixture, size, flaw, began }
    }

    fn with_envkeeper(&self, times: &mut Times) {
        let fixture = &self.fixture;
        let (mut responded, mut alarm_at) = (None, None);
        let ended = fixture.run(async {
            let update = fixture.request(&resource(), "Update", &of_type("t3.small", self.size));
            fixture.deliver(&update).await;
            let mut returns = false;
            while !self.has_ended() {
                fixture.wait(Duration::from_secs(1)).await;
                alarm_at = alarm_at.or_else(|| self.ring());
                if responded.is_none()
                    && let Some(response) = fixture.response_to(&update)
                {
                    responded = Some(self.since_begin());
                    returns = response != Response::Success;
                }
                if std::mem::take(&mut returns) {
                    let rollback = fixture.request(&resource(), "Update", &of_type("t3.micro", self.size));
                    fixture.deliver(&rollback).await;
                }
            }
            let ended = self.since_begin();
            if responded.is_none() && fixture.wait_for_response(&update).await != Response::Nothing {
                responded = Some(self.since_begin());
            }
            ended
        });
        times.asked_to_end.push(ended);
        times.asked_to_response.extend(responded);
        let verdict = alarm_at.or_else(|| self.first_failure());
        times.verdict_to_rollback.extend(verdict.zip(self.rollback_call()).map(|(from, to)| (to - from).as_secs_f64()));
        let fewest = i64::try_from(fixture.account().fewest_in_service.get()).unwrap_or(i64::MAX);
        times.margin = times.margin.min(fewest.saturating_sub(i64::try_from(self.size).unwrap_or(i64::MAX)));
    }

    fn native(&self) -> f64 {
        let fixture = &self.fixture;
        let start = fixture.account().operate(|simulator, now| {
            let group = fixture.names("dev").group().name;
            let template = simulator.group(&group).map(|it| it.settings.launch_template.clone());
            let template = template.expect("the group exists");
            let preferences = RefreshPreferences {
                min_healthy_percentage: Some(100),
                max_healthy_percentage: Some(110),
                instance_warmup: Some(Duration::from_mins(1)),
                checkpoint_percentages: if self.size > 1 { vec![10, 100] } else { vec![] },
                checkpoint_delay: (self.size > 1).then_some(Duration::from_mins(1)),
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
        fixture.run(async {
            while !self.has_ended() {
                fixture.wait(Duration::from_secs(1)).await;
                self.ring();
            }
        });
        self.since_begin()
    }

    /// Raises the alarm once an instance of the version is in service. Returns the time.
    fn ring(&self) -> Option<Timestamp> {
        let account = self.fixture.account();
        let rings = self.flaw == Flaw::Alarm && self.in_service().iter().any(|version| version == "2");
        let is_new = rings && account.rollout_alarm(ALARM).state == environment::rollout::RolloutAlarmState::Ok;
        if !is_new {
            return None;
        }
        account.operate(|simulator, _| simulator.set_alarm_state(ALARM, Some(AlarmState::Alarm)));
        Some(account.clock.now())
    }

    fn in_service(&self) -> Vec<String> {
        let group = self.fixture.names("dev").group().name;
        self.fixture.account().operate(|simulator, _| {
            let group = simulator.group(&group).expect("the group exists");
            let in_service = group.instances.iter().filter(|it| it.state == LifecycleState::InService);
            in_service.map(|it| it.launch_template.version.clone()).collect()
        })
    }

    /// Whether a refresh was started, none is active, and every instance runs the expected version.
    fn has_ended(&self) -> bool {
        let account = self.fixture.account();
        let now = account.clock.now();
        let group = self.fixture.names("dev").group().name;
        let (is_active, is_started, all) = account.operate(|simulator, now| {
            let found = simulator.group(&group).expect("the group exists");
            let (is_active, all) = (found.active_refresh().is_some(), found.instances.len());
            (is_active, simulator.instance_refreshes(&group, now).is_ok_and(|it| !it.is_empty()), all)
        });
        let expected = if self.flaw == Flaw::None { "2" } else { "1" };
        let in_service = self.in_service();
        let is_complete = all == self.size && in_service.len() == self.size;
        let is_over = is_started && !is_active && is_complete && in_service.iter().all(|it| it == expected);
        is_over || now - self.began >= LONGEST
    }

    fn since_begin(&self) -> f64 {
        (self.fixture.account().clock.now() - self.began).as_secs_f64()
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

    fn rollback_call(&self) -> Option<Timestamp> {
        let account = self.fixture.account();
        let (calls, sent) = (account.calls.borrow(), account.sent.borrow());
        let is_rollback = |kind: &CallKind| matches!(kind, CallKind::Rollout(RolloutCall::RollBack));
        calls.iter().zip(sent.iter()).find(|(call, _)| is_rollback(&call.kind)).map(|(_, sent)| *sent)
    }
}

fn resource() -> Resource {
    Resource::of(1, "dev")
}

fn of_type(instance_type: &str, size: usize) -> Value {
    properties(&json!({
        "Egress": "PublicIp", "MinSize": "1", "MaxSize": (size * 2 + 2).to_string(), "DesiredCapacity": size.to_string(),
        "InstanceType": instance_type, "RolloutAlarms": [ALARM],
    }))
}
