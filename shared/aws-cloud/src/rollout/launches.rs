//! The group's launches, from its scaling activities.

use std::time::Duration;

use aws_sdk_autoscaling::operation::describe_scaling_activities::DescribeScalingActivitiesOutput as Page;
use aws_sdk_autoscaling::types::{Activity as Found, ScalingActivityStatusCode};
use environment::rollout::VerdictKind;
use environment::{Timestamp, Transition};
use ledger::{Activity, instance_of, launch_verdict, transition_of};

use super::timestamp;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

const DESCRIBE: &str = "autoscaling:DescribeScalingActivities";

/// The activities of a page: 100, the most (the API reference).
const PER_PAGE: i32 = 100;
/// The most pages: 1,000 activities, those of a rollout of 500 instances. Earlier passes of a longer one have read the rest.
const MAX_PAGES: usize = 10;
/// The most launches whose durations are reported.
const MAX_DURATIONS: usize = 100;

/// The listed launches of a group.
#[derive(Debug, Default)]
pub(super) struct Launches {
    /// Those in progress first, then the newest.
    all: Vec<Launch>,
    /// The start of the oldest listed activity of any kind that has ended.
    pub(super) oldest: Option<Timestamp>,
}

/// A launch activity.
#[derive(Debug)]
pub(super) struct Launch {
    /// The instance, once EC2 has started one.
    pub(super) instance: Option<String>,
    pub(super) started: Timestamp,
    /// `None` while it is in progress.
    pub(super) ended: Option<Timestamp>,
    succeeded: bool,
    /// The verdict, if it failed, with Auto Scaling's message.
    pub(super) verdict: Option<(VerdictKind, String)>,
}

/// Reads the activities in progress and the newest others.
pub(super) async fn first_page(clients: &Clients, group: &str) -> Result<Page, Problem> {
    page(clients, group, None).await
}

async fn page(clients: &Clients, group: &str, token: Option<String>) -> Result<Page, Problem> {
    let request = clients.autoscaling.describe_scaling_activities().auto_scaling_group_name(group);
    request.max_records(PER_PAGE).set_next_token(token).send().await.classified(DESCRIBE)
}

/// Reads further pages, until one has an activity that began before `since`, the start of the newest refresh.
pub(super) async fn read(
    clients: &Clients,
    group: &str,
    first: Page,
    since: Option<Timestamp>,
) -> Result<Launches, Problem> {
    let mut launches = Launches::default();
    let mut next = Some(first);
    for _ in 0..MAX_PAGES {
        let Some(current) = next.take() else { break };
        launches.add(current.activities());
        let is_complete = since.is_none_or(|since| launches.oldest.is_some_and(|oldest| oldest < since));
        if !is_complete && current.next_token().is_some() {
            next = Some(page(clients, group, current.next_token).await?);
        }
    }
    Ok(launches)
}

impl Launches {
    fn add(&mut self, activities: &[Found]) {
        let ended = activities.iter().filter(|it| it.end_time().is_some());
        let oldest = ended.filter_map(|it| timestamp(it.start_time())).min();
        self.oldest = self.oldest.into_iter().chain(oldest).min();
        self.all.extend(activities.iter().filter_map(Launch::of));
    }

    /// The last launch of an instance.
    pub(super) fn of(&self, id: &str) -> Option<&Launch> {
        let of_instance = self.all.iter().filter(|it| it.instance.as_deref() == Some(id));
        of_instance.max_by_key(|it| it.started)
    }

    /// The launches that failed.
    pub(super) fn failed(&self) -> impl Iterator<Item = (&Launch, &VerdictKind, &str)> {
        self.all.iter().filter_map(|it| it.verdict.as_ref().map(|(kind, message)| (it, kind, message.as_str())))
    }

    /// The unhealthy instances whose launch began since a time; none without one.
    pub(super) fn unhealthy_since(&self, since: Option<Timestamp>) -> Vec<String> {
        let Some(since) = since else { return vec![] };
        let unhealthy = self.failed().filter_map(|(launch, kind, _)| match kind {
            VerdictKind::Unhealthy(id) if launch.started >= since => Some(id.clone()),
            _ => None,
        });
        unhealthy.collect()
    }

    /// How long the last successful launches took, the newest first.
    pub(super) fn durations(&self) -> Vec<Duration> {
        let successful = self.all.iter().filter(|it| it.succeeded);
        successful.filter_map(|it| Some(it.ended? - it.started)).take(MAX_DURATIONS).collect()
    }
}

