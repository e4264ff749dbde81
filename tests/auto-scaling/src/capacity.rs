//! The difference between a group's instances and its desired capacity.

use std::cmp::Reverse;

use crate::{Group, Instance, LifecycleState, Process, Subnet, group::PendingLaunch};

impl Group {
    /// One subnet for each missing instance: in the zone with the fewest instances, then the subnet with the fewest.
    pub(crate) fn launch_subnets(&self) -> Vec<Subnet> {
        if !self.runs(Process::Launch) {
            return Vec::new();
        }
        let count = self.launching().count() + self.active().filter(|it| !self.is_misplaced(it)).count();
        let placed = self.launching().map(|it| &it.subnet).chain(self.active().map(|it| &it.subnet));
        self.spread(placed.cloned().collect(), (self.desired_capacity as usize).saturating_sub(count))
    }

    /// The subnets of a number of new instances beside those that have a place.
    pub(crate) fn spread(&self, mut placed: Vec<Subnet>, count: usize) -> Vec<Subnet> {
        let mut chosen = Vec::new();
        for _ in 0..count {
            let occupancy = |subnet: &&Subnet| {
                let zone = placed.iter().filter(|it| it.zone == subnet.zone).count();
                (zone, placed.iter().filter(|it| it.id == subnet.id).count())
            };
            let Some(subnet) = self.settings.subnets.iter().min_by_key(occupancy).cloned() else { break };
            placed.push(subnet.clone());
            chosen.push(subnet);
        }
        chosen
    }

    /// The instances above the desired capacity, by their indexes in the list.
    ///
    /// An instance in a subnet that the group no longer has is selected first, but only when its replacement is in
    /// service. Then the zone with the most instances loses its oldest instance, repeatedly. Protected instances are
    /// kept, and all while `Terminate` is suspended. A group that is being deleted loses all instances, also those in
    /// Standby.
    pub(crate) fn excess_instances(&self) -> Vec<usize> {
        let indexes = 0..self.instances.len();
        if self.is_deleting() {
            let remains = |it: &Instance| it.is_counted() || it.state.is_standby();
            return indexes.filter(|index| remains(&self.instances[*index])).collect();
        }
        if !self.runs(Process::Terminate) {
            return Vec::new();
        }
        let mut active: Vec<usize> = indexes.filter(|index| self.instances[*index].is_counted()).collect();
        let desired_capacity = self.desired_capacity as usize + self.surge();
        let counted = if self.active().any(|it| self.is_misplaced(it)) {
            self.instances.iter().filter(|it| it.state == LifecycleState::InService).count()
        } else {
            self.counted()
        };
        let sheds_unready = self.sheds_unready();
        let mut selected = Vec::new();
        for _ in desired_capacity..counted {
            let rank = |index: &&usize| {
                let instance = &self.instances[**index];
                let zone = &instance.subnet.zone;
                let occupancy = active.iter().filter(|it| self.instances[**it].subnet.zone == *zone).count();
                let is_shed = sheds_unready && instance.state != LifecycleState::InService;
                (self.is_misplaced(instance), is_shed, occupancy, Reverse(**index))
            };
            let candidates = active.iter().filter(|index| !self.instances[**index].protected);
            let Some(next) = candidates.max_by_key(rank).copied() else { break };
            active.retain(|index| *index != next);
            selected.push(next);
        }
        selected
    }

    /// Whether a request lowered the desired capacity, and all instances are protected from the scale-in.
    pub(crate) fn is_blocked(&self) -> bool {
        let is_requested = !self.pending_cause.is_empty() && !self.is_deleting() && self.runs(Process::Terminate);
        let mut active = self.active().peekable();
        is_requested
            && self.counted() > self.desired_capacity as usize + self.surge()
            && active.peek().is_some()
            && active.all(|it| it.protected)
    }

    /// Whether no instance launches and none terminates.
    pub(crate) fn is_stable(&self) -> bool {
        self.launching().next().is_none() && self.listed().all(|it| it.until.is_none())
    }

    /// The number of instances that count towards the capacity, with the pending launches.
    pub(crate) fn counted(&self) -> usize {
        self.active().count() + self.launching().count()
    }

    /// Instances that count towards the capacity.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|it| it.is_counted())
    }

    /// The launches into the group whose results the host has not reported yet.
    fn launching(&self) -> impl Iterator<Item = &PendingLaunch> {
        self.launching.iter().filter(|it| !it.route.is_warmed())
    }

    /// Whether an instance has to be replaced because the group no longer has its subnet. A protected instance is not
    /// replaced, and none while `AZRebalance` is suspended.
    fn is_misplaced(&self, instance: &Instance) -> bool {
        self.runs(Process::AZRebalance)
            && !instance.protected
            && self.settings.subnets.iter().all(|subnet| subnet.id != instance.subnet.id)
    }
}
