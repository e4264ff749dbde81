//! Actions on scaling policies.

use auto_scaling::{Adjustment, AutoScaling, Fault, Group, Policy, ScalingPolicy, Step, StepPolicy};

use super::{ActionResult, Parameters, now, page::Page};
use crate::element::Element;

const SIMPLE: &str = "SimpleScaling";
const STEP: &str = "StepScaling";

pub fn put(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let name = parameters.required("PolicyName")?;
    let valid = format!("{SIMPLE} or {STEP}, the only simulated types");
    let is_step =
        parameters.parsed("PolicyType", &valid, |text| [SIMPLE, STEP].contains(&text).then_some(text == STEP))?;
    let policy = if is_step == Some(true) { step_policy(name, parameters)? } else { simple_policy(name, parameters)? };
    parameters
        .parsed("Enabled", "true, since disabled policies are not simulated", |text| (text == "true").then_some(()))?;
    parameters.finish()?;
    let arn = simulator.put_scaling_policy(&group, policy)?;
    Ok(vec![Element::leaf("PolicyARN", arn), Element::node("Alarms", Vec::new())])
}

fn simple_policy(name: String, parameters: &mut Parameters) -> Result<ScalingPolicy, Fault> {
    let kind = parameters.required("AdjustmentType")?;
    let by = parameters.required_number("ScalingAdjustment")?;
    let adjustment = adjustment(&kind, by, parameters.number("MinAdjustmentMagnitude")?)?;
    Ok(Policy { name, adjustment, cooldown: parameters.seconds("Cooldown")? }.into())
}

fn step_policy(name: String, parameters: &mut Parameters) -> Result<ScalingPolicy, Fault> {
    let kind = parameters.required("AdjustmentType")?;
    let min_magnitude = parameters.number("MinAdjustmentMagnitude")?;
    let valid = "Minimum, Maximum or Average";
    let known = |text: &str| valid.split([',', ' ']).any(|it| it == text && it != "or").then(|| text.to_owned());
    let metric_aggregation = parameters.parsed("MetricAggregationType", valid, known)?;
    let mut steps = Vec::new();
    for member in parameters.members("StepAdjustments") {
        let by = parameters.required_number(&format!("{member}.ScalingAdjustment"))?;
        steps.push(Step {
            lower: parameters.number(&format!("{member}.MetricIntervalLowerBound"))?,
            upper: parameters.number(&format!("{member}.MetricIntervalUpperBound"))?,
            adjustment: adjustment(&kind, by, min_magnitude)?,
        });
    }
    let policy = StepPolicy {
        name,
        steps,
        metric_aggregation: metric_aggregation.unwrap_or_else(|| "Average".to_owned()),
        estimated_warmup: parameters.seconds("EstimatedInstanceWarmup")?,
    };
    Ok(policy.into())
}

fn adjustment(kind: &str, by: i32, min_magnitude: Option<u32>) -> Result<Adjustment, Fault> {
    match kind {
        _ if min_magnitude.is_some() && kind != "PercentChangeInCapacity" => {
            Err(Fault::validation("MinAdjustmentMagnitude is valid for PercentChangeInCapacity only"))
        }
        "ChangeInCapacity" => Ok(Adjustment::ChangeInCapacity(by)),
        "ExactCapacity" => {
            let negative =
                |_| Fault::validation(format!("ScalingAdjustment is {by}: expected an exact capacity of 0 or more"));
            u32::try_from(by).map(Adjustment::ExactCapacity).map_err(negative)
        }
        "PercentChangeInCapacity" => Ok(Adjustment::PercentChangeInCapacity { percent: by, min_magnitude }),
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
        let arn = simulator.policy_arn(&group.name, policy.name());
        let is_named = names.is_empty() || names.iter().any(|it| it == policy.name() || *it == arn);
        is_named && (types.is_empty() || types.iter().any(|it| it == policy.kind()))
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
    let (value, threshold): (Option<f64>, Option<f64>) =
        (parameters.number("MetricValue")?, parameters.number("BreachThreshold")?);
    parameters.finish()?;
    let difference = value.zip(threshold).map(|(value, threshold)| value - threshold);
    simulator.execute_policy(&group, &policy, honor_cooldown, difference, now())?;
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

fn fields(simulator: &AutoScaling, group: &Group, policy: &ScalingPolicy) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("AutoScalingGroupName", &group.name),
        Element::leaf("PolicyName", policy.name()),
        Element::leaf("PolicyARN", simulator.policy_arn(&group.name, policy.name())),
        Element::leaf("PolicyType", policy.kind()),
    ];
    let mut steps = Vec::new();
    let seconds = |name, span: Option<std::time::Duration>| span.map(|span| Element::leaf(name, span.as_secs()));
    let adjustment = match policy {
        ScalingPolicy::Simple(policy) => {
            fields.push(Element::leaf("ScalingAdjustment", change(policy.adjustment)));
            fields.extend(seconds("Cooldown", policy.cooldown));
            Some(policy.adjustment)
        }
        ScalingPolicy::Step(policy) => {
            steps.extend(policy.steps.iter().map(step));
            fields.push(Element::leaf("MetricAggregationType", &policy.metric_aggregation));
            fields.extend(seconds("EstimatedInstanceWarmup", policy.estimated_warmup));
            policy.steps.first().map(|step| step.adjustment)
        }
    };
    fields.extend(adjustment.map(|it| Element::leaf("AdjustmentType", it.kind())));
    if let Some(Adjustment::PercentChangeInCapacity { min_magnitude: Some(least), .. }) = adjustment {
        fields.push(Element::leaf("MinAdjustmentMagnitude", least));
    }
    fields.push(Element::list("StepAdjustments", steps));
    fields.push(Element::node("Alarms", Vec::new()));
    fields.push(Element::leaf("Enabled", true));
    fields
}

fn step(step: &Step) -> Vec<Element> {
    let bound = |name, bound: Option<f64>| bound.map(|bound| Element::leaf(name, format!("{bound:?}")));
    let bounds = [bound("MetricIntervalLowerBound", step.lower), bound("MetricIntervalUpperBound", step.upper)];
    let change = Element::leaf("ScalingAdjustment", change(step.adjustment));
    bounds.into_iter().flatten().chain([change]).collect()
}

fn change(adjustment: Adjustment) -> i64 {
    match adjustment {
        Adjustment::ChangeInCapacity(change) => i64::from(change),
        Adjustment::ExactCapacity(exact) => i64::from(exact),
        Adjustment::PercentChangeInCapacity { percent, .. } => i64::from(percent),
    }
}
