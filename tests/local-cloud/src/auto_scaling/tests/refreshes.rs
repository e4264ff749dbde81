//! Instance refreshes: the parameters, and the fields of the responses.

use auto_scaling::{AlarmState, RefreshPreferences, StartRefresh};

use super::*;

const START: &str = "StartInstanceRefresh&AutoScalingGroupName=web";

async fn refreshes(service: &AutoScalingService, parameters: &str) -> Vec<Element> {
    let described = accepted(service, &format!("DescribeInstanceRefreshes&AutoScalingGroupName=web{parameters}")).await;
    described.items("DescribeInstanceRefreshesResult/InstanceRefreshes").to_vec()
}

async fn start(service: &AutoScalingService, parameters: &str) -> String {
    let started = accepted(service, &format!("{START}{parameters}")).await;
    started.text_of("StartInstanceRefreshResult/InstanceRefreshId").unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_is_started_described_cancelled_and_listed_by_its_id() {
    let service = service();
    assert!(refreshes(&service, "").await.is_empty());
    let first = start(&service, "").await;
    let _ = service.simulator().step(now());
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=1").await;
    start_instance(&service, "i-1");
    let second = start(&service, "&Preferences.MinHealthyPercentage=100&Strategy=Rolling").await;
    let ids = |found: Vec<Element>| -> Vec<String> {
        found.iter().filter_map(|it| it.text_of("InstanceRefreshId").map(str::to_owned)).collect()
    };
    assert_eq!(ids(refreshes(&service, "").await), [second.clone(), first.clone()]);
    assert_eq!(ids(refreshes(&service, &format!("&InstanceRefreshIds.member.1={first}")).await), [first]);
    let again = "InstanceRefreshInProgress: An Instance Refresh is already in progress and blocks the execution of this \
                 Instance Refresh.";
    assert_eq!(rejected(&service, START).await, again);
    let target = "AutoScalingGroupName=web";
    let cancelled =
        accepted(&service, &format!("CancelInstanceRefresh&{target}&WaitForTransitioningInstances=false")).await;
    assert_eq!(cancelled.text_of("CancelInstanceRefreshResult/InstanceRefreshId"), Some(second.as_str()));
    assert_eq!(refreshes(&service, "").await[0].text_of("Status"), Some("Cancelling"));
    let rollback = rejected(&service, &format!("RollbackInstanceRefresh&{target}")).await;
    assert!(rollback.starts_with("ActiveInstanceRefreshNotFound"), "{rollback}");
}

#[tokio::test]
async fn all_preferences_are_read_and_shown() {
    let service = service();
    let preferences = "&Preferences.MinHealthyPercentage=100&Preferences.MaxHealthyPercentage=110\
                       &Preferences.InstanceWarmup=9&Preferences.CheckpointPercentages.member.1=10\
                       &Preferences.CheckpointPercentages.member.2=100&Preferences.CheckpointDelay=60\
                       &Preferences.BakeTime=30&Preferences.SkipMatching=true\
                       &Preferences.ScaleInProtectedInstances=Ignore&Preferences.StandbyInstances=Terminate";
    start(&service, preferences).await;
    let refresh = &refreshes(&service, "").await[0];
    for (path, value) in [
        ("AutoScalingGroupName", "web"),
        ("Status", "Successful"),
        ("Strategy", "Rolling"),
        ("PercentageComplete", "100"),
        ("InstancesToUpdate", "0"),
        ("Preferences/MinHealthyPercentage", "100"),
        ("Preferences/MaxHealthyPercentage", "110"),
        ("Preferences/InstanceWarmup", "9"),
        ("Preferences/CheckpointDelay", "60"),
        ("Preferences/BakeTime", "30"),
        ("Preferences/SkipMatching", "true"),
        ("Preferences/AutoRollback", "false"),
        ("Preferences/ScaleInProtectedInstances", "Ignore"),
        ("Preferences/StandbyInstances", "Terminate"),
    ] {
        assert_eq!(refresh.text_of(path), Some(value), "{path}");
    }
    assert_eq!(refresh.items("Preferences/CheckpointPercentages").len(), 2);
    assert_eq!([refresh.find("DesiredConfiguration"), refresh.find("RollbackDetails")], [None; 2]);
    assert!(refresh.find("Preferences/AlarmSpecification").is_some());
}

#[tokio::test]
async fn a_pending_refresh_has_no_start_and_no_progress() {
    let service = service();
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=1").await;
    start_instance(&service, "i-1");
    start(&service, "").await;
    let pending = &refreshes(&service, "").await[0];
    assert_eq!(pending.text_of("Status"), Some("Pending"));
    let absent = ["StartTime", "EndTime", "PercentageComplete", "InstancesToUpdate", "StatusReason"];
    assert_eq!(absent.map(|path| pending.find(path)), [None; 5]);
    let shown = ["MaxHealthyPercentage", "BakeTime", "CheckpointDelay", "CheckpointPercentages"];
    assert_eq!(shown.map(|path| pending.find(&format!("Preferences/{path}"))), [None; 4]);
    assert_eq!(pending.text_of("Preferences/MinHealthyPercentage"), Some("90"));
}

#[tokio::test]
async fn a_rollback_has_its_details_and_the_desired_configuration() {
    let service = service();
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=1").await;
    start_instance(&service, "i-1");
    {
        let simulator = &mut *service.simulator();
        let desired = LaunchTemplate { id: "lt-1".into(), name: "t".into(), version: "3".into() };
        simulator.set_alarm_state("errors", Some(AlarmState::Ok));
        let preferences = RefreshPreferences { alarms: vec!["errors".into()], ..RefreshPreferences::default() };
        let begin = StartRefresh { desired_configuration: Some(desired), preferences };
        simulator.start_instance_refresh("web", begin, Timestamp(now().0 - 60_000)).unwrap();
        let _ = simulator.step(now());
    }
    accepted(&service, "RollbackInstanceRefresh&AutoScalingGroupName=web").await;
    let refresh = &refreshes(&service, "").await[0];
    for (path, value) in [
        ("Status", "RollbackInProgress"),
        ("DesiredConfiguration/LaunchTemplate/Version", "3"),
        ("RollbackDetails/RollbackReason", "Rollback triggered due to user request."),
        ("RollbackDetails/PercentageCompleteOnRollback", "0"),
        ("RollbackDetails/InstancesToUpdateOnRollback", "1"),
        ("Preferences/AlarmSpecification/Alarms/member", "errors"),
    ] {
        assert_eq!(refresh.text_of(path), Some(value), "{path}");
    }
    assert!(refresh.find("RollbackDetails/RollbackStartTime").is_some());
}

#[tokio::test]
async fn parameters_that_are_not_valid_are_rejected_by_name() {
    let service = service();
    let strategy = rejected(&service, &format!("{START}&Strategy=ReplaceRootVolume")).await;
    assert!(strategy.contains("Strategy is 'ReplaceRootVolume': expected Rolling"), "{strategy}");
    let protected = rejected(&service, &format!("{START}&Preferences.ScaleInProtectedInstances=Keep")).await;
    assert!(protected.contains("expected Refresh, Ignore or Wait"), "{protected}");
    let checkpoint = rejected(&service, &format!("{START}&Preferences.CheckpointPercentages.member.1=half")).await;
    assert!(checkpoint.contains("Preferences.CheckpointPercentages has 'half'"), "{checkpoint}");
    let mixed = rejected(&service, &format!("{START}&DesiredConfiguration.MixedInstancesPolicy.X=1")).await;
    assert_eq!(mixed, "ValidationError: the local cloud does not simulate DesiredConfiguration.MixedInstancesPolicy.X");
    let alarm = rejected(&service, &format!("{START}&Preferences.AlarmSpecification.Alarms.member.1=absent")).await;
    assert!(alarm.contains("alarm absent in AlarmSpecification is missing"), "{alarm}");
    assert!(refreshes(&service, "").await.is_empty());
}
