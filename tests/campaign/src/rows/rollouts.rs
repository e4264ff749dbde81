//! Rollouts: every call with every fault, and seeded schedules of everything that may happen to a group meanwhile.

use std::sync::OnceLock;
use std::time::Duration;

use auto_scaling::{AlarmState, LaunchTemplate, RefreshChoices, RefreshPreferences, StartRefresh};
use environment::rollout::{Action, RolloutSettings};
use memory_cloud::{Fault, LaunchOutcome};
use request_pass::StackState;
use serde_json::{Value, json};

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response, properties};
use crate::lifecycle::Verdict;
use crate::services::ServiceFault;

/// Every fault of a call. A rejected call ends its request, whose stack then rolls back.
const FAULTS: [Fault; 10] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::CrashAfterResponse,
    Fault::LostResponse,
    Fault::LostRequest,
    Fault::Throttled,
    Fault::NotFoundLag,
    Fault::Stall,
    Fault::Denied,
    Fault::Quota,
];
const SERVICE_FAULTS: [ServiceFault; 4] =
    [ServiceFault::CrashBefore, ServiceFault::CrashAfter, ServiceFault::Throttled, ServiceFault::LostResponse];

pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// The instances of the environment.
pub(super) const INSTANCES: usize = 2;

/// `MaxSize` of the environment.
pub(super) const MAX_SIZE: usize = 4;

/// The alarm of `RolloutAlarms`.
const ALARM: &str = "errors";

/// The longest time until a rollout has ended after the last event: Auto Scaling retries a failing refresh for an hour, and
/// its way back for another.
pub(super) const END: Duration = Duration::from_hours(6);

/// The longest time of a Delete: an instance terminates within minutes.
const DELETE: Duration = Duration::from_mins(10);

/// A version 2, and its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Its instances go into service.
    Good,
    /// The launch gate abandons each of its instances.
    Abandoned,
    /// EC2 launches none: the image is gone.
    NoImage,
    /// As good, and then another resource of the stack fails.
    SiblingFails,
}

pub(super) const COURSES: [Course; 4] = [Course::Good, Course::Abandoned, Course::NoImage, Course::SiblingFails];

pub(super) fn rows() -> Vec<Row> {
    let name =
        "rollouts: seeded updates, rollbacks, operators, alarms, scaling events, foreign refreshes, dead functions";
    let seeded = Row { name, cases: 10_000, short: 200, run: Box::new(schedule), seeded: true };
    vec![calls(), services(), seeded]
}

pub(super) fn resource() -> Resource {
    Resource::of(1, "dev")
}

/// The properties with this instance type.
fn of_type(instance_type: &str) -> Value {
    of_type_within(instance_type, MAX_SIZE)
}

/// The properties with this instance type and `MaxSize`.
pub(super) fn of_type_within(instance_type: &str, max_size: usize) -> Value {
    properties(&json!({
        "Egress": "PublicIp", "MinSize": "1", "MaxSize": max_size.to_string(), "DesiredCapacity": INSTANCES.to_string(),
        "InstanceType": instance_type, "RolloutAlarms": [ALARM],
    }))
}

/// A fixture whose environment has its instances in service.
fn created() -> Fixture {
    created_within(MAX_SIZE)
}

/// The same, with this `MaxSize`.
pub(super) fn created_within(max_size: usize) -> Fixture {
    let mut fixture = Fixture::with_hooks();
    fixture.set_stack(StackState::Active);
    set_alarm(&fixture, AlarmState::Ok);
    let response = fixture.run(async {
        let response = fixture.send(&resource(), "Create", &of_type_within("t3.micro", max_size)).await;
        fixture.wait(MINUTE * 5).await;
        response
    });
    assert_eq!(response, Response::Success, "a step without faults succeeds");
    fixture.account().fewest_in_service.set(usize::MAX);
    fixture
}

fn set_alarm(fixture: &Fixture, state: AlarmState) {
    fixture.account().operate(|simulator, _| simulator.set_alarm_state(ALARM, Some(state)));
}

impl Course {
    pub fn outcome(self) -> LaunchOutcome {
        match self {
            Course::Good | Course::SiblingFails => LaunchOutcome::InService,
            Course::Abandoned => LaunchOutcome::Abandoned,
            Course::NoImage => LaunchOutcome::Fails("The image id '[ami-gone]' does not exist".into()),
        }
    }
}

/// Plays a rollout with the requests of CloudFormation, and waits for its end. Returns the responses.
pub(super) fn play(fixture: &mut Fixture, course: Course, max_size: usize) -> Vec<Response> {
    fixture.account().launch_outcomes.borrow_mut().insert("2".into(), course.outcome());
    let first = fixture.run(async {
        let response = fixture.send(&resource(), "Update", &of_type_within("t3.small", max_size)).await;
        fixture.wait_until_idle().await;
        response
    });
    let rolls_back = course == Course::SiblingFails || first != Response::Success;
    fixture.set_stack(if rolls_back { StackState::RollingBack } else { StackState::Active });
    let fixture = &*fixture;
    fixture.run(async {
        let mut responses = vec![first];
        if rolls_back {
            roll_back(fixture, &of_type_within("t3.micro", max_size), &mut responses).await;
        }
        settle(fixture).await;
        responses
    })
}

