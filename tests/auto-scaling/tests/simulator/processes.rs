//! Suspended processes: the effect of each, as the user guide and recordings show it.

use std::time::Duration;

use auto_scaling::{Adjustment, Latency, Policy, Process};

use crate::host::{Host, LAUNCH, error_text, group, subnet};

impl Host {
    fn suspend(&mut self, process: Process) {
        self.sim.suspend_processes("web", &[process.as_str().to_owned()], self.now).unwrap();
    }

    fn resume(&mut self, process: Process) {
        self.sim.resume_processes("web", &[process.as_str().to_owned()]).unwrap();
        self.settle();
    }
}

#[test]
fn all_processes_or_the_named_ones_are_suspended_and_resumed() {
    let mut host = Host::with(0, 0, 1);
    host.suspend(Process::Launch);
    assert_eq!(host.web().suspended_processes.keys().copied().collect::<Vec<_>>(), [Process::Launch]);
    host.sim.suspend_processes("web", &[], host.now).unwrap();
    assert_eq!(host.web().suspended_processes.len(), 9);
    host.resume(Process::Launch);
    assert_eq!(host.web().suspended_processes.len(), 8);
    host.sim.resume_processes("web", &[]).unwrap();
    assert!(host.web().suspended_processes.is_empty());
    let error = error_text(host.sim.suspend_processes("web", &["Start".to_owned()], host.now));
    assert!(error.starts_with("ValidationError: ScalingProcesses has Start: expected AZRebalance, "), "{error}");
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, warm_pool_suspended_launch_native).
#[test]
fn a_suspended_launch_changes_the_capacity_only_and_the_request_is_the_cause_after_its_resumption() {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, 0, 2), host.now).unwrap();
    host.suspend(Process::Launch);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    host.advance(Duration::from_secs(64));
    assert_eq!((host.web().desired_capacity, host.activities(1)), (1, vec![]));
    host.resume(Process::Launch);
    let cause = "At 2026-11-23T08:00:00Z a user request explicitly set group desired capacity changing the desired \
                 capacity from 0 to 1.  At 2026-11-23T08:01:04Z an instance was started in response to";
    assert!(host.cause().starts_with(cause), "{}", host.cause());
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, failure_boundaries_native_complete).
#[test]
fn a_suspended_terminate_keeps_instances_and_the_request_is_in_no_activity_of_an_unhealthy_one() {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    host.settle();
    host.suspend(Process::Terminate);
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    host.advance(Duration::from_secs(50));
    assert_eq!((host.in_service(), host.web().instances[0].health_status()), (vec!["i-1"], "Unhealthy"));
    host.resume(Process::Terminate);
    let cause = "At 2026-11-23T08:01:30Z an instance was taken out of service in response to a user health-check.";
    assert_eq!(host.cause(), cause);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    assert!(!host.cause().contains("from 1 to 0"), "the old request is forgotten: {}", host.cause());
}

#[test]
fn a_suspended_terminate_keeps_a_group_from_being_emptied_but_not_from_a_users_call_or_a_forced_delete() {
    let mut host = Host::with(0, 2, 2);
    host.suspend(Process::Terminate);
    host.update(|it| (it.min_size, it.max_size) = (0, 0)).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-1", "i-2"]);
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"));
    host.sim.terminate_instance("i-1", false, host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-2"]);
    host.sim.delete_group("web", true, host.now).unwrap();
    host.settle();
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn neither_health_checks_nor_replacements_act_while_they_are_suspended() {
    for process in [Process::HealthCheck, Process::ReplaceUnhealthy] {
        let mut host = Host::with(1, 1, 1);
        host.suspend(process);
        host.sim.terminated_by_ec2("i-1", host.now).unwrap();
        host.settle();
        assert_eq!(host.in_service(), ["i-1"], "{process:?}");
        host.resume(process);
        assert_eq!(host.in_service(), ["i-2"], "{process:?}");
    }
    let mut host = Host::with(1, 1, 1);
    host.suspend(Process::HealthCheck);
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-2"], "the health that users set is not affected");
}

#[test]
fn an_unhealthy_instance_terminates_without_a_replacement_while_launch_is_suspended() {
    let mut host = Host::with(1, 1, 1);
    host.suspend(Process::Launch);
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    host.settle();
    assert!(host.instances().is_empty());
    host.resume(Process::Launch);
    assert_eq!(host.in_service(), ["i-2"]);
    assert!(host.cause().ends_with("an unhealthy instance needing to be replaced."), "{}", host.cause());
}

#[test]
fn a_suspended_rebalance_leaves_instances_in_a_removed_subnet() {
    let mut host = Host::with(2, 2, 2);
    host.suspend(Process::AZRebalance);
    host.update(|it| it.subnets = vec![subnet('a'), subnet('c')]).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-1 InService a", "i-2 InService b"]);
    host.resume(Process::AZRebalance);
    assert_eq!(host.instances(), ["i-1 InService a", "i-3 InService c"]);
}

#[test]
fn an_alarm_executes_no_policy_while_its_notification_is_suspended() {
    let mut host = Host::with(1, 1, 2);
    let policy = Policy { name: "out".into(), adjustment: Adjustment::ChangeInCapacity(1), cooldown: None };
    let arn = host.sim.put_scaling_policy("web", policy).unwrap();
    host.suspend(Process::AlarmNotification);
    host.sim.execute_policy_for_alarm(&arn, ("cpu-high", "ALARM", 1.0), host.now).unwrap();
    assert_eq!(host.web().desired_capacity, 1);
    host.resume(Process::AlarmNotification);
    host.sim.execute_policy_for_alarm(&arn, ("cpu-high", "ALARM", 1.0), host.now).unwrap();
    assert_eq!(host.web().desired_capacity, 2);
}

#[test]
fn the_processes_of_features_that_are_not_simulated_stop_nothing() {
    for process in [Process::AddToLoadBalancer, Process::InstanceRefresh, Process::ScheduledActions] {
        let mut host = Host::with(0, 1, 2);
        host.suspend(process);
        host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
        host.advance(Duration::ZERO);
        host.advance(LAUNCH);
        assert_eq!(host.in_service().len(), 2, "{process:?}");
        host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
        host.settle();
        assert!(host.instances().is_empty(), "{process:?}");
    }
}
