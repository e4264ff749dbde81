//! The observation of a group, and the single call that an alarm's action results in.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState};
use aws_sdk_ec2::types::SummaryStatus;
use environment::{CallError, Member, ObservedAlarm, ObservedGroup, RemediationAction, mark};

use crate::clients::Clients;
use crate::cloudwatch;
use crate::errors::{ClassifyErrors, Problem};

/// Observes an alarm; `None` if no alarm has this name.
///
/// # Errors
/// Every error of a call.
pub async fn observe_alarm(clients: &Clients, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
    cloudwatch::observed_alarm::observe_alarm(&clients.cloudwatch, name).await
}

/// Observes a group, with the health status that Auto Scaling has; `None` if no group has this name.
///
/// # Errors
/// Every error of a call.
pub async fn observe_group(clients: &Clients, name: &str) -> Result<Option<ObservedGroup>, CallError> {
    let response = clients.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await;
    let response =
        response.classified("autoscaling:DescribeAutoScalingGroups").map_err(|problem| problem.call_error(&name))?;
    Ok(response.auto_scaling_groups().first().map(observed))
}

/// Adds the results of EC2's status checks to a group's instances in service.
///
/// # Errors
/// Every error of a call.
pub async fn with_status_checks(clients: &Clients, mut group: ObservedGroup) -> Result<ObservedGroup, CallError> {
    // EC2 may not know a new instance everywhere yet, and a request with its id is an error then.
    let in_service = group.instances.iter().filter(|it| it.in_service).map(|it| it.id.clone()).collect();
    let impaired =
        impaired(clients, in_service).await.map_err(|problem| problem.call_error(&"the group's instances"))?;
    for member in &mut group.instances {
        member.healthy &= !impaired.contains(&member.id);
    }
    Ok(group)
}

/// The instances whose status checks fail.
async fn impaired(clients: &Clients, ids: Vec<String>) -> Result<BTreeSet<String>, Problem> {
    let mut impaired = BTreeSet::new();
    // 100 instances per request, the limit in the API reference of `DescribeInstanceStatus`.
    for chunk in ids.chunks(100) {
        let response = clients.ec2.describe_instance_status().set_instance_ids(Some(chunk.to_vec())).send().await;
        for status in response.classified("ec2:DescribeInstanceStatus")?.instance_statuses() {
            let checks = [status.system_status(), status.instance_status()];
            let fails = checks.into_iter().flatten().any(|it| it.status() == Some(&SummaryStatus::Impaired));
            impaired.extend(status.instance_id().filter(|_| fails).map(str::to_owned));
        }
    }
    Ok(impaired)
}

fn observed(found: &AutoScalingGroup) -> ObservedGroup {
    let count = |size: Option<i32>| size.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let owner = found.tags().iter().find(|it| it.key() == Some(mark::OWNER)).and_then(|it| it.value());
    let members = found.instances().iter().filter_map(|it| {
        let id = it.instance_id()?.to_owned();
        let in_service = it.lifecycle_state() == Some(&LifecycleState::InService);
        Some(Member { id, in_service, healthy: it.health_status() != Some("Unhealthy") })
    });
    ObservedGroup {
        owner: owner.map(str::to_owned),
        min: count(found.min_size()),
        max: count(found.max_size()),
        desired_capacity: count(found.desired_capacity()),
        instances: members.collect(),
    }
}

/// Executes a remediation action with its one call. `message` is the text of the notification, for the subscribers of
/// the topic.
///
/// # Errors
/// Every error of a call.
pub async fn execute(
    clients: &Clients,
    group: &str,
    action: &RemediationAction,
    message: &str,
) -> Result<(), CallError> {
    let done = match action {
        RemediationAction::Scale { to, .. } => {
            let call = clients.autoscaling.set_desired_capacity().auto_scaling_group_name(group);
            let call = call.desired_capacity(i32::try_from(*to).unwrap_or(i32::MAX)).honor_cooldown(false);
            call.send().await.classified("autoscaling:SetDesiredCapacity").map(|_| ())
        }
        RemediationAction::Replace { instance } => {
            let call = clients.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(instance);
            let done = call.should_decrement_desired_capacity(false).send().await;
            done.classified("autoscaling:TerminateInstanceInAutoScalingGroup").map(|_| ())
        }
        RemediationAction::Notify { topic } => {
            let call =
                clients.sns.publish().topic_arn(topic).subject("Envkeeper: an alarm is in ALARM").message(message);
            call.send().await.classified("sns:Publish").map(|_| ())
        }
    };
    done.map_err(|problem| problem.call_error(&group))
}
