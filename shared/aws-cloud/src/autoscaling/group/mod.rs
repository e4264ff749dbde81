//! The Auto Scaling group. Auto Scaling alone decides on the number of instances between the bounds.

mod hooks;
mod instances;
mod observed;
mod refresh;
mod release;

use aws_sdk_autoscaling::operation::describe_load_balancer_target_groups::DescribeLoadBalancerTargetGroupsOutput as Page;
use aws_sdk_autoscaling::types::builders::TagBuilder;
use aws_sdk_autoscaling::types::{DeletionProtection, LaunchTemplateSpecification, LoadBalancerTargetGroupState, Tag};
use environment::{AutoScalingGroupSetting, Call, CallKind, Fields, HealthCheck, Ref, Resource, Setting};

use lambda_kit::aws_texts::is_unknown_instance_profile;

use crate::AwsCloud;
use crate::ec2::launch_template::version_number;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

pub(crate) use observed::{DESCRIBE, GroupAttributes, find, observed, read, read_awaited};

use observed::{BY_TARGET_GROUPS, METRICS};

/// Executes one call on a group. Returns the id of a started refresh.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<Option<String>, Problem> {
    match &call.kind {
        CallKind::Rollout(rollout) => refresh::call(aws, call, rollout).await,
        _ => change(aws, call).await.map(|()| None),
    }
}

/// Executes a call of a plan.
async fn change(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => set_tags(aws, call, settings).await,
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(_)), ..] => {
                attach(aws, call, settings).await
            }
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::Hook(hook))] => hooks::put(aws, call, hook).await,
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::Metrics(on))] => collect_metrics(aws, call, *on).await,
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::DetailedMonitoring { on, .. }), ..] => {
                instances::monitor(aws, call, *on, settings).await
            }
            settings => update(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(_)), ..] => {
                detach(aws, call, settings).await
            }
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::Hook(hook))] => hooks::delete(aws, call, hook).await,
            [Setting::AutoScalingGroup(AutoScalingGroupSetting::Metrics(_))] => collect_metrics(aws, call, false).await,
            settings => clear_tags(aws, call, settings).await,
        },
        CallKind::Drain => drain(aws, call).await,
        CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
        CallKind::Delete => delete(aws, call).await,
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::AutoScalingGroup(group) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let tags = resource.tags.iter().map(|(name, value)| tag(call, name).value(value).build()).collect();
    let request = aws.clients.autoscaling.create_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.min_size(size(group.min_size)).max_size(size(group.max_size));
    let request = request.desired_capacity(size(group.desired_capacity));
    let request = request.vpc_zone_identifier(subnet_ids(aws, call, &group.subnets)?);
    let request = request.launch_template(specification(aws, call, &group.template, &group.digest)?);
    let request = request.health_check_type(check_type(group.health_check));
    let request = request.health_check_grace_period(size(group.health_check.grace_seconds));
    let request = request.deletion_protection(protection(group.protected));
    let request = request.set_default_instance_warmup(group.warmup_seconds.map(size));
    let target_groups: Vec<String> = group.target_groups.iter().cloned().collect();
    let request = request.set_target_group_arns((!target_groups.is_empty()).then_some(target_groups));
    let hooks: Vec<_> = group.hooks.iter().map(hooks::specification).collect();
    let request = request.set_lifecycle_hook_specification_list((!hooks.is_empty()).then_some(hooks));
    let response = request.set_tags(Some(tags)).send().await.classified(call.operation());
    response.map_err(blocked_if_profile_is_not_visible)?;
    // IAM allows the calls that follow, on the group and on its policies, by the group's tags.
    aws.ids.record_create_time();
    Ok(())
}

