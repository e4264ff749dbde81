//! Warm pools: what a delete of a group needs of them. Recorded on AWS, September 2026 (stackd 9dc356f5, warm_pool_*).

use auto_scaling::{Latency, PoolState, PutWarmPool, Transition};

use crate::{
    hooked::{ABANDON, CONTINUE, HEARTBEAT, hook, hooked},
    host::{Host, LAUNCH, TERMINATE, error_text},
};

/// A group of up to two instances with both hooks, and a pool for what is missing.
fn host(desired_capacity: u32, put: PutWarmPool) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    let hooks = vec![hook("gate", Transition::Launching, CONTINUE), hook("drain", Transition::Terminating, CONTINUE)];
    let mut group = hooked(desired_capacity, hooks);
    group.settings.max_size = 1;
    host.sim.create_group(group, host.now).unwrap();
    host.settle();
    host.sim.put_warm_pool("web", put, host.now).unwrap();
    host
}

/// The instances of the pool, as `i-1 Warmed:Stopped`.
fn pool(host: &Host) -> Vec<String> {
    host.web().warmed().map(|it| format!("{} {}", it.id, it.state_name())).collect()
}

fn listed(host: &Host) -> Vec<String> {
    host.web().listed().map(|it| format!("{} {}", it.id, it.state_name())).collect()
}

fn ends(host: &Host) -> String {
    let event: serde_json::Value = serde_json::from_str(&host.events.last().unwrap().to_json()).unwrap();
    let [kind, origin, destination] =
        [&event["detail-type"], &event["detail"]["Origin"], &event["detail"]["Destination"]]
            .map(|it| it.as_str().unwrap());
    format!("{kind}: {origin} to {destination}")
}

#[test]
fn a_pool_of_the_missing_instances_is_launched_with_hooks_and_is_not_in_the_groups_list() {
    let mut host = host(0, PutWarmPool::default());
    host.advance(Latency::RECORDED.decision);
    let cause = "At 2026-11-23T08:00:00Z a user request put a new WarmPool with MinSize: 0 and MaxGroupPreparedCapacity: null \
                 changing the capacity of WarmPool from 0 to 1.  At 2026-11-23T08:00:08Z an instance was started in response \
                 to a difference between desired and actual capacity, increasing the capacity from 0 to 1.";
    assert_eq!(host.cause(), cause);
    host.advance(LAUNCH);
    assert_eq!((pool(&host), listed(&host)), (vec!["i-1 Warmed:Pending:Wait".into()], vec![]));
    assert_eq!(ends(&host), "EC2 Instance-launch Lifecycle Action: EC2 to WarmPool");
    host.complete("i-1", "gate", CONTINUE).unwrap();
    host.settle();
    assert_eq!(pool(&host), ["i-1 Warmed:Stopped"]);
    assert_eq!(host.activities(1), ["Successful 100: Launching a new EC2 instance into warm pool: i-1"]);
    assert_eq!(ends(&host), "EC2 Instance Launch Successful: EC2 to WarmPool");
    assert!(error_text(host.sim.terminate_instance("i-1", false, host.now)).contains("is in the warm pool"));
}

#[test]
fn a_scale_out_takes_the_instance_out_of_the_pool_and_through_the_launching_hook() {
    let mut host = host(0, PutWarmPool { pool_state: Some(PoolState::Running), ..PutWarmPool::default() });
    host.settle();
    assert_eq!(pool(&host), ["i-1 Warmed:Running"]);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.advance(Latency::RECORDED.decision);
    assert_eq!(host.activities(1), ["PreInService 30: Launching a new EC2 instance from warm pool: i-1"]);
    host.advance(LAUNCH);
    assert_eq!((pool(&host), listed(&host)), (vec![], vec!["i-1 Pending:Wait".into()]));
    assert_eq!(ends(&host), "EC2 Instance-launch Lifecycle Action: WarmPool to AutoScalingGroup");
    host.complete("i-1", "gate", CONTINUE).unwrap();
    host.settle();
    assert_eq!((listed(&host), host.started), (vec!["i-1 InService".into()], 1));
}

/// warm_pool_suspended_launch_native: not from the warm pool either.
#[test]
fn a_suspended_launch_leaves_the_pool_as_it_is() {
    let mut host = host(0, PutWarmPool::default());
    host.settle();
    host.sim.suspend_processes("web", &["Launch".into()], host.now).unwrap();
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    assert_eq!((pool(&host), listed(&host)), (vec!["i-1 Warmed:Stopped".into()], vec![]));
}

