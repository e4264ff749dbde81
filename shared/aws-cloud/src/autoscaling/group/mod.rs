//! The Auto Scaling group. How many instances it has between its bounds is Auto Scaling's business.

mod hooks;
mod observed;

use aws_sdk_autoscaling::types::builders::TagBuilder;
use aws_sdk_autoscaling::types::{DeletionProtection, Instance, LaunchTemplateSpecification, Tag};
use environment::{Call, CallKind, Fields, HealthCheck, Ref, Resource, Setting};

use crate::AwsCloud;
use crate::ec2::launch_template::version_number;
use crate::errors::{Class, Problem, Response};

pub(crate) use observed::{Seen, observed, read};

use observed::{BY_TARGET_GROUPS, METRICS, find, stays};

/// The most instances that one `SetInstanceProtection` takes (the API reference).
const UNPROTECTED_AT_ONCE: usize = 50;

/// Carries out one call on a group.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => set_tags(aws, call, settings).await,
            [Setting::TargetGroup(_), ..] => attach(aws, call, settings).await,
            [Setting::Hook(hook)] => hooks::put(aws, call, hook).await,
            [Setting::GroupMetrics(on)] => collect_metrics(aws, call, *on).await,
            settings => update(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::TargetGroup(_), ..] => detach(aws, call, settings).await,
            [Setting::Hook(hook)] => hooks::delete(aws, call, hook).await,
            [Setting::GroupMetrics(_)] => collect_metrics(aws, call, false).await,
            settings => clear_tags(aws, call, settings).await,
        },
        CallKind::Drain => drain(aws, call).await,
        CallKind::Empty => Err(Problem::no_such_call(call)),
        CallKind::Delete => delete(aws, call).await,
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::AutoScalingGroup(group) = &resource.fields else { return Err(Problem::no_such_call(call)) };
    let tags = resource.tags.iter().map(|(name, value)| tag(call, name).value(value).build()).collect();
    let request = aws.clients.autoscaling.create_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.min_size(size(group.min_size)).max_size(size(group.max_size));
    let request = request.desired_capacity(size(group.desired_capacity));
    let request = request.vpc_zone_identifier(subnet_ids(aws, call, &group.subnets)?);
    let request = request.launch_template(specification(aws, call, &group.template, &group.digest).await?);
    let request = request.health_check_type(check_type(group.health_check));
    let request = request.health_check_grace_period(size(group.health_check.grace_seconds));
    let request = request.deletion_protection(protection(group.protected));
    let target_groups: Vec<String> = group.target_groups.iter().cloned().collect();
    let request = request.set_target_group_arns((!target_groups.is_empty()).then_some(target_groups));
    let hooks: Vec<_> = group.hooks.iter().map(hooks::specification).collect();
    let request = request.set_lifecycle_hook_specification_list((!hooks.is_empty()).then_some(hooks));
    let response = request.set_tags(Some(tags)).send().await.response(call.operation());
    response.map(|_| ()).map_err(or_profile_is_not_visible)
}

async fn update(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    for setting in settings {
        request = match setting {
            Setting::MinSize(count) => request.min_size(size(*count)),
            Setting::MaxSize(count) => request.max_size(size(*count)),
            Setting::Subnets(subnets) => request.vpc_zone_identifier(subnet_ids(aws, call, subnets)?),
            Setting::Template { template, digest } => {
                request.launch_template(specification(aws, call, template, digest).await?)
            }
            Setting::HealthCheck(check) => {
                let request = request.health_check_type(check_type(*check));
                request.health_check_grace_period(size(check.grace_seconds))
            }
            Setting::Protected(on) => request.deletion_protection(protection(*on)),
            _ => return Err(Problem::no_such_call(call)),
        };
    }
    request.send().await.response(call.operation()).map(|_| ()).map_err(or_profile_is_not_visible)
}

/// Looks at the text of an error, which nothing else here does. A profile that IAM returns is unknown to Auto Scaling for 10 to
/// 40 s, and the refusal has the code of every other mistake, `ValidationError` (ARCHITECTURE, Facts). Peers retry on
/// exactly these words, and no other validation error is worth a wait.
fn or_profile_is_not_visible(problem: Problem) -> Problem {
    let waits = problem.code == "ValidationError" && problem.message.contains("Invalid IAM Instance Profile");
    if waits { Problem { class: Class::Waits, ..problem } } else { problem }
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

/// The template by its id and the version by its number: `$Latest` would make a rollback go nowhere (ARCHITECTURE, Facts).
async fn specification(
    aws: &AwsCloud,
    call: &Call,
    template: &Ref,
    digest: &str,
) -> Result<LaunchTemplateSpecification, Problem> {
    let template = aws.ids.of_ref(call.operation(), template)?;
    let version = version_number(aws, &template, digest).await?;
    Ok(LaunchTemplateSpecification::builder().launch_template_id(template).version(version.to_string()).build())
}

/// The name and the scope of a tag on the group; instances get it when they start.
fn tag(call: &Call, key: &str) -> TagBuilder {
    let of = Tag::builder().resource_id(&call.key.name).resource_type("auto-scaling-group");
    of.key(key).propagate_at_launch(true)
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.create_or_update_tags();
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::no_such_call(call)) };
        request = request.tags(tag(call, key).value(value).build());
    }
    request.send().await.response(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.delete_tags();
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::no_such_call(call)) };
        request = request.tags(tag(call, key).build());
    }
    request.send().await.response(call.operation())?;
    Ok(())
}