async fn update(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    for setting in settings {
        request = match setting {
            Setting::AutoScalingGroup(AutoScalingGroupSetting::MinSize(count)) => request.min_size(size(*count)),
            Setting::AutoScalingGroup(AutoScalingGroupSetting::MaxSize(count)) => request.max_size(size(*count)),
            Setting::AutoScalingGroup(AutoScalingGroupSetting::Subnets(subnets)) => {
                request.vpc_zone_identifier(subnet_ids(aws, call, subnets)?)
            }
            Setting::AutoScalingGroup(AutoScalingGroupSetting::Template { template, digest }) => {
                request.launch_template(specification(aws, call, template, digest)?)
            }
            Setting::AutoScalingGroup(AutoScalingGroupSetting::HealthCheck(check)) => {
                let request = request.health_check_type(check_type(*check));
                request.health_check_grace_period(size(check.grace_seconds))
            }
            Setting::AutoScalingGroup(AutoScalingGroupSetting::WarmupSeconds(seconds)) => {
                request.default_instance_warmup(size(*seconds))
            }
            Setting::AutoScalingGroup(AutoScalingGroupSetting::Protected(on)) => {
                request.deletion_protection(protection(*on))
            }
            _ => return Err(Problem::unsupported_call(call)),
        };
    }
    request.send().await.classified(call.operation()).map(|_| ()).map_err(blocked_if_profile_is_not_visible)
}

/// Retries while Auto Scaling does not know a new instance profile yet.
fn blocked_if_profile_is_not_visible(problem: Problem) -> Problem {
    let is_unknown = is_unknown_instance_profile(&problem.code, &problem.message);
    if is_unknown { Problem { class: ErrorClass::Blocked, ..problem } } else { problem }
}

fn size(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn check_type(check: HealthCheck) -> &'static str {
    if check.by_target_groups { BY_TARGET_GROUPS } else { "EC2" }
}

fn protection(on: bool) -> DeletionProtection {
    if on { DeletionProtection::PreventAllDeletion } else { DeletionProtection::None }
}

fn subnet_ids(aws: &AwsCloud, call: &Call, subnets: &[Ref]) -> Result<String, Problem> {
    let ids: Result<Vec<String>, Problem> =
        subnets.iter().map(|subnet| aws.ids.of_ref(call.operation(), subnet)).collect();
    Ok(ids?.join(","))
}

/// The template by its id and the version by its number: with `$Latest`, a rollback would have no version to return to
/// (ARCHITECTURE, Facts).
fn specification(
    aws: &AwsCloud,
    call: &Call,
    template: &Ref,
    digest: &str,
) -> Result<LaunchTemplateSpecification, Problem> {
    let template = aws.ids.of_ref(call.operation(), template)?;
    let version = version_number(aws, &template, digest)?;
    Ok(LaunchTemplateSpecification::builder().launch_template_id(template).version(version.to_string()).build())
}

/// The name and the scope of a tag on the group; instances get the tag when they start.
fn tag(call: &Call, key: &str) -> TagBuilder {
    let group = Tag::builder().resource_id(&call.key.name).resource_type("auto-scaling-group");
    group.key(key).propagate_at_launch(true)
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.create_or_update_tags();
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::unsupported_call(call)) };
        request = request.tags(tag(call, key).value(value).build());
    }
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.delete_tags();
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::unsupported_call(call)) };
        request = request.tags(tag(call, key).build());
    }
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn attach(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.attach_load_balancer_target_groups().auto_scaling_group_name(&call.key.name);
    let request = request.set_target_group_arns(Some(target_groups(call, settings)?));
    let send = async || request.clone().send().await.classified(call.operation()).map(|_| ());
    change_target_groups(aws, call, send).await
}

/// Detaches target groups. A target group that is not attached has the code of every mistake, so the request names only
/// the attached ones.
async fn detach(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let Some(found) = find(&aws.clients, &call.key.name).await? else { return Ok(()) };
    let mut attached = target_groups(call, settings)?;
    attached.retain(|arn| found.target_group_arns().contains(arn));
    if attached.is_empty() {
        return Ok(());
    }
    let request = aws.clients.autoscaling.detach_load_balancer_target_groups().auto_scaling_group_name(&call.key.name);
    let request = request.set_target_group_arns(Some(attached));
    let send = async || request.clone().send().await.classified(call.operation()).map(|_| ());
    change_target_groups(aws, call, send).await
}

/// Sends a change of target groups. Other changes may end between its rejection and the look-up of their states, so a
/// rejection without another change is final only if the repeated call is rejected too.
async fn change_target_groups(
    aws: &AwsCloud,
    call: &Call,
    send: impl AsyncFn() -> Result<(), Problem>,
) -> Result<(), Problem> {
    let Err(problem) = send().await else { return Ok(()) };
    let problem = blocked_if_target_groups_change(aws, call, problem).await;
    if problem.class != ErrorClass::Rejected {
        return Err(problem);
    }
    match send().await {
        Err(problem) => Err(blocked_if_target_groups_change(aws, call, problem).await),
        Ok(()) => Ok(()),
    }
}

