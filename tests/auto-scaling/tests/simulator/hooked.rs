//! Groups with hooks, and calls on their lifecycle actions.

use std::time::Duration;

use auto_scaling::{ActionKey, ActivityStatus, Fault, LifecycleActionResult, NewGroup, PutHook, Transition};

use crate::host::{Host, LAUNCH, group};

pub const CONTINUE: LifecycleActionResult = LifecycleActionResult::Continue;
pub const ABANDON: LifecycleActionResult = LifecycleActionResult::Abandon;
pub const HEARTBEAT: Duration = Duration::from_mins(1);
pub const SECOND: Duration = Duration::from_secs(1);

pub fn hook(name: &str, transition: Transition, default_result: LifecycleActionResult) -> PutHook {
    PutHook {
        name: name.into(),
        transition: Some(transition),
        heartbeat: Some(HEARTBEAT),
        default_result: Some(default_result),
        ..PutHook::default()
    }
}

pub fn hooked(desired_capacity: u32, hooks: Vec<PutHook>) -> NewGroup {
    NewGroup { hooks, ..group(0, desired_capacity, 4) }
}

/// A group whose instances wait before they go into service, at the start of the wait.
pub fn launching(desired_capacity: u32, hooks: &[&str]) -> Host {
    let mut host = Host::new();
    let hooks = hooks.iter().map(|name| hook(name, Transition::Launching, ABANDON)).collect();
    host.sim.create_group(hooked(desired_capacity, hooks), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    host
}

/// A group of one instance in service that waits before it terminates, at the start of the wait.
pub fn terminating(hooks: &[&str], default_result: LifecycleActionResult) -> Host {
    let mut host = Host::new();
    let hooks = hooks.iter().map(|name| hook(name, Transition::Terminating, default_result)).collect();
    host.sim.create_group(hooked(1, hooks), host.now).unwrap();
    host.settle();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    host
}

impl Host {
    /// Completes an instance's wait, and applies the effects that are due at once.
    pub fn complete(&mut self, id: &str, hook: &str, result: LifecycleActionResult) -> Result<(), Fault> {
        let done = self.sim.complete_lifecycle_action("web", hook, ActionKey::instance(id), result, self.now);
        self.advance(Duration::ZERO);
        done
    }

    pub fn heartbeat(&mut self, id: &str, hook: &str) -> Result<(), Fault> {
        self.sim.record_lifecycle_action_heartbeat("web", hook, ActionKey::instance(id), self.now)
    }

    pub fn token(&self, id: &str, hook: &str) -> String {
        let instance = self.web().instances.iter().find(|it| it.id == id).unwrap();
        instance.actions.iter().find(|it| it.hook.name == hook).unwrap().token.clone()
    }

    pub fn status(&self, activity: usize) -> ActivityStatus {
        self.sim.activities("web", false).unwrap()[activity].status
    }
}
