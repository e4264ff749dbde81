//! Actions on lifecycle hooks.

use auto_scaling::{ActionKey, AutoScaling, Fault, Group, Hook, LifecycleActionResult, PutHook, Transition};

use super::{ActionResult, Parameters, now};
use crate::element::Element;

pub fn put(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let group = given.required("AutoScalingGroupName")?;
    let hook = take(given, "")?;
    given.finish()?;
    simulator.put_hook(&group, hook, now())?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let group = given.required("AutoScalingGroupName")?;
    let names = given.texts("LifecycleHookNames").unwrap_or_default();
    given.finish()?;
    let group = simulator.group(&group)?;
    let desired = group.hooks.values().filter(|hook| names.is_empty() || names.contains(&hook.name));
    Ok(vec![Element::list("LifecycleHooks", desired.map(|hook| fields(group, hook)).collect())])
}

pub fn delete(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let group = given.required("AutoScalingGroupName")?;
    let hook = given.required("LifecycleHookName")?;
    given.finish()?;
    simulator.delete_hook(&group, &hook, now())?;
    Ok(Vec::new())
}

pub fn complete(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let (group, hook, token, instance_id) = action(given)?;
    let result = given.parsed("LifecycleActionResult", "CONTINUE or ABANDON", LifecycleActionResult::parse)?;
    let result = result.ok_or_else(|| Fault::validation("LifecycleActionResult is missing"))?;
    given.finish()?;
    let key = ActionKey { token: token.as_deref(), instance_id: instance_id.as_deref() };
    simulator.complete_lifecycle_action(&group, &hook, key, result, now())?;
    Ok(Vec::new())
}

pub fn heartbeat(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let (group, hook, token, instance_id) = action(given)?;
    given.finish()?;
    let key = ActionKey { token: token.as_deref(), instance_id: instance_id.as_deref() };
    simulator.record_lifecycle_action_heartbeat(&group, &hook, key, now())?;
    Ok(Vec::new())
}

/// Group, hook, token and instance of an action.
fn action(given: &mut Parameters) -> Result<(String, String, Option<String>, Option<String>), Fault> {
    let (group, hook) = (given.required("AutoScalingGroupName")?, given.required("LifecycleHookName")?);
    Ok((group, hook, given.text("LifecycleActionToken"), given.text("InstanceId")))
}

/// Takes a hook whose parameters' names begin so.
pub fn take(given: &mut Parameters, prefix: &str) -> Result<PutHook, Fault> {
    let transitions = [Transition::Launching, Transition::Terminating].map(Transition::as_str).join(" or ");
    let named = |name: &str| format!("{prefix}{name}");
    Ok(PutHook {
        name: given.required(&named("LifecycleHookName"))?,
        transition: given.parsed(&named("LifecycleTransition"), &transitions, Transition::parse)?,
        heartbeat: given.seconds(&named("HeartbeatTimeout"))?,
        default_result: given.parsed(&named("DefaultResult"), "CONTINUE or ABANDON", LifecycleActionResult::parse)?,
        metadata: given.text(&named("NotificationMetadata")),
        target_arn: given.text(&named("NotificationTargetARN")),
        role_arn: given.text(&named("RoleARN")),
    })
}

fn fields(group: &Group, hook: &Hook) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("LifecycleHookName", &hook.name),
        Element::leaf("AutoScalingGroupName", &group.name),
        Element::leaf("LifecycleTransition", hook.transition.as_str()),
        Element::leaf("HeartbeatTimeout", hook.heartbeat.as_secs()),
        Element::leaf("GlobalTimeout", hook.global_timeout().as_secs()),
        Element::leaf("DefaultResult", hook.default_result.as_str()),
    ];
    let told = [
        ("NotificationMetadata", &hook.metadata),
        ("NotificationTargetARN", &hook.target_arn),
        ("RoleARN", &hook.role_arn),
    ];
    fields.extend(told.into_iter().filter_map(|(name, value)| Some(Element::leaf(name, value.as_ref()?))));
    fields
}