impl Launch {
    /// `None` for every other activity.
    fn of(found: &Found) -> Option<Launch> {
        let description = found.description().unwrap_or_default();
        if transition_of(description) != Some(Transition::Launch) {
            return None;
        }
        let status = found.status_code().map(ScalingActivityStatusCode::as_str).unwrap_or_default();
        let activity = Activity {
            description: description.to_owned(),
            status: status.to_owned(),
            status_message: found.status_message.clone(),
            ..Activity::default()
        };
        let message = found.status_message.clone().unwrap_or_default();
        let started = timestamp(found.start_time())?;
        Some(Launch {
            instance: instance_of(description).map(str::to_owned),
            started,
            // Only the start has milliseconds: a launch that ends in the second of its start would end before it, and a verdict
            // before its refresh.
            ended: timestamp(found.end_time()).map(|ended| ended.max(started)),
            succeeded: found.status_code() == Some(&ScalingActivityStatusCode::Successful),
            verdict: launch_verdict(&activity).map(|kind| (kind, message)),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aws_sdk_autoscaling::primitives::DateTime;

    pub(in crate::rollout) fn launches(activities: &[Found]) -> Launches {
        let mut launches = Launches::default();
        launches.add(activities);
        launches
    }

    /// A launch of an instance, or of none, that began and ended at these seconds.
    pub(in crate::rollout) fn ended(instance: &str, status: &str, (from, to): (i64, i64), message: &str) -> Found {
        let status = ScalingActivityStatusCode::from(status);
        let launch = Found::builder().description(format!("Launching a new EC2 instance: {instance}"));
        let launch = launch.start_time(DateTime::from_secs(from)).end_time(DateTime::from_secs(to)).status_code(status);
        launch.status_message(message).build()
    }

    pub(in crate::rollout) fn in_progress(instance: &str, from: i64) -> Found {
        let launch = Found::builder().description(format!("Launching a new EC2 instance: {instance}"));
        let launch = launch.start_time(DateTime::from_secs(from));
        launch.status_code(ScalingActivityStatusCode::from("MidLifecycleAction")).build()
    }

    fn termination(from: i64) -> Found {
        let activity =
            Found::builder().description("Terminating EC2 instance: i-9").start_time(DateTime::from_secs(from));
        activity.end_time(DateTime::from_secs(from + 1)).status_code(ScalingActivityStatusCode::Successful).build()
    }

    #[test]
    fn the_durations_are_those_of_successful_launches() {
        let found = launches(&[
            in_progress("i-4", 90),
            ended("i-3", "Successful", (50, 57), ""),
            ended("i-2", "Failed", (30, 32), "no capacity"),
            termination(20),
            ended("i-1", "Successful", (10, 15), ""),
        ]);
        assert_eq!(found.durations(), [7, 5].map(Duration::from_secs));
        assert_eq!(found.oldest, Some(Timestamp(10_000)));
        let mut quick = ended("i-1", "Successful", (10, 10), "");
        quick.start_time = Some(DateTime::from_millis(10_400));
        assert_eq!(launches(&[quick]).of("i-1").and_then(|it| it.ended), Some(Timestamp(10_400)));
        let many: Vec<Found> = (0..150).map(|at| ended("i-1", "Successful", (at, at + 5), "")).collect();
        assert_eq!(launches(&many).durations().len(), 100);
    }

    #[test]
    fn an_instance_has_its_last_launch() {
        let found = launches(&[
            ended("i-1", "Successful", (50, 57), ""),
            ended("i-1", "Successful", (10, 15), ""),
            termination(5),
        ]);
        assert_eq!(found.of("i-1").and_then(|it| it.ended), Some(Timestamp(57_000)));
        assert!(found.of("i-9").is_none());
    }

    #[test]
    fn unhealthy_instances_of_earlier_rollouts_are_not_looked_up() {
        let abandoned = "Lifecycle Action with token 1 was abandoned";
        let found = launches(&[
            ended("i-3", "Failed", (60, 61), "Request limit exceeded"),
            ended("i-2", "Cancelled", (50, 57), abandoned),
            ended("i-1", "Cancelled", (10, 15), abandoned),
        ]);
        assert_eq!(found.unhealthy_since(Some(Timestamp(50_000))), ["i-2"]);
        assert_eq!(found.unhealthy_since(None), [""; 0]);
        assert_eq!(found.failed().count(), 3);
    }
}
