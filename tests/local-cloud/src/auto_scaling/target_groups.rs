//! Actions on load balancers' target groups.

use auto_scaling::{AutoScaling, Fault};

use super::{ActionResult, Parameters, now, page::Page};
use crate::element::Element;

pub fn attach(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, arns) = target(parameters)?;
    simulator.attach_target_groups(&group, &arns, now())?;
    Ok(Vec::new())
}

pub fn detach(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, arns) = target(parameters)?;
    simulator.detach_target_groups(&group, &arns)?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let page = Page::of(parameters, 100)?;
    parameters.finish()?;
    let group = simulator.group(&group)?;
    let fields = |arn: &String| {
        let state = if group.is_adding(arn, now()) { "Adding" } else { "InService" };
        vec![Element::leaf("LoadBalancerTargetGroupARN", arn), Element::leaf("State", state)]
    };
    Ok(page.cut("LoadBalancerTargetGroups", group.target_group_arns.iter().map(fields).collect()))
}

fn target(parameters: &mut Parameters) -> Result<(String, Vec<String>), Fault> {
    let group = parameters.required("AutoScalingGroupName")?;
    let arns = parameters.texts("TargetGroupARNs").ok_or_else(|| Fault::validation("TargetGroupARNs is missing"))?;
    parameters.finish()?;
    Ok((group, arns))
}
