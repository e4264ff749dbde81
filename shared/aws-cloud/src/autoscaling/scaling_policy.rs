//! Scaling policies, which an alarm invokes: one by steps, which adds instances, and a simple one, which removes them.
//! Policies have no tags, and belong to the owner of their group.

use aws_sdk_autoscaling::types::StepAdjustment;
use environment::{
    Adjustment, Call, CallKind, Fields, Key, Kind, Names, ObservedResource, Ownership, Ref, Resource, ScalingPolicy,
    ScalingPolicySetting, ScalingStep, Setting, State, Tags,
};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};
use crate::ids::Observation;

pub(crate) use aws_sdk_autoscaling::types::ScalingPolicy as Found;

const DESCRIBE: &str = "autoscaling:DescribePolicies";

const SIMPLE: &str = "SimpleScaling";
const STEPS: &str = "StepScaling";
const CHANGE: &str = "ChangeInCapacity";
/// How the values of an alarm's period are combined before the steps are compared with them.
const AVERAGE: &str = "Average";

/// Reads the group's policies with computed names; the other policies are foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Found>, Problem> {
    let owned = [names.scale_up_policy(), names.former_scale_up_policy(), names.scale_down_policy()];
    let found = list(clients, &names.group().name).await?;
    let is_owned = |it: &Found| it.policy_name().is_some_and(|name| owned.iter().any(|owned| owned.name == name));
    Ok(found.into_iter().filter(is_owned).collect())
}

/// Lists all policies of a group; none if the group does not exist. That error is a `ValidationError`, as every mistake
/// is, and this request has room for no other mistake.
async fn list(clients: &Clients, group: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.autoscaling.describe_policies().auto_scaling_group_name(group);
    let found = pages.into_paginator().items().send().collect::<Result<_, _>>().await.classified(DESCRIBE);
    match found {
        Err(problem) if problem.class == ErrorClass::Rejected => Ok(vec![]),
        other => other,
    }
}

/// The policy in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |field| move || Problem::unreadable(DESCRIBE, field);
    let arn = found.policy_arn().ok_or_else(missing("ARN"))?;
    let name = found.policy_name().ok_or_else(missing("name"))?;
    let group = found.auto_scaling_group_name().ok_or_else(missing("group"))?;
    let group = Key::new(Kind::AutoScalingGroup, group);
    let parent = observation.found.iter().find(|it| it.key() == group);
    let without_group = || Ownership::Foreign(format!("its group {} is not this environment's", group.name));
    Ok(ObservedResource {
        id: Some(arn.to_owned()),
        ownership: parent.map_or_else(without_group, |it| it.ownership.clone()),
        state: State::Ready,
        references: parent.and_then(|it| it.id.clone()).into_iter().collect(),
        version: None,
        resource: Resource {
            name: name.to_owned(),
            tags: Tags::new(),
            fields: Fields::ScalingPolicy(ScalingPolicy { group: Ref::Owned(group), adjustment: adjustment(found) }),
        },
    })
}

/// The adjustment. A policy that Envkeeper does not put, such as a disabled one, adjusts nothing: that is never desired.
fn adjustment(found: &Found) -> Adjustment {
    let changes_capacity = found.adjustment_type() == Some(CHANGE) && found.enabled().unwrap_or(true);
    match found.policy_type() {
        Some(STEPS) => {
            let is_average = found.metric_aggregation_type().is_none_or(|it| it == AVERAGE);
            Adjustment::Steps(
                steps(found.step_adjustments()).filter(|_| changes_capacity && is_average).unwrap_or_default(),
            )
        }
        policy_type => {
            let is_simple = policy_type == Some(SIMPLE) && changes_capacity;
            let by = found.scaling_adjustment().filter(|_| is_simple).unwrap_or_default();
            let cooldown_seconds = found.cooldown().and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
            Adjustment::Simple { by, cooldown_seconds }
        }
    }
}

/// The steps, in ascending order; `None` if their bounds are not whole numbers from 0 on. Auto Scaling accepts no gaps and
/// no overlaps (the API reference of `StepAdjustment`), so the lower bounds are all.
fn steps(found: &[StepAdjustment]) -> Option<Vec<ScalingStep>> {
    let step = |it: &StepAdjustment| {
        // A whole number is formatted without a point, and so can be parsed.
        let from = it.metric_interval_lower_bound()?.to_string().parse().ok()?;
        Some(ScalingStep { from, by: it.scaling_adjustment()? })
    };
    let mut steps = found.iter().map(step).collect::<Option<Vec<_>>>()?;
    steps.sort_by_key(|it| it.from);
    Some(steps)
}

