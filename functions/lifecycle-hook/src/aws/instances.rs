//! EC2 and SSM: the observation of instances.

use std::collections::BTreeMap;

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{
    Filter, Instance, InstanceLifecycleType, InstanceStatus, InstanceStatusSummary, SummaryStatus,
};
use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter, PingStatus};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use environment::hook_settings::{DONE, FAILED, USER_DATA};
use lambda_kit::AwsCallError;

use super::debug_text;
use crate::error::{EvidenceError, HookError};
use crate::facts::{Agent, Checks, ObservedInstance, State, UserData};

/// How many instances one call covers: 100, the smallest limit of all three calls (their API references).
const INSTANCES_PER_CALL: usize = 100;

/// How much of EC2's reason for a state is kept, in characters; the known ones have less than 200 (the EC2 API reference,
/// `StateReason`).
const MAX_REASON_CHARS: usize = 400;

/// How many of them SSM returns in one page at most; the default is ten (the API reference).
const AGENTS_PER_PAGE: i32 = 50;

pub(super) async fn observe_instances(
    ec2: &aws_sdk_ec2::Client,
    ssm: &aws_sdk_ssm::Client,
    instances: &[String],
) -> Result<BTreeMap<String, ObservedInstance>, AwsCallError> {
    let mut all = BTreeMap::new();
    for chunk in instances.chunks(INSTANCES_PER_CALL) {
        let (found, agents) = tokio::join!(describe_instances(ec2, chunk), agents(ssm, chunk));
        let found = found?;
        // This call alone would reject all ids because of one unknown id.
        let known: Vec<String> = found.keys().cloned().collect();
        let checks = checks(ec2, &known).await;
        all.extend(chunk.iter().map(|id| {
            let instance = found.get(id);
            let started_ms = instance.and_then(|it| ms(it.launch_time()?));
            let observed = ObservedInstance {
                state: instance.map_or(State::Unknown, state),
                state_reason: instance.and_then(state_reason),
                user_data: instance.map_or(UserData::Unreported, user_data),
                started_ms,
                is_spot: instance.is_some_and(|it| it.instance_lifecycle() == Some(&InstanceLifecycleType::Spot)),
                checks: checks
                    .as_ref()
                    .map_err(|error| HookError::from(error.clone()))
                    .map(|it| it.get(id).copied().unwrap_or(Checks::Unreported)),
                agent: agents
                    .as_ref()
                    .map_err(|error| HookError::from(error.clone()))
                    .map(|it| agent(it.get(id), started_ms)),
            };
            (id.clone(), observed)
        }));
    }
    Ok(all)
}

async fn describe_instances(
    ec2: &aws_sdk_ec2::Client,
    ids: &[String],
) -> Result<BTreeMap<String, Instance>, AwsCallError> {
    let by_id = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
    let pages = ec2.describe_instances().filters(by_id).into_paginator().items().send();
    let reservations: Vec<_> =
        pages.collect::<Result<_, _>>().await.map_err(|error| AwsCallError::of("ec2:DescribeInstances", &error))?;
    let instances = reservations.into_iter().flat_map(|it| it.instances.unwrap_or_default());
    Ok(instances.filter_map(|it| Some((it.instance_id()?.to_owned(), it))).collect())
}

fn state(instance: &Instance) -> State {
    let name = instance
        .state()
        .and_then(|it| it.name())
        .map(aws_sdk_ec2::types::InstanceStateName::as_str)
        .unwrap_or_default();
    match name {
        "pending" => State::Pending,
        "running" => State::Running,
        "stopping" | "stopped" => State::Stopped,
        "shutting-down" | "terminated" => State::Terminated,
        other => State::Other(other.to_owned()),
    }
}

/// EC2's reason for the state: its message, which begins with the code, or the code alone.
fn state_reason(instance: &Instance) -> Option<String> {
    let reason = instance.state_reason()?;
    let text = reason.message().or(reason.code()).filter(|it| !it.is_empty())?;
    Some(text.chars().take(MAX_REASON_CHARS).collect())
}

fn user_data(instance: &Instance) -> UserData {
    let tag = instance.tags().iter().find(|it| it.key() == Some(USER_DATA)).and_then(|it| it.value());
    match tag {
        Some(DONE) => UserData::Done,
        Some(reason) if reason.starts_with(FAILED) => UserData::Failed(reason.to_owned()),
        // A value that is newer than this function is neither done nor failed.
        None | Some(_) => UserData::Unreported,
    }
}