async fn attach(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.attach_load_balancer_target_groups().auto_scaling_group_name(&call.key.name);
    let request = request.set_target_group_arns(Some(target_groups(call, settings)?));
    request.send().await.response(call.operation())?;
    Ok(())
}

/// That the group does not have one of them has the code of every mistake: so only those are named that it has.
async fn detach(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let Some(found) = find(&aws.clients, &call.key.name).await? else { return Ok(()) };
    let mut meant = target_groups(call, settings)?;
    meant.retain(|arn| found.target_group_arns().contains(arn));
    if meant.is_empty() {
        return Ok(());
    }
    let request = aws.clients.autoscaling.detach_load_balancer_target_groups().auto_scaling_group_name(&call.key.name);
    request.set_target_group_arns(Some(meant)).send().await.response(call.operation())?;
    Ok(())
}

fn target_groups(call: &Call, settings: &[Setting]) -> Result<Vec<String>, Problem> {
    let arn = |setting: &Setting| match setting {
        Setting::TargetGroup(arn) => Ok(arn.clone()),
        _ => Err(Problem::no_such_call(call)),
    };
    settings.iter().map(arn).collect()
}

/// By name, so that what is turned on is what is looked for.
async fn collect_metrics(aws: &AwsCloud, call: &Call, on: bool) -> Result<(), Problem> {
    let (client, group) = (&aws.clients.autoscaling, &call.key.name);
    if on {
        let request = client.enable_metrics_collection().auto_scaling_group_name(group).granularity("1Minute");
        let request = request.set_metrics(Some(METRICS.map(str::to_owned).to_vec()));
        request.send().await.response("autoscaling:EnableMetricsCollection")?;
    } else {
        let request = client.disable_metrics_collection().auto_scaling_group_name(group);
        request.send().await.response("autoscaling:DisableMetricsCollection")?;
    }
    Ok(())
}

/// Lifts the group's protection in the same call, and has no new instance begin protected: what drains is to go.
async fn drain(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.min_size(0).max_size(0).desired_capacity(0).deletion_protection(protection(false));
    let request = request.new_instances_protected_from_scale_in(false);
    let response = request.send().await.response(call.operation());
    unless_gone(aws, call, response.map(|_| ())).await
}

/// Without force: what drains has its hooks run.
async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let response = request.send().await.response(call.operation());
    match unless_gone(aws, call, response.map(|_| ())).await {
        Err(problem) if problem.class == Class::Waits => {
            unprotect(aws, call).await?;
            Err(problem)
        }
        other => other,
    }
}

/// Lets the group's instances go: one that is protected from scale-in stays, whatever is desired (ARCHITECTURE, Facts).
///
/// It is done where a delete is held up, and not in the drain, so that each attempt at the delete does what is left of
/// it: also after a crash, and for an instance that was starting, protected, when the group drained. Who protects none
/// of his instances need not allow it.
async fn unprotect(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let Some(found) = find(&aws.clients, &call.key.name).await? else { return Ok(()) };
    let ids: Vec<&str> = found.instances().iter().filter(|it| stays(it)).filter_map(Instance::instance_id).collect();
    for ids in ids.chunks(UNPROTECTED_AT_ONCE) {
        let request = aws.clients.autoscaling.set_instance_protection().auto_scaling_group_name(&call.key.name);
        let request = request.set_instance_ids(Some(ids.iter().map(|id| (*id).to_owned()).collect()));
        let response =
            request.protected_from_scale_in(false).send().await.response("autoscaling:SetInstanceProtection");
        response.map_err(or_one_has_left)?;
    }
    Ok(())
}

/// That an instance is no longer in service has the code of every mistake, and none of the others is changed then: the
/// next look shows which are left.
fn or_one_has_left(problem: Problem) -> Problem {
    if problem.code == "ValidationError" { Problem { class: Class::Waits, ..problem } } else { problem }
}

/// That there is no such group is a `ValidationError`, as is everything else that is wrong: so it is looked for.
async fn unless_gone(aws: &AwsCloud, call: &Call, response: Result<(), Problem>) -> Result<(), Problem> {
    match response {
        Err(problem) if problem.class == Class::Rejected => match find(&aws.clients, &call.key.name).await? {
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
    fn of_all_validation_errors_only_the_unknown_profile_is_waited_for() {
        let class = |code: &str, message: &str| {
            let (code, message) = (code.to_owned(), message.to_owned());
            let operation = "autoscaling:CreateAutoScalingGroup";
            or_profile_is_not_visible(Problem { class: Class::Rejected, operation, code, message }).class
        };
        let unknown = "You must use a valid fully-formed launch template. Value (p) for parameter \
                       iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert_eq!(class("ValidationError", unknown), Class::Waits);
        assert_eq!(class("ValidationError", "The requested instance type is unknown"), Class::Rejected);
        assert_eq!(class("AccessDenied", unknown), Class::Rejected);
    }

    #[test]
    fn an_instance_that_left_before_its_protection_was_lifted_is_waited_for_and_a_denial_is_not() {
        let class = |class, code: &str| {
            let (operation, message) = ("autoscaling:SetInstanceProtection", String::new());
            or_one_has_left(Problem { class, operation, code: code.into(), message }).class
        };
        assert_eq!(class(Class::Rejected, "ValidationError"), Class::Waits);
        assert_eq!(class(Class::Denied, "AccessDenied"), Class::Denied);
    }
}
