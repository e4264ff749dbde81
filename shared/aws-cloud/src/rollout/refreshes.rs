//! The group's instance refreshes.

use aws_sdk_autoscaling::types::{DesiredConfiguration, InstanceRefresh, InstanceRefreshStatus, RefreshPreferences};
use environment::rollout::{ObservedRefresh, RefreshStatus, RollbackDetails};
use environment::{Preferences, Timestamp};

use super::versions::Versions;
use super::{count, timestamp};
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

/// The number of refreshes that are read, the newest first: 100, the most of a page (the API reference). The active and the
/// recorded one are among them.
const LAST_REFRESHES: i32 = 100;

/// A refresh, with the end of its time.
#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) observed: ObservedRefresh,
    /// `None` while it is active.
    pub(super) ended: Option<Timestamp>,
}

/// Reads the last refreshes, the newest first.
pub(super) async fn read(clients: &Clients, group: &str) -> Result<Vec<InstanceRefresh>, Problem> {
    let request = clients.autoscaling.describe_instance_refreshes().auto_scaling_group_name(group);
    let response = request.max_records(LAST_REFRESHES).send().await;
    Ok(response.classified("autoscaling:DescribeInstanceRefreshes")?.instance_refreshes.unwrap_or_default())
}

impl Refresh {
    /// In the form of the engine; `None` without an id, which every refresh has.
    pub(super) fn of(found: &InstanceRefresh, versions: &Versions) -> Option<Refresh> {
        let rollback = found.rollback_details().map(|it| RollbackDetails {
            reason: it.rollback_reason().map(str::to_owned),
            started: timestamp(it.rollback_start_time()),
        });
        let observed = ObservedRefresh {
            id: found.instance_refresh_id()?.to_owned(),
            status: RefreshStatus::of(found.status().map(InstanceRefreshStatus::as_str).unwrap_or_default()),
            status_reason: found.status_reason().map(str::to_owned),
            target: versions.specified(found.desired_configuration().and_then(DesiredConfiguration::launch_template)),
            preferences: found.preferences().map(preferences).unwrap_or_default(),
            started: timestamp(found.start_time()),
            percentage_complete: count(found.percentage_complete()),
            instances_to_update: count(found.instances_to_update()),
            rollback,
        };
        Some(Refresh { observed, ended: timestamp(found.end_time()) })
    }

    /// Whether the refresh was at work at a time.
    pub(super) fn was_active_at(&self, time: Timestamp) -> bool {
        self.observed.started.is_some_and(|started| started <= time) && self.ended.is_none_or(|ended| time <= ended)
    }
}

