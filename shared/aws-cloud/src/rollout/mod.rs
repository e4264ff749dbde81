//! The observation of a rollout, without the rest of the environment.
//!
//! It takes four reads at once: the group, its refreshes, its scaling activities and the versions of the launch template; the
//! alarms of `RolloutAlarms` are a fifth, where the property names any. One follows for the images of the versions, and one for
//! the tags of unhealthy instances, if there are any. A rollout with more than 100 activities has more pages of them.

mod evidence;
mod images;
mod instances;
mod launches;
mod refreshes;
mod verdicts;
mod versions;

use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{AutoScalingGroup, SuspendedProcess, TagDescription};
use environment::rollout::ObservedRollout;
use environment::{INSTANCE_REFRESH, Scope, Timestamp, mark};

use crate::AwsCloud;
use crate::autoscaling::group::{DESCRIBE, find};
use crate::cloudwatch::rollout_alarm::rollout_alarms;
use crate::ec2::launch_template;
use crate::errors::Problem;

use instances::saved;
use refreshes::Refresh;
use verdicts::Directions;
use versions::Versions;

/// Observes the rollout of the scope's group; `None` if there is no group, or if it does not carry the mark of the scope's
/// owner.
pub(crate) async fn observe(
    aws: &AwsCloud,
    scope: &Scope,
    alarms: &[String],
) -> Result<Option<ObservedRollout>, Problem> {
    let (clients, name) = (&aws.clients, scope.names.group().name);
    let template = scope.names.launch_template();
    // Each request of the SDK is a future of kilobytes.
    let (group, versions, refreshes, activities, alarms) = tokio::join!(
        Box::pin(find(clients, &name)),
        Box::pin(launch_template::versions(clients, &template.name)),
        Box::pin(refreshes::read(clients, &name)),
        Box::pin(launches::first_page(clients, &name)),
        Box::pin(rollout_alarms(&clients.cloudwatch, alarms)),
    );
    let Some(group) = group?.filter(|it| is_owned(it, &scope.owner)) else { return Ok(None) };
    let id = group.auto_scaling_group_arn().ok_or_else(|| Problem::unreadable(DESCRIBE, "ARN"))?;
    let versions = Versions::of(&versions?, &aws.ids.known(scope));
    if let Some(id) = versions.template() {
        // The calls that follow name the template by its id.
        aws.ids.record_observed(&template, id);
    }
    // Each list has a lag of its own: these may not know the group yet.
    let refreshes = refreshes.map_err(Problem::blocked_if_rejected)?;
    let refreshes: Vec<Refresh> = refreshes.iter().filter_map(|it| Refresh::of(it, &versions)).collect();
    let activities = activities.map_err(Problem::blocked_if_rejected)?;
    let since = refreshes.first().and_then(|it| it.observed.started);
    let launches = launches::read(clients, &name, activities, since).await?;
    let unhealthy = launches.unhealthy_since(since);
    let (launchable, tags) = tokio::join!(
        Box::pin(images::launchable(clients, &versions)),
        Box::pin(evidence::read_tags(clients, &unhealthy)),
    );
    let saved = saved(&group, &versions);
    let directions = Directions { refreshes: &refreshes, saved: saved.version().map(|it| it.number) };
    let verdicts = verdicts::verdicts(&launches, &versions, &group, &directions, &tags, &scope.names);
    let is_suspended = |it: &SuspendedProcess| it.process_name() == Some(INSTANCE_REFRESH);
    Ok(Some(ObservedRollout {
        group: id.to_owned(),
        default_version: versions.default,
        saved,
        launchable: launchable?,
        instances: instances::instances(&group, &versions, &launches),
        verdicts,
        alarms: alarms?,
        refresh_is_suspended: group.suspended_processes().iter().any(is_suspended),
        launches: launches.durations(),
        max_size: count(group.max_size()).unwrap_or_default(),
        desired_capacity: count(group.desired_capacity()).unwrap_or_default(),
        refreshes: refreshes.into_iter().map(|it| it.observed).collect(),
        versions: versions.described,
    }))
}

fn is_owned(group: &AutoScalingGroup, owner: &str) -> bool {
    let is_mark = |it: &TagDescription| it.key() == Some(mark::OWNER) && it.value() == Some(owner);
    group.tags().iter().any(is_mark)
}

fn count(count: Option<i32>) -> Option<u32> {
    count.and_then(|it| u32::try_from(it).ok())
}

fn timestamp(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|it| u64::try_from(it.to_millis().ok()?).ok()).map(Timestamp)
}
