//! A group as it stands now, and the single calls that an alarm's action may come to.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState};
use aws_sdk_ec2::types::SummaryStatus;
use environment::{GroupNow, Member, Remedy, Setback, mark};

use crate::clients::Clients;
use crate::errors::{Answer, Problem};

/// Looks at a group; nothing, if there is none of this name.
///
/// # Errors
/// What any call may answer.
pub async fn group_now(clients: &Clients, name: &str) -> Result<Option<GroupNow>, Setback> {
    let look = async {
        let answer = clients.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await;
        let answer = answer.answer("autoscaling:DescribeAutoScalingGroups")?;
        let Some(found) = answer.auto_scaling_groups.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let impaired = impaired(clients, &found).await?;
        Ok(Some(of(&found, &impaired)))
    };
    look.await.map_err(|problem: Problem| problem.setback(&name))
}

/// The instances whose status checks fail.
async fn impaired(clients: &Clients, group: &AutoScalingGroup) -> Result<BTreeSet<String>, Problem> {
    let ids: Vec<String> = group.instances().iter().filter_map(|it| it.instance_id().map(str::to_owned)).collect();
    let mut impaired = BTreeSet::new();
    // A hundred at a time, as its API reference says.
    for some in ids.chunks(100) {
        let answer = clients.ec2.describe_instance_status().set_instance_ids(Some(some.to_vec())).send().await;
        for status in answer.answer("ec2:DescribeInstanceStatus")?.instance_statuses() {
            let checks = [status.system_status(), status.instance_status()];
            let fails = checks.into_iter().flatten().any(|it| it.status() == Some(&SummaryStatus::Impaired));
            impaired.extend(status.instance_id().filter(|_| fails).map(str::to_owned));
        }
    }
    Ok(impaired)
}

fn of(found: &AutoScalingGroup, impaired: &BTreeSet<String>) -> GroupNow {
    let count = |size: Option<i32>| size.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let owner = found.tags().iter().find(|it| it.key() == Some(mark::OWNER)).and_then(|it| it.value());
    let members = found.instances().iter().filter_map(|it| {
        let id = it.instance_id()?.to_owned();
        let in_service = it.lifecycle_state() == Some(&LifecycleState::InService);
        let healthy = it.health_status() != Some("Unhealthy") && !impaired.contains(&id);
        Some(Member { id, in_service, healthy })
    });
    GroupNow {
        owner: owner.map(str::to_owned),
        min: count(found.min_size()),
        max: count(found.max_size()),
        desired: count(found.desired_capacity()),
        instances: members.collect(),
    }
}

/// Makes the change that a remedy is; `message` is for whoever is told.
///
/// # Errors
/// What any call may answer.
pub async fn make(clients: &Clients, group: &str, remedy: &Remedy, message: &str) -> Result<(), Setback> {
    let done = match remedy {
        Remedy::Scale { to, .. } => {
            let call = clients.autoscaling.set_desired_capacity().auto_scaling_group_name(group);
            let call = call.desired_capacity(i32::try_from(*to).unwrap_or(i32::MAX)).honor_cooldown(false);
            call.send().await.answer("autoscaling:SetDesiredCapacity").map(|_| ())
        }
        Remedy::Replace { instance } => {
            let call = clients.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(instance);
            let done = call.should_decrement_desired_capacity(false).send().await;
            done.answer("autoscaling:TerminateInstanceInAutoScalingGroup").map(|_| ())
        }
        Remedy::Notify { topic } => {
            let call = clients.sns.publish().topic_arn(topic).subject("Envkeeper: an alarm went off").message(message);
            call.send().await.answer("sns:Publish").map(|_| ())
        }
    };
    done.map_err(|problem| problem.setback(&group))
}
