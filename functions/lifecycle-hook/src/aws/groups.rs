//! Auto Scaling: the waiting instances, and the completion of lifecycle actions.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::retry::RetryConfig;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::types::{AutoScalingGroup, Filter, Instance};
use environment::hook_settings::HookSettings;
use environment::{Transition, mark};
use lambda_kit::AwsCallError;
use lambda_kit::aws_texts::is_inactive_lifecycle_action;

use crate::cloud::{GroupMember, HookCallOutcome, HookResult, OwnedHook, StartTimes, WaitState, WaitingInstances};
use crate::notification::LifecycleAction;

/// How many instances one call describes (the API reference of `DescribeAutoScalingInstances`).
const INSTANCES_PER_CALL: usize = 50;

/// How many pages of a group's activities are searched at most: a thousand activities.
const MAX_PAGES: usize = 10;

/// The call names the instance and not the token of a message: a token could belong to another instance than the one
/// that was observed.
pub(super) async fn complete(
    client: &Client,
    action: &LifecycleAction,
    result: HookResult,
) -> Result<HookCallOutcome, AwsCallError> {
    let result = match result {
        HookResult::Continue => "CONTINUE",
        HookResult::Abandon => "ABANDON",
    };
    let call = client.complete_lifecycle_action().lifecycle_action_result(result);
    let call = call.auto_scaling_group_name(&action.group).lifecycle_hook_name(&action.hook);
    let call = call.instance_id(&action.instance);
    let once = aws_sdk_autoscaling::config::Builder::new().retry_config(RetryConfig::disabled());
    call_outcome("autoscaling:CompleteLifecycleAction", call.customize().config_override(once).send().await)
}

pub(super) async fn heartbeat(client: &Client, action: &LifecycleAction) -> Result<HookCallOutcome, AwsCallError> {
    let call = client.record_lifecycle_action_heartbeat();
    let call = call.auto_scaling_group_name(&action.group).lifecycle_hook_name(&action.hook);
    let call = call.instance_id(&action.instance);
    call_outcome("autoscaling:RecordLifecycleActionHeartbeat", call.send().await)
}

fn call_outcome<T, E>(
    operation: &'static str,
    response: Result<T, SdkError<E>>,
) -> Result<HookCallOutcome, AwsCallError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match response {
        Ok(_) => Ok(HookCallOutcome::Accepted),
        Err(error) if is_inactive(&error) => Ok(HookCallOutcome::TooLate),
        Err(error) => Err(AwsCallError::of(operation, &error)),
    }
}

fn is_inactive<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    is_inactive_lifecycle_action(error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

pub(super) async fn waiting_instances(client: &Client) -> Result<Vec<WaitingInstances>, AwsCallError> {
    let owned = Filter::builder().name("tag-key").values(mark::OWNER).build();
    let pages = client.describe_auto_scaling_groups().filters(owned).into_paginator().items().send();
    let groups: Vec<AutoScalingGroup> = pages
        .collect::<Result<_, _>>()
        .await
        .map_err(|error| AwsCallError::of("autoscaling:DescribeAutoScalingGroups", &error))?;
    Ok(groups.iter().filter_map(waiting_instances_of).collect())
}

/// The waiting instances of one group; `None` if no instance waits.
fn waiting_instances_of(group: &AutoScalingGroup) -> Option<WaitingInstances> {
    let waiting =
        |it: &Instance| Some((it.instance_id()?.to_owned(), waiting_transition(it.lifecycle_state()?.as_str())?));
    let instances: Vec<_> = group.instances().iter().filter_map(waiting).collect();
    let group = group.auto_scaling_group_name()?.to_owned();
    (!instances.is_empty()).then_some(WaitingInstances { group, instances })
}

/// The transition of an instance in its group, which lists no instance of a warm pool: one that returns to a pool leaves
/// the list when it starts to wait, so that a listed one terminates (recorded on AWS, September 2026: stackd 9dc356f5,
/// `warm_pool_return_abandon_native`).
fn waiting_transition(state: &str) -> Option<Transition> {
    match wait_state(state)? {
        WaitState::Pending => Some(Transition::Launch),
        WaitState::Terminating => Some(Transition::Terminate),
        WaitState::WarmedPending | WaitState::WarmedTerminating => None,
    }
}

fn wait_state(state: &str) -> Option<WaitState> {
    match state {
        "Pending:Wait" => Some(WaitState::Pending),
        "Terminating:Wait" => Some(WaitState::Terminating),
        "Warmed:Pending:Wait" => Some(WaitState::WarmedPending),
        "Warmed:Terminating:Wait" => Some(WaitState::WarmedTerminating),
        _ => None,
    }
}

/// When the latest launch or termination of each of these instances began. Auto Scaling lists activities in progress
/// first, so the activities of waiting instances are found soon, a hundred in a page.
pub(super) async fn describe_start_times(
    client: &Client,
    waiting: &WaitingInstances,
) -> Result<StartTimes, AwsCallError> {
    let call = client.describe_scaling_activities().auto_scaling_group_name(&waiting.group).max_records(100);
    let mut pages = call.into_paginator().send();
    let (mut starts, mut known) = (Vec::new(), StartTimes::new());
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| AwsCallError::of("autoscaling:DescribeScalingActivities", &error))?;
        starts.extend(page.activities().iter().filter_map(|it| {
            Some((it.description()?.to_owned(), u64::try_from(it.start_time()?.to_millis().ok()?).ok()?))
        }));
        known = start_times(starts.iter().map(|(description, at)| (description.as_str(), *at)));
        if waiting.instances.iter().all(|it| known.contains_key(it)) {
            break;
        }
    }
    Ok(known)
}

