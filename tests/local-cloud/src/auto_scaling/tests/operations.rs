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
    let _ = service.simulator().step(now());
    assert_eq!(activities().await[0].text_of("AutoScalingGroupState"), Some("Deleted"));
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, warm_pool_native).
#[tokio::test]
async fn a_warm_pool_is_put_described_and_deleted() {
    let service = service();
    let name = "AutoScalingGroupName=web";
    let pool = async || accepted(&service, &format!("DescribeWarmPool&{name}")).await;
    assert_eq!(pool().await.find("DescribeWarmPoolResult/WarmPoolConfiguration"), None);
    accepted(&service, &format!("PutWarmPool&{name}&MaxGroupPreparedCapacity=1&PoolState=Running")).await;
    start_instance(&service, "i-1");
    let described = pool().await;
    let configuration = described.find("DescribeWarmPoolResult/WarmPoolConfiguration").unwrap();
    let texts = ["MinSize", "MaxGroupPreparedCapacity", "PoolState"].map(|path| configuration.text_of(path).unwrap());
    assert_eq!((texts, configuration.find("Status")), (["0", "1", "Running"], None));
    let [instance] = described.items("DescribeWarmPoolResult/Instances") else { panic!("{described}") };
    assert_eq!(
        (instance.text_of("LifecycleState"), instance.text_of("HealthStatus")),
        (Some("Warmed:Running"), Some("Healthy"))
    );
    let listed = group(&service).await;
    assert_eq!((listed.items("Instances").len(), listed.text_of("WarmPoolSize")), (0, Some("1")));
    assert_eq!(listed.text_of("WarmPoolConfiguration/PoolState"), Some("Running"));
    let instances = accepted(&service, "DescribeAutoScalingInstances").await;
    let path = "DescribeAutoScalingInstancesResult/AutoScalingInstances/member/LifecycleState";
    assert_eq!(instances.text_of(path), Some("Warmed:Running"));

    let error = rejected(&service, &format!("DeleteWarmPool&{name}")).await;
    assert!(error.starts_with("ResourceInUse: You cannot delete a warm pool while there are instances"), "{error}");
    accepted(&service, &format!("DeleteWarmPool&{name}&ForceDelete=true")).await;
    let status = "DescribeWarmPoolResult/WarmPoolConfiguration/Status";
    assert_eq!(pool().await.text_of(status), Some("PendingDelete"));
    for _ in 0..2 {
        let _ = service.simulator().step(now());
    }
    assert_eq!(group(&service).await.find("WarmPoolConfiguration"), None);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native and controls).
#[tokio::test]
async fn instances_are_listed_by_id_and_subnets_by_zone() {
    let service = service();
    let mut settings = service.simulator().group("web").unwrap().settings.clone();
    let subnet = |id: &str, zone: &str| Subnet { id: id.into(), zone: zone.into() };
    settings.subnets = vec![subnet("subnet-1", "us-west-2b"), subnet("subnet-2", "us-west-2a")];
    service.simulator().update_group("web", settings, Some(1), now()).unwrap();
    start_instance(&service, "i-9");
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=2").await;
    start_instance(&service, "i-1");
    let group = group(&service).await;
    let ids = group.items("Instances").iter().map(|it| it.text_of("InstanceId").unwrap()).collect::<Vec<_>>();
    assert_eq!((ids, group.text_of("VPCZoneIdentifier")), (vec!["i-1", "i-9"], Some("subnet-2,subnet-1")));
    let zones = ["AvailabilityZone", "AvailabilityZoneId"].map(|path| group.items("Instances")[0].text_of(path));
    assert_eq!(zones, [Some("us-west-2a"), Some("usw2-az1")]);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
#[tokio::test]
async fn negative_sizes_are_rejected_in_awss_words() {
    let service = service();
    let name = "AutoScalingGroupName=web";
    let error = rejected(&service, &format!("SetDesiredCapacity&{name}&DesiredCapacity=-1")).await;
    assert_eq!(error, "ValidationError: New SetDesiredCapacity value -1 is negative.");
    let error = rejected(&service, &format!("UpdateAutoScalingGroup&{name}&MinSize=-1")).await;
    assert_eq!(error, "ValidationError: Min bound, -1, must be non-negative");
}

#[tokio::test]
async fn a_described_step_policy_equals_the_put_one_and_needs_a_breach() {
    let service = service();
    let put = "PutScalingPolicy&AutoScalingGroupName=web&PolicyName=out&PolicyType=StepScaling\
               &AdjustmentType=ChangeInCapacity&MetricAggregationType=Maximum\
               &StepAdjustments.member.1.MetricIntervalLowerBound=0.0&StepAdjustments.member.1.MetricIntervalUpperBound=15.0\
               &StepAdjustments.member.1.ScalingAdjustment=1\
               &StepAdjustments.member.2.MetricIntervalLowerBound=15.0&StepAdjustments.member.2.ScalingAdjustment=3";
    accepted(&service, put).await;
    let response = accepted(&service, "DescribePolicies&PolicyTypes.member.1=StepScaling").await;
    let policy = &response.items("DescribePoliciesResult/ScalingPolicies")[0];
    let texts = ["PolicyType", "AdjustmentType", "MetricAggregationType"].map(|path| policy.text_of(path).unwrap());
    assert_eq!(texts, ["StepScaling", "ChangeInCapacity", "Maximum"]);
    assert_eq!((policy.find("Cooldown"), policy.find("EstimatedInstanceWarmup")), (None, None));
    let step = |it: &Element| {
        ["MetricIntervalLowerBound", "MetricIntervalUpperBound", "ScalingAdjustment"]
            .map(|path| it.text_of(path).unwrap_or("none").to_owned())
            .join(" ")
    };
    let steps: Vec<String> = policy.items("StepAdjustments").iter().map(step).collect();
    assert_eq!(steps, ["0.0 15.0 1", "15.0 none 3"]);
    let execute = "ExecutePolicy&AutoScalingGroupName=web&PolicyName=out";
    assert!(rejected(&service, execute).await.contains("MetricValue and BreachThreshold"));
    accepted(&service, &format!("{execute}&MetricValue=95&BreachThreshold=80")).await;
    assert_eq!(service.simulator().group("web").unwrap().desired_capacity, 3);
    let cooldown = rejected(&service, &format!("{put}&Cooldown=60")).await;
    assert_eq!(cooldown, "ValidationError: the local cloud does not simulate Cooldown");
}

#[tokio::test]
async fn eleven_target_groups_are_too_many_for_a_call() {
    let service = service();
    let members = |count: u32| {
        let member = |number| format!("&TargetGroupARNs.member.{number}=arn%3A{number}");
        (1..=count).map(member).collect::<String>()
    };
    let attach = "AttachLoadBalancerTargetGroups&AutoScalingGroupName=web";
    let error = rejected(&service, &format!("{attach}{}", members(11))).await;
    assert!(error.ends_with("The limit is 10"), "{error}");
    accepted(&service, &format!("{attach}{}", members(10))).await;
}
