//! The state of a group as a refresh counts it.

use std::cmp::Reverse;

use super::{InstanceRefresh, ProtectedInstances, RefreshChoices, StandbyInstances, progress::Replacements};
use crate::{Group, Instance, Latency, LaunchTemplate, LifecycleState, Timestamp};

/// The instances of a group, as indexes into its list.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The instances to replace that can be replaced now.
    pub replaceable: Vec<usize>,
    /// Those of them that are not ready to use.
    pub unready: usize,
    /// The instances in Standby that are to be terminated.
    pub standby: Vec<usize>,
    /// Why an instance to replace cannot be replaced; of the first one.
    pub blocked: Option<String>,
    /// Why a new instance is not ready; of the first one.
    pub waiting: Option<String>,
    /// Why the refresh waits for a termination; of the first one.
    pub terminating: Option<String>,
    /// All instances that are ready to use.
    pub ready: usize,
    /// The number of instances to replace, also those that cannot be replaced now.
    pub remaining: usize,
    new_in_service: usize,
    /// The new instances that are ready.
    pub new_ready: usize,
    /// The new instances, for the next checkpoint.
    pub new: usize,
}

impl View {
    pub fn replacements(&self, total: usize) -> Replacements {
        Replacements { total, remaining: self.remaining, in_service: self.new_in_service, ready: self.new_ready }
    }
}

impl Group {
    /// The state of the group for the direction of its refresh.
    pub(crate) fn refresh_view(
        &self,
        refresh: &InstanceRefresh,
        choices: RefreshChoices,
        latency: &Latency,
        now: Timestamp,
    ) -> View {
        let mut view = View::default();
        if !self.launching.iter().all(|it| it.route.is_warmed()) {
            view.waiting = Some("a new instance is being launched".to_owned());
        }
        for (index, instance) in self.instances.iter().enumerate().filter(|(_, it)| !it.is_warmed()) {
            let id = &instance.id;
            if instance.state.is_terminating() {
                if refresh.terminated.contains(id) {
                    view.terminating.get_or_insert_with(|| format!("{id} is terminating"));
                }
                continue;
            }
            if refresh.is_old(instance, &self.settings.launch_template) {
                self.count_old(index, refresh, &mut view);
            } else {
                count_new(instance, refresh, (choices, latency, now), &mut view);
            }
        }
        view.replaceable.sort_by_key(|index| self.replacement_rank(*index));
        view
    }

    fn count_old(&self, index: usize, refresh: &InstanceRefresh, view: &mut View) {
        let instance = &self.instances[index];
        let (id, preferences) = (&instance.id, &refresh.preferences);
        let is_ready = is_healthy_in_service(instance);
        view.ready += usize::from(is_ready);
        if instance.state.is_standby() {
            match preferences.standby_instances {
                StandbyInstances::Ignore => return,
                StandbyInstances::Terminate => view.standby.push(index),
                // A guess, after the text for protected instances.
                StandbyInstances::Wait => {
                    let reason = || format!("{id} is in Standby. Return the instance to service to continue");
                    view.blocked.get_or_insert_with(reason);
                }
            }
            view.remaining += 1;
            return;
        }
        if !instance.is_counted() {
            return;
        }
        if instance.protected {
            match preferences.protected_instances {
                ProtectedInstances::Ignore => return,
                ProtectedInstances::Refresh => {}
                // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
                ProtectedInstances::Wait => {
                    let reason = || format!("{id} is protected. Remove instance scale-in protection to continue");
                    view.blocked.get_or_insert_with(reason);
                    view.remaining += 1;
                    return;
                }
            }
        }
        view.remaining += 1;
        view.unready += usize::from(!is_ready);
        view.replaceable.push(index);
    }

    /// Instances that are not ready go first, then the oldest of the zone with the most instances, as in a scale-in: no
    /// source was found for the order.
    fn replacement_rank(&self, index: usize) -> (bool, Reverse<usize>, usize) {
        let instance = &self.instances[index];
        let in_zone = self.active().filter(|it| it.subnet.zone == instance.subnet.zone).count();
        (is_healthy_in_service(instance), Reverse(in_zone), index)
    }
}

fn count_new(
    instance: &Instance,
    refresh: &InstanceRefresh,
    (choices, latency, now): (RefreshChoices, &Latency, Timestamp),
    view: &mut View,
) {
    if !instance.is_counted() {
        return;
    }
    let is_launched_now = instance.phase == refresh.phase;
    let state = refresh.readiness(instance, latency, now);
    let is_ready = state.is_ok();
    view.ready += usize::from(is_ready);
    view.new += usize::from(is_launched_now || choices.checkpoints_count_matching);
    if !is_launched_now {
        return;
    }
    view.new_in_service += usize::from(instance.state == LifecycleState::InService);
    view.new_ready += usize::from(is_ready);
    if let Err(reason) = state {
        view.waiting.get_or_insert(reason);
    }
}

impl InstanceRefresh {
    /// Whether an instance has to be replaced in the current direction: on the way forward, if it was launched before and
    /// skip matching does not leave it alone; on the way back, if the refresh deployed it.
    fn is_old(&self, instance: &Instance, saved: &LaunchTemplate) -> bool {
        if let Some(deployed) = self.deployed {
            return instance.phase == deployed;
        }
        let target = self.desired_configuration.as_ref().unwrap_or(saved);
        let matches = || instance.launch_template == *target;
        instance.phase != self.phase && !(self.preferences.skip_matching && matches())
    }

    /// Whether a new instance is ready: in service, healthy, and warm, after EC2 has reported its health. The texts are
    /// recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`) for the missing health, AWS's example of
    /// DescribeInstanceRefreshes for the warm-up, and guesses else.
    fn readiness(&self, instance: &Instance, latency: &Latency, now: Timestamp) -> Result<(), String> {
        let id = &instance.id;
        if instance.state != LifecycleState::InService {
            return Err(format!("{id} is {}", instance.state.as_str()));
        }
        if !is_healthy_in_service(instance) {
            return Err(format!("{id} is unhealthy"));
        }
        if instance.phase != self.phase {
            return Ok(());
        }
        let since = instance.in_service.unwrap_or(now);
        if since + latency.refresh_health > now {
            return Err(format!("{id} has insufficient data to evaluate its health with Amazon EC2"));
        }
        if since + self.preferences.instance_warmup.unwrap_or_default() > now {
            return Err(format!("{id} is warming up"));
        }
        Ok(())
    }
}

fn is_healthy_in_service(instance: &Instance) -> bool {
    instance.state == LifecycleState::InService && instance.health_status() == "Healthy"
}
