//! The parameters of a refresh, the refusals of its calls, and the calls that it refuses meanwhile.

use std::time::Duration;

use auto_scaling::{PutWarmPool, RefreshChoices, RefreshPreferences, RefreshStatus, StartRefresh};

use crate::{
    host::{Host, error_text, subnet},
    refreshed::{MINUTE, SECOND, healthy, to_version_2, version},
};

fn refusal(preferences: RefreshPreferences) -> String {
    let mut host = Host::with(0, 1, 4);
    let refused = error_text(host.sim.start_instance_refresh("web", to_version_2(preferences), host.now));
    assert!(host.sim.instance_refreshes("web", host.now).unwrap().is_empty(), "a refused call starts nothing");
    refused
}

fn constraint(field: &str, value: u32, bound: &str) -> String {
    format!(
        "ValidationError: 1 validation error detected: Value '{value}' at 'preferences.{field}' failed to satisfy \
         constraint: Member must have value {bound}"
    )
}

#[test]
fn values_out_of_range_are_refused() {
    let less = |field, value, most: u32| constraint(field, value, &format!("less than or equal to {most}"));
    let more = |field, value, least: u32| constraint(field, value, &format!("greater than or equal to {least}"));
    let seconds = |seconds| Some(SECOND * seconds);
    assert_eq!(refusal(healthy(101, None)), less("minHealthyPercentage", 101, 100));
    assert_eq!(refusal(healthy(90, Some(99))), more("maxHealthyPercentage", 99, 100));
    assert_eq!(refusal(healthy(100, Some(201))), less("maxHealthyPercentage", 201, 200));
    let bake = RefreshPreferences { bake_time: seconds(172_801), ..RefreshPreferences::default() };
    assert_eq!(refusal(bake), less("bakeTime", 172_801, 172_800));
    let checkpoint_percentages = vec![10, 100];
    let delay = RefreshPreferences {
        checkpoint_percentages,
        checkpoint_delay: seconds(172_801),
        ..RefreshPreferences::default()
    };
    assert_eq!(refusal(delay), less("checkpointDelay", 172_801, 172_800));
    let checkpoints = |percentages: &[u32]| RefreshPreferences {
        checkpoint_percentages: percentages.to_vec(),
        ..RefreshPreferences::default()
    };
    assert_eq!(refusal(checkpoints(&[0, 100])), more("checkpointPercentages", 0, 1));
    assert_eq!(refusal(checkpoints(&[50, 101])), less("checkpointPercentages", 101, 100));
    let sorted = "ValidationError: Checkpoint percentages must be sorted in ascending order with no duplicates.";
    assert_eq!(refusal(checkpoints(&[50, 20, 100])), sorted);
    assert_eq!(refusal(checkpoints(&[50, 50])), sorted);
}

#[test]
fn preferences_that_contradict_each_other_are_refused() {
    assert!(refusal(healthy(0, Some(101))).contains("cannot be greater than 100"));
    let max_alone = RefreshPreferences { max_healthy_percentage: Some(110), ..RefreshPreferences::default() };
    assert!(refusal(max_alone).contains("MinHealthyPercentage"));
    let delay_alone = RefreshPreferences { checkpoint_delay: Some(MINUTE), ..RefreshPreferences::default() };
    assert!(refusal(delay_alone).contains("CheckpointPercentages"));
    let alarms = (0..11).map(|number| format!("alarm-{number}")).collect();
    assert!(refusal(RefreshPreferences { alarms, ..RefreshPreferences::default() }).contains("at most 10"));
}

#[test]
fn an_automatic_rollback_needs_a_configuration_and_a_numbered_version_to_return_to() {
    let preferences = RefreshPreferences { auto_rollback: true, ..RefreshPreferences::default() };
    let mut host = Host::with(0, 1, 4);
    let own = StartRefresh { desired_configuration: None, preferences: preferences.clone() };
    let refused = "ValidationError: The request isn\u{2019}t valid. The AutoRollback parameter cannot be set to true when \
                   the DesiredConfiguration parameter is empty. Set AutoRollback to false or specify a desired \
                   configuration and try again.";
    assert_eq!(error_text(host.sim.start_instance_refresh("web", own, host.now)), refused);
    host.sim.set_image_from_parameter(version("1"), true);
    let refused = error_text(host.sim.start_instance_refresh("web", to_version_2(preferences.clone()), host.now));
    assert!(refused.contains("Systems Manager parameter"), "{refused}");
    host.sim.set_image_from_parameter(version("1"), false);
    host.update(|it| it.launch_template = version("$Latest")).unwrap();
    let refused = error_text(host.sim.start_instance_refresh("web", to_version_2(preferences), host.now));
    assert!(refused.contains("$Latest"), "{refused}");
}

#[test]
fn a_missing_warm_up_is_the_groups_or_else_its_grace_period() {
    let mut host = Host::with(0, 1, 4);
    host.update(|it| it.health_check_grace_period = MINUTE * 7).unwrap();
    host.start(RefreshPreferences { checkpoint_percentages: vec![100], ..RefreshPreferences::default() });
    let preferences = host.refresh().preferences;
    assert_eq!(preferences.instance_warmup, Some(MINUTE * 7));
    assert_eq!(preferences.checkpoint_delay, Some(Duration::from_hours(1)));
    host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
    host.advance(Duration::ZERO);
    host.update(|it| it.default_instance_warmup = Some(MINUTE)).unwrap();
    host.start(RefreshPreferences::default());
    assert_eq!(host.refresh().preferences.instance_warmup, Some(MINUTE));
}

