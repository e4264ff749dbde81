//! Actions on instances.

use auto_scaling::{AutoScaling, Fault, Instance};

use super::{ActionResult, Parameters, activities, groups::template, now, page::Page};
use crate::element::Element;

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let ids = parameters.texts("InstanceIds").unwrap_or_default();
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    let of_group = |group: &auto_scaling::Group| {
        let selected = group.instances.iter().filter(|it| ids.is_empty() || ids.contains(&it.id));
        let name = Element::leaf("AutoScalingGroupName", &group.name);
        // AWS writes HEALTHY in this response, and Healthy among a group's instances.
        let health = |it: &Instance| it.health_status().to_uppercase();
        selected.map(|it| [vec![name.clone()], fields(it, &health(it))].concat()).collect::<Vec<_>>()
    };
    Ok(page.cut("AutoScalingInstances", simulator.groups().flat_map(of_group).collect()))
}

pub fn set_protection(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let ids = parameters.texts("InstanceIds").ok_or_else(|| Fault::validation("InstanceIds is missing"))?;
    let protected = parameters.flag("ProtectedFromScaleIn")?;
    let protected = protected.ok_or_else(|| Fault::validation("ProtectedFromScaleIn is missing"))?;
    parameters.finish()?;
    simulator.set_instance_protection(&group, &ids, protected)?;
    Ok(Vec::new())
}

pub fn terminate(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let id = parameters.required("InstanceId")?;
    let decrement = parameters.flag("ShouldDecrementDesiredCapacity")?;
    let decrement = decrement.ok_or_else(|| Fault::validation("ShouldDecrementDesiredCapacity is missing"))?;
    parameters.finish()?;
    let activity = simulator.terminate_instance(&id, decrement, now())?;
    Ok(vec![Element::node("Activity", activities::of_call(&activity))])
}

pub fn set_health(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let id = parameters.required("InstanceId")?;
    parameters.require(&["HealthStatus"])?;
    let healthy = parameters.parsed("HealthStatus", "Healthy or Unhealthy", |text| match text {
        "Healthy" => Some(true),
        "Unhealthy" => Some(false),
        _ => None,
    })?;
    let respect_grace = parameters.flag("ShouldRespectGracePeriod")?.unwrap_or(true);
    parameters.finish()?;
    simulator.set_instance_health(&id, healthy == Some(true), respect_grace, now())?;
    Ok(Vec::new())
}

/// An instance in the form of the group's response.
pub fn fields(instance: &Instance, health: &str) -> Vec<Element> {
    vec![
        Element::leaf("InstanceId", &instance.id),
        Element::leaf("InstanceType", &instance.instance_type),
        Element::leaf("AvailabilityZone", &instance.subnet.zone),
        Element::leaf("AvailabilityZoneId", instance.subnet.zone_id()),
        Element::leaf("LifecycleState", instance.state_name()),
        Element::leaf("HealthStatus", health),
        template(&instance.launch_template),
        Element::leaf("ProtectedFromScaleIn", instance.protected),
    ]
}
