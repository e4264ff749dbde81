//! Rollouts without Envkeeper: every function dies at any call and is dead for hours; and rollouts on an Auto Scaling whose
//! behaviour has no source.

use std::time::Duration;

use auto_scaling::{RefreshChoices, RefreshStatus};
use memory_cloud::Fault;
use request_pass::StackState;

use super::Row;
use super::rollouts::{
    COURSES, Course, END, INSTANCES, MAX_SIZE, MINUTE, baselines, created_within, finish, group_name, is_refreshing,
    judge, of_type_within, play, resource, settle, unsettled,
};
use crate::fixture::{Fixture, Response};
use crate::lifecycle::Verdict;
use crate::services::ServiceFault;

/// From the restart of the functions until the first pass has acted. A message that dead functions received is visible again
/// after the queue's visibility timeout; its due pass is skipped once, and the watchdog requests the next one a minute later.
const FIRST_PASS: Duration = Duration::from_mins(5);

/// The statuses with which a refresh ends by Auto Scaling alone.
const ENDS: [RefreshStatus; 4] = [
    RefreshStatus::Successful,
    RefreshStatus::RollbackSuccessful,
    RefreshStatus::Failed,
    RefreshStatus::RollbackFailed,
];

pub(super) fn rows() -> Vec<Row> {
    vec![outages(), choices(), deletes()]
}

/// The call at which every function dies.
#[derive(Clone, Copy)]
enum LastCall {
    /// Before, or after, a call to the cloud.
    Cloud(usize, Fault),
    /// Before a call to records, request queue or response URL.
    Service(usize),
}

fn outages() -> Row {
    let of = |(course, cloud, services): &(Course, usize, usize)| {
        let faults = [Fault::CrashBefore, Fault::CrashAfter];
        let of_cloud = (0..*cloud).flat_map(move |call| faults.map(|fault| LastCall::Cloud(call, fault)));
        let course = *course;
        of_cloud.chain((0..*services).map(LastCall::Service)).map(move |last| (course, last))
    };
    let cases: Vec<(Course, LastCall)> = baselines().iter().flat_map(of).collect();
    let count = cases.len();
    let run = move |case: usize| outage(cases[case].0, cases[case].1);
    let name = "rollouts: all functions are dead for hours, from any call on";
    Row { name, cases: count, short: 47, run: Box::new(run), seeded: false }
}

fn outage(course: Course, last: LastCall) -> Verdict {
    let mut fixture = created_within(MAX_SIZE);
    match last {
        LastCall::Cloud(call, fault) => {
            let number = fixture.account().calls.borrow().len() + call;
            fixture.account().faults.borrow_mut().insert(number, fault);
        }
        LastCall::Service(call) => fixture.services.inject(fixture.services.calls() + call, ServiceFault::CrashBefore),
    }
    fixture.outage_follows_crash.set(true);
    fixture.account().launch_outcomes.borrow_mut().insert("2".into(), course.outcome());
    let update = send(&fixture, "t3.small");
    if course == Course::SiblingFails || update != Response::Success {
        fixture.set_stack(StackState::RollingBack);
        send(&fixture, "t3.micro");
    }
    // A stack whose rollback gets no response waits for its operator. The last case of each course has no crash.
    fixture.set_functions_dead(true);
    fixture.run(fixture.wait(END));
    let mut reasons = Vec::from_iter(left_behind(&fixture));
    // A call that no function reached before the outage may come after it: that crash is an ordinary one.
    fixture.outage_follows_crash.set(false);
    fixture.set_functions_dead(false);
    reasons.extend(
        fixture
            .run(async {
                fixture.wait(FIRST_PASS).await;
                // A refresh that has ended in the meantime is followed by a pass within two minutes.
                let was_refreshing = is_refreshing(&fixture);
                fixture.wait(MINUTE * 2).await;
                let is_active = was_refreshing || is_refreshing(&fixture);
                let idle = if is_active { None } else { unsettled(&fixture).await };
                settle(&fixture).await;
                [idle.map(|it| format!("the first pass did not act: {it}")), unsettled(&fixture).await]
            })
            .into_iter()
            .flatten(),
    );
    // Requests that dead functions received have no response.
    finish(&mut fixture, &[], reasons)
}

