//! Rollouts: lists of several pages, and lost responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_cloud::AwsCloud;
use environment::rollout::{RolloutCloud, VerdictKind};
use environment::{Call, CallError, CallKind, Cloud, Names, Proofs, RolloutCall, Scope};

use crate::service;

fn scope() -> Scope {
    let account = "123456789012".into();
    let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
    Scope { owner: "owner".into(), names, proofs: Proofs::default(), network_is_managed: true }
}

fn result(operation: &str, content: &str) -> (u16, String) {
    (200, format!("<{operation}Response><{operation}Result>{content}</{operation}Result></{operation}Response>"))
}

fn error(status: u16, code: &str) -> (u16, String) {
    (status, format!("<ErrorResponse><Error><Code>{code}</Code><Message>no.</Message></Error></ErrorResponse>"))
}

/// A launch activity that began in this second of a minute, and was abandoned or succeeded.
fn activity(instance: &str, second: u32, succeeded: bool) -> String {
    let at = |second: u32| format!("2026-09-27T05:30:{second:02}Z");
    let (status, message) =
        if succeeded { ("Successful", "") } else { ("Cancelled", "Lifecycle Action with token 1 was abandoned") };
    format!(
        "<member><ActivityId>{second}</ActivityId><AutoScalingGroupName>g</AutoScalingGroupName><Cause>c</Cause>\
         <Description>Launching a new EC2 instance: {instance}</Description><StartTime>{}</StartTime>\
         <EndTime>{}</EndTime><StatusCode>{status}</StatusCode><StatusMessage>{message}</StatusMessage></member>",
        at(second),
        at(second + 5)
    )
}

/// A group with a refresh that began in second 20, whose activities have three pages.
fn respond(body: &str) -> (u16, String) {
    let page = |activities: String, next: &str| {
        result("DescribeScalingActivities", &format!("<Activities>{activities}</Activities>{next}"))
    };
    let group = scope().names.group().name;
    let template = "<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>1</Version></LaunchTemplate>";
    match body.split('&').next().unwrap_or_default() {
        "Action=DescribeAutoScalingGroups" => {
            let tag = "<Tags><member><Key>envkeeper:owner</Key><Value>owner</Value></member></Tags>";
            let group = format!(
                "<AutoScalingGroupName>{group}</AutoScalingGroupName><AutoScalingGroupARN>arn</AutoScalingGroupARN>{template}{tag}"
            );
            result(
                "DescribeAutoScalingGroups",
                &format!("<AutoScalingGroups><member>{group}</member></AutoScalingGroups>"),
            )
        }
        "Action=DescribeInstanceRefreshes" => {
            let started = "<StartTime>2026-09-27T05:30:20Z</StartTime><Status>InProgress</Status>";
            let target = template.replace('1', "2").replace("lt-2", "lt-1");
            let target = format!("<DesiredConfiguration>{target}</DesiredConfiguration>");
            let refresh = format!("<member><InstanceRefreshId>r-1</InstanceRefreshId>{started}{target}</member>");
            result("DescribeInstanceRefreshes", &format!("<InstanceRefreshes>{refresh}</InstanceRefreshes>"))
        }
        "Action=DescribeScalingActivities" if body.contains("NextToken=second") => {
            page(activity("i-2", 30, false) + &activity("i-1", 10, true), "<NextToken>third</NextToken>")
        }
        "Action=DescribeScalingActivities" if body.contains("NextToken=third") => error(400, "InvalidNextToken"),
        "Action=DescribeScalingActivities" => page(activity("i-3", 40, true), "<NextToken>second</NextToken>"),
        "Action=DescribeLaunchTemplateVersions" => {
            let version = |number: u32| {
                format!("<item><launchTemplateId>lt-1</launchTemplateId><versionNumber>{number}</versionNumber></item>")
            };
            let versions = version(2) + &version(1);
            let set = format!("<launchTemplateVersionSet>{versions}</launchTemplateVersionSet>");
            (200, format!("<DescribeLaunchTemplateVersionsResponse>{set}</DescribeLaunchTemplateVersionsResponse>"))
        }
        _ => (200, String::from("<DescribeTagsResponse><tagSet/></DescribeTagsResponse>")),
    }
}

#[tokio::test]
async fn activities_are_read_back_to_the_start_of_the_refresh() {
    let clients = service::start(|request| Some(respond(&request.body)));
    let aws = AwsCloud::new(&clients, "owner".into(), "request".into());
    let observed = aws.observe_rollout(&scope(), &[]).await.expect("reads").expect("a group");
    let verdicts: Vec<_> = observed.verdicts.iter().map(|it| (it.version, it.kind.clone())).collect();
    assert_eq!(verdicts, [(2, VerdictKind::Unhealthy("i-2".into()))]);
    assert_eq!(observed.launches.len(), 2, "the third page is older than the refresh, and not read");
}

/// The response to the first attempt is lost; the SDK's second attempt then finds its own effect.
#[tokio::test]
async fn a_call_whose_first_attempt_succeeded_waits_for_the_next_observation() {
    for (rollout, code) in [
        (RolloutCall::RollBack, "ActiveInstanceRefreshNotFound"),
        (RolloutCall::Cancel, "ActiveInstanceRefreshNotFound"),
    ] {
        let attempts = Arc::new(AtomicUsize::default());
        let count = Arc::clone(&attempts);
        let clients = service::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 => None,
            _ => Some(error(400, code)),
        });
        let aws = AwsCloud::new(&clients, "owner".into(), "request".into());
        let call = Call { key: scope().names.group(), id: None, kind: CallKind::Rollout(rollout) };
        let response = aws.call(&call).await;
        let Err(CallError::Retry { waiting_for, .. }) = &response else { panic!("{code}: {response:?}") };
        assert!(waiting_for.sentence.contains(code), "{waiting_for}");
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    }
}
