//! A model of a group under Auto Scaling, and of everything that may happen to it. Every path is played to its end.
//!
//! A state is explored with each event that is possible in it: Auto Scaling goes on, an instance fails, a request arrives, a
//! principal cancels the refresh, a response is lost. The table acts between the events. The paths are finite: each request,
//! each disturbance and each refresh occurs a limited number of times, and a table that starts refreshes without end fails.

use std::collections::{BTreeMap, BTreeSet};

use environment::rollout::{
    Action, FailureCause, ObservedRefresh, RefreshStatus, RolloutInstance, RolloutRecord, SavedVersion, Trigger,
    WaitFor, decide,
};

use super::fixture::{Case, NOW, in_service, minutes_ago, refresh, unhealthy, update, version};

/// The most refreshes on a path.
const MOST_REFRESHES: usize = 8;

/// A group, its record, and the work that is going on.
#[derive(Clone, Debug)]
struct World {
    /// The version that the group has saved.
    saved: u64,
    /// The versions of the two instances.
    instances: [u64; 2],
    /// The versions whose instances are unhealthy.
    bad: BTreeSet<u64>,
    /// Whether they are healthy until the first of them is in service, as with an alarm after the canary.
    late: bool,
    /// The versions that can be launched.
    launchable: BTreeSet<u64>,
    /// The refreshes, the newest last.
    refreshes: Vec<ObservedRefresh>,
    /// The version whose unhealthy instance was observed, during the newest refresh.
    verdict: Option<u64>,
    record: RolloutRecord,
    desired: u64,
    trigger: Trigger,
    /// The requests that may still arrive, each at any time.
    requests: Vec<(Trigger, u64)>,
    /// How many responses may still be lost, and how many refreshes another principal may cancel.
    lost_responses: u32,
    cancels: u32,
    /// Whether AWS refuses every rollback.
    irreversible: bool,
}

impl World {
    fn new(bad: &[u64], launchable: &[u64], requests: &[(Trigger, u64)]) -> World {
        World {
            saved: 6,
            instances: [6, 6],
            bad: bad.iter().copied().collect(),
            late: false,
            launchable: launchable.iter().copied().collect(),
            refreshes: vec![],
            verdict: None,
            record: RolloutRecord { running: Some(version(6)), ..RolloutRecord::default() },
            desired: 6,
            trigger: Trigger::Due,
            requests: requests.to_vec(),
            lost_responses: 0,
            cancels: 0,
            irreversible: false,
        }
    }

    fn active(&self) -> Option<&ObservedRefresh> {
        self.refreshes.last().filter(|it| it.status.is_active())
    }

    fn case(&self) -> Case {
        let instance = |number: &u64| -> RolloutInstance { in_service("i-1", *number, 30) };
        Case {
            trigger: self.trigger,
            desired: version(self.desired),
            saved: SavedVersion::Numbered(version(self.saved)),
            launchable: self.launchable.clone(),
            instances: self.instances.iter().map(instance).collect(),
            refresh: environment::rollout::relevant_refresh(&self.refreshes, &self.record).cloned(),
            verdicts: self.verdict.into_iter().map(unhealthy).collect(),
            record: self.record.clone(),
            irreversible: false,
            ..Case::default()
        }
    }

    /// The next action. A refused rollback is decided again at once.
    fn action(&self) -> Action {
        let case = self.case();
        match decide(&case.situation()) {
            Action::RollBack if self.irreversible => Case { irreversible: true, ..case }.decide(),
            action => action,
        }
    }

    /// Whether an instance or a launch of a version fails.
    fn fails(&self, number: u64) -> bool {
        let is_bad = self.bad.contains(&number) && (!self.late || self.instances.contains(&number));
        is_bad || !self.launchable.contains(&number)
    }

    fn newest(mut self, status: &str) -> World {
        if let Some(refresh) = self.refreshes.last_mut() {
            refresh.status = RefreshStatus::of(status);
            refresh.started = Some(minutes_ago(5));
            if refresh.status == RefreshStatus::RollbackInProgress {
                let started = Some(minutes_ago(5));
                refresh.rollback = Some(environment::rollout::RollbackDetails { reason: None, started });
            }
        }
        self
    }