/// Retries a rejected change of target groups while others are being attached or detached: Auto Scaling counts these, too,
/// against the limit of ten ("Trying to update too many Load Balancers/Target Groups at once. The limit is 10":
/// terraform-provider-aws, issue 11301). The code is the one of every mistake, so this reads the states.
async fn blocked_if_target_groups_change(aws: &AwsCloud, call: &Call, problem: Problem) -> Problem {
    if problem.class != ErrorClass::Rejected {
        return problem;
    }
    let request = aws.clients.autoscaling.describe_load_balancer_target_groups();
    let pages = request.auto_scaling_group_name(&call.key.name).into_paginator().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classified("autoscaling:DescribeLoadBalancerTargetGroups");
    let is_changing = |it: &LoadBalancerTargetGroupState| matches!(it.state(), Some("Adding" | "Removing"));
    match found {
        Ok(pages) if pages.iter().flat_map(Page::load_balancer_target_groups).any(is_changing) => {
            Problem { class: ErrorClass::Blocked, ..problem }
        }
        // AWS's message says more than the error of this look-up.
        Ok(_) | Err(_) => problem,
    }
}

fn target_groups(call: &Call, settings: &[Setting]) -> Result<Vec<String>, Problem> {
    let arn = |setting: &Setting| match setting {
        Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(arn)) => Ok(arn.clone()),
        _ => Err(Problem::unsupported_call(call)),
    };
    settings.iter().map(arn).collect()
}

/// Turns metrics on by name, so that this enables the same metrics that an observation checks.
async fn collect_metrics(aws: &AwsCloud, call: &Call, on: bool) -> Result<(), Problem> {
    let (client, group) = (&aws.clients.autoscaling, &call.key.name);
    if on {
        let request = client.enable_metrics_collection().auto_scaling_group_name(group).granularity("1Minute");
        let request = request.set_metrics(Some(METRICS.map(str::to_owned).to_vec()));
        request.send().await.classified("autoscaling:EnableMetricsCollection")?;
    } else {
        let request = client.disable_metrics_collection().auto_scaling_group_name(group);
        request.send().await.classified("autoscaling:DisableMetricsCollection")?;
    }
    Ok(())
}

/// Drains the group: Auto Scaling terminates all of its instances. The same call lifts the group's protection, and new
/// instances start unprotected.
async fn drain(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.min_size(0).max_size(0).desired_capacity(0).deletion_protection(protection(false));
    let request = request.new_instances_protected_from_scale_in(false);
    let response = request.send().await.classified(call.operation());
    ok_if_deleted(aws, call, response.map(|_| ())).await
}

/// Deletes the group without force, so that the hooks of its instances run.
async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let response = request.send().await.classified(call.operation());
    match ok_if_deleted(aws, call, response.map(|_| ())).await {
        Err(problem) if problem.class == ErrorClass::Blocked => Err(release::release(aws, call, problem).await?),
        other => other,
    }
}

/// Accepts the error of a group that does not exist. That error is a `ValidationError`, as every mistake is, so this
/// looks the group up.
async fn ok_if_deleted(aws: &AwsCloud, call: &Call, response: Result<(), Problem>) -> Result<(), Problem> {
    match response {
        Err(problem) if problem.class == ErrorClass::Rejected => match find(&aws.clients, &call.key.name).await? {
            None => Ok(()),
            Some(_) => Err(problem),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_profile_is_the_only_validation_error_that_is_retried() {
        let class = |code: &str, message: &str| {
            let operation = "autoscaling:CreateAutoScalingGroup";
            blocked_if_profile_is_not_visible(Problem::new(ErrorClass::Rejected, operation, code, message)).class
        };
        let unknown = "You must use a valid fully-formed launch template. Value (p) for parameter \
                       iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert_eq!(class("ValidationError", unknown), ErrorClass::Blocked);
        assert_eq!(class("ValidationError", "The requested instance type is unknown"), ErrorClass::Rejected);
        assert_eq!(class("AccessDenied", unknown), ErrorClass::Rejected);
    }
}