/// The rollback of a stack, which an operator continues after a permanent fault.
async fn roll_back(fixture: &Fixture, properties: &Value, responses: &mut Vec<Response>) {
    for _ in 0..3 {
        responses.push(fixture.send(&resource(), "Update", properties).await);
        if responses.last() == Some(&Response::Success) {
            return;
        }
    }
}

/// Waits until no due pass is left to come, and no refresh is active.
pub(super) async fn settle(fixture: &Fixture) {
    let end = fixture.account().clock.now() + END;
    while fixture.account().clock.now() < end {
        fixture.wait(MINUTE).await;
        if !is_refreshing(fixture) && !fixture.has_tasks().await {
            break;
        }
    }
    fixture.wait(MINUTE * 5).await;
    fixture.wait_until_idle().await;
}

/// Whether a refresh of the group is active.
pub(super) fn is_refreshing(fixture: &Fixture) -> bool {
    fixture.account().operate(|simulator, _| {
        let group = simulator.group(&group_name(fixture));
        group.is_ok_and(|it| it.active_refresh().is_some())
    })
}

pub(super) fn group_name(fixture: &Fixture) -> String {
    fixture.names("dev").group().name
}

/// The versions of the group's instances, and the version that the group has saved.
fn versions(fixture: &Fixture) -> (Vec<String>, String) {
    fixture.account().operate(|simulator, _| {
        let Ok(group) = simulator.group(&group_name(fixture)) else { return (vec![], String::new()) };
        let mut versions: Vec<String> = group.instances.iter().map(|it| it.launch_template.version.clone()).collect();
        versions.sort();
        (versions, group.settings.launch_template.version.clone())
    })
}

/// The verdict on a rollout that was played: the group is at the version of the last successful request, as a whole.
pub(super) fn judge(fixture: &mut Fixture, course: Course, responses: &[Response]) -> Verdict {
    let expected = if course != Course::SiblingFails && responses[0] == Response::Success { "2" } else { "1" };
    let (found, saved) = versions(fixture);
    let fewest = fixture.account().fewest_in_service.get();
    let mut reasons = vec![];
    if responses.last() != Some(&Response::Success) {
        reasons.push(String::from("the last request failed"));
    }
    if found != [expected; INSTANCES] || saved != expected {
        reasons.push(format!("versions {found:?}, saved {saved}, expected {expected}"));
    }
    if fewest < INSTANCES {
        reasons.push(format!("only {fewest} in service"));
    }
    finish(fixture, responses, reasons)
}

/// Deletes the environment, and completes the verdict.
pub(super) fn finish(fixture: &mut Fixture, responses: &[Response], mut reasons: Vec<String>) -> Verdict {
    fixture.set_stack(StackState::Deleting);
    let fixture = &*fixture;
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        fixture.trace();
    }
    let mut no_response = responses.iter().filter(|it| **it == Response::Nothing).count();
    let (deleted, took) = fixture.run(async {
        let began = fixture.account().clock.now();
        let mut deleted = Response::Nothing;
        for _ in 0..3 {
            deleted = fixture.send(&resource(), "Delete", &of_type("t3.micro")).await;
            if deleted == Response::Success {
                break;
            }
        }
        let took = fixture.account().clock.now() - began;
        fixture.wait_until_idle().await;
        (deleted, took)
    });
    no_response += usize::from(deleted == Response::Nothing);
    if deleted != Response::Success || took > DELETE {
        reasons.push(format!("the delete: {deleted:?} after {took:?}"));
    }
    let leaked = fixture.inventory().len();
    let converged = reasons.is_empty() && leaked == 0;
    let reason = if converged { String::new() } else { format!("{}; responses {responses:?}", reasons.join("; ")) };
    Verdict { converged, leaked, duplicated: fixture.duplicates(), no_response, reason }.with(fixture)
}

/// The numbers of calls of each course without faults: to the cloud, and to the surrounding services.
pub(super) fn baselines() -> &'static [(Course, usize, usize)] {
    static BASELINES: OnceLock<Vec<(Course, usize, usize)>> = OnceLock::new();
    let count = |course| {
        let mut fixture = created();
        let before = (fixture.account().calls.borrow().len(), fixture.services.calls());
        play(&mut fixture, course, MAX_SIZE);
        let after = (fixture.account().calls.borrow().len(), fixture.services.calls());
        (course, after.0 - before.0, after.1 - before.1)
    };
    BASELINES.get_or_init(|| COURSES.map(count).to_vec())
}

