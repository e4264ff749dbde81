//! The release of instances that keep a drained group from being deleted.
//!
//! An operator may have suspended processes, put instances on standby, protected instances, or added a warm pool. A
//! delete of the environment implies the end of all of these, so it undoes them. What no call undoes is named.

use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup as Found, Instance, LifecycleState, WarmPoolStatus};
use environment::{Call, Condition, Departure, INSTANCE_TERMINATION, State};
use futures_util::future::try_join_all;

use super::observed::find;
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

/// The most instances that one `SetInstanceProtection` accepts (the API reference).
const MAX_UNPROTECTED_PER_CALL: usize = 50;

/// The most instances on standby that one attempt at the delete terminates. Each takes a call.
const MAX_TERMINATED_PER_ATTEMPT: usize = 20;

/// The number of instances that the reason of a wait names, and the words before them.
const MAX_NAMED: usize = 5;
const UNRELEASED: &str = "detach or terminate these instances";

/// The longest `Delete in progress` of a group without instances: 16 s were recorded on AWS (September 2026).
const GROUP_DELETION: Duration = Duration::from_mins(5);

/// What the delete of a drained group has to end before its instances terminate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Holds {
    /// A suspended process, `Terminate` among others.
    suspended: bool,
    warm_pool: bool,
    /// Instances that are protected from scale-in.
    protected: Vec<String>,
    /// Instances on standby, which no scale-in terminates.
    standby: Vec<String>,
    /// Instances in a state that no call of Auto Scaling ends, each with the state.
    others: Vec<String>,
}