async fn checks(ec2: &aws_sdk_ec2::Client, ids: &[String]) -> Result<BTreeMap<String, Checks>, AwsCallError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let response = ec2.describe_instance_status().set_instance_ids(Some(ids.to_vec())).send().await;
    let response = response.map_err(|error| AwsCallError::of("ec2:DescribeInstanceStatus", &error))?;
    let all = response.instance_statuses().iter();
    Ok(all.filter_map(|it| Some((it.instance_id()?.to_owned(), worse_check(it)))).collect())
}

fn worse_check(status: &InstanceStatus) -> Checks {
    let checks = [status.instance_status(), status.system_status()].map(|it| it.map_or(Checks::Unreported, check));
    let [one, other] = checks;
    match (one, other) {
        (Checks::Impaired { since_ms: one }, Checks::Impaired { since_ms: other }) => {
            Checks::Impaired { since_ms: [one, other].into_iter().flatten().min() }
        }
        (impaired @ Checks::Impaired { .. }, _) | (_, impaired @ Checks::Impaired { .. }) => impaired,
        (Checks::Passed, Checks::Passed) => Checks::Passed,
        _ => Checks::Unreported,
    }
}

fn check(summary: &InstanceStatusSummary) -> Checks {
    match summary.status() {
        Some(SummaryStatus::Ok) => Checks::Passed,
        Some(SummaryStatus::Impaired) => {
            let since = summary.details().iter().filter_map(|it| it.impaired_since()).min();
            Checks::Impaired { since_ms: since.and_then(ms) }
        }
        _ => Checks::Unreported,
    }
}

async fn agents(
    ssm: &aws_sdk_ssm::Client,
    ids: &[String],
) -> Result<BTreeMap<String, InstanceInformation>, AwsCallError> {
    let by_id = InstanceInformationStringFilter::builder().key("InstanceIds").set_values(Some(ids.to_vec())).build();
    let by_id = by_id.map_err(|error| AwsCallError::not_built("ssm:DescribeInstanceInformation", error))?;
    let call = ssm.describe_instance_information().filters(by_id).max_results(AGENTS_PER_PAGE);
    let all: Vec<_> = call
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .map_err(|error| AwsCallError::of("ssm:DescribeInstanceInformation", &error))?;
    Ok(all.into_iter().filter_map(|it| Some((it.instance_id()?.to_owned(), it))).collect())
}

/// SSM reports an agent as online for half a minute and more after its last ping (recorded on AWS, September 2026: stackd
/// 9dc356f5, `timeouts_current:running-node-offline-*`), so a ping from before the last start does not count. An instance
/// that is stopped is not listed.
fn agent(known: Option<&InstanceInformation>, started_ms: Option<u64>) -> Agent {
    let Some(known) = known else { return Agent::Unregistered };
    let last_ping_ms = known.last_ping_date_time().and_then(ms);
    let pinged_since_start = last_ping_ms.zip(started_ms).is_none_or(|(last_ping, started)| last_ping >= started);
    if known.ping_status() == Some(&PingStatus::Online) && pinged_since_start { Agent::Online } else { Agent::Lost }
}

fn ms(at: &DateTime) -> Option<u64> {
    u64::try_from(at.to_millis().ok()?).ok()
}

/// The console output of the instance: the latest where EC2 can return it (instances of the Nitro system), else the
/// output that EC2 kept of the start.
pub(super) async fn console(ec2: &aws_sdk_ec2::Client, instance: &str) -> Result<String, EvidenceError> {
    const OPERATION: &str = "ec2:GetConsoleOutput";
    let fetch = |latest| ec2.get_console_output().instance_id(instance).set_latest(latest).send();
    let response = match fetch(Some(true)).await {
        Ok(response) => response,
        Err(_) => fetch(None).await.map_err(|error| AwsCallError::of(OPERATION, &error))?,
    };
    let encoded = response.output().unwrap_or_default();
    let output =
        BASE64_STANDARD.decode(encoded).map_err(|error| AwsCallError::unexpected(OPERATION, debug_text(error)))?;
    if output.is_empty() {
        return Err(EvidenceError::NoConsoleOutput);
    }
    Ok(String::from_utf8_lossy(&output).into_owned())
}