fn with_calls(course: Course, calls: usize) -> impl Iterator<Item = (Course, usize)> {
    (0..calls).map(move |call| (course, call))
}

fn calls() -> Row {
    let of = |(course, calls, _): &(Course, usize, usize)| with_calls(*course, *calls);
    let cases: Vec<(Course, usize)> = baselines().iter().flat_map(of).collect();
    let count = cases.len() * FAULTS.len();
    let run = move |case: usize| {
        let (course, call) = cases[case / FAULTS.len()];
        let mut fixture = created();
        let number = fixture.account().calls.borrow().len() + call;
        fixture.account().faults.borrow_mut().insert(number, FAULTS[case % FAULTS.len()]);
        let responses = play(&mut fixture, course, MAX_SIZE);
        judge(&mut fixture, course, &responses)
    };
    let name = "rollouts: every fault at every call of a rollout and of its way back";
    Row { name, cases: count, short: 7, run: Box::new(run), seeded: false }
}

fn services() -> Row {
    let of = |(course, _, calls): &(Course, usize, usize)| with_calls(*course, *calls);
    let cases: Vec<(Course, usize)> = baselines().iter().flat_map(of).collect();
    let count = cases.len() * SERVICE_FAULTS.len();
    let run = move |case: usize| {
        let (course, call) = cases[case / SERVICE_FAULTS.len()];
        let mut fixture = created();
        fixture.services.inject(fixture.services.calls() + call, SERVICE_FAULTS[case % SERVICE_FAULTS.len()]);
        let responses = play(&mut fixture, course, MAX_SIZE);
        judge(&mut fixture, course, &responses)
    };
    let name = "rollouts: every fault at every call to records, request queue and response URL";
    Row { name, cases: count, short: 199, run: Box::new(run), seeded: false }
}

/// The instance types of a schedule: the first is the created one.
const TYPES: [&str; 4] = ["t3.micro", "t3.small", "t3.medium", "t3.large"];

/// A stack whose requests and surroundings are random.
struct Schedule<'a> {
    fixture: &'a Fixture,
    dice: Dice,
    /// The type in the last successful request.
    current: &'static str,
    responses: Vec<Response>,
    /// Whether an operator's `cancel` may have left instances of two versions.
    is_cancelled: bool,
}

fn schedule(seed: usize) -> Verdict {
    let mut fixture = created();
    let mut dice = Dice::new(seed);
    let choices = RefreshChoices::all().nth(index(&mut dice, 32)).unwrap_or_default();
    fixture.account().operate(|simulator, _| simulator.set_refresh_choices(choices));
    for version in ["2", "3", "4"] {
        let outcome = match dice.below(6) {
            0 => LaunchOutcome::Abandoned,
            1 => LaunchOutcome::Unanswered,
            2 => LaunchOutcome::Fails("The image id '[ami-gone]' does not exist".into()),
            3 => LaunchOutcome::Fails("InsufficientInstanceCapacity: none in this zone".into()),
            _ => LaunchOutcome::InService,
        };
        fixture.account().launch_outcomes.borrow_mut().insert(version.into(), outcome);
    }
    let begin = fixture.account().calls.borrow().len();
    for call in begin..begin + 60 {
        if dice.percent(4) {
            let fault = FAULTS[index(&mut dice, FAULTS.len() as u64)];
            fixture.account().faults.borrow_mut().insert(call, fault);
        }
    }
    let mut schedule = Schedule { fixture: &fixture, dice, current: TYPES[0], responses: vec![], is_cancelled: false };
    let responses = fixture.run(async {
        for _ in 0..2 + schedule.dice.below(5) {
            schedule.event().await;
        }
        fixture.reconcilers_stopped.set(false);
        fixture.account().hooks_unanswered.set(false);
        fixture.account().faults.borrow_mut().clear();
        settle(&fixture).await;
        if schedule.is_cancelled {
            schedule.ask("roll").await;
            settle(&fixture).await;
        }
        schedule.responses
    });
    let reasons = Vec::from_iter(fixture.run(unsettled(&fixture)));
    finish(&mut fixture, &responses, reasons)
}

fn index(dice: &mut Dice, end: u64) -> usize {
    usize::try_from(dice.below(end)).unwrap_or_default()
}

/// Why a group is neither at one version as a whole nor alarmed.
pub(super) async fn unsettled(fixture: &Fixture) -> Option<String> {
    let settings = RolloutSettings { alarms: vec![ALARM.to_owned()], ..RolloutSettings::default() };
    let action = fixture.next_rollout_action(&resource(), "dev", &settings).await;
    let (found, saved) = versions(fixture);
    match action {
        Some(Action::Alarm(_)) => None,
        Some(Action::None) if found.iter().all(|version| *version == saved) => None,
        action => Some(format!("{action:?}: versions {found:?}, saved {saved}")),
    }
}