/// warm_pool_return_abandon_native.
#[test]
fn a_scale_in_returns_the_instance_to_a_pool_that_reuses_it_whatever_the_hooks_result() {
    for result in [CONTINUE, ABANDON] {
        let reuse = PutWarmPool {
            reuse_on_scale_in: Some(true),
            pool_state: Some(PoolState::Running),
            ..PutWarmPool::default()
        };
        let mut host = host(1, reuse);
        host.settle();
        host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
        host.advance(Latency::RECORDED.decision);
        assert_eq!((pool(&host), listed(&host)), (vec!["i-1 Warmed:Pending:Wait".into()], vec![]));
        let activity = "MidTerminatingLifecycleAction 60: Scaling in EC2 instance into warm pool: i-1";
        assert_eq!(host.activities(1), [activity]);
        assert!(host.cause().ends_with("instance i-1 was selected for scale in to warm pool."), "{}", host.cause());
        assert_eq!(ends(&host), "EC2 Instance-terminate Lifecycle Action: AutoScalingGroup to WarmPool");
        host.complete("i-1", "drain", result).unwrap();
        host.settle();
        assert_eq!((pool(&host), host.terminated.len()), (vec!["i-1 Warmed:Running".into()], 0), "{result:?}");
    }
}

#[test]
fn a_pool_is_deleted_without_force_only_if_it_is_empty() {
    let mut host = host(0, PutWarmPool::default());
    host.settle();
    let error = error_text(host.sim.delete_warm_pool("web", false, host.now));
    assert_eq!(
        error,
        "ResourceInUse: You cannot delete a warm pool while there are instances still in it unless you use the force delete \
         option."
    );
    host.sim.delete_warm_pool("web", true, host.now).unwrap();
    let web = host.web().warm_pool.clone().unwrap();
    assert_eq!((web.is_deleting, web.max_group_prepared_capacity), (true, Some(0)));
    host.advance(Latency::RECORDED.decision);
    assert_eq!(pool(&host), ["i-1 Warmed:Terminating:Wait"]);
    assert_eq!(ends(&host), "EC2 Instance-terminate Lifecycle Action: WarmPool to EC2");
    let cause = "capacity, shrinking the capacity.  At 2026-11-23T08:01:56Z instance i-1 was selected for termination.";
    assert!(host.cause().ends_with(cause), "{}", host.cause());
    host.advance(HEARTBEAT);
    assert_eq!(pool(&host), ["i-1 Warmed:Terminating:Proceed"]);
    host.advance(TERMINATE);
    assert_eq!(host.activities(1), ["Successful 100: Terminating EC2 instance from warm pool: i-1"]);
    assert_eq!((host.web().warm_pool.clone(), host.terminated.len()), (None, 1));
    let error = error_text(host.sim.delete_warm_pool("web", false, host.now));
    assert!(error.starts_with("ValidationError: No warm pool found"), "{error}");
    host.sim.delete_group("web", false, host.now).unwrap();
}

#[test]
fn a_group_with_a_pool_is_deleted_with_force_only_and_the_pool_with_it() {
    let mut host = host(0, PutWarmPool::default());
    host.settle();
    host.update(|it| it.max_size = 0).unwrap();
    host.settle();
    assert!(pool(&host).is_empty(), "without a minimum the pool shrinks with the group's maximum");
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"), "an empty pool");
    host.sim.put_warm_pool("web", PutWarmPool { min_size: Some(1), ..PutWarmPool::default() }, host.now).unwrap();
    host.settle();
    assert_eq!(pool(&host), ["i-2 Warmed:Stopped"]);
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"));
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Latency::RECORDED.decision);
    assert_eq!(pool(&host), ["i-2 Warmed:Terminating:Wait"]);
    // warm_pool_group_deletion_native: both calls work during the delete.
    host.heartbeat("i-2", "drain").unwrap();
    host.complete("i-2", "drain", CONTINUE).unwrap();
    host.settle();
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn a_minimum_over_the_prepared_capacity_is_rejected() {
    let mut host = host(0, PutWarmPool::default());
    let put = PutWarmPool { min_size: Some(1), max_group_prepared_capacity: Some(0), ..PutWarmPool::default() };
    let error = error_text(host.sim.put_warm_pool("web", put, host.now));
    let expected = "ValidationError: A valid MinSize and MaxGroupPreparedCapacity combination must be specified. The warm \
                    pool\u{2019}s MinSize cannot be greater than MaxGroupPreparedCapacity.";
    assert_eq!(error, expected);
}
