//! How a group gets from the instances it has to those it is to have.

use std::cmp::Reverse;

use crate::{Group, Instance, LifecycleState, Subnet};

impl Group {
    /// Where instances are missing, one subnet for each: the zone with the fewest, then the subnet with the fewest.
    pub(crate) fn missing(&self) -> Vec<Subnet> {
        let count = self.launching.len() + self.active().filter(|it| !self.is_misplaced(it)).count();
        let places = self.launching.iter().map(|it| &it.subnet).chain(self.active().map(|it| &it.subnet));
        let mut places: Vec<Subnet> = places.cloned().collect();
        let mut missing = Vec::new();
        for _ in count..self.desired_capacity as usize {
            let crowd = |subnet: &&Subnet| {
                let zone = places.iter().filter(|it| it.zone == subnet.zone).count();
                (zone, places.iter().filter(|it| it.id == subnet.id).count())
            };
            let Some(place) = self.settings.subnets.iter().min_by_key(crowd).cloned() else { break };
            places.push(place.clone());
            missing.push(place);
        }
        missing
    }

    /// Which instances are too many, by their places in the list.
    ///
    /// What stands in a subnet that is no longer the group's goes first, but only when others do its work. Then the zone
    /// with the most instances gives its oldest, again and again. Protected instances stay, unless the group goes.
    pub(crate) fn superfluous(&self) -> Vec<usize> {
        let is_active = |place: &usize| self.instances[*place].state.is_active();
        let mut active: Vec<usize> = (0..self.instances.len()).filter(is_active).collect();
        if self.deleting {
            return active;
        }
        let desired_capacity = self.desired_capacity as usize;
        let excess = if self.active().any(|it| self.is_misplaced(it)) {
            self.instances.iter().filter(|it| it.state == LifecycleState::InService).count()
        } else {
            active.len() + self.launching.len()
        };
        let mut superfluous = Vec::new();
        for _ in desired_capacity..excess {
            let rank = |place: &&usize| {
                let instance = &self.instances[**place];
                let zone = &instance.subnet.zone;
                let crowd = active.iter().filter(|it| self.instances[**it].subnet.zone == *zone).count();
                (self.is_misplaced(instance), crowd, Reverse(**place))
            };
            let candidates = active.iter().filter(|place| !self.instances[**place].protected);
            let Some(next) = candidates.max_by_key(rank).copied() else { break };
            active.retain(|place| *place != next);
            superfluous.push(next);
        }
        superfluous
    }

    /// Whether nothing starts and nothing ends.
    pub(crate) fn is_at_rest(&self) -> bool {
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
