//! How a group gets from the instances it has to those it is to have.

use std::cmp::Reverse;

use crate::{Group, Instance, LifecycleState, Subnet};

impl Group {
    /// Where instances are missing, one subnet for each: the zone with the fewest, then the subnet with the fewest.
    pub(crate) fn launch_subnets(&self) -> Vec<Subnet> {
        let count = self.launching.len() + self.active().filter(|it| !self.is_misplaced(it)).count();
        let placed = self.launching.iter().map(|it| &it.subnet).chain(self.active().map(|it| &it.subnet));
        let mut placed: Vec<Subnet> = placed.cloned().collect();
        let mut chosen = Vec::new();
        for _ in count..self.desired_capacity as usize {
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

    /// Which instances are too many, by their places in the list.
    ///
    /// What stands in a subnet that is no longer the group's goes first, but only when others do its work. Then the zone
    /// with the most instances gives its oldest, again and again. Protected instances stay, unless the group goes.
    pub(crate) fn excess_instances(&self) -> Vec<usize> {
        let is_active = |index: &usize| self.instances[*index].state.is_active();
        let mut active: Vec<usize> = (0..self.instances.len()).filter(is_active).collect();
        if self.deleting {
            return active;
        }
        let desired_capacity = self.desired_capacity as usize;
        let counted = if self.active().any(|it| self.is_misplaced(it)) {
            self.instances.iter().filter(|it| it.state == LifecycleState::InService).count()
        } else {
            active.len() + self.launching.len()
        };
        let mut selected = Vec::new();
        for _ in desired_capacity..counted {
            let rank = |index: &&usize| {
                let instance = &self.instances[**index];
                let zone = &instance.subnet.zone;
                let occupancy = active.iter().filter(|it| self.instances[**it].subnet.zone == *zone).count();
                (self.is_misplaced(instance), occupancy, Reverse(**index))
            };
            let candidates = active.iter().filter(|index| !self.instances[**index].protected);
            let Some(next) = candidates.max_by_key(rank).copied() else { break };
            active.retain(|index| *index != next);
            selected.push(next);
        }
        selected
    }

    /// Whether nothing starts and nothing ends.
    pub(crate) fn is_stable(&self) -> bool {
        self.launching.is_empty() && self.instances.iter().all(|it| it.until.is_none())
    }

    /// Instances that count towards the capacity.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|it| it.state.is_active())
    }

    /// Whether it is to be replaced, since its subnet is no longer the group's. A protected one is not.
    fn is_misplaced(&self, instance: &Instance) -> bool {
        !instance.protected && self.settings.subnets.iter().all(|subnet| subnet.id != instance.subnet.id)
    }
}
