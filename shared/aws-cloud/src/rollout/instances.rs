//! The instances of the group, and the version that the group has saved.

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LaunchTemplateSpecification, LifecycleState};
use environment::Timestamp;
use environment::rollout::{RolloutInstance, SavedVersion};

use super::launches::Launches;
use super::timestamp;
use super::versions::Versions;

/// The version of the group's own launch template.
pub(super) fn saved(group: &AutoScalingGroup, versions: &Versions) -> SavedVersion {
    let found = group.launch_template();
    versions.specified(found).map_or_else(
        || {
            let part = |it: Option<&str>| it.unwrap_or("unknown").to_owned();
            let template = part(found.and_then(|it| it.launch_template_id().or(it.launch_template_name())));
            SavedVersion::Other(format!(
                "version {} of {template}",
                part(found.and_then(LaunchTemplateSpecification::version))
            ))
        },
        SavedVersion::Numbered,
    )
}

/// The instances that neither terminate nor leave the group.
pub(super) fn instances(group: &AutoScalingGroup, versions: &Versions, launches: &Launches) -> Vec<RolloutInstance> {
    let created = timestamp(group.created_time()).unwrap_or_default();
    let staying = group.instances().iter().filter(|it| !is_leaving(it));
    let observed = staying.filter_map(|it| {
        let id = it.instance_id()?.to_owned();
        let in_service = it.lifecycle_state() == Some(&LifecycleState::InService);
        Some(RolloutInstance {
            zone: it.availability_zone().unwrap_or_default().to_owned(),
            lifecycle_state: state(it).to_owned(),
            health: it.health_status().unwrap_or_default().to_owned(),
            version: versions.specified(it.launch_template()),
            in_service_since: if in_service { in_service_since(&id, launches, created) } else { None },
            is_ignored: is_ignored(it),
            id,
        })
    });
    observed.collect()
}

/// The end of the instance's launch activity. `None` while that activity is listed as in progress: the list of activities lags
/// behind the group's. An instance without a listed activity is in service since before the oldest listed one, or, where none
/// is listed, since the create of the group.
fn in_service_since(id: &str, launches: &Launches, created: Timestamp) -> Option<Timestamp> {
    match launches.of(id) {
        Some(launch) => launch.ended,
        None => Some(launches.oldest.unwrap_or(created)),
    }
}

fn state(instance: &Instance) -> &str {
    instance.lifecycle_state().map_or("", LifecycleState::as_str)
}

fn is_leaving(instance: &Instance) -> bool {
    ["Terminating", "Terminated", "Detaching", "Detached"].iter().any(|leaving| state(instance).starts_with(leaving))
}

/// Whether a refresh leaves the instance alone, by the preferences that a rollout sends.
fn is_ignored(instance: &Instance) -> bool {
    instance.protected_from_scale_in() == Some(true) || matches!(state(instance), "Standby" | "EnteringStandby")
}

#[cfg(test)]
mod tests {
    use super::super::launches::tests::{ended, in_progress, launches};
    use super::super::versions::tests::{specification, versions};
    use super::*;
    use aws_sdk_autoscaling::primitives::DateTime;

    fn instance(id: &str, state: &str, version: &str) -> Instance {
        let instance = Instance::builder().instance_id(id).lifecycle_state(LifecycleState::from(state));
        let instance = instance.availability_zone("us-west-2b").health_status("Unhealthy");
        instance.launch_template(specification("lt-1", version)).build()
    }

    fn observed(instances_of_group: Vec<Instance>, launches: &Launches) -> Vec<RolloutInstance> {
        let group = AutoScalingGroup::builder().created_time(DateTime::from_secs(7));
        instances(&group.set_instances(Some(instances_of_group)).build(), &versions(), launches)
    }

    #[test]
    fn an_instance_is_in_service_since_the_end_of_its_launch() {
        let all = ["i-1", "i-2", "i-3"].map(|id| instance(id, "InService", "2"));
        let listed = launches(&[in_progress("i-3", 40), ended("i-2", "Successful", (20, 30), "")]);
        let since = |launches: &Launches| {
            let found = observed(all.to_vec(), launches);
            found.into_iter().map(|it| it.in_service_since.map(|it| it.0 / 1_000)).collect::<Vec<_>>()
        };
        assert_eq!(since(&listed), [Some(20), Some(30), None], "i-1 is older than the oldest activity");
        assert_eq!(since(&launches(&[])), [Some(7); 3], "the create of the group");
    }

    #[test]
    fn terminating_instances_are_left_out_and_those_that_a_refresh_ignores_are_marked() {
        for (state, expected) in [
            ("Pending", Some((false, false))),
            ("Pending:Wait", Some((false, false))),
            ("InService", Some((true, false))),
            ("EnteringStandby", Some((false, true))),
            ("Standby", Some((false, true))),
            ("Terminating", None),
            ("Terminating:Wait", None),
            ("Terminating:Retained", None),
            ("Terminated", None),
            ("Detaching", None),
        ] {
            let found = observed(vec![instance("i-1", state, "2")], &launches(&[]));
            let found = found.first().map(|it| (it.in_service_since.is_some(), it.is_ignored));
            assert_eq!(found, expected, "{state}");
        }
        let mut protected = instance("i-1", "InService", "2");
        protected.protected_from_scale_in = Some(true);
        assert!(observed(vec![protected], &launches(&[]))[0].is_ignored);
    }

    #[test]
    fn zone_state_and_health_are_those_of_the_group() {
        let found = observed(vec![instance("i-1", "Pending:Wait", "2")], &launches(&[]));
        let RolloutInstance { zone, lifecycle_state, health, .. } = &found[0];
        assert_eq!([zone, lifecycle_state, health], ["us-west-2b", "Pending:Wait", "Unhealthy"]);
    }

    #[test]
    fn the_versions_of_instances_and_of_the_group_are_numbers_of_the_environments_template() {
        let found =
            observed(vec![instance("i-1", "InService", "1"), instance("i-2", "InService", "2")], &launches(&[]));
        let numbers: Vec<_> = found.iter().map(|it| it.version.as_ref().map(|it| it.number)).collect();
        assert_eq!(numbers, [Some(1), Some(2)]);
        let saved = |template: &str, version: &str| {
            let group = AutoScalingGroup::builder().launch_template(specification(template, version)).build();
            saved(&group, &versions())
        };
        assert_eq!(saved("lt-1", "2").version().map(|it| it.number), Some(2));
        assert_eq!(saved("lt-1", "$Latest"), SavedVersion::Other("version $Latest of lt-1".into()));
        assert_eq!(saved("lt-2", "2"), SavedVersion::Other("version 2 of lt-2".into()));
    }
}