/// Sends an Update, and waits for its response and for the end of its invocation.
fn send(fixture: &Fixture, instance_type: &str) -> Response {
    fixture.run(async {
        let response = fixture.send(&resource(), "Update", &of_type_within(instance_type, MAX_SIZE)).await;
        fixture.wait(MINUTE * 3).await;
        response
    })
}

/// What Auto Scaling alone should not have left behind.
fn left_behind(fixture: &Fixture) -> Option<String> {
    let fewest = fixture.account().fewest_in_service.get();
    if fewest < INSTANCES {
        return Some(format!("only {fewest} in service while all functions are dead"));
    }
    let name = group_name(fixture);
    fixture.account().operate(|simulator, now| {
        let all = simulator.instance_refreshes(&name, now).unwrap_or_default();
        let other = all.iter().find(|it| !ENDS.contains(&it.status))?;
        Some(format!("refresh {} is {:?} while all functions are dead", other.id, other.status))
    })
}

/// An environment whose `MaxSize` leaves no room for a surge, and one with room.
const MAX_SIZES: [usize; 2] = [INSTANCES, MAX_SIZE];

/// Each combination of answers to what no source says about Auto Scaling.
fn all_choices() -> Vec<RefreshChoices> {
    RefreshChoices::all().collect()
}

fn created_with(choices: RefreshChoices, max_size: usize) -> Fixture {
    let fixture = created_within(max_size);
    fixture.account().operate(|simulator, _| simulator.set_refresh_choices(choices));
    fixture
}

fn choices() -> Row {
    let all = all_choices();
    let count = all.len() * COURSES.len() * MAX_SIZES.len();
    let run = move |case: usize| {
        let (course, case) = (COURSES[case % COURSES.len()], case / COURSES.len());
        let (max_size, choice) = (MAX_SIZES[case % MAX_SIZES.len()], case / MAX_SIZES.len());
        let mut fixture = created_with(all[choice], max_size);
        let responses = play(&mut fixture, course, max_size);
        judge(&mut fixture, course, &responses)
    };
    let name = "rollouts: every answer to what no source says, with and without room for a surge";
    Row { name, cases: count, short: 17, run: Box::new(run), seeded: false }
}

/// The times of a Delete after the begin of the refresh, in seconds: in each of its phases.
const DELETED_AFTER: [u64; 6] = [0, 20, 75, 140, 200, 260];

fn deletes() -> Row {
    let all = all_choices();
    let courses = [Course::Good, Course::Abandoned, Course::NoImage];
    let count = all.len() * courses.len() * DELETED_AFTER.len();
    let run = move |case: usize| {
        let (course, case) = (courses[case % courses.len()], case / courses.len());
        let (after, choice) = (DELETED_AFTER[case % DELETED_AFTER.len()], case / DELETED_AFTER.len());
        let mut fixture = created_with(all[choice], MAX_SIZE);
        fixture.account().launch_outcomes.borrow_mut().insert("2".into(), course.outcome());
        let began = fixture.run(async {
            let update = fixture.request(&resource(), "Update", &of_type_within("t3.small", MAX_SIZE));
            fixture.deliver(&update).await;
            for _ in 0..MINUTE.as_secs() {
                if is_refreshing(&fixture) {
                    break;
                }
                fixture.wait(Duration::from_secs(1)).await;
            }
            let began = is_refreshing(&fixture);
            fixture.wait(Duration::from_secs(after)).await;
            began
        });
        let reasons = if began { vec![] } else { vec![String::from("no refresh began")] };
        finish(&mut fixture, &[], reasons)
    };
    let name = "rollouts: a delete at any time of a rollout, with every answer to what no source says";
    Row { name, cases: count, short: 37, run: Box::new(run), seeded: false }
}
