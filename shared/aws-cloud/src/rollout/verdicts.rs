//! The verdicts about launches, each with its version and its evidence.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use environment::hook_settings::evidence_stream;
use environment::rollout::{Verdict, VerdictKind};
use environment::{Names, Timestamp};
use ledger::ActivityFailure;

use super::evidence::InstanceTags;
use super::launches::{Launch, Launches};
use super::refreshes::Refresh;
use super::versions::Versions;
use crate::advice;

/// The part of Auto Scaling's message that is evidence, in characters. The place of the rest of the evidence follows it, and a
/// record keeps 600 characters of both.
const MAX_MESSAGE_CHARS: usize = 300;

/// The versions that the group launched, over time.
pub(super) struct Directions<'a> {
    /// The newest first.
    pub(super) refreshes: &'a [Refresh],
    /// The number of the version that the group has saved now, if it has one.
    pub(super) saved: Option<u64>,
}

impl Directions<'_> {
    /// The number of the version that a launch at a time got: the target of the refresh that was at work then, else the saved
    /// version. A rollback launches the saved version from its start on.
    fn at(&self, time: Timestamp) -> Option<u64> {
        let refresh = self.refreshes.iter().find(|it| it.was_active_at(time)).map(|it| &it.observed);
        let rollback = refresh.and_then(|it| it.rollback.as_ref()?.started);
        match refresh.and_then(|it| it.target.as_ref()) {
            Some(target) if rollback.is_none_or(|started| time < started) => Some(target.number),
            _ => self.saved,
        }
    }
}

/// The verdicts. The version of an instance is that of the group's list, which has it while it waits for its hooks; else that of
/// its tags; else that which the group launched when the launch began. A launch of no numbered version of the environment's
/// template has no verdict.
pub(super) fn verdicts(
    launches: &Launches,
    versions: &Versions,
    group: &AutoScalingGroup,
    directions: &Directions<'_>,
    tags: &BTreeMap<String, InstanceTags>,
    names: &Names,
) -> Vec<Verdict> {
    let number_of = |id: &str| {
        let listed = group.instances().iter().find(|it| it.instance_id() == Some(id));
        let listed = versions.specified(listed.and_then(Instance::launch_template)).map(|it| it.number);
        listed.or_else(|| tags.get(id)?.version(versions))
    };
    let verdict = |(launch, kind, message): (&Launch, &VerdictKind, &str)| {
        let number = launch.instance.as_deref().and_then(number_of);
        Some(Verdict {
            version: number.or_else(|| directions.at(launch.started))?,
            at: launch.ended?,
            evidence: evidence(kind, message, tags, names),
            kind: kind.clone(),
        })
    };
    launches.failed().filter_map(verdict).collect()
}