    /// The worlds after an action, with its response, and without it where it may be lost.
    fn after(&self, action: &Action) -> Vec<World> {
        let mut next = self.clone();
        match action {
            Action::Start(call) => {
                assert!(self.active().is_none(), "InstanceRefreshInProgress: {self:#?}");
                let id = format!("refresh-{}", self.refreshes.len());
                next.refreshes.push(ObservedRefresh { id: id.clone(), ..refresh(call, "Pending") });
                next.verdict = None;
                let mut lost = next.clone();
                next.record = next.record.started(&id, minutes_ago(1));
                // An operator's request is done when it is accepted.
                if next.trigger == Trigger::Roll {
                    next.trigger = Trigger::Due;
                }
                if lost.lost_responses > 0 && lost.trigger != Trigger::Roll {
                    lost.lost_responses -= 1;
                    return vec![next, lost];
                }
            }
            Action::RollBack => {
                let newest = self.active().expect("an active refresh");
                assert!(matches!(newest.status, RefreshStatus::InProgress | RefreshStatus::Baking), "{self:#?}");
                next = next.newest("RollbackInProgress");
                next.verdict = None;
            }
            Action::Cancel(id) => {
                assert_eq!(self.active().map(|it| &it.id), Some(id), "{self:#?}");
                next = next.newest("Cancelling");
                if next.trigger == Trigger::Cancel {
                    next.trigger = Trigger::Due;
                }
            }
            Action::SetTemplate(version) => {
                assert!(self.active().is_none(), "an active instance refresh exists: {self:#?}");
                next.saved = version.number;
            }
            record => next.record = next.record.after(record, NOW),
        }
        vec![next]
    }

    /// The worlds after each event that may happen now.
    fn events(&self) -> Vec<World> {
        let mut next = self.of_auto_scaling();
        if self.cancels > 0 && self.active().is_some_and(|it| it.status != RefreshStatus::Cancelling) {
            next.push(World { cancels: self.cancels - 1, ..self.clone() }.newest("Cancelling"));
        }
        for (at, (trigger, desired)) in self.requests.iter().enumerate() {
            let mut requests = self.requests.clone();
            requests.drain(..=at);
            next.push(World { trigger: *trigger, desired: *desired, requests, ..self.clone() });
        }
        // The request has its response, or every function died.
        if self.trigger != Trigger::Due {
            next.push(World { trigger: Trigger::Due, ..self.clone() });
        }
        next
    }

    /// Auto Scaling goes on, as if no function existed.
    fn of_auto_scaling(&self) -> Vec<World> {
        let Some(refresh) = self.active() else { return vec![] };
        let target = refresh.target.as_ref().map_or(0, |it| it.number);
        let preferences = &refresh.preferences;
        let move_one = |from: &dyn Fn(u64) -> bool, to: u64| {
            let at = self.instances.iter().position(|it| from(*it))?;
            let mut world = self.clone();
            world.instances[at] = to;
            Some(world)
        };
        match &refresh.status {
            RefreshStatus::Pending => vec![self.clone().newest("InProgress")],
            RefreshStatus::Cancelling => vec![self.clone().newest("Cancelled")],
            RefreshStatus::InProgress if self.fails(target) => {
                // The gate abandons an instance, or nothing is observed; after an hour Auto Scaling gives up.
                let end = if preferences.auto_rollback == Some(true) { "RollbackInProgress" } else { "Failed" };
                let verdict = (self.verdict != Some(target)).then(|| World { verdict: Some(target), ..self.clone() });
                verdict.into_iter().chain([World { verdict: None, ..self.clone() }.newest(end)]).collect()
            }
            RefreshStatus::InProgress => {
                let is_replaced = |it: u64| it != target;
                vec![move_one(&is_replaced, target).unwrap_or_else(|| self.clone().newest("Baking"))]
            }
            RefreshStatus::Baking => vec![World { saved: target, ..self.clone() }.newest("Successful")],
            RefreshStatus::RollbackInProgress if self.fails(self.saved) => {
                let saved = Some(self.saved);
                let verdict = (self.verdict != saved).then(|| World { verdict: saved, ..self.clone() });
                verdict.into_iter().chain([self.clone().newest("RollbackFailed")]).collect()
            }
            RefreshStatus::RollbackInProgress => {
                let is_replaced = |it: u64| it == target && it != self.saved;
                vec![move_one(&is_replaced, self.saved).unwrap_or_else(|| self.clone().newest("RollbackSuccessful"))]
            }
            other => panic!("{other} is not active"),
        }
    }
}

/// The end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Settled,
    RolledBack,
    Cancelled,
    Alarmed,
}

/// Explores every path, and returns how often it ends how.
fn explore(start: World) -> BTreeMap<End, usize> {
    let mut ends = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(world) = open.pop() {
        if !seen.insert(format!("{world:?}")) {
            continue;
        }
        assert!(world.refreshes.len() <= MOST_REFRESHES, "refreshes without end: {world:#?}");
        let action = world.action();
        if action.is_call() || action.is_record() {
            if action.is_record() {
                assert_ne!(world.clone().record.after(&action, NOW), world.record, "{action:?} of {world:#?}");
            }
            open.extend(world.after(&action));
            // A function may die before each action, and a request may arrive instead.
            open.extend(world.events());
            continue;
        }
        let events = world.events();
        let waits = matches!(action, Action::Wait(WaitFor::Refresh { .. }));
        assert!(!waits || world.active().is_some(), "a wait for nothing: {action:?} of {world:#?}");
        if events.is_empty() {
            *ends.entry(end(&world, &action)).or_default() += 1;
        }
        open.extend(events);
    }
    ends
}

