//! The warm pool of a group: instances that are launched in advance, and kept for the next scale-out.
//!
//! Texts, states and orders are recorded on AWS, September 2026 (stackd 9dc356f5, `warm_pool_*`). EC2's stop and start of
//! the instances is not simulated: they run in every pool state.

use std::time::Duration;

use crate::{
    AccountState, AutoScaling, Fault, Group, Instance, LifecycleState, Process, Route, Subnet, Timestamp,
    activity::{ActivityStatus, NewActivity},
};

/// The parameters of a put call. An absent parameter keeps its value, or gets AWS's default in a new pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutWarmPool {
    /// Default: 0.
    pub min_size: Option<u32>,
    /// Default: none.
    pub max_group_prepared_capacity: Option<u32>,
    /// Default: `Stopped`.
    pub pool_state: Option<PoolState>,
    /// Default: no reuse.
    pub reuse_on_scale_in: Option<bool>,
}

/// A warm pool. The pool's instances are among the group's, on routes of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmPool {
    /// The least number of instances in the pool.
    pub min_size: u32,
    /// The most instances in the pool and the group together; the group's maximum if absent.
    pub max_group_prepared_capacity: Option<u32>,
    /// The state of the pool's instances.
    pub pool_state: PoolState,
    /// Whether a scale-in returns instances to the pool.
    pub reuse_on_scale_in: bool,
    /// Whether the pool is being deleted: AWS's status `PendingDelete`.
    pub is_deleting: bool,
    /// The request that changed the pool, until an activity's cause contains it.
    pending_cause: String,
    /// When the pool acts on the last request.
    decided_at: Timestamp,
}

/// The state of a warm pool's instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolState {
    /// The instances are stopped.
    #[default]
    Stopped,
    /// The instances run.
    Running,
    /// The instances hibernate.
    Hibernated,
}

impl PoolState {
    /// AWS's name of the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::Running => "Running",
            Self::Hibernated => "Hibernated",
        }
    }

    /// The state with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Stopped, Self::Running, Self::Hibernated].into_iter().find(|it| it.as_str() == text)
    }
}

impl AutoScaling {
    /// Adds a warm pool to a group, or changes it.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist or is being deleted, or the minimum is over the maximum.
    /// `ScalingActivityInProgress`: the pool is being deleted (the code is a guess), or an instance refresh is active.
    pub fn put_warm_pool(&mut self, group: &str, put: PutWarmPool, now: Timestamp) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        if group.active_refresh().is_some() {
            // The rule is the user guide's, code and text are guesses.
            return Err(Fault::in_progress(format!("An instance refresh of the group {} is active.", group.name)));
        }
        let old = group.warm_pool.as_ref();
        if old.is_some_and(|it| it.is_deleting) {
            return Err(Fault::in_progress(format!("The warm pool of the group {} is being deleted.", group.name)));
        }
        let min_size = put.min_size.or_else(|| Some(old?.min_size)).unwrap_or_default();
        let max = put.max_group_prepared_capacity.or_else(|| old?.max_group_prepared_capacity);
        if max.is_some_and(|max| min_size > max) {
            return Err(Fault::validation(
                "A valid MinSize and MaxGroupPreparedCapacity combination must be specified. The warm pool\u{2019}s \
                 MinSize cannot be greater than MaxGroupPreparedCapacity.",
            ));
        }
        let before = group.pool_target();
        let mut pool = WarmPool {
            min_size,
            max_group_prepared_capacity: max,
            pool_state: put.pool_state.or_else(|| Some(old?.pool_state)).unwrap_or_default(),
            reuse_on_scale_in: put.reuse_on_scale_in.or_else(|| Some(old?.reuse_on_scale_in)).unwrap_or_default(),
            is_deleting: false,
            pending_cause: String::new(),
            decided_at: now + account.timing.latency.decision,
        };
        let max = max.map_or_else(|| "null".to_owned(), |max| max.to_string());
        let after = pool.target(group, group.desired_capacity as usize);
        pool.pending_cause = format!(
            "At {now} a user request put a new WarmPool with MinSize: {min_size} and MaxGroupPreparedCapacity: {max} \
             changing the capacity of WarmPool from {before} to {after}.  "
        );
        group.warm_pool = Some(pool);
        Ok(())
    }

    /// Deletes a group's warm pool. With force its instances terminate first, with their hooks; only waits that have
    /// begun end at once. The pool is gone with its last instance.
    ///
    /// # Errors
    /// `ResourceInUse`: the pool has instances, and no force. `ValidationError`: the group does not exist or has no warm
    /// pool.
    pub fn delete_warm_pool(&mut self, group: &str, force: bool, now: Timestamp) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        if group.warm_pool.is_none() {
            return Err(Fault::validation(format!("No warm pool found for Auto Scaling group {}", group.name)));
        }
        if !force && group.pool_size() > 0 {
            return Err(Fault::in_use(
                "You cannot delete a warm pool while there are instances still in it unless you use the force delete \
                 option.",
            ));
        }
        group.end_warm_pool(account.timing.latency.decision, now);
        group.terminate_waiting_instances(Instance::is_warmed, account, now);
        Ok(())
    }
}

