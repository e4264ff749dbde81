//! Actions on scaling policies.

use auto_scaling::{Adjustment, AutoScaling, Fault, Group, Policy};

use super::{ActionResult, Parameters, now, page::Page};
use crate::element::Element;

const SIMPLE: &str = "SimpleScaling";

pub fn put(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let name = parameters.required("PolicyName")?;
    let valid = format!("{SIMPLE}, the only simulated type");
    parameters.parsed("PolicyType", &valid, |text| (text == SIMPLE).then_some(()))?;
    let adjustment = adjustment(parameters)?;
    let cooldown = parameters.seconds("Cooldown")?;
    parameters
        .parsed("Enabled", "true, since disabled policies are not simulated", |text| (text == "true").then_some(()))?;
    parameters.finish()?;
    let arn = simulator.put_scaling_policy(&group, Policy { name, adjustment, cooldown })?;
    Ok(vec![Element::leaf("PolicyARN", arn), Element::node("Alarms", Vec::new())])
}

fn adjustment(parameters: &mut Parameters) -> Result<Adjustment, Fault> {
    let kind = parameters.required("AdjustmentType")?;
    let by: i32 = parameters.required_number("ScalingAdjustment")?;
    match kind.as_str() {
        "ChangeInCapacity" => Ok(Adjustment::ChangeInCapacity(by)),
        "ExactCapacity" => {
            let negative =
                |_| Fault::validation(format!("ScalingAdjustment is {by}: expected an exact capacity of 0 or more"));
            u32::try_from(by).map(Adjustment::ExactCapacity).map_err(negative)
        }
        "PercentChangeInCapacity" => {
            let min_magnitude = parameters.number("MinAdjustmentMagnitude")?;
            Ok(Adjustment::PercentChangeInCapacity { percent: by, min_magnitude })
        }
        _ => {
            let valid = "ChangeInCapacity, ExactCapacity or PercentChangeInCapacity";
            Err(Fault::validation(format!("AdjustmentType is '{kind}': expected {valid}")))
        }
    }
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.text("AutoScalingGroupName");
    let names = parameters.texts("PolicyNames").unwrap_or_default();
    let types = parameters.texts("PolicyTypes").unwrap_or_default();
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    if let Some(group) = &group {
        simulator.group(group)?;
    }
    let simulator = &*simulator;
    let groups = simulator.groups().filter(|it| group.as_ref().is_none_or(|name| *name == it.name));
    let policies = groups.flat_map(|group| group.policies.values().map(move |policy| (group, policy)));
    let selected = policies.filter(|(group, policy)| {
        let arn = simulator.policy_arn(&group.name, &policy.name);
        let is_named = names.is_empty() || names.contains(&policy.name) || names.contains(&arn);
        is_named && (types.is_empty() || types.iter().any(|it| it == SIMPLE))
    });
    Ok(page.cut("ScalingPolicies", selected.map(|(group, policy)| fields(simulator, group, policy)).collect()))
}

pub fn delete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, policy) = target(parameters)?;
    parameters.finish()?;
    simulator.delete_policy(&group, &policy)?;
    Ok(Vec::new())
}

pub fn execute(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, policy) = target(parameters)?;
    let honor_cooldown = parameters.flag("HonorCooldown")?.unwrap_or(false);
    parameters.finish()?;
    simulator.execute_policy(&group, &policy, honor_cooldown, now())?;
    Ok(Vec::new())
}

/// Group and policy. The ARN of a policy contains the group.
fn target(parameters: &mut Parameters) -> Result<(String, String), Fault> {
    let policy = parameters.required("PolicyName")?;
    let in_arn = || Policy::group_in(&policy).map(str::to_owned);
    let group = parameters.text("AutoScalingGroupName").or_else(in_arn);
    let missing = || Fault::validation("AutoScalingGroupName is missing, and PolicyName is not an ARN");
    Ok((group.ok_or_else(missing)?, policy))
}

fn fields(simulator: &AutoScaling, group: &Group, policy: &Policy) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("AutoScalingGroupName", &group.name),
        Element::leaf("PolicyName", &policy.name),
        Element::leaf("PolicyARN", simulator.policy_arn(&group.name, &policy.name)),
        Element::leaf("PolicyType", SIMPLE),
        Element::leaf("AdjustmentType", policy.adjustment.kind()),
    ];
    let (by, min_magnitude) = match policy.adjustment {
        Adjustment::ChangeInCapacity(change) => (i64::from(change), None),
        Adjustment::ExactCapacity(exact) => (i64::from(exact), None),
        Adjustment::PercentChangeInCapacity { percent, min_magnitude } => (i64::from(percent), min_magnitude),
    };
    fields.push(Element::leaf("ScalingAdjustment", by));
    fields.extend(min_magnitude.map(|least| Element::leaf("MinAdjustmentMagnitude", least)));
    fields.extend(policy.cooldown.map(|cooldown| Element::leaf("Cooldown", cooldown.as_secs())));
    fields.push(Element::node("StepAdjustments", Vec::new()));
    fields.push(Element::node("Alarms", Vec::new()));
    fields.push(Element::leaf("Enabled", true));
    fields
}