/// The end of a world in which nothing happens any more.
fn end(world: &World, action: &Action) -> End {
    let failure = world.record.failure_of(&version(world.desired)).map(|it| it.cause);
    match action {
        Action::Alarm(_) => End::Alarmed,
        Action::None => {
            let goal = match failure {
                None => world.desired,
                Some(_) => world.saved,
            };
            // One version, and no later launch brings another.
            assert_eq!((world.saved, world.instances), (goal, [goal, goal]), "{world:#?}");
            assert!(goal == 6 || !world.bad.contains(&goal), "{world:#?}");
            match failure {
                None => End::Settled,
                Some(FailureCause::Cancelled) => End::Cancelled,
                Some(_) => End::RolledBack,
            }
        }
        other => panic!("{other:?} at the end of {world:#?}"),
    }
}

const ALL: [u64; 3] = [6, 7, 8];

fn ends(world: World) -> Vec<End> {
    explore(world).into_keys().collect()
}

#[test]
fn a_good_change_settles_and_a_bad_one_goes_back() {
    let request = [(update(), 7)];
    assert_eq!(ends(World::new(&[], &ALL, &request)), [End::Settled]);
    assert_eq!(ends(World::new(&[7], &ALL, &request)), [End::RolledBack]);
    assert_eq!(ends(World::new(&[6], &ALL, &request)), [End::Settled]);
    assert_eq!(ends(World::new(&[6, 7], &ALL, &request)), [End::RolledBack]);
    let late = |bad| World { late: true, ..World::new(bad, &ALL, &request) };
    assert_eq!(ends(late(&[7])), [End::RolledBack]);
    // The version that ran before is bad as well by now.
    assert_eq!(ends(late(&[6, 7])), [End::Alarmed]);
}

#[test]
fn a_bad_change_without_a_way_back_alarms() {
    let request = [(update(), 7)];
    assert_eq!(ends(World::new(&[], &[7, 8], &request)), [End::Settled]);
    assert_eq!(ends(World::new(&[7], &[7, 8], &request)), [End::Alarmed]);
    let irreversible = World { irreversible: true, ..World::new(&[7], &ALL, &request) };
    assert_eq!(ends(irreversible), [End::RolledBack]);
}

#[test]
fn a_rollback_of_the_stack_and_a_newer_update_win_at_any_time() {
    for bad in [&[][..], &[7], &[8], &[7, 8]] {
        let requests = [(update(), 7), (update(), 8), (Trigger::RollbackUpdate, 7), (Trigger::RollbackUpdate, 6)];
        let mut ends = ends(World::new(bad, &ALL, &requests));
        ends.extend(self::ends(World { late: true, ..World::new(bad, &ALL, &requests) }));
        assert!(ends.iter().all(|it| matches!(it, End::Settled | End::RolledBack | End::Alarmed)), "{bad:?}: {ends:?}");
        assert!(ends.contains(&End::Settled), "{bad:?}: {ends:?}");
    }
}

#[test]
fn requests_of_operators_end_at_any_time() {
    for bad in [&[][..], &[7]] {
        for operator in [Trigger::Roll, Trigger::Rollback, Trigger::Cancel] {
            let requests = [(update(), 7), (operator, 7), (Trigger::RollbackUpdate, 6)];
            let ends = ends(World::new(bad, &ALL, &requests));
            assert!(!ends.is_empty(), "{operator:?}");
        }
    }
}

#[test]
fn lost_responses_and_cancels_of_others_end_settled_or_alarmed() {
    for bad in [&[][..], &[7]] {
        let requests = [(update(), 7), (Trigger::RollbackUpdate, 6)];
        let world = World { lost_responses: 2, cancels: 1, late: true, ..World::new(bad, &ALL, &requests) };
        let ends = ends(world);
        assert!(ends.contains(&End::Settled), "{bad:?}: {ends:?}");
    }
}

#[test]
fn a_delete_cancels_at_any_time_and_waits_for_nothing() {
    for bad in [&[][..], &[7]] {
        let mut open = vec![World::new(bad, &ALL, &[(update(), 7)])];
        let mut seen = BTreeSet::new();
        while let Some(world) = open.pop() {
            if !seen.insert(format!("{world:?}")) {
                continue;
            }
            let delete = World { trigger: Trigger::Delete, ..world.clone() };
            let action = delete.action();
            let after = if action.is_call() { delete.after(&action).remove(0) } else { delete };
            assert_eq!(after.action(), Action::None, "{after:#?}");
            let action = world.action();
            open.extend(if action.is_call() || action.is_record() { world.after(&action) } else { vec![] });
            open.extend(world.events());
        }
        assert!(seen.len() > 10, "{}", seen.len());
    }
}
