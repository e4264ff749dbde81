//! Actions on lifecycle hooks.

use auto_scaling::{ActionKey, AutoScaling, Fault, Group, Hook, LifecycleActionResult, PutHook, Transition};

use super::{ActionResult, Parameters, now};
use crate::element::Element;

pub fn put(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let hook = read(parameters, "")?;
    parameters.finish()?;
    simulator.put_hook(&group, hook, now())?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let names = parameters.texts("LifecycleHookNames").unwrap_or_default();
    parameters.finish()?;
    let group = simulator.group(&group)?;
    let selected = group.hooks.values().filter(|hook| names.is_empty() || names.contains(&hook.name));
    Ok(vec![Element::list("LifecycleHooks", selected.map(|hook| fields(group, hook)).collect())])
}

pub fn delete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let hook = parameters.required("LifecycleHookName")?;
    parameters.finish()?;
    simulator.delete_hook(&group, &hook, now())?;
    Ok(Vec::new())
}

pub fn complete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, hook, token, instance_id) = action(parameters)?;
    let result = parameters.parsed("LifecycleActionResult", "CONTINUE or ABANDON", LifecycleActionResult::parse)?;
    let result = result.ok_or_else(|| Fault::validation("LifecycleActionResult is missing"))?;
    parameters.finish()?;
    let key = ActionKey { token: token.as_deref(), instance_id: instance_id.as_deref() };
    simulator.complete_lifecycle_action(&group, &hook, key, result, now())?;
    Ok(Vec::new())
}

pub fn heartbeat(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, hook, token, instance_id) = action(parameters)?;
    parameters.finish()?;
    let key = ActionKey { token: token.as_deref(), instance_id: instance_id.as_deref() };
    simulator.record_lifecycle_action_heartbeat(&group, &hook, key, now())?;
    Ok(Vec::new())
}

/// Group, hook, token and instance id of a lifecycle action.
fn action(parameters: &mut Parameters) -> Result<(String, String, Option<String>, Option<String>), Fault> {
    let (group, hook) = (parameters.required("AutoScalingGroupName")?, parameters.required("LifecycleHookName")?);
    Ok((group, hook, parameters.text("LifecycleActionToken"), parameters.text("InstanceId")))
}

/// Takes a hook from the parameters with this prefix.
pub fn read(parameters: &mut Parameters, prefix: &str) -> Result<PutHook, Fault> {
    let transitions = [Transition::Launching, Transition::Terminating].map(Transition::as_str).join(" or ");
    let named = |name: &str| format!("{prefix}{name}");
    Ok(PutHook {
        name: parameters.required(&named("LifecycleHookName"))?,
        transition: parameters.parsed(&named("LifecycleTransition"), &transitions, Transition::parse)?,
        heartbeat: parameters.seconds(&named("HeartbeatTimeout"))?,
        default_result: parameters.parsed(
            &named("DefaultResult"),
            "CONTINUE or ABANDON",
            LifecycleActionResult::parse,
        )?,
        metadata: parameters.text(&named("NotificationMetadata")),
        target_arn: parameters.text(&named("NotificationTargetARN")),
        role_arn: parameters.text(&named("RoleARN")),
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
    let optional = [
        ("NotificationMetadata", &hook.metadata),
        ("NotificationTargetARN", &hook.target_arn),
        ("RoleARN", &hook.role_arn),
    ];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some(Element::leaf(name, value.as_ref()?))));
    fields
}
