//! The function's seam, implemented by the simulated account.

use std::collections::BTreeMap;
use std::time::Duration;

use auto_scaling::{
    ActionKey, CheckStatus, Command as Sent, LifecycleActionResult, LifecycleState, Marker, PingStatus,
    Transition as SimulatedTransition,
};
use environment::Transition;
use environment::hook_settings::HookSettings;
use lambda_kit::AwsCallError;
use lifecycle_hook::LifecycleAction;
use lifecycle_hook::cloud::{
    GroupMember, HookApi, HookCallOutcome, HookResult, OwnedHook, Queue, StartTimes, WaitState, WaitingInstances,
};
use lifecycle_hook::error::{EvidenceError, HookError};
use lifecycle_hook::facts::{Agent, Checks, Command, ObservedInstance, State, Target, UserData};
use serde_json::Value;

use super::Harness;

/// When status checks pass or fail, after a start.
const STATUS_CHECK_DELAY: Duration = Duration::from_secs(150);

fn key(action: &LifecycleAction) -> ActionKey<'_> {
    ActionKey::instance(&action.instance)
}

/// Distinguishes an inactive lifecycle action from other rejections, as the AWS side does.
fn call_outcome(
    operation: &'static str,
    response: Result<(), auto_scaling::Fault>,
) -> Result<HookCallOutcome, HookError> {
    match response {
        Ok(()) => Ok(HookCallOutcome::Accepted),
        Err(fault) if fault.message.contains("No active Lifecycle Action found") => Ok(HookCallOutcome::TooLate),
        Err(fault) => Err(rejected(operation, fault)),
    }
}

fn rejected(operation: &'static str, fault: auto_scaling::Fault) -> HookError {
    AwsCallError::Rejected { operation, cause: format!("{}: {}", fault.code, fault.message) }.into()
}

impl Harness {
    /// The observation of an instance by EC2 and SSM.
    fn observed(&self, id: &str) -> ObservedInstance {
        let (now, fleet) = (self.now.get(), self.fleet.borrow());
        let Some(member) = fleet.member(id).ok().filter(|_| !self.unlisted.borrow().contains(id)) else {
            let (user_data, checks, agent) = (UserData::Unreported, Ok(Checks::Unreported), Ok(Agent::Unregistered));
            let (state, state_reason, started_ms, is_spot) = (State::Unknown, None, None, false);
            return ObservedInstance { state, state_reason, user_data, started_ms, is_spot, checks, agent };
        };
        ObservedInstance {
            state: match member.terminated {
                Some(_) => State::Terminated,
                None if self.stopped.borrow().contains(id) => State::Stopped,
                None => State::Running,
            },
            state_reason: None,
            user_data: match member.marker(now) {
                Marker::None => UserData::Unreported,
                Marker::Ready => UserData::Done,
                Marker::Failed(step) => UserData::Failed(format!("failed at {step}")),
            },
            started_ms: Some(member.launched.0),
            is_spot: !self.on_demand.borrow().contains(id),
            checks: Ok(match member.status_checks(now) {
                None | Some(CheckStatus::Initializing) => Checks::Unreported,
                Some(CheckStatus::Ok) => Checks::Passed,
                // They fail from the time on at which they would otherwise pass.
                Some(CheckStatus::Impaired) => {
                    Checks::Impaired { since_ms: Some((member.launched + STATUS_CHECK_DELAY).0) }
                }
            }),
            agent: Ok(match member.agent(now).filter(|_| !self.stopped.borrow().contains(id)) {
                None => Agent::Unregistered,
                Some(PingStatus::Online) => Agent::Online,
                Some(PingStatus::ConnectionLost) => Agent::Lost,
            }),
        }
    }
}

impl HookApi for &Harness {
    fn now_ms(&self) -> u64 {
        self.now.get().0
    }

    async fn observe_instances(&self, instances: &[String]) -> Result<BTreeMap<String, ObservedInstance>, HookError> {
        self.observations.borrow_mut().push(instances.len());
        self.call("observe_instances", || Ok(instances.iter().map(|id| (id.clone(), self.observed(id))).collect()))
            .await
    }

    async fn target_health(&self, arns: &[String], instance: &str) -> Result<Vec<Target>, HookError> {
        let leaving_takes = self.deregistration_delay.get();
        let health = |_| match self.targets.borrow().get(instance) {
            Some(None) => Target::Healthy,
            Some(Some(since)) if self.now.get().since(*since) < leaving_takes => Target::Draining,
            None | Some(Some(_)) => Target::Absent,
        };
        self.call("target_health", || Ok(arns.iter().map(health).collect())).await
    }