/// Reads the start of each wait from activities, which name the instance in their descriptions. The list lags: a
/// termination that is not listed yet has no start time. The start of the launch, which may be days ago, does not stand
/// in for it.
#[must_use]
pub fn start_times<'a>(activities: impl Iterator<Item = (&'a str, u64)>) -> StartTimes {
    let mut latest_starts = StartTimes::new();
    for (description, start_ms) in activities {
        let Some(on) = ledger::transition_of(description) else { continue };
        let Some(instance) = ledger::instance_of(description) else { continue };
        let latest = latest_starts.entry((instance.to_owned(), on)).or_insert(start_ms);
        *latest = start_ms.max(*latest);
    }
    latest_starts
}

pub(super) async fn owned_hooks(client: &Client, group: &str) -> Result<Vec<OwnedHook>, AwsCallError> {
    let response = client.describe_lifecycle_hooks().auto_scaling_group_name(group).send().await;
    let response = response.map_err(|error| AwsCallError::of("autoscaling:DescribeLifecycleHooks", &error))?;
    let owned = response.lifecycle_hooks().iter().filter_map(|it| {
        let metadata = it.notification_metadata().filter(|text| HookSettings::read(text).is_some())?;
        let on = match it.lifecycle_transition()? {
            "autoscaling:EC2_INSTANCE_LAUNCHING" => Transition::Launch,
            "autoscaling:EC2_INSTANCE_TERMINATING" => Transition::Terminate,
            _ => return None,
        };
        Some(OwnedHook { name: it.lifecycle_hook_name()?.to_owned(), on, metadata: metadata.to_owned() })
    });
    Ok(owned.collect())
}

pub(super) async fn members(
    client: &Client,
    instances: &[String],
) -> Result<BTreeMap<String, GroupMember>, AwsCallError> {
    let mut members = BTreeMap::new();
    for chunk in instances.chunks(INSTANCES_PER_CALL) {
        // Without ids the call would describe every instance of the account; a chunk is never empty.
        let call = client.describe_auto_scaling_instances().set_instance_ids(Some(chunk.to_vec()));
        let all: Vec<_> = call
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| AwsCallError::of("autoscaling:DescribeAutoScalingInstances", &error))?;
        members.extend(all.iter().filter_map(|it| {
            let waits = it.lifecycle_state().and_then(wait_state);
            Some((it.instance_id()?.to_owned(), GroupMember { group: it.auto_scaling_group_name()?.to_owned(), waits }))
        }));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_instance_waits_since_the_start_of_its_latest_activity_of_the_same_kind() {
        let all = [
            ("Terminating EC2 instance: i-2", 9_000),
            ("Terminating EC2 instance: i-1 - Waiting For ELB Connection Draining.", 7_000),
            ("Launching a new EC2 instance from warm pool: i-1", 3_000),
            ("Launching a new EC2 instance into warm pool: i-1", 2_000),
            ("Launching a new EC2 instance: i-3", 1_500),
            ("Scaling in EC2 instance into warm pool: i-4", 1_200),
            ("Setting desired capacity", 1_000),
            ("Something new about i-3", 9_000),
        ];
        let expected = [
            ("i-1", Transition::Launch, 3_000),
            ("i-1", Transition::Terminate, 7_000),
            ("i-2", Transition::Terminate, 9_000),
            ("i-3", Transition::Launch, 1_500),
            ("i-4", Transition::Terminate, 1_200),
        ];
        let expected = expected.map(|(instance, on, at)| ((instance.to_owned(), on), at));
        assert_eq!(start_times(all.into_iter()), BTreeMap::from(expected));
    }
}