/// What is known of a failed launch, and where the rest is: the gate writes evidence before it abandons an instance.
fn evidence(kind: &VerdictKind, message: &str, tags: &BTreeMap<String, InstanceTags>, names: &Names) -> String {
    let words: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
    let words = if words.is_empty() { String::from("Auto Scaling gives no reason") } else { words };
    match kind {
        VerdictKind::Unhealthy(id) => {
            let failure = tags.get(id).and_then(|it| it.failure.as_ref()).map(|it| format!("user data {it}"));
            let is_abandoned = ActivityFailure::read(message) == ActivityFailure::Abandoned;
            let log_group = names.instance_log_group().name;
            let rest = is_abandoned.then(|| format!("evidence in {log_group} {}", evidence_stream(id)));
            failure.into_iter().chain([words]).chain(rest).collect::<Vec<_>>().join("; ")
        }
        VerdictKind::LaunchFailed(_) => format!("{words}{}", advice::after_failed_launch(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::tags;
    use super::super::launches::tests::{ended, in_progress, launches};
    use super::super::versions::tests::{specification, versions};
    use super::*;
    use environment::Preferences;
    use environment::rollout::{LaunchFailure, ObservedRefresh, RefreshStatus, RollbackDetails, Version};

    const ABANDONED: &str =
        "Lifecycle Action with token 1 was abandoned: Lifecycle Action Completed with ABANDON Result";

    fn names() -> Names {
        let account = "123456789012".into();
        Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() }
    }

    fn seconds(at: u64) -> Timestamp {
        Timestamp(at * 1_000)
    }

    /// A refresh towards version 2 that began at 100 s, and rolls back from 200 s on.
    fn refresh() -> Refresh {
        let rollback = RollbackDetails { reason: None, started: Some(seconds(200)) };
        let observed = ObservedRefresh {
            id: "refresh-1".into(),
            status: RefreshStatus::RollbackInProgress,
            status_reason: None,
            target: Some(Version { number: 2, rolling: None }),
            preferences: Preferences::default(),
            started: Some(seconds(100)),
            percentage_complete: None,
            instances_to_update: None,
            rollback: Some(rollback),
        };
        Refresh { observed, ended: None }
    }

    #[test]
    fn a_launch_has_the_version_that_the_group_launched_when_it_began() {
        let refreshes = [refresh()];
        let directions = Directions { refreshes: &refreshes, saved: Some(1) };
        let found = [99, 100, 199, 200, 900].map(|at| directions.at(seconds(at)));
        assert_eq!(found, [1, 2, 2, 1, 1].map(Some));
        let ended = [Refresh { ended: Some(seconds(300)), ..refresh() }];
        let without = Directions { refreshes: &ended, saved: None };
        assert_eq!([150, 250, 301].map(|at| without.at(seconds(at))), [Some(2), None, None]);
    }

    #[test]
    fn an_instance_has_the_version_of_the_groups_list_or_of_its_tags() {
        let listed = Instance::builder().instance_id("i-1").launch_template(specification("lt-1", "3")).build();
        let group = AutoScalingGroup::builder().instances(listed).build();
        let tags = tags(&[("i-2", "aws:ec2launchtemplate:id", "lt-1"), ("i-2", "aws:ec2launchtemplate:version", "1")]);
        let found = launches(&[
            in_progress("i-9", 160),
            ended("i-3", "Cancelled", (140, 150), ABANDONED),
            ended("i-2", "Cancelled", (130, 140), ABANDONED),
            ended("i-1", "Cancelled", (120, 130), ABANDONED),
        ]);
        let refreshes = [refresh()];
        let directions = Directions { refreshes: &refreshes, saved: Some(1) };
        let verdicts = verdicts(&found, &versions(), &group, &directions, &tags, &names());
        let found: Vec<_> = verdicts.iter().map(|it| (it.version, it.at, it.kind.clone())).collect();
        let unhealthy = |id: &str| VerdictKind::Unhealthy(id.into());
        let expected = [(2, 150, "i-3"), (1, 140, "i-2"), (3, 130, "i-1")];
        assert_eq!(found, expected.map(|(version, at, id)| (version, seconds(at), unhealthy(id))));
    }

    #[test]
    fn the_evidence_begins_with_the_failure_of_the_user_data_and_ends_with_the_place_of_the_rest() {
        let tags = tags(&[("i-1", "envkeeper:user-data", "failed at line 12")]);
        let unhealthy = VerdictKind::Unhealthy("i-1".into());
        let text = evidence(&unhealthy, ABANDONED, &tags, &names());
        let log_group = names().instance_log_group().name;
        assert_eq!(text, format!("user data failed at line 12; {ABANDONED}; evidence in {log_group} i-1/evidence"));
        let long = format!("{ABANDONED} {}", "x".repeat(1_000));
        assert!(evidence(&unhealthy, &long, &tags, &names()).ends_with("i-1/evidence"));
        assert!(evidence(&unhealthy, &long, &tags, &names()).chars().count() < 600);
        // No gate ran, so nothing is written.
        let terminated = "Instance became unhealthy while waiting for instance to be in InService state.";
        assert_eq!(evidence(&unhealthy, terminated, &BTreeMap::new(), &names()), terminated);
        let failed = VerdictKind::LaunchFailed(LaunchFailure::Other);
        assert_eq!(evidence(&failed, "", &tags, &names()), "Auto Scaling gives no reason");
    }
}