    async fn deregister(&self, _arns: &[String], instance: &str) -> Result<(), HookError> {
        self.call("deregister", || {
            self.targets.borrow_mut().insert(instance.to_owned(), Some(self.now.get()));
            Ok(())
        })
        .await
    }

    async fn drain_status(&self, instance: &str, since_ms: Option<u64>) -> Result<Command, HookError> {
        let status = || {
            let commands = self.commands.borrow();
            let sent = commands
                .get(instance)
                .into_iter()
                .flatten()
                .filter(|(_, at)| since_ms.is_none_or(|since| at.0 + 10_000 >= since));
            let Some((id, at)) = sent.max_by_key(|(_, at)| *at) else { return Ok(Command::NotSent) };
            // Until SSM shows the invocation, the command is listed as running.
            let Ok(invocation) = self.fleet.borrow().invocation(id, instance, self.now.get()) else {
                return Ok(Command::Running);
            };
            Ok(Command::read(invocation.status, Some(invocation.details), self.now.get().since(*at)))
        };
        self.call("drain_status", status).await
    }

    async fn send_drain_command(&self, instance: &str, timeout: Duration) -> Result<HookCallOutcome, HookError> {
        let send = || {
            self.drain_timeouts.borrow_mut().push(timeout);
            let command = Sent {
                instance_ids: vec![instance.to_owned()],
                script: environment::hook_settings::DRAIN_SCRIPT.to_owned(),
                comment: String::new(),
                delivery_timeout: Duration::from_mins(1),
                execution_timeout: timeout,
            };
            if self.stopped.borrow().contains(instance) {
                return Ok(HookCallOutcome::TooLate);
            }
            let Ok(id) = self.fleet.borrow_mut().send_command(command, self.now.get()) else {
                return Ok(HookCallOutcome::TooLate);
            };
            self.commands.borrow_mut().entry(instance.to_owned()).or_default().push((id, self.now.get()));
            Ok(HookCallOutcome::Accepted)
        };
        self.call("send_drain_command", send).await
    }

    async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookCallOutcome, HookError> {
        let simulated_result = match result {
            HookResult::Continue => LifecycleActionResult::Continue,
            HookResult::Abandon => LifecycleActionResult::Abandon,
        };
        let action_key = (action.instance.clone(), action.hook.clone());
        self.attempted_results.borrow_mut().entry(action_key).or_default().insert(result);
        let complete = || {
            let now = self.now.get();
            let mut scaling = self.scaling.borrow_mut();
            let response = call_outcome(
                "complete",
                scaling.complete_lifecycle_action(&action.group, &action.hook, key(action), simulated_result, now),
            );
            if response == Ok(HookCallOutcome::Accepted) {
                self.completed.borrow_mut().entry(action.instance.clone()).or_default().push(result);
            }
            response
        };
        self.call("complete", complete).await
    }

    async fn heartbeat(&self, action: &LifecycleAction) -> Result<HookCallOutcome, HookError> {
        let beat = || {
            let now = self.now.get();
            let mut scaling = self.scaling.borrow_mut();
            let response = scaling.record_lifecycle_action_heartbeat(&action.group, &action.hook, key(action), now);
            call_outcome("heartbeat", response)
        };
        self.call("heartbeat", beat).await
    }

    async fn evidence(&self, instance: &str, reachable: bool) -> Vec<(&'static str, Result<String, EvidenceError>)> {
        let collect = || {
            let fleet = self.fleet.borrow();
            let Ok(member) = fleet.member(instance) else { return Ok(vec![]) };
            let console = ("console output", Ok(member.behaviour.console.clone()));
            let logs = reachable.then(|| ("logs", Ok(member.behaviour.logs.values().cloned().collect())));
            Ok(std::iter::once(console).chain(logs).collect())
        };
        self.call("evidence", collect).await.unwrap_or_else(|error| vec![("console output", Err(error))])
    }

    async fn write(&self, log_group: &str, stream: &str, lines: Vec<String>) -> Result<(), HookError> {
        let write = || {
            self.written.borrow_mut().push((log_group.to_owned(), stream.to_owned(), lines));
            Ok(())
        };
        self.call("write", write).await
    }

