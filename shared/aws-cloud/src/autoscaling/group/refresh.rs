//! The calls of a rollout: on the group's launch template version, and on its instance refreshes.
//!
//! A response that says that another refresh is active, or none, shows that the observation is outdated: such a call waits, and
//! the next observation decides. So does a call whose first attempt succeeded without a response: the SDK's next attempt gets
//! one of these errors. A rollback that Auto Scaling calls irreversible is rejected: the pass cancels the refresh.

use aws_sdk_autoscaling::types::{
    AlarmSpecification, DesiredConfiguration, LaunchTemplateSpecification, RefreshPreferences, RefreshStrategy,
    ScaleInProtectedInstances, StandbyInstances,
};
use environment::{Call, INSTANCE_REFRESH, Preferences, Ref, RolloutCall};
use lambda_kit::aws_texts::is_active_refresh;

use super::{blocked_if_profile_is_not_visible, size};
use crate::AwsCloud;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

/// Sends one call of a rollout. Returns the id of a started refresh.
pub(super) async fn call(aws: &AwsCloud, call: &Call, rollout: &RolloutCall) -> Result<Option<String>, Problem> {
    match rollout {
        RolloutCall::SetVersion { template, version } => {
            set_version(aws, call, template, *version).await.map(|()| None)
        }
        RolloutCall::Start { template, version, preferences } => {
            start(aws, call, (template, *version), preferences).await.map(Some)
        }
        RolloutCall::RollBack => roll_back(aws, call).await.map(|()| None),
        RolloutCall::Cancel => cancel(aws, call).await.map(|()| None),
        RolloutCall::Suspend => suspend(aws, call).await.map(|()| None),
        RolloutCall::Resume => resume(aws, call).await.map(|()| None),
        RolloutCall::DeleteVersions(_) => Err(Problem::unsupported_call(call)),
    }
}

/// Suspends the process of refreshes alone: without names, every process would be suspended.
async fn suspend(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.suspend_processes().auto_scaling_group_name(&call.key.name);
    request.scaling_processes(INSTANCE_REFRESH).send().await.classified(call.operation()).map(|_| ())
}

/// Resumes the process of refreshes alone: other suspended processes belong to other principals.
async fn resume(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.resume_processes().auto_scaling_group_name(&call.key.name);
    request.scaling_processes(INSTANCE_REFRESH).send().await.classified(call.operation()).map(|_| ())
}

async fn set_version(aws: &AwsCloud, call: &Call, template: &Ref, version: u64) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.launch_template(specification(aws, call, template, version)?);
    let response = request.send().await.classified(call.operation());
    response.map(|_| ()).map_err(blocked_if_profile_is_not_visible).map_err(blocked_if_refresh_is_active)
}

async fn start(
    aws: &AwsCloud,
    call: &Call,
    (template, version): (&Ref, u64),
    preferences: &Preferences,
) -> Result<String, Problem> {
    let template = specification(aws, call, template, version)?;
    let request = aws.clients.autoscaling.start_instance_refresh().auto_scaling_group_name(&call.key.name);
    let request = request.strategy(RefreshStrategy::Rolling).preferences(sent(preferences));
    let request = request.desired_configuration(DesiredConfiguration::builder().launch_template(template).build());
    let response = request.send().await.classified(call.operation()).map_err(blocked_if_profile_is_not_visible)?;
    response.instance_refresh_id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))
}

async fn roll_back(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.rollback_instance_refresh().auto_scaling_group_name(&call.key.name);
    request.send().await.classified(call.operation()).map(|_| ())
}

/// Cancels without a wait for launches and terminations under way: they end by themselves, and the next start follows at
/// once.
async fn cancel(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.cancel_instance_refresh().auto_scaling_group_name(&call.key.name);
    request.wait_for_transitioning_instances(false).send().await.classified(call.operation()).map(|_| ())
}