/// The preferences as they were sent. An absent bake time is none, and so equal to 0: no source says which of the two Auto
/// Scaling returns. A delay without checkpoints is a default that was not sent.
fn preferences(found: &RefreshPreferences) -> Preferences {
    let percentages: Vec<u32> = found.checkpoint_percentages().iter().filter_map(|it| count(Some(*it))).collect();
    Preferences {
        min_healthy_percentage: count(found.min_healthy_percentage()),
        max_healthy_percentage: count(found.max_healthy_percentage()),
        instance_warmup: count(found.instance_warmup()),
        checkpoint_delay: count(found.checkpoint_delay()).filter(|_| !percentages.is_empty()),
        checkpoint_percentages: percentages,
        bake_time: Some(count(found.bake_time()).unwrap_or_default()),
        skip_matching: found.skip_matching(),
        auto_rollback: found.auto_rollback(),
        scale_in_protected_instances: found.scale_in_protected_instances().map(|it| it.as_str().to_owned()),
        standby_instances: found.standby_instances().map(|it| it.as_str().to_owned()),
        alarms: found.alarm_specification().map(|it| it.alarms().to_vec()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::versions::tests::{specification, versions};
    use super::*;
    use aws_sdk_autoscaling::primitives::DateTime;
    use aws_sdk_autoscaling::types::builders::InstanceRefreshBuilder;
    use aws_sdk_autoscaling::types::{
        AlarmSpecification, RollbackDetails as FoundRollback, ScaleInProtectedInstances, StandbyInstances,
    };
    use environment::rollout::{RefreshCall, RolloutSettings, Version};

    fn refresh(template: &str, version: &str) -> InstanceRefreshBuilder {
        let configuration = DesiredConfiguration::builder().launch_template(specification(template, version));
        InstanceRefresh::builder()
            .instance_refresh_id("refresh-1")
            .status(InstanceRefreshStatus::InProgress)
            .start_time(DateTime::from_secs(100))
            .desired_configuration(configuration.build())
    }

    fn observed(found: InstanceRefreshBuilder) -> ObservedRefresh {
        Refresh::of(&found.build(), &versions()).unwrap().observed
    }

    /// What Auto Scaling returns for a call, with the fields that it fills in (recorded on AWS, September 2026: stackd
    /// 9dc356f5, refresh_native).
    fn returned(call: &RefreshCall) -> RefreshPreferences {
        let it = &call.preferences;
        let number = |it: Option<u32>| it.map(|it| i32::try_from(it).unwrap());
        let percentages: Vec<i32> = it.checkpoint_percentages.iter().map(|it| i32::try_from(*it).unwrap()).collect();
        let alarms = AlarmSpecification::builder().set_alarms((!it.alarms.is_empty()).then(|| it.alarms.clone()));
        RefreshPreferences::builder()
            .set_min_healthy_percentage(number(it.min_healthy_percentage))
            .set_max_healthy_percentage(number(it.max_healthy_percentage))
            .set_instance_warmup(number(it.instance_warmup))
            .set_checkpoint_percentages((!percentages.is_empty()).then_some(percentages))
            .set_checkpoint_delay(number(it.checkpoint_delay))
            .set_bake_time(number(it.bake_time).filter(|it| *it > 0))
            .set_skip_matching(it.skip_matching)
            .set_auto_rollback(it.auto_rollback)
            .scale_in_protected_instances(ScaleInProtectedInstances::Ignore)
            .standby_instances(StandbyInstances::Ignore)
            .alarm_specification(alarms.build())
            .build()
    }

    #[test]
    fn a_refresh_is_known_by_the_call_that_started_it() {
        let version = Version { number: 2, rolling: None };
        let settings = RolloutSettings { alarms: vec!["errors".into()], ..RolloutSettings::default() };
        let calls = [
            RefreshCall::forward(&version, &settings, 3, true),
            RefreshCall::forward(&version, &settings, 1, false),
            RefreshCall::back(&version, &settings),
            RefreshCall::again(&version, &settings),
        ];
        for (at, call) in calls.iter().enumerate() {
            let found = observed(refresh("lt-1", "2").preferences(returned(call)));
            let started: Vec<bool> = calls.iter().map(|it| it.started(&found)).collect();
            assert_eq!(started, [0, 1, 2, 3].map(|it| it == at), "{found:?}");
            assert_eq!(found.preferences.are_of_a_way_back(), at >= 2);
        }
        let call = RefreshCall::back(&Version { number: 3, rolling: None }, &settings);
        assert!(!call.started(&observed(refresh("lt-1", "2").preferences(returned(&call)))));
    }

    #[test]
    fn a_refresh_is_read_with_its_times_and_its_rollback() {
        let pending = InstanceRefresh::builder().instance_refresh_id("r").status(InstanceRefreshStatus::Pending);
        let pending = observed(pending);
        assert_eq!((pending.status, pending.started, pending.target), (RefreshStatus::Pending, None, None));
        assert_eq!(observed(refresh("lt-2", "2")).target, None);
        let details =
            FoundRollback::builder().rollback_reason("by a user").rollback_start_time(DateTime::from_secs(160));
        let found = refresh("lt-1", "2").status(InstanceRefreshStatus::from("SomethingNew"));
        let found = observed(found.rollback_details(details.build()).percentage_complete(50).instances_to_update(1));
        assert_eq!(found.status, RefreshStatus::Unknown("SomethingNew".into()));
        assert_eq!((found.started, found.percentage_complete), (Some(Timestamp(100_000)), Some(50)));
        let rollback = RollbackDetails { reason: Some("by a user".into()), started: Some(Timestamp(160_000)) };
        assert_eq!(found.rollback, Some(rollback));
    }

    #[test]
    fn a_refresh_was_at_work_between_its_start_and_its_end() {
        let active = Refresh::of(&refresh("lt-1", "2").build(), &versions()).unwrap();
        let ended = refresh("lt-1", "2").end_time(DateTime::from_secs(200)).build();
        let ended = Refresh::of(&ended, &versions()).unwrap();
        let at = |seconds: u64| Timestamp(seconds * 1_000);
        assert_eq!([99, 100, 300].map(|it| active.was_active_at(at(it))), [false, true, true]);
        assert_eq!([99, 100, 200, 201].map(|it| ended.was_active_at(at(it))), [false, true, true, false]);
    }
}