impl Holds {
    /// Of the group and its warm pool, which no group lists.
    fn of(group: &Found, pool: &[Instance]) -> Holds {
        let ids = |is_held: &dyn Fn(&Instance) -> bool| {
            let held = group.instances().iter().filter(|it| is_held(it));
            held.filter_map(Instance::instance_id).map(str::to_owned).collect()
        };
        let is_protected = |it: &Instance| {
            Departure::is_held_by_protection(state_of(it)) && it.protected_from_scale_in() == Some(true)
        };
        let all = group.instances().iter().chain(pool);
        let others = all.filter(|it| departure(it) == Departure::ByOperator);
        let named = |it: &Instance| format!("{} ({})", it.instance_id().unwrap_or_default(), state_of(it));
        Holds {
            suspended: !group.suspended_processes().is_empty(),
            warm_pool: group
                .warm_pool_configuration()
                .is_some_and(|it| it.status() != Some(&WarmPoolStatus::PendingDelete)),
            protected: ids(&is_protected),
            standby: ids(&|it| departure(it) == Departure::ByTermination),
            others: others.map(named).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Holds::default()
    }
}

fn state_of(instance: &Instance) -> &str {
    instance.lifecycle_state().map_or("unknown", LifecycleState::as_str)
}

fn departure(instance: &Instance) -> Departure {
    Departure::of(state_of(instance))
}

/// The instances in the warm pool of a drained group. The first page is enough: an instance that ends by itself leaves it.
/// The list serves a reason, so a function without this right, or a read that fails, goes on without it.
pub(super) async fn pool_of_drained(clients: &Clients, group: &Found) -> Vec<Instance> {
    let (Some(0), Some(_), Some(name)) =
        (group.max_size(), group.warm_pool_configuration(), group.auto_scaling_group_name())
    else {
        return vec![];
    };
    let request = clients.autoscaling.describe_warm_pool().auto_scaling_group_name(name);
    let response = request.send().await.classified("autoscaling:DescribeWarmPool");
    response.ok().and_then(|it| it.instances).unwrap_or_default()
}

/// The state of the group. `Status` is set only while AWS deletes the group (the API reference). A group with a maximum
/// of 0 and with instances was drained; the subnets of these instances can't be deleted yet. If something holds the
/// instances, waiting does not help: an attempt at the delete has to release them.
pub(super) fn state(found: &Found, pool: &[Instance], hooks: Duration) -> State {
    if let Some(status) = found.status() {
        return State::Deleting(Condition::from(status).within(GROUP_DELETION));
    }
    let count = found.instances().len();
    let is_drained = found.max_size() == Some(0);
    let has_pool = found.warm_pool_configuration().is_some();
    if !is_drained || (count == 0 && !has_pool) || !Holds::of(found, pool).is_empty() {
        return State::Ready;
    }
    let sentence = match count {
        0 => String::from("its warm pool is being deleted"),
        1 => String::from("1 instance is terminating"),
        count => format!("{count} instances are terminating"),
    };
    State::Deleting(Condition::from(sentence).within(hooks + INSTANCE_TERMINATION))
}

/// Releases the instances of a drained group, and returns the problem of the delete that they blocked.
///
/// A blocked delete calls this, and not the drain, so that each attempt at the delete does the rest of the work: also
/// after a crash, and for an instance that was starting, protected, when the group drained. An operator who suspends,
/// protects and parks nothing need not allow these calls.
pub(super) async fn release(aws: &AwsCloud, call: &Call, blocked: Problem) -> Result<Problem, Problem> {
    let Some(found) = find(&aws.clients, &call.key.name).await? else { return Ok(blocked) };
    let holds = Holds::of(&found, &pool_of_drained(&aws.clients, &found).await);
    let (client, group) = (&aws.clients.autoscaling, &call.key.name);
    if holds.suspended {
        let response = client.resume_processes().auto_scaling_group_name(group).send().await;
        response.classified("autoscaling:ResumeProcesses")?;
    }
    if holds.warm_pool {
        // The instances of the pool still wait for their hooks (recorded on AWS, September 2026).
        let response = client.delete_warm_pool().auto_scaling_group_name(group).force_delete(true).send().await;
        response.classified("autoscaling:DeleteWarmPool")?;
    }
    for ids in holds.protected.chunks(MAX_UNPROTECTED_PER_CALL) {
        let request = client.set_instance_protection().auto_scaling_group_name(group);
        let request = request.set_instance_ids(Some(ids.to_vec())).protected_from_scale_in(false);
        let response = request.send().await.classified("autoscaling:SetInstanceProtection");
        response.map_err(blocked_if_instance_left)?;
    }
    // Scale-in takes no instance on standby. This call runs its hooks, as scale-in would.
    let terminated = holds.standby.iter().take(MAX_TERMINATED_PER_ATTEMPT).map(async |id| {
        let request = client.terminate_instance_in_auto_scaling_group().instance_id(id);
        let response = request.should_decrement_desired_capacity(false).send().await;
        let response = response.classified("autoscaling:TerminateInstanceInAutoScalingGroup");
        response.map(|_| ()).map_err(blocked_if_instance_left)
    });
    try_join_all(terminated).await?;
    Ok(blocked.naming(UNRELEASED, holds.others, MAX_NAMED))
}

/// Classifies the `ValidationError` of a request with an instance that is no longer in the requested state. The code is
/// the one of every mistake, and Auto Scaling changed none of the instances then: the next observation shows which are
/// left.
fn blocked_if_instance_left(problem: Problem) -> Problem {
    if problem.code == "ValidationError" { Problem { class: ErrorClass::Blocked, ..problem } } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_autoscaling::types::{SuspendedProcess, WarmPoolConfiguration};

    const HOOKS: Duration = Duration::from_hours(1);

    fn instance(id: &str, state: &str, protected: bool) -> Instance {
        let instance = Instance::builder().instance_id(id).lifecycle_state(LifecycleState::from(state));
        instance.protected_from_scale_in(protected).build()
    }

    fn drained(instances: Vec<Instance>) -> aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder {
        Found::builder().min_size(0).max_size(0).set_instances(Some(instances))
    }

    fn deleting(sentence: &str) -> State {
        State::Deleting(Condition::from(sentence).within(HOOKS + INSTANCE_TERMINATION))
    }

    #[test]
    fn a_group_is_deleting_during_its_delete_and_its_drain() {
        let in_service = || instance("i-1", "InService", false);
        let state = |group: Found| state(&group, &[], HOOKS);
        let in_deletion = Found::builder().max_size(0).status("Delete in progress").build();
        assert_eq!(state(in_deletion), State::Deleting(Condition::from("Delete in progress").within(GROUP_DELETION)));
        assert_eq!(state(drained(vec![in_service()]).build()), deleting("1 instance is terminating"));
        let two = drained(vec![in_service(), instance("i-2", "Pending:Wait", true)]);
        assert_eq!(state(two.build()), deleting("2 instances are terminating"));
        assert_eq!(state(drained(vec![]).build()), State::Ready);
        assert_eq!(state(Found::builder().max_size(3).instances(in_service()).build()), State::Ready);
    }

    #[test]
    fn a_drained_group_is_ready_for_a_delete_that_releases_its_instances() {
        let state = |group: Found| state(&group, &[], HOOKS);
        for (lifecycle, protected) in [
            ("InService", true),
            ("Standby", false),
            ("Standby", true),
            ("Quarantined", false),
            ("Terminating:Retained", false),
        ] {
            assert_eq!(
                state(drained(vec![instance("i-1", lifecycle, protected)]).build()),
                State::Ready,
                "{lifecycle}"
            );
        }
        let suspended = SuspendedProcess::builder().process_name("Terminate").build();
        let in_service = || drained(vec![instance("i-1", "InService", false)]);
        assert_eq!(state(in_service().suspended_processes(suspended).build()), State::Ready);
        let pool = |status: Option<WarmPoolStatus>| WarmPoolConfiguration::builder().set_status(status).build();
        assert_eq!(state(drained(vec![]).warm_pool_configuration(pool(None)).build()), State::Ready);
        let pool = pool(Some(WarmPoolStatus::PendingDelete));
        assert_eq!(
            state(drained(vec![]).warm_pool_configuration(pool).build()),
            deleting("its warm pool is being deleted")
        );
    }

    #[test]
    fn each_lifecycle_state_ends_by_itself_or_is_released_or_is_named() {
        for state in LifecycleState::values() {
            let listed = [instance("i-1", state, false)];
            let holds = if state.starts_with("Warmed:") {
                Holds::of(&drained(vec![]).build(), &listed)
            } else {
                Holds::of(&drained(listed.to_vec()).build(), &[])
            };
            let is_named = holds.others == [format!("i-1 ({state})")];
            let needs_a_person = ["Quarantined", "Retained", "RootVolume"].iter().any(|it| state.contains(it));
            assert_eq!(is_named, needs_a_person, "{state}");
            assert_eq!(!holds.standby.is_empty(), *state == "Standby", "{state}");
        }
    }

    #[test]
    fn a_pool_that_keeps_an_instance_is_not_waited_for() {
        let pool = WarmPoolConfiguration::builder().status(WarmPoolStatus::PendingDelete).build();
        let group = drained(vec![]).warm_pool_configuration(pool).build();
        let state = |lifecycle: &str| state(&group, &[instance("i-1", lifecycle, false)], HOOKS);
        assert_eq!(state("Warmed:Terminating:Wait"), deleting("its warm pool is being deleted"));
        assert_eq!(state("Warmed:Terminating:Retained"), State::Ready);
    }

    #[test]
    fn five_instances_are_named_and_the_others_are_counted() {
        let problem = || Problem::blocked("autoscaling:DeleteAutoScalingGroup", "in use.");
        let others: Vec<String> = (1..=7).map(|number| format!("i-{number} (Quarantined)")).collect();
        let message = problem().naming(UNRELEASED, others, MAX_NAMED).message;
        assert!(message.starts_with("in use; detach or terminate these instances: i-1 (Quarantined), "), "{message}");
        assert!(message.ends_with("i-5 (Quarantined) and 2 more"), "{message}");
        assert_eq!(problem().naming(UNRELEASED, vec![], MAX_NAMED), problem());
    }

    #[test]
    fn an_instance_that_left_before_its_release_is_retried_and_a_denial_is_not() {
        let class = |class, code: &str| {
            blocked_if_instance_left(Problem::new(class, "autoscaling:SetInstanceProtection", code, "")).class
        };
        assert_eq!(class(ErrorClass::Rejected, "ValidationError"), ErrorClass::Blocked);
        assert_eq!(class(ErrorClass::Denied, "AccessDenied"), ErrorClass::Denied);
    }
}
