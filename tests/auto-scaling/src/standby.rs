//! Instances that users take out of service without terminating them: Standby, and detaching.
//!
//! These calls have neither events nor lifecycle hooks. No source was found for hooks of an instance that leaves Standby;
//! AWS's sample scripts for CodeDeploy, whose deployment of a new instance is a launching hook, wait a minute for
//! `InService`.

use std::cmp::Ordering;

use crate::{
    AccountState, Activity, AutoScaling, Fault, Group, LifecycleState, Timestamp,
    activity::{ActivityStatus, NewActivity},
};

/// The most ids of one call (the API reference).
const MAX_IDS: usize = 20;

/// A change of an instance's place in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    IntoStandby,
    OutOfStandby,
    Detach,
}

impl AutoScaling {
    /// Takes instances out of service, until [`AutoScaling::exit_standby`]. They no longer count towards the capacity:
    /// the group launches replacements unless the desired capacity is decremented.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist or is being deleted, an instance is not in service, or the capacity
    /// would fall below the minimum. Then no instance is moved.
    pub fn enter_standby(
        &mut self,
        group: &str,
        ids: &[String],
        decrement: bool,
        now: Timestamp,
    ) -> Result<Vec<Activity>, Fault> {
        self.move_instances(group, ids, Move::IntoStandby, decrement, now)
    }

    /// Returns instances to service, and increments the desired capacity by their number.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist or is being deleted, an instance is not in Standby, or the capacity
    /// would exceed the maximum. Then no instance is moved.
    pub fn exit_standby(&mut self, group: &str, ids: &[String], now: Timestamp) -> Result<Vec<Activity>, Fault> {
        self.move_instances(group, ids, Move::OutOfStandby, false, now)
    }

    /// Removes instances in service or in Standby from the group, without terminating them. The group launches
    /// replacements unless the desired capacity is decremented.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist or is being deleted, an instance is neither in service nor in
    /// Standby, or the capacity would fall below the minimum. Then no instance is detached.
    pub fn detach_instances(
        &mut self,
        group: &str,
        ids: &[String],
        decrement: bool,
        now: Timestamp,
    ) -> Result<Vec<Activity>, Fault> {
        self.move_instances(group, ids, Move::Detach, decrement, now)
    }

    fn move_instances(
        &mut self,
        group: &str,
        ids: &[String],
        to: Move,
        decrement: bool,
        now: Timestamp,
    ) -> Result<Vec<Activity>, Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        if ids.len() > MAX_IDS {
            return Err(Fault::validation(format!("InstanceIds has {} ids: {MAX_IDS} at most", ids.len())));
        }
        let indexes = ids.iter().map(|id| group.movable(id, to)).collect::<Result<Vec<_>, _>>()?;
        group.check_capacity_after(to, ids.len(), decrement)?;
        let moved = indexes.into_iter().map(|index| group.move_instance(index, to, decrement, account, now));
        Ok(moved.collect())
    }
}

impl Group {
    fn movable(&self, id: &str, to: Move) -> Result<usize, Fault> {
        let found = self.instances.iter().position(|it| it.id == id);
        let Some(index) = found else {
            let name = &self.name;
            return Err(Fault::validation(format!("The instance {id} is not part of Auto Scaling group {name}.")));
        };
        let (allowed, states) = match (to, self.instances[index].state) {
            (Move::IntoStandby, state) => (state == LifecycleState::InService, "InService"),
            (Move::OutOfStandby, state) => (state == LifecycleState::Standby, "Standby"),
            (Move::Detach, state) => {
                (matches!(state, LifecycleState::InService | LifecycleState::Standby), "InService or Standby")
            }
        };
        if allowed { Ok(index) } else { Err(Fault::validation(format!("The instance {id} is not in {states}."))) }
    }

    fn check_capacity_after(&self, to: Move, count: usize, decrement: bool) -> Result<(), Fault> {
        let (min, max, desired) = (self.settings.min_size, self.settings.max_size, self.desired_capacity);
        let change = u32::try_from(count).unwrap_or(u32::MAX);
        // The texts of Standby follow the observed one of DetachInstances.
        let (fits, action) = match to {
            Move::IntoStandby => (!decrement || desired >= min.saturating_add(change), "place into standby"),
            Move::OutOfStandby => (desired.saturating_add(change) <= max, "move out of standby"),
            Move::Detach => (!decrement || desired >= min.saturating_add(change), "detach"),
        };
        if fits {
            return Ok(());
        }
        let noun = if count == 1 { "instance" } else { "instances" };
        Err(Fault::validation(format!(
            "AutoScalingGroup {} has min-size={min}, max-size={max}, and desired-size={desired}. To {action} {count} \
             {noun}, please update the AutoScalingGroup sizes appropriately.",
            self.name
        )))
    }

    fn move_instance(
        &mut self,
        index: usize,
        to: Move,
        decrement: bool,
        account: &mut AccountState,
        now: Timestamp,
    ) -> Activity {
        let before = self.desired_capacity;
        self.desired_capacity = match to {
            Move::OutOfStandby => before + 1,
            Move::IntoStandby | Move::Detach => before - u32::from(decrement),
        };
        let (after, instance) = (self.desired_capacity, &self.instances[index]);
        let (id, subnet) = (instance.id.clone(), instance.subnet.clone());
        let (title, action, state, status, duration) = match to {
            Move::IntoStandby => (
                "Moving EC2 instance to Standby",
                "moved to standby",
                LifecycleState::EnteringStandby,
                ActivityStatus::InProgress,
                account.timing.latency.leaving,
            ),
            Move::OutOfStandby => (
                "Moving EC2 instance out of Standby",
                "moved out of standby",
                LifecycleState::Pending,
                ActivityStatus::PreInService,
                account.timing.latency.returning,
            ),
            Move::Detach => (
                "Detaching EC2 instance",
                "detached",
                LifecycleState::Detaching,
                ActivityStatus::InProgress,
                account.timing.latency.leaving,
            ),
        };
        // The texts are recorded on AWS, September 2026 (stackd 9dc356f5, failure_boundaries_native_complete); without a
        // change of the capacity they are a guess.
        let change = match before.cmp(&after) {
            Ordering::Less => format!(", increasing the capacity from {before} to {after}"),
            Ordering::Equal => String::new(),
            Ordering::Greater => format!(", shrinking the capacity from {before} to {after}"),
        };
        let cause = format!("At {now} instance {id} was {action} in response to a user request{change}.");
        let new = NewActivity { description: format!("{title}: {id}"), cause, status };
        let activity = account.history.begin(self, new, Some(&subnet), now);
        let instance = &mut self.instances[index];
        instance.state = state;
        instance.until = Some(now + duration);
        instance.activity = activity;
        account.history.get(activity)
    }
}