    async fn waiting_instances(&self) -> Result<Vec<WaitingInstances>, HookError> {
        let list = || {
            let scaling = self.scaling.borrow();
            let on = |state| match state {
                LifecycleState::PendingWait => Some(Transition::Launch),
                LifecycleState::TerminatingWait => Some(Transition::Terminate),
                _ => None,
            };
            let waits = scaling.groups().map(|group| {
                let instances = group.instances.iter().filter_map(|it| Some((it.id.clone(), on(it.state)?)));
                WaitingInstances { group: group.name.clone(), instances: instances.collect() }
            });
            Ok(waits.filter(|it| !it.instances.is_empty()).collect())
        };
        self.call("waiting_instances", list).await
    }

    async fn start_times(&self, waiting: &WaitingInstances) -> Result<StartTimes, HookError> {
        let list = || {
            if self.activities_hidden.get() {
                return Ok(StartTimes::new());
            }
            let scaling = self.scaling.borrow();
            let activities =
                scaling.activities(&waiting.group, false).map_err(|fault| rejected("start_times", fault))?;
            Ok(lifecycle_hook::aws::start_times(activities.iter().map(|it| (it.description.as_str(), it.start.0))))
        };
        self.call("start_times", list).await
    }

    async fn owned_hooks(&self, group: &str) -> Result<Vec<OwnedHook>, HookError> {
        let list = || {
            let scaling = self.scaling.borrow();
            let group = scaling.group(group).map_err(|fault| rejected("owned_hooks", fault))?;
            let owned = group.hooks.values().filter_map(|it| {
                let on = match it.transition {
                    SimulatedTransition::Launching => Transition::Launch,
                    SimulatedTransition::Terminating => Transition::Terminate,
                };
                Some(OwnedHook { name: it.name.clone(), on, metadata: it.metadata.clone()? })
            });
            Ok(owned.collect())
        };
        self.call("owned_hooks", list).await
    }

    async fn members(&self, instances: &[String]) -> Result<BTreeMap<String, GroupMember>, HookError> {
        let find = || {
            let (scaling, overridden) = (self.scaling.borrow(), self.wait_states.borrow());
            let member = |group: &str, it: &auto_scaling::Instance| {
                let simulated = match it.state {
                    LifecycleState::PendingWait => Some(WaitState::Pending),
                    LifecycleState::TerminatingWait => Some(WaitState::Terminating),
                    _ => None,
                };
                let waits = overridden.get(&it.id).copied().unwrap_or(simulated);
                (it.id.clone(), GroupMember { group: group.to_owned(), waits })
            };
            let all = scaling.groups().flat_map(|group| group.instances.iter().map(move |it| member(&group.name, it)));
            Ok(all.filter(|(id, _)| instances.contains(id)).collect())
        };
        self.call("members", find).await
    }

    async fn publish(&self, event: &Value) -> Result<(), HookError> {
        let publish = || {
            self.published.borrow_mut().push(event.clone());
            Ok(())
        };
        self.call("publish", publish).await
    }

    async fn delete_deadline_ms(&self, _settings: &HookSettings) -> Result<Option<u64>, HookError> {
        self.call("delete_deadline_ms", || Ok(self.delete_deadline.get())).await
    }

    async fn request_due_pass(&self, settings: &HookSettings, instance: &str) -> Result<(), HookError> {
        let request = || {
            self.due_passes.borrow_mut().push((settings.owner.clone(), instance.to_owned()));
            Ok(())
        };
        self.call("request_due_pass", request).await
    }
}

impl Queue for &Harness {
    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), HookError> {
        let hide = || {
            let visible = self.now.get() + after;
            let mut messages = self.messages.borrow_mut();
            let message = messages.iter_mut().find(|it| it.id.to_string() == receipt);
            let unknown = || AwsCallError::Rejected { operation: "requeue", cause: String::from("no such receipt") };
            message.ok_or_else(unknown)?.visible = visible;
            Ok(())
        };
        self.call("requeue", hide).await
    }

    async fn enqueue(&self, body: &str, after: Duration) -> Result<(), HookError> {
        let put = || {
            let now = self.now.get();
            self.send_hidden(body.to_owned(), now, now + after);
            Ok(())
        };
        self.call("enqueue", put).await
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), HookError> {
        let dead_letter = || {
            self.dead_lettered.borrow_mut().push((body.to_owned(), reason.to_owned()));
            Ok(())
        };
        self.call("dead_letter", dead_letter).await
    }
}