impl WarmPool {
    /// The number of instances that the pool tries to have beside the group's instances: what the group and the pool may
    /// have together (the API reference of PutWarmPool).
    fn target(&self, group: &Group, in_group: usize) -> usize {
        if self.is_deleting || group.is_deleting() {
            return 0;
        }
        let prepared = self.max_group_prepared_capacity.unwrap_or(group.settings.max_size);
        (prepared as usize).saturating_sub(in_group).max(self.min_size as usize)
    }
}

impl Group {
    /// The instances that the group lists: those of the warm pool are not among them.
    pub fn listed(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|it| !it.is_warmed())
    }

    /// The instances of the warm pool.
    pub fn warmed(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|it| it.is_warmed())
    }

    /// AWS's `WarmPoolSize`: the number of instances in the pool, and on their way into it or out of EC2.
    #[must_use]
    pub fn pool_size(&self) -> usize {
        self.warmed().count() + self.launching.iter().filter(|it| it.route.is_warmed()).count()
    }

    /// Begins the delete of the warm pool, if the group has one.
    pub(crate) fn end_warm_pool(&mut self, delay: Duration, now: Timestamp) {
        if let Some(pool) = self.warm_pool.as_mut().filter(|it| !it.is_deleting) {
            (pool.min_size, pool.max_group_prepared_capacity, pool.is_deleting) = (0, Some(0), true);
            pool.decided_at = now + delay;
        }
    }

    /// Launches the missing instances of the pool, terminates the excess ones, and removes a deleted pool.
    pub(crate) fn size_warm_pool(&mut self, account: &mut AccountState, now: Timestamp) {
        if self.next_pool_change(now).is_none_or(|due| now < due) {
            return;
        }
        for index in self.excess_in_pool() {
            let id = &self.instances[index].id;
            let cause = format!(
                "At {now} an instance was taken out of service in response to a difference between desired and actual \
                 capacity, shrinking the capacity.  At {now} instance {id} was selected for termination."
            );
            self.terminate(index, cause, account, now);
        }
        let subnets = self.missing_in_pool();
        if !subnets.is_empty() {
            let (from, to) = (self.pool_count(), self.pool_target());
            let request = self.warm_pool.as_mut().map(|it| std::mem::take(&mut it.pending_cause)).unwrap_or_default();
            let cause = format!(
                "{request}At {now} an instance was started in response to a difference between desired and actual \
                 capacity, increasing the capacity from {from} to {to}."
            );
            for subnet in subnets {
                self.request_launch(subnet, Route::IntoPool, cause.clone(), account, now);
            }
        }
        if self.is_pool_gone() {
            self.warm_pool = None;
        }
    }

    /// When the pool has to change, if it has to.
    pub(crate) fn next_pool_change(&self, now: Timestamp) -> Option<Timestamp> {
        let pool = self.warm_pool.as_ref()?;
        if self.is_pool_gone() {
            return Some(now);
        }
        let decided_at = now.max(pool.decided_at).max(self.decided_at);
        let launch = (!self.missing_in_pool().is_empty()).then(|| decided_at.max(self.backoff.until.unwrap_or(now)));
        let termination = (!self.excess_in_pool().is_empty()).then_some(decided_at);
        launch.into_iter().chain(termination).min()
    }

    fn is_pool_gone(&self) -> bool {
        self.warm_pool.as_ref().is_some_and(|it| it.is_deleting) && self.pool_size() == 0
    }

    fn pool_target(&self) -> usize {
        self.warm_pool.as_ref().map_or(0, |it| it.target(self, self.desired_capacity as usize))
    }

    /// The instances that count towards the pool's capacity, with the pending launches.
    fn pool_count(&self) -> usize {
        let launching = self.launching.iter().filter(|it| it.route.is_warmed()).count();
        launching + self.warmed().filter(|it| it.route != Route::OutOfPool).count()
    }

    fn missing_in_pool(&self) -> Vec<Subnet> {
        let missing = self.pool_target().saturating_sub(self.pool_count());
        if missing == 0 || !self.runs(Process::Launch) {
            return Vec::new();
        }
        let placed = self.warmed().map(|it| it.subnet.clone()).collect();
        self.spread(placed, missing)
    }

    fn excess_in_pool(&self) -> Vec<usize> {
        if !self.is_deleting() && !self.runs(Process::Terminate) {
            return Vec::new();
        }
        // The pool keeps an instance that the group is going to take.
        let in_group = self.counted().min(self.desired_capacity as usize);
        let target = self.warm_pool.as_ref().map_or(0, |it| it.target(self, in_group));
        let excess = self.pool_count().saturating_sub(target);
        let is_planted = |it: &Instance| matches!(it.state, LifecycleState::Planted(_));
        let remains = |it: &Instance| it.is_warmed() && it.route != Route::OutOfPool && !is_planted(it);
        (0..self.instances.len()).filter(|index| remains(&self.instances[*index])).take(excess).collect()
    }

    /// Takes up to that many ready instances out of the pool into the group.
    pub(crate) fn take_from_pool(&mut self, causes: &[String], account: &mut AccountState, now: Timestamp) -> usize {
        let is_ready = |index: &usize| self.instances[*index].state.is_ready_in_pool();
        let ready: Vec<usize> = (0..self.instances.len()).filter(is_ready).take(causes.len()).collect();
        for (index, cause) in ready.iter().zip(causes) {
            let instance = &self.instances[*index];
            let description = format!("Launching a new EC2 instance from warm pool: {}", instance.id);
            let new = NewActivity { description, cause: cause.clone(), status: ActivityStatus::PreInService };
            let subnet = instance.subnet.clone();
            let activity = account.history.begin(self, new, Some(&subnet), now);
            let instance = &mut self.instances[*index];
            (instance.route, instance.state) = (Route::PoolToGroup, LifecycleState::Pending);
            instance.until = Some(now + account.timing.launch);
            instance.activity = activity;
        }
        ready.len()
    }

    /// Whether a scale-in returns instances to the pool.
    pub(crate) fn reuses_instances(&self) -> bool {
        !self.is_deleting() && self.warm_pool.as_ref().is_some_and(|it| it.reuse_on_scale_in && !it.is_deleting)
    }

    /// Returns an instance to the pool, after the terminating hooks: whatever their results, it is not terminated.
    pub(crate) fn return_to_pool(&mut self, index: usize, cause: String, account: &mut AccountState, now: Timestamp) {
        let Instance { id, subnet, activity: previous, .. } = self.instances[index].clone();
        if !account.history.has_ended(previous) {
            account.history.cancel(previous, now);
        }
        let description = format!("Scaling in EC2 instance into warm pool: {id}");
        let new = NewActivity { description, cause, status: ActivityStatus::InProgress };
        let activity = account.history.begin(self, new, Some(&subnet), now);
        let instance = &mut self.instances[index];
        (instance.route, instance.activity, instance.in_service) = (Route::GroupToPool, activity, None);
        instance.actions.clear();
        if !self.wait_for_hooks(index, account, now) {
            self.proceed(index, account, now);
        }
    }

    /// The state of an instance that has arrived: in service, or ready in the pool.
    pub(crate) fn arrived(&self, index: usize) -> LifecycleState {
        match &self.warm_pool {
            Some(pool) if self.instances[index].is_warmed() => LifecycleState::Ready(pool.pool_state),
            _ => LifecycleState::InService,
        }
    }
}