#[test]
fn calls_without_an_active_refresh_and_a_second_start_are_refused() {
    let mut host = Host::with(0, 1, 4);
    assert_eq!(host.sim.instance_refreshes("web", host.now).unwrap(), []);
    let cancel = "ActiveInstanceRefreshNotFound: No in progress, baking, pending, or cancelling Instance Refresh found for \
                  Auto Scaling group web.";
    assert_eq!(error_text(host.sim.cancel_instance_refresh("web", true, host.now)), cancel);
    let rollback =
        "ActiveInstanceRefreshNotFound: No in progress or baking Instance Refresh found for Auto Scaling group web.";
    assert_eq!(error_text(host.sim.rollback_instance_refresh("web", host.now)), rollback);
    host.start(RefreshPreferences::default());
    assert_eq!(host.state(), RefreshStatus::Pending);
    assert_eq!(error_text(host.sim.rollback_instance_refresh("web", host.now)), rollback, "a pending one");
    let again = "InstanceRefreshInProgress: An Instance Refresh is already in progress and blocks the execution of this \
                 Instance Refresh.";
    let second = host.sim.start_instance_refresh("web", to_version_2(RefreshPreferences::default()), host.now);
    assert_eq!(error_text(second), again);
    assert!(error_text(host.sim.instance_refreshes("other", host.now)).contains("not found"));
}

#[test]
fn a_refresh_without_a_way_back_cannot_be_rolled_back() {
    let irreversible = |change: fn(&mut Host), start: StartRefresh| {
        let mut host = Host::with(0, 1, 4);
        change(&mut host);
        host.sim.start_instance_refresh("web", start, host.now).unwrap();
        host.advance(SECOND);
        assert_eq!(host.state(), RefreshStatus::InProgress);
        error_text(host.sim.rollback_instance_refresh("web", host.now))
    };
    let own = irreversible(|_| {}, StartRefresh::default());
    assert!(own.starts_with("IrreversibleInstanceRefresh: "), "{own}");
    let to_2 = || to_version_2(RefreshPreferences::default());
    let latest = irreversible(|host| host.update(|it| it.launch_template = version("$Default")).unwrap(), to_2());
    assert!(latest.starts_with("IrreversibleInstanceRefresh: ") && latest.contains("$Default"), "{latest}");
    let parameter = irreversible(|host| host.sim.set_image_from_parameter(version("1"), true), to_2());
    assert!(parameter.contains("Systems Manager parameter"), "{parameter}");
}

#[test]
fn an_update_changes_sizes_and_subnets_meanwhile_and_never_the_template() {
    let mut host = Host::with(0, 1, 4);
    host.start(RefreshPreferences::default());
    let refused = "ValidationError: An active instance refresh with a desired configuration exists. All configuration \
                   options derived from the desired configuration are not available for update while the instance \
                   refresh is active.";
    assert_eq!(error_text(host.update(|it| it.launch_template = version("3"))), refused);
    host.advance(SECOND);
    assert_eq!(
        error_text(host.update(|it| it.launch_template = version("2"))),
        refused,
        "the refresh's own version, too"
    );
    host.update(|it| it.launch_template = version("1")).unwrap();
    host.update(|it| (it.max_size, it.subnets) = (9, vec![subnet('a')])).unwrap();
    let pool = error_text(host.sim.put_warm_pool("web", PutWarmPool::default(), host.now));
    assert!(pool.starts_with("ScalingActivityInProgress"), "{pool}");
    host.end(|_| {});
    host.update(|it| it.launch_template = version("3")).unwrap();
}

#[test]
fn a_refresh_to_the_groups_own_template_lets_updates_change_it() {
    let mut host = Host::with(0, 1, 4);
    host.sim.start_instance_refresh("web", StartRefresh::default(), host.now).unwrap();
    host.update(|it| it.launch_template = version("3")).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!(host.versions(), ["3"]);
}

#[test]
fn refreshes_are_listed_for_six_weeks_the_newest_first() {
    let mut host = Host::with(0, 1, 4);
    let first = host.start(RefreshPreferences::default());
    host.end(|_| {});
    host.run(Duration::from_hours(24));
    let second = host.sim.start_instance_refresh("web", StartRefresh::default(), host.now).unwrap();
    host.end(|_| {});
    let ids = |host: &Host| -> Vec<String> {
        host.sim.instance_refreshes("web", host.now).unwrap().into_iter().map(|it| it.id).collect()
    };
    assert_eq!(ids(&host), [second.clone(), first]);
    host.run(Duration::from_hours(24 * 41));
    assert_eq!(ids(&host), [second]);
    host.run(Duration::from_hours(24 * 2));
    assert!(ids(&host).is_empty());
}

#[test]
fn a_delete_cancels_a_refresh_or_is_refused_by_it() {
    for delete_cancels_refresh in [true, false] {
        let mut host = Host::with(0, 2, 4);
        host.sim.set_refresh_choices(RefreshChoices { delete_cancels_refresh, ..RefreshChoices::default() });
        host.start(RefreshPreferences::default());
        host.advance(SECOND);
        let deleted = host.sim.delete_group("web", true, host.now);
        if !delete_cancels_refresh {
            assert!(error_text(deleted).starts_with("ScalingActivityInProgress"));
            assert_eq!(host.state(), RefreshStatus::InProgress);
            continue;
        }
        deleted.unwrap();
        assert_eq!(host.state(), RefreshStatus::Cancelled);
        host.settle();
        assert_eq!(host.sim.groups().count(), 0);
    }
}