/// The steps in the form of a request: each ends where the next one begins.
fn step_adjustments(steps: &[ScalingStep]) -> Vec<StepAdjustment> {
    let ends = steps.iter().skip(1).map(|next| Some(f64::from(next.from))).chain([None]);
    let step = |(step, end): (&ScalingStep, Option<f64>)| {
        let built = StepAdjustment::builder().metric_interval_lower_bound(f64::from(step.from));
        built.set_metric_interval_upper_bound(end).scaling_adjustment(step.by).build()
    };
    steps.iter().zip(ends).map(step).collect()
}

/// Executes one call on a policy.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => match &resource.fields {
            Fields::ScalingPolicy(policy) => put(aws, call, &policy.group.to_string(), &policy.adjustment).await,
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::ScalingPolicy(ScalingPolicySetting::Adjustment(adjustment))] => {
                put(aws, call, &group(aws, call)?, adjustment).await
            }
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => {
            Err(Problem::unsupported_call(call))
        }
    }
}

/// Creates or updates the policy: the call is the same, and states the whole policy. A step policy gets no warm-up of its
/// own: the group's applies (the API reference of `EstimatedInstanceWarmup`).
async fn put(aws: &AwsCloud, call: &Call, group: &str, adjustment: &Adjustment) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.put_scaling_policy().auto_scaling_group_name(group);
    let request = request.policy_name(&call.key.name).adjustment_type(CHANGE);
    let request = match adjustment {
        Adjustment::Simple { by, cooldown_seconds } => {
            let cooldown = i32::try_from(*cooldown_seconds).unwrap_or(i32::MAX);
            request.policy_type(SIMPLE).scaling_adjustment(*by).cooldown(cooldown)
        }
        Adjustment::Steps(steps) => {
            let request = request.policy_type(STEPS).metric_aggregation_type(AVERAGE);
            request.set_step_adjustments(Some(step_adjustments(steps)))
        }
    };
    let response = request.send().await.classified(call.operation())?;
    aws.ids
        .record_created(&call.key, response.policy_arn().ok_or_else(|| Problem::unreadable(call.operation(), "ARN"))?);
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let (arn, group) = (aws.ids.of_call(call)?, group(aws, call)?);
    let request = aws.clients.autoscaling.delete_policy().auto_scaling_group_name(&group).policy_name(&call.key.name);
    match request.send().await.classified(call.operation()) {
        // A policy or a group that does not exist has the code of every mistake, so this looks the policy up.
        Err(problem) if problem.class == ErrorClass::Rejected => {
            let left = list(&aws.clients, &group).await?;
            if left.iter().any(|it| it.policy_name() == Some(call.key.name.as_str())) {
                return Err(problem);
            }
        }
        response => response.map(|_| ())?,
    }
    aws.ids.record_deleted(&arn);
    Ok(())
}

/// The name of the policy's group, from the policy's ARN.
fn group(aws: &AwsCloud, call: &Call) -> Result<String, Problem> {
    let arn = aws.ids.of_call(call)?;
    let group = group_in(&arn).map(str::to_owned);
    group.ok_or_else(|| Problem::unreadable(call.operation(), &format!("group in the policy's ARN {arn}")))
}

