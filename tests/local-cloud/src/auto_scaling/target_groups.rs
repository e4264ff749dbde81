//! Actions on load balancers' target groups.

use auto_scaling::{AutoScaling, Fault};

use super::{ActionResult, Parameters, page::Page};
use crate::element::Element;

pub fn attach(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let (group, arns) = target(given)?;
    simulator.attach_target_groups(&group, &arns)?;
    Ok(Vec::new())
}

pub fn detach(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let (group, arns) = target(given)?;
    simulator.detach_target_groups(&group, &arns)?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, given: &mut Parameters) -> ActionResult {
    let group = given.required("AutoScalingGroupName")?;
    let page = Page::of(given, 100)?;
    given.finish()?;
    let arns = simulator.group(&group)?.target_group_arns.iter();
    let fields = |arn| vec![Element::leaf("LoadBalancerTargetGroupARN", arn), Element::leaf("State", "InService")];
    Ok(page.cut("LoadBalancerTargetGroups", arns.map(fields).collect()))
}

fn target(given: &mut Parameters) -> Result<(String, Vec<String>), Fault> {
    let group = given.required("AutoScalingGroupName")?;
    let arns = given.texts("TargetGroupARNs").ok_or_else(|| Fault::validation("TargetGroupARNs is missing"))?;
    given.finish()?;
    Ok((group, arns))
}
