//! Auto Scaling: who waits, and the end of a wait.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::types::{Activity, AutoScalingGroup, Filter};
use environment::hook_settings::HookSettings;
use environment::{Transition, mark};

use super::told;
use crate::cloud::{Ends, OurHook, Told, Waiting};
use crate::notice::Action;

pub(super) async fn complete(client: &Client, action: &Action, ends: Ends) -> Result<Told, String> {
    let result = match ends {
        Ends::Continue => "CONTINUE",
        Ends::Abandon => "ABANDON",
    };
    let call = client.complete_lifecycle_action().lifecycle_action_result(result);
    let call = call.auto_scaling_group_name(&action.group).lifecycle_hook_name(&action.hook);
    let call = match &action.token {
        Some(token) => call.lifecycle_action_token(token),
        None => call.instance_id(&action.instance),
    };
    answer("autoscaling:CompleteLifecycleAction", call.send().await)
}

pub(super) async fn heartbeat(client: &Client, action: &Action) -> Result<Told, String> {
    let call = client.record_lifecycle_action_heartbeat();
    let call = call.auto_scaling_group_name(&action.group).lifecycle_hook_name(&action.hook);
    let call = match &action.token {
        Some(token) => call.lifecycle_action_token(token),
        None => call.instance_id(&action.instance),
    };
    answer("autoscaling:RecordLifecycleActionHeartbeat", call.send().await)
}

fn answer<T, E>(operation: &str, answer: Result<T, SdkError<E>>) -> Result<Told, String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(_) => Ok(Told::Yes),
        Err(error) if is_too_late(error.code(), error.message()) => Ok(Told::TooLate),
        Err(error) => Err(told(operation, &error)),
    }
}

/// Of an action that is complete, expired or was never there, Auto Scaling says `No active Lifecycle Action found` (FACTS,
/// section 2); of a group that is gone, that it is not found. Both have the code of every mistake.
fn is_too_late(code: Option<&str>, message: Option<&str>) -> bool {
    let says = |text: &str| message.is_some_and(|message| message.contains(text));
    code == Some("ValidationError") && (says("No active Lifecycle Action found") || says("not found"))
}

pub(super) async fn waiting(client: &Client) -> Result<Vec<Waiting>, String> {
    let ours = Filter::builder().name("tag-key").values(mark::OWNER).build();
    let pages = client.describe_auto_scaling_groups().filters(ours).into_paginator().items().send();
    let groups: Vec<AutoScalingGroup> =
        pages.collect::<Result<_, _>>().await.map_err(|error| told("autoscaling:DescribeAutoScalingGroups", &error))?;
    let mut all = Vec::new();
    for group in groups {
        let name = group.auto_scaling_group_name().unwrap_or_default();
        let waits = group
            .instances()
            .iter()
            .filter_map(|it| Some((it.instance_id()?, of_state(it.lifecycle_state()?.as_str())?)));
        let waits: Vec<(&str, Transition)> = waits.collect();
        if waits.is_empty() {
            continue;
        }
        let activities = activities(client, name).await?;
        all.extend(waits.into_iter().map(|(instance, on)| Waiting {
            group: name.to_owned(),
            instance: instance.to_owned(),
            on,
            since_ms: since(&activities, instance),
        }));
    }
    Ok(all)
}

fn of_state(state: &str) -> Option<Transition> {
    match state {
        "Pending:Wait" => Some(Transition::Launch),
        "Terminating:Wait" => Some(Transition::Terminate),
        _ => None,
    }
}

/// The newest activities, which those of instances that wait are among: a page has a hundred.
async fn activities(client: &Client, group: &str) -> Result<Vec<Activity>, String> {
    let answer = client.describe_scaling_activities().auto_scaling_group_name(group).max_records(100).send().await;
    let answer = answer.map_err(|error| told("autoscaling:DescribeScalingActivities", &error))?;
    Ok(answer.activities.unwrap_or_default())
}

/// When the newest activity about an instance began: "Launching a new EC2 instance: i-…".
fn since(activities: &[Activity], instance: &str) -> Option<u64> {
    let about = |it: &&Activity| it.description().is_some_and(|text| text.ends_with(instance));
    let begun = activities.iter().filter(about).filter_map(Activity::start_time).max()?;
    u64::try_from(begun.to_millis().ok()?).ok()
}

pub(super) async fn hooks(client: &Client, group: &str) -> Result<Vec<OurHook>, String> {
    let answer = client.describe_lifecycle_hooks().auto_scaling_group_name(group).send().await;
    let answer = answer.map_err(|error| told("autoscaling:DescribeLifecycleHooks", &error))?;
    let ours = answer.lifecycle_hooks().iter().filter_map(|it| {
        let metadata = it.notification_metadata().filter(|text| HookSettings::read(text).is_some())?;
        let on = match it.lifecycle_transition()? {
            "autoscaling:EC2_INSTANCE_LAUNCHING" => Transition::Launch,
            "autoscaling:EC2_INSTANCE_TERMINATING" => Transition::Terminate,
            _ => return None,
        };
        Some(OurHook { name: it.lifecycle_hook_name()?.to_owned(), on, metadata: metadata.to_owned() })
    });
    Ok(ours.collect())
}

pub(super) async fn group_of(client: &Client, instance: &str) -> Result<Option<String>, String> {
    let answer = client.describe_auto_scaling_instances().instance_ids(instance).send().await;
    let answer = answer.map_err(|error| told("autoscaling:DescribeAutoScalingInstances", &error))?;
    Ok(answer.auto_scaling_instances().first().and_then(|it| it.auto_scaling_group_name()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_autoscaling::primitives::DateTime;

    #[test]
    fn what_nobody_waits_for_is_told_from_mistakes() {
        let late = |message| is_too_late(Some("ValidationError"), Some(message));
        assert!(late("No active Lifecycle Action found with token 87654321-4321-4321-4321-210987654321"));
        assert!(late("No active Lifecycle Action found with instance ID i-1234567890abcdef0"));
        assert!(late("AutoScalingGroup name not found - AutoScalingGroup 'web' not found"));
        assert!(!late("The token is too short"));
        assert!(!is_too_late(Some("Throttling"), Some("Rate exceeded")));
    }

    #[test]
    fn an_instance_waits_since_its_newest_activity_began() {
        let activity = |description: &str, seconds| {
            Activity::builder().description(description).start_time(DateTime::from_secs(seconds)).build()
        };
        let all = [
            activity("Terminating EC2 instance: i-2", 9),
            activity("Terminating EC2 instance: i-1", 7),
            activity("Launching a new EC2 instance: i-1", 3),
        ];
        assert_eq!(since(&all, "i-1"), Some(7_000));
        assert_eq!(since(&all, "i-3"), None);
    }
}