/// The template by its id and the version by its number: a refresh towards `$Latest` cannot be rolled back.
fn specification(
    aws: &AwsCloud,
    call: &Call,
    template: &Ref,
    version: u64,
) -> Result<LaunchTemplateSpecification, Problem> {
    let id = aws.ids.of_ref(call.operation(), template)?;
    Ok(LaunchTemplateSpecification::builder().launch_template_id(id).version(version.to_string()).build())
}

/// The preferences that are set, and no others.
fn sent(preferences: &Preferences) -> RefreshPreferences {
    let number = |it: Option<u32>| it.map(size);
    let list = |it: Vec<i32>| (!it.is_empty()).then_some(it);
    let alarms = Some(preferences.alarms.clone()).filter(|it| !it.is_empty());
    let alarms = alarms.map(|names| AlarmSpecification::builder().set_alarms(Some(names)).build());
    RefreshPreferences::builder()
        .set_min_healthy_percentage(number(preferences.min_healthy_percentage))
        .set_max_healthy_percentage(number(preferences.max_healthy_percentage))
        .set_instance_warmup(number(preferences.instance_warmup))
        .set_checkpoint_percentages(list(preferences.checkpoint_percentages.iter().map(|it| size(*it)).collect()))
        .set_checkpoint_delay(number(preferences.checkpoint_delay))
        .set_bake_time(number(preferences.bake_time))
        .set_skip_matching(preferences.skip_matching)
        .set_auto_rollback(preferences.auto_rollback)
        .set_scale_in_protected_instances(
            preferences.scale_in_protected_instances.as_deref().map(ScaleInProtectedInstances::from),
        )
        .set_standby_instances(preferences.standby_instances.as_deref().map(StandbyInstances::from))
        .set_alarm_specification(alarms)
        .build()
}

/// Retries a change of the template that an active refresh blocks.
fn blocked_if_refresh_is_active(problem: Problem) -> Problem {
    let is_active = is_active_refresh(&problem.code, &problem.message);
    if is_active { Problem { class: ErrorClass::Blocked, ..problem } } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use environment::rollout::{RefreshCall, RolloutSettings, Version};

    #[test]
    fn each_preference_that_is_set_is_sent_and_no_other() {
        let version = Version { number: 2, rolling: None };
        let alarms = vec![String::from("errors")];
        let settings = RolloutSettings { alarms: alarms.clone(), ..RolloutSettings::default() };
        let forward = sent(&RefreshCall::forward(&version, &settings, 3, true).preferences);
        let expected = RefreshPreferences::builder()
            .min_healthy_percentage(100)
            .max_healthy_percentage(110)
            .instance_warmup(60)
            .set_checkpoint_percentages(Some(vec![10, 100]))
            .checkpoint_delay(60)
            .bake_time(60)
            .skip_matching(true)
            .auto_rollback(true)
            .scale_in_protected_instances(ScaleInProtectedInstances::Ignore)
            .standby_instances(StandbyInstances::Ignore)
            .alarm_specification(AlarmSpecification::builder().set_alarms(Some(alarms)).build());
        assert_eq!(forward, expected.build());

        let back = sent(&RefreshCall::back(&version, &settings).preferences);
        assert_eq!((back.bake_time(), back.auto_rollback()), (Some(0), Some(false)));
        let absent = (back.checkpoint_percentages, back.checkpoint_delay, back.alarm_specification);
        assert_eq!(absent, (None, None, None));
    }

    #[test]
    fn a_change_of_the_template_waits_for_an_active_refresh_only() {
        let class = |class, code: &str, message: &str| {
            let operation = "autoscaling:UpdateAutoScalingGroup";
            blocked_if_refresh_is_active(Problem::new(class, operation, code, message)).class
        };
        let active = "An active instance refresh with a desired configuration exists. All configuration options derived \
                      from the desired configuration are not available for update";
        assert_eq!(class(ErrorClass::Rejected, "ValidationError", active), ErrorClass::Blocked);
        assert_eq!(class(ErrorClass::Rejected, "ValidationError", "Could not find it"), ErrorClass::Rejected);
        assert_eq!(class(ErrorClass::Denied, "AccessDenied", active), ErrorClass::Denied);
    }
}
