//! The group's lifecycle hooks. Those that it has from the start are in its create call: what is put there later misses
//! the first instances (ARCHITECTURE, Facts).

use aws_sdk_autoscaling::types::{LifecycleHook, LifecycleHookSpecification};
use environment::{Call, Hook, Names, Transition};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Class, Problem, Response};

const DESCRIBE: &str = "autoscaling:DescribeLifecycleHooks";

const LAUNCH: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATE: &str = "autoscaling:EC2_INSTANCE_TERMINATING";
const ABANDON: &str = "ABANDON";
const CONTINUE: &str = "CONTINUE";

/// All hooks of a group; the list has no pages.
pub(super) async fn list(clients: &Clients, group: &str) -> Result<Vec<LifecycleHook>, Problem> {
    let request = clients.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name(group);
    Ok(request.send().await.response(DESCRIBE)?.lifecycle_hooks.unwrap_or_default())
}

/// The hooks with our names, by name; the others are somebody else's. One that holds up what we don't know is not what
/// we made, and is put anew.
pub(super) fn ours(found: &[LifecycleHook], names: &Names) -> Vec<Hook> {
    let ours = [names.launch_hook(), names.terminate_hook()];
    let hook = |it: &LifecycleHook| {
        let name = ours.iter().find(|name| it.lifecycle_hook_name() == Some(name))?.clone();
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

/// For the group's create call.
pub(super) fn specification(hook: &Hook) -> LifecycleHookSpecification {
    let specification = LifecycleHookSpecification::builder().lifecycle_hook_name(&hook.name);
    let specification = specification.lifecycle_transition(transition(hook)).heartbeat_timeout(heartbeat(hook));
    specification.default_result(default_result(hook)).notification_metadata(&hook.metadata).build()
}

/// Adds the hook, or changes it.
pub(super) async fn put(aws: &AwsCloud, call: &Call, hook: &Hook) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.put_lifecycle_hook().auto_scaling_group_name(&call.key.name);
    let request = request.lifecycle_hook_name(&hook.name).lifecycle_transition(transition(hook));
    let request = request.heartbeat_timeout(heartbeat(hook)).default_result(default_result(hook));
    let request = request.notification_metadata(&hook.metadata);
    request.send().await.response(call.operation())?;
    Ok(())
}

/// That there is no such hook has the code of every mistake: so it is looked for.
pub(super) async fn delete(aws: &AwsCloud, call: &Call, hook: &Hook) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.delete_lifecycle_hook().auto_scaling_group_name(&call.key.name);
    match request.lifecycle_hook_name(&hook.name).send().await.response(call.operation()) {
        Err(problem) if problem.class == Class::Rejected => {
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
    fn hooks_of_ours_are_read_by_name_and_those_of_others_are_left_out() {
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        let found = |name: &str, on: &str, result: &str| {
            let hook = LifecycleHook::builder().lifecycle_hook_name(name).lifecycle_transition(on);
            hook.heartbeat_timeout(300).default_result(result).notification_metadata("{}").build()
        };
        let (launch, terminate) = (names.launch_hook(), names.terminate_hook());
        let all = [
            found(&terminate, TERMINATE, CONTINUE),
            found("somebody-elses", LAUNCH, CONTINUE),
            found(&launch, LAUNCH, ABANDON),
        ];
        let expected = [
            Hook { name: launch.clone(), on: Transition::Launch, heartbeat: 300, abandon: true, metadata: "{}".into() },
            Hook { name: terminate, on: Transition::Terminate, heartbeat: 300, abandon: false, metadata: "{}".into() },
        ];
        assert_eq!(ours(&all, &names), expected);
        assert_eq!(ours(&[found(&launch, "autoscaling:SOMETHING_NEW", ABANDON)], &names), []);
    }
}
