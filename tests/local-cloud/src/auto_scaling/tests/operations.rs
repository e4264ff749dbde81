//! Calls of an on-call engineer: Standby, detaching, suspended processes.

use super::*;

/// Elements of the group `web`.
async fn group(service: &AutoScalingService) -> Element {
    let response = accepted(service, "DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=web").await;
    response.items("DescribeAutoScalingGroupsResult/AutoScalingGroups")[0].clone()
}

async fn state(service: &AutoScalingService) -> Option<String> {
    group(service).await.text_of("Instances/member/LifecycleState").map(str::to_owned)
}

#[tokio::test]
async fn an_instance_enters_and_leaves_standby_and_is_detached() {
    let service = service();
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=1").await;
    start_instance(&service, "i-1");
    let target = "AutoScalingGroupName=web&InstanceIds.member.1=i-1";
    let missing = rejected(&service, &format!("EnterStandby&{target}")).await;
    assert_eq!(missing, "ValidationError: ShouldDecrementDesiredCapacity is missing");
    let entered = accepted(&service, &format!("EnterStandby&{target}&ShouldDecrementDesiredCapacity=true")).await;
    let activity = &entered.items("EnterStandbyResult/Activities")[0];
    assert_eq!((activity.text_of("StatusCode"), activity.text_of("Progress")), (Some("InProgress"), Some("50")));
    // The answers of calls have neither (recorded on AWS, September 2026: stackd 9dc356f5, lifecycle_native).
    assert_eq!((activity.find("AutoScalingGroupARN"), activity.find("AutoScalingGroupState")), (None, None));
    let _ = service.simulator().step(now());
    assert_eq!(state(&service).await.as_deref(), Some("Standby"));
    accepted(&service, &format!("ExitStandby&{target}")).await;
    let _ = service.simulator().step(now());
    assert_eq!(state(&service).await.as_deref(), Some("InService"));
    accepted(&service, &format!("DetachInstances&{target}&ShouldDecrementDesiredCapacity=true")).await;
    let _ = service.simulator().step(now());
    assert_eq!(state(&service).await, None);
}

#[tokio::test]
async fn suspended_processes_are_listed_with_the_time_of_the_call() {
    let service = service();
    accepted(&service, "SuspendProcesses&AutoScalingGroupName=web&ScalingProcesses.member.1=Terminate").await;
    let suspended = group(&service).await;
    let [process] = suspended.items("SuspendedProcesses") else { panic!("{suspended}") };
    assert_eq!(process.text_of("ProcessName"), Some("Terminate"));
    assert!(process.text_of("SuspensionReason").unwrap().starts_with("User suspended at 20"), "{process}");
    accepted(&service, "ResumeProcesses&AutoScalingGroupName=web").await;
    assert!(group(&service).await.items("SuspendedProcesses").is_empty());
    let types = accepted(&service, "DescribeScalingProcessTypes").await;
    assert_eq!(types.items("DescribeScalingProcessTypesResult/Processes").len(), 9);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
#[tokio::test]
async fn an_activity_has_the_groups_state_and_ends_at_whole_seconds() {
    let service = service();
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=1").await;
    start_instance(&service, "i-1");
    let answer =
        accepted(&service, "TerminateInstanceInAutoScalingGroup&InstanceId=i-1&ShouldDecrementDesiredCapacity=false")
            .await;
    let answer = answer.find("TerminateInstanceInAutoScalingGroupResult/Activity").unwrap();
    assert_eq!((answer.text_of("StatusCode"), answer.text_of("Progress")), (Some("InProgress"), Some("0")));
    assert!(answer.text_of("Cause").unwrap().ends_with("i-1 was taken out of service in response to a user request."));
    let activities = async || {
        let response = accepted(&service, "DescribeScalingActivities&IncludeDeletedGroups=true").await;
        response.items("DescribeScalingActivitiesResult/Activities").to_vec()
    };
    let launched = activities().await.pop().unwrap();
    assert_eq!(launched.text_of("AutoScalingGroupState"), Some("InService"));
    assert_eq!(launched.text_of("EndTime").map(str::len), Some("2026-11-23T08:00:00Z".len()));
    accepted(&service, "DeleteAutoScalingGroup&AutoScalingGroupName=web&ForceDelete=true").await;
    assert_eq!(activities().await[0].text_of("AutoScalingGroupState"), Some("InService"), "its delete is in progress");
    let _ = service.simulator().step(now());
    assert_eq!(activities().await[0].text_of("AutoScalingGroupState"), Some("Deleted"));
}