/// `…:autoScalingGroupName/<group>:policyName/<policy>`.
fn group_in(arn: &str) -> Option<&str> {
    let (_, group) = arn.split_once(":autoScalingGroupName/")?;
    group.split_once(":policyName/").map(|(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_autoscaling::types::builders::ScalingPolicyBuilder;
    use environment::{AutoScalingGroup, HealthCheck};
    use std::collections::{BTreeMap, BTreeSet};

    const ARN: &str =
        "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1:autoScalingGroupName/the-asg:policyName/up";

    fn policy() -> ScalingPolicyBuilder {
        let found = Found::builder().policy_arn(ARN).policy_name("up").auto_scaling_group_name("the-asg");
        found.policy_type(SIMPLE).adjustment_type(CHANGE).scaling_adjustment(2).cooldown(300)
    }

    fn group_of(ownership: Ownership) -> ObservedResource {
        let group = AutoScalingGroup {
            min_size: 1,
            max_size: 1,
            desired_capacity: 1,
            subnets: vec![],
            template: Ref::Foreign("lt-1".into()),
            digest: String::new(),
            health_check: HealthCheck { by_target_groups: false, grace_seconds: 0 },
            warmup_seconds: None,
            protected: false,
            target_groups: BTreeSet::new(),
            hooks: vec![],
            metrics: true,
            in_service: 1,
            failed_launch: None,
            instances: BTreeMap::new(),
        };
        let fields = Fields::AutoScalingGroup(group);
        let resource = Resource { name: "the-asg".into(), tags: Tags::new(), fields };
        ObservedResource {
            id: Some("arn:group".into()),
            resource,
            ownership,
            state: State::Ready,
            references: vec![],
            version: None,
        }
    }

    fn observe(found: &Found, ownership: Option<Ownership>) -> ObservedResource {
        let ids = Ids::default();
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        let mut observation = ids.observation("owner", &names);
        observation.found.extend(ownership.map(group_of));
        observed(found, &observation).unwrap()
    }

    fn observed_adjustment(observed: ObservedResource) -> Adjustment {
        match observed.resource.fields {
            Fields::ScalingPolicy(policy) => policy.adjustment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_policy_belongs_to_the_owner_of_its_group() {
        let observed = observe(&policy().build(), Some(Ownership::Owned));
        assert_eq!((&observed.ownership, &observed.references), (&Ownership::Owned, &vec!["arn:group".to_owned()]));
        assert_eq!(observed.id.as_deref(), Some(ARN));
        assert_eq!(observed_adjustment(observed), Adjustment::Simple { by: 2, cooldown_seconds: 300 });
        let foreign = Ownership::Foreign("it carries no owner's mark".into());
        assert_eq!(observe(&policy().build(), Some(foreign.clone())).ownership, foreign);
        let unknown = Ownership::Foreign("its group the-asg is not this environment's".into());
        assert_eq!(observe(&policy().build(), None).ownership, unknown);
    }

    #[test]
    fn a_policy_of_another_type_and_a_disabled_policy_adjust_nothing() {
        let by = |found: Found| match adjustment(&found) {
            Adjustment::Simple { by, .. } => by,
            Adjustment::Steps(_) => panic!("steps"),
        };
        assert_eq!(by(policy().policy_type("TargetTrackingScaling").build()), 0);
        assert_eq!(by(policy().adjustment_type("ExactCapacity").build()), 0);
        assert_eq!(by(policy().enabled(false).build()), 0);
        assert_eq!(by(policy().enabled(true).scaling_adjustment(-1).build()), -1);
    }

    #[test]
    fn the_steps_of_a_request_are_contiguous_and_are_read_in_ascending_order() {
        let desired = [(0, 1), (10, 2), (20, 3)].map(|(from, by)| ScalingStep { from, by });
        let sent = step_adjustments(&desired);
        let bounds = sent.iter().map(|it| (it.metric_interval_lower_bound(), it.metric_interval_upper_bound()));
        let expected = [(Some(0.0), Some(10.0)), (Some(10.0), Some(20.0)), (Some(20.0), None)];
        assert_eq!(bounds.collect::<Vec<_>>(), expected);

        let with = |steps: Vec<StepAdjustment>| {
            let found = policy().policy_type(STEPS).metric_aggregation_type(AVERAGE).set_scaling_adjustment(None);
            found.set_cooldown(None).set_step_adjustments(Some(steps))
        };
        let read = |found: ScalingPolicyBuilder| adjustment(&found.build());
        assert_eq!(read(with(sent.iter().rev().cloned().collect())), Adjustment::Steps(desired.to_vec()));
        let none = Adjustment::Steps(vec![]);
        assert_eq!(read(with(sent.clone()).metric_aggregation_type("Maximum")), none);
        assert_eq!(read(with(sent.clone()).enabled(false)), none);
        let below = StepAdjustment::builder().metric_interval_upper_bound(0.0).scaling_adjustment(1).build();
        assert_eq!(read(with(vec![below])), none);
    }

    #[test]
    fn the_arn_contains_the_group() {
        assert_eq!(group_in(ARN), Some("the-asg"));
        assert_eq!(group_in("arn:aws:autoscaling:eu-west-1:123456789012:somethingElse"), None);
    }
}
