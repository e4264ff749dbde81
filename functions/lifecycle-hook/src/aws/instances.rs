//! EC2 and SSM: what instances look like.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Instance, InstanceStatus, InstanceStatusSummary, SummaryStatus};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use environment::hook_settings::{DONE, USER_DATA};

use super::{shown, told};
use crate::facts::{Agent, Checks, Seen, State, UserData};

/// How many instances one call is asked about: 100, the least that all three take (their API references).
const AT_ONCE: usize = 100;

pub(super) async fn see(
    ec2: &aws_sdk_ec2::Client,
    ssm: &aws_sdk_ssm::Client,
    instances: &[String],
) -> Result<BTreeMap<String, Seen>, String> {
    let mut all = BTreeMap::new();
    for some in instances.chunks(AT_ONCE) {
        let (states, agents) = tokio::try_join!(states(ec2, some), agents(ssm, some))?;
        // Of an id that it does not know, this call alone would refuse to speak of all.
        let known: Vec<String> = states.keys().cloned().collect();
        let checks = checks(ec2, &known).await?;
        all.extend(some.iter().map(|id| {
            let (state, user_data) = states.get(id).cloned().unwrap_or((State::Unknown, UserData::Silent));
            let checks = checks.get(id).copied().unwrap_or(Checks::Silent);
            let agent = agents.get(id).copied().unwrap_or(Agent::Unregistered);
            (id.clone(), Seen { state, user_data, checks, agent })
        }));
    }
    Ok(all)
}

async fn states(ec2: &aws_sdk_ec2::Client, ids: &[String]) -> Result<BTreeMap<String, (State, UserData)>, String> {
    let by_id = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
    let pages = ec2.describe_instances().filters(by_id).into_paginator().items().send();
    let reservations: Vec<_> =
        pages.collect::<Result<_, _>>().await.map_err(|error| told("ec2:DescribeInstances", &error))?;
    let instances = reservations.into_iter().flat_map(|it| it.instances.unwrap_or_default());
    Ok(instances.filter_map(|it| Some((it.instance_id()?.to_owned(), (state(&it), user_data(&it))))).collect())
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
        "shutting-down" | "terminated" => State::Gone,
        other => State::Other(other.to_owned()),
    }
}

fn user_data(instance: &Instance) -> UserData {
    let tag = instance.tags().iter().find(|it| it.key() == Some(USER_DATA)).and_then(|it| it.value());
    match tag {
        None => UserData::Silent,
        Some(DONE) => UserData::Done,
        Some(other) => UserData::Failed(other.to_owned()),
    }
}

async fn checks(ec2: &aws_sdk_ec2::Client, ids: &[String]) -> Result<BTreeMap<String, Checks>, String> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = ec2.describe_instance_status().set_instance_ids(Some(ids.to_vec())).send().await;
    let answer = answer.map_err(|error| told("ec2:DescribeInstanceStatus", &error))?;
    let all = answer.instance_statuses().iter();
    Ok(all.filter_map(|it| Some((it.instance_id()?.to_owned(), worse(it)))).collect())
}

fn worse(status: &InstanceStatus) -> Checks {
    let both = [status.instance_status(), status.system_status()].map(|it| it.map_or(Checks::Silent, check));
    let [one, other] = both;
    match (one, other) {
        (Checks::Impaired { since_ms: one }, Checks::Impaired { since_ms: other }) => {
            Checks::Impaired { since_ms: one.min(other) }
        }
        (impaired @ Checks::Impaired { .. }, _) | (_, impaired @ Checks::Impaired { .. }) => impaired,
        (Checks::Passed, Checks::Passed) => Checks::Passed,
        _ => Checks::Silent,
    }
}

/// A check that is impaired and does not say since when has just begun to be.
fn check(summary: &InstanceStatusSummary) -> Checks {
    match summary.status() {
        Some(SummaryStatus::Ok) => Checks::Passed,
        Some(SummaryStatus::Impaired) => {
            let since = summary.details().iter().filter_map(|it| it.impaired_since()).min();
            let since_ms = since.and_then(|it| u64::try_from(it.to_millis().ok()?).ok());
            Checks::Impaired { since_ms: since_ms.unwrap_or_else(lambda_kit::now_ms) }
        }
        _ => Checks::Silent,
    }
}

async fn agents(ssm: &aws_sdk_ssm::Client, ids: &[String]) -> Result<BTreeMap<String, Agent>, String> {
    let by_id = InstanceInformationStringFilter::builder().key("InstanceIds").set_values(Some(ids.to_vec())).build();
    let by_id = by_id.map_err(|error| format!("ssm:DescribeInstanceInformation: {error}"))?;
    let pages = ssm.describe_instance_information().filters(by_id).into_paginator().items().send();
    let all: Vec<_> =
        pages.collect::<Result<_, _>>().await.map_err(|error| told("ssm:DescribeInstanceInformation", &error))?;
    let agent = |ping: Option<&PingStatus>| if ping == Some(&PingStatus::Online) { Agent::Online } else { Agent::Lost };
    Ok(all.iter().filter_map(|it| Some((it.instance_id()?.to_owned(), agent(it.ping_status())))).collect())
}

/// What the instance wrote to its console: the latest where EC2 can tell it (instances of the Nitro system), else what it
/// kept of the start.
pub(super) async fn console(ec2: &aws_sdk_ec2::Client, instance: &str) -> Result<String, String> {
    let ask = |latest| ec2.get_console_output().instance_id(instance).set_latest(latest).send();
    let answer = match ask(Some(true)).await {
        Ok(answer) => answer,
        Err(_) => ask(None).await.map_err(|error| told("ec2:GetConsoleOutput", &error))?,
    };
    let encoded = answer.output().unwrap_or_default();
    let output = BASE64_STANDARD.decode(encoded).map_err(|error| format!("ec2:GetConsoleOutput: {}", shown(error)))?;
    if output.is_empty() {
        return Err(String::from("EC2 has nothing yet"));
    }
    Ok(String::from_utf8_lossy(&output).into_owned())
}