impl Schedule<'_> {
    async fn event(&mut self) {
        match self.dice.below(15) {
            0..=4 => self.update().await,
            12..=14 => self.operator().await,
            5 | 6 => {
                let to = u32::try_from(1 + self.dice.below(4)).unwrap_or(1);
                self.operate(|simulator, group, now| drop(simulator.set_desired_capacity(group, to, false, now)));
            }
            7 => self.operate(start_foreign),
            8 => self.operate(|simulator, group, now| drop(simulator.cancel_instance_refresh(group, false, now))),
            9 => self.operate(|simulator, group, now| drop(simulator.rollback_instance_refresh(group, now))),
            10 => {
                // Every function is dead for a while.
                self.fixture.reconcilers_stopped.set(true);
                self.fixture.account().hooks_unanswered.set(self.dice.percent(50));
                self.wait(90).await;
                self.fixture.reconcilers_stopped.set(false);
                self.fixture.account().hooks_unanswered.set(false);
            }
            _ => {
                let state = [AlarmState::Alarm, AlarmState::InsufficientData][index(&mut self.dice, 2)];
                set_alarm(self.fixture, state);
                self.wait(30).await;
                set_alarm(self.fixture, AlarmState::Ok);
            }
        }
        self.wait(20).await;
    }

    /// An operator's request, which may be refused. A hold ends by its own time, if it is not released before.
    async fn operator(&mut self) {
        let name = ["roll", "rollback", "cancel", "hold", "release"][index(&mut self.dice, 5)];
        self.is_cancelled |= name == "cancel";
        self.ask(name).await;
    }

    async fn ask(&self, name: &str) {
        let mut event = json!({ "Request": name, "Environment": self.fixture.names("dev").environment_id() });
        if name == "hold" {
            event["Hours"] = json!(2);
        }
        self.fixture.operator_request(&event).await;
    }

    fn operate(&self, call: impl FnOnce(&mut auto_scaling::AutoScaling, &str, auto_scaling::Timestamp)) {
        let name = group_name(self.fixture);
        self.fixture.account().operate(|simulator, now| call(simulator, &name, now));
    }

    async fn wait(&mut self, minutes: u64) {
        let seconds = self.dice.below(minutes * 60);
        self.fixture.wait(Duration::from_secs(seconds)).await;
    }

    /// An update, which the stack author may cancel before its response, and its rollback.
    async fn update(&mut self) {
        let to = TYPES[index(&mut self.dice, 4)];
        let update = self.fixture.request(&resource(), "Update", &of_type(to));
        self.fixture.deliver(&update).await;
        let is_cancelled = self.dice.percent(30);
        if is_cancelled {
            self.wait(15).await;
        }
        let response = if is_cancelled {
            self.fixture.response_to(&update)
        } else {
            Some(self.fixture.wait_for_response(&update).await)
        };
        self.responses.extend(response.clone());
        if response == Some(Response::Success) {
            self.current = to;
        } else {
            roll_back(self.fixture, &of_type(self.current), &mut self.responses).await;
        }
        if is_cancelled && response.is_none() {
            // The response to a superseded request may be late.
            self.responses.push(self.fixture.response_to(&update).unwrap_or(Response::Nothing));
        }
    }
}

/// A refresh that another principal starts, towards the version that the group launches.
fn start_foreign(simulator: &mut auto_scaling::AutoScaling, group: &str, now: auto_scaling::Timestamp) {
    let launches: Option<LaunchTemplate> = simulator.group(group).ok().map(|it| it.settings.launch_template.clone());
    let preferences = RefreshPreferences { min_healthy_percentage: Some(50), ..RefreshPreferences::default() };
    let _ = simulator.start_instance_refresh(group, StartRefresh { desired_configuration: launches, preferences }, now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_a_rollout_has_faults() {
        for (course, operations) in [
            (Course::Good, vec!["StartInstanceRefresh"]),
            (Course::Abandoned, vec!["StartInstanceRefresh", "RollbackInstanceRefresh"]),
            (Course::NoImage, vec!["StartInstanceRefresh", "RollbackInstanceRefresh"]),
            (Course::SiblingFails, vec!["StartInstanceRefresh", "UpdateAutoScalingGroup", "StartInstanceRefresh"]),
        ] {
            let mut fixture = created();
            let before = fixture.account().calls.borrow().len();
            let responses = play(&mut fixture, course, MAX_SIZE);
            let calls = fixture.account().calls.borrow();
            let sent = calls[before..].iter().map(environment::Call::operation);
            let sent: Vec<&str> = sent.filter_map(|it| it.strip_prefix("autoscaling:")).collect();
            assert_eq!(sent, operations, "{course:?}: {responses:?}");
        }
    }
}
