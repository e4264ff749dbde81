//! Actions that take instances out of service without terminating them.

use auto_scaling::{Activity, AutoScaling, Fault};

use super::{ActionResult, Parameters, activities, now};
use crate::element::Element;

pub fn enter(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, ids) = target(parameters)?;
    let decrement = decrement(parameters)?;
    parameters.finish()?;
    Ok(response(&simulator.enter_standby(&group, &ids, decrement, now())?))
}

pub fn exit(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, ids) = target(parameters)?;
    parameters.finish()?;
    Ok(response(&simulator.exit_standby(&group, &ids, now())?))
}

pub fn detach(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, ids) = target(parameters)?;
    let decrement = decrement(parameters)?;
    parameters.finish()?;
    Ok(response(&simulator.detach_instances(&group, &ids, decrement, now())?))
}

fn target(parameters: &mut Parameters) -> Result<(String, Vec<String>), Fault> {
    let group = parameters.required("AutoScalingGroupName")?;
    Ok((group, parameters.texts("InstanceIds").unwrap_or_default()))
}

fn decrement(parameters: &mut Parameters) -> Result<bool, Fault> {
    let decrement = parameters.flag("ShouldDecrementDesiredCapacity")?;
    decrement.ok_or_else(|| Fault::validation("ShouldDecrementDesiredCapacity is missing"))
}

fn response(started: &[Activity]) -> Vec<Element> {
    vec![Element::list("Activities", started.iter().map(activities::of_call).collect())]
}
