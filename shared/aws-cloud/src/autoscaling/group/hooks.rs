//! The group's lifecycle hooks. The create call of the group contains its first hooks: a hook that is added later
//! misses the first instances (ARCHITECTURE, Facts).

use std::time::Duration;

use aws_sdk_autoscaling::types::{LifecycleHook, LifecycleHookSpecification};
use environment::{Call, Hook, Names, Transition};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

const DESCRIBE: &str = "autoscaling:DescribeLifecycleHooks";

const LAUNCH: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATE: &str = "autoscaling:EC2_INSTANCE_TERMINATING";
const ABANDON: &str = "ABANDON";
const CONTINUE: &str = "CONTINUE";

/// Lists all hooks of a group; the list has no pages.
pub(super) async fn list(clients: &Clients, group: &str) -> Result<Vec<LifecycleHook>, Problem> {
    let request = clients.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name(group);
    Ok(request.send().await.classified(DESCRIBE)?.lifecycle_hooks.unwrap_or_default())
}

/// The hooks with computed names, sorted by name; the other hooks are foreign. A hook with an unknown transition is not
/// the one that Envkeeper created, and the plan puts it again.
pub(super) fn owned(found: &[LifecycleHook], names: &Names) -> Vec<Hook> {
    let owned = [names.launch_hook(), names.terminate_hook()];
    let hook = |it: &LifecycleHook| {
        let name = owned.iter().find(|name| it.lifecycle_hook_name() == Some(name))?.clone();
        let on = match it.lifecycle_transition()? {
            LAUNCH => Transition::Launch,
            TERMINATE => Transition::Terminate,
            _ => return None,
        };
        let heartbeat = it.heartbeat_timeout().and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
        let metadata = it.notification_metadata().unwrap_or_default().to_owned();
        Some(Hook { name, on, heartbeat, abandon: it.default_result() != Some(CONTINUE), metadata })
    };
    let mut hooks: Vec<Hook> = found.iter().filter_map(hook).collect();
    hooks.sort_by(|one, other| one.name.cmp(&other.name));
    hooks
}

/// The longest time that an instance can wait for these hooks: while it starts, and again while it terminates. The hooks
/// of one transition wait at the same time, each for its `GlobalTimeout` at most (the API reference).
pub(super) fn longest_waits(hooks: &[LifecycleHook]) -> Duration {
    let longest = |transition: &str| {
        let of_transition = hooks.iter().filter(|it| it.lifecycle_transition() == Some(transition));
        let seconds = of_transition.filter_map(|it| u64::try_from(it.global_timeout()?).ok()).max();
        Duration::from_secs(seconds.unwrap_or_default())
    };
    longest(LAUNCH) + longest(TERMINATE)
}

/// The hook in the form of the group's create call.
pub(super) fn specification(hook: &Hook) -> LifecycleHookSpecification {
    let specification = LifecycleHookSpecification::builder().lifecycle_hook_name(&hook.name);
    let specification = specification.lifecycle_transition(transition(hook)).heartbeat_timeout(heartbeat(hook));
    specification.default_result(default_result(hook)).notification_metadata(&hook.metadata).build()
}

/// Adds or changes the hook.
pub(super) async fn put(aws: &AwsCloud, call: &Call, hook: &Hook) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.put_lifecycle_hook().auto_scaling_group_name(&call.key.name);
    let request = request.lifecycle_hook_name(&hook.name).lifecycle_transition(transition(hook));
    let request = request.heartbeat_timeout(heartbeat(hook)).default_result(default_result(hook));
    let request = request.notification_metadata(&hook.metadata);
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// Deletes the hook. A hook that does not exist has the code of every mistake, so this looks the hook up.
pub(super) async fn delete(aws: &AwsCloud, call: &Call, hook: &Hook) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.delete_lifecycle_hook().auto_scaling_group_name(&call.key.name);
    match request.lifecycle_hook_name(&hook.name).send().await.classified(call.operation()) {
        Err(problem) if problem.class == ErrorClass::Rejected => {
            let left = list(&aws.clients, &call.key.name).await?;
            let is_left = left.iter().any(|it| it.lifecycle_hook_name() == Some(hook.name.as_str()));
            if is_left { Err(problem) } else { Ok(()) }
        }
        other => other.map(|_| ()),
    }
}

fn transition(hook: &Hook) -> &'static str {
    match hook.on {
        Transition::Launch => LAUNCH,
        Transition::Terminate => TERMINATE,
    }
}

fn heartbeat(hook: &Hook) -> i32 {
    i32::try_from(hook.heartbeat).unwrap_or(i32::MAX)
}

fn default_result(hook: &Hook) -> &'static str {
    if hook.abandon { ABANDON } else { CONTINUE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_hooks_are_read_by_name_and_foreign_hooks_are_left_out() {
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        let found = |name: &str, on: &str, result: &str| {
            let hook = LifecycleHook::builder().lifecycle_hook_name(name).lifecycle_transition(on);
            hook.heartbeat_timeout(300).default_result(result).notification_metadata("{}").build()
        };
        let (launch, terminate) = (names.launch_hook(), names.terminate_hook());
        let all = [
            found(&terminate, TERMINATE, CONTINUE),
            found("foreign", LAUNCH, CONTINUE),
            found(&launch, LAUNCH, ABANDON),
        ];
        let expected = [
            Hook { name: launch.clone(), on: Transition::Launch, heartbeat: 300, abandon: true, metadata: "{}".into() },
            Hook { name: terminate, on: Transition::Terminate, heartbeat: 300, abandon: false, metadata: "{}".into() },
        ];
        assert_eq!(owned(&all, &names), expected);
        assert_eq!(owned(&[found(&launch, "autoscaling:SOMETHING_NEW", ABANDON)], &names), []);
    }
}
