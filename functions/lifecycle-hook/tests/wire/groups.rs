//! Auto Scaling.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use environment::Transition;
use lifecycle_hook::LifecycleAction;
use lifecycle_hook::aws::Account;
use lifecycle_hook::cloud::{HookApi as _, CompletionError, HookCallOutcome, HookResult, OwnedHook, StartTimes, WaitingInstances};
use test_support::hooks::{gate, settings};
use test_support::service;

use crate::{Asked, ID, Response, account, always, bodies, of_service, rejected, told};

const TOKEN: &str = "5f0d8f0e-6d1c-4c1b-8d5e-2a9b7c3e1f04";

fn action(token: Option<&str>) -> LifecycleAction {
    LifecycleAction {
        group: "g".into(),
        hook: "h".into(),
        token: token.map(str::to_owned),
        instance: ID.into(),
        on: Transition::Launch,
        metadata: None,
        route: None,
    }
}

#[tokio::test]
async fn an_end_that_nobody_waits_for_is_told_from_one_that_did_not_arrive() {
    let late = format!("No active Lifecycle Action found with token {TOKEN}");
    let gone = "AutoScalingGroup name not found - AutoScalingGroup 'g' not found";
    let wrong = "1 validation error detected: Value 'x' at 'lifecycleActionToken' failed to satisfy constraint";
    for (response, expected) in [
        (None, Ok(HookCallOutcome::Accepted)),
        (Some(rejected("ValidationError", &late)), Ok(HookCallOutcome::TooLate)),
        (Some(rejected("ValidationError", gone)), Ok(HookCallOutcome::TooLate)),
        (Some(rejected("ValidationError", wrong)), Err(format!("ValidationError: {wrong}"))),
        (Some(rejected("ResourceContention", "busy")), Err("ResourceContention: busy".to_owned())),
    ] {
        let of = |operation: &str| response.clone().unwrap_or_else(|| told(operation, ""));
        let error = |operation: &str| expected.clone().map_err(|reason| format!("autoscaling:{operation}: {reason}"));
        let ended = always(of("CompleteLifecycleAction")).complete(&action(Some(TOKEN)), HookResult::Continue).await;
        assert_eq!(ended.map_err(|it| it.reason), error("CompleteLifecycleAction"));
        let beat = always(of("RecordLifecycleActionHeartbeat")).heartbeat(&action(Some(TOKEN))).await;
        assert_eq!(beat, error("RecordLifecycleActionHeartbeat"));
    }
}

#[tokio::test]
async fn a_wait_is_named_by_its_token_and_where_nobody_knows_that_by_the_instance() {
    for (token, named) in [(Some(TOKEN), format!("LifecycleActionToken={TOKEN}")), (None, format!("InstanceId={ID}"))] {
        let (account, asked) = account(|_, _| told("CompleteLifecycleAction", ""));
        assert_eq!(account.complete(&action(token), HookResult::Abandon).await, Ok(HookCallOutcome::Accepted));
        let asked = bodies(&asked).concat();
        assert!(asked.contains("LifecycleActionResult=ABANDON") && asked.contains(&named), "{asked}");
        assert_ne!(asked.contains("LifecycleActionToken"), asked.contains("InstanceId"), "one of both: {asked}");
    }
}

/// Sent twice unseen, the second would be refused for the first one's success.
#[tokio::test]
async fn an_end_is_sent_once_and_one_without_a_clear_answer_is_doubtful() {
    let late = format!("No active Lifecycle Action found with token {TOKEN}");
    let (_, failed) = rejected("ResourceContention", "busy");
    for (first, indeterminate) in [
        (None, true),
        (Some((500, failed)), true),
        (Some((503, String::new())), true),
        (Some(rejected("Throttling", "Rate exceeded")), false),
        (Some(rejected("AccessDenied", "not authorized")), false),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let (before, response, late) = (Arc::clone(&asked), first.clone(), late.clone());
        let config = service(move |_| match before.fetch_add(1, Ordering::Relaxed) {
            0 => response.clone(),
            _ => Some(rejected("ValidationError", &late)),
        });
        let account = of_service(&config);
        let ended = account.complete(&action(Some(TOKEN)), HookResult::Continue).await;
        let CompletionError { reason, indeterminate: is } = ended.expect_err("no success");
        assert_eq!(is, indeterminate, "{first:?}: {reason}");
        assert!(reason.starts_with("autoscaling:CompleteLifecycleAction: "), "{reason}");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{first:?}");
        assert_eq!(account.complete(&action(Some(TOKEN)), HookResult::Continue).await, Ok(HookCallOutcome::TooLate));
    }
}

/// Two pages of groups, and in the second one two instances wait: for a launch, and for an end.
fn groups(page: usize) -> Response {
    let member = |instance: &str, state: &str| {
        format!(
            "<member><InstanceId>{instance}</InstanceId><AvailabilityZone>eu-west-1a</AvailabilityZone>\
             <LifecycleState>{state}</LifecycleState><HealthStatus>Healthy</HealthStatus>\
             <ProtectedFromScaleIn>false</ProtectedFromScaleIn></member>"
        )
    };
    let (name, instances, more) = match page {
        0 => ("quiet", member(SERVING, "InService"), "<NextToken>1</NextToken>"),
        _ => (
            "busy",
            member(ID, "Pending:Wait") + &member(SERVING, "InService") + &member(ENDING, "Terminating:Wait"),
            "",
        ),
    };
    let group = format!("<AutoScalingGroupName>{name}</AutoScalingGroupName><Instances>{instances}</Instances>");
    let groups = format!("<AutoScalingGroups><member>{group}</member></AutoScalingGroups>{more}");
    told("DescribeAutoScalingGroups", &groups)
}

const SERVING: &str = "i-0ffffffffffffffff";
const ENDING: &str = "i-0eeeeeeeeeeeeeeee";

/// A page of a group's activities, which another one follows.
fn activities(page: usize, description: &str) -> Response {
    let at = 10 - page.min(10);
    let activity = format!(
        "<ActivityId>{page}</ActivityId><AutoScalingGroupName>busy</AutoScalingGroupName><Description>{description}</Description>\
         <StartTime>2026-01-02T03:{at:02}:00.000Z</StartTime><StatusCode>MidLifecycleAction</StatusCode><Progress>40</Progress>"
    );
    let more = format!("<NextToken>{}</NextToken>", page + 1);
    told("DescribeScalingActivities", &format!("<Activities><member>{activity}</member></Activities>{more}"))
}

/// An account where an end's activity is on a page that is so described, and what it was asked.
fn with_an_end(on_a_later_page: &str) -> (Account, Asked) {
    let later = on_a_later_page.to_owned();
    account(move |request, _| {
        let page = request.body.split_once("NextToken=").map_or("0", |(_, rest)| rest.split('&').next().unwrap_or("0"));
        let page = page.parse().expect("a number");
        match request.body.contains("Action=DescribeScalingActivities") {
            false => groups(page),
            true if page == 0 => activities(page, &format!("Launching a new EC2 instance: {ID}")),
            true => activities(page, &later),
        }
    })
}

/// Both that wait.
fn both() -> WaitingInstances {
    let instances = vec![(ID.to_owned(), Transition::Launch), (ENDING.to_owned(), Transition::Terminate)];
    WaitingInstances { group: "busy".into(), instances }
}

/// The launch of one began then; and since when the other ends, if that is known.
fn began(end_ms: Option<u64>) -> StartTimes {
    let launch = ((ID.to_owned(), Transition::Launch), 1_767_323_400_000);
    let end = end_ms.map(|at_ms| ((ENDING.to_owned(), Transition::Terminate), at_ms));
    std::iter::once(launch).chain(end).collect()
}

#[tokio::test]
async fn the_sweep_lists_who_waits_and_since_when() {
    let (account, asked) =
        with_an_end(&format!("Terminating EC2 instance: {ENDING} - Waiting For ELB Connection Draining."));
    assert_eq!(account.waiting_instances().await, Ok(vec![both()]), "and not the group in which nobody waits");
    assert_eq!(account.start_times(&both()).await, Ok(began(Some(1_767_323_340_000))));
    let asked = bodies(&asked);
    assert_eq!(asked.len(), 4, "two pages each: {asked:?}");
    assert!(asked[0].contains("Filters.member.1.Name=tag-key"), "ours alone: {}", asked[0]);
}

/// The list lags: for an end that is not in it yet its launch, days ago, stands for nothing.
#[tokio::test]
async fn an_end_whose_activity_is_not_listed_yet_is_not_as_old_as_its_launch() {
    let (account, _) = with_an_end(&format!("Launching a new EC2 instance: {ENDING}"));
    let since = account.start_times(&both()).await.expect("a list");
    assert_eq!(since.get(&(ENDING.to_owned(), Transition::Terminate)), None);
}

#[tokio::test]
async fn activities_are_not_looked_through_for_ever() {
    let (account, asked) = with_an_end("Terminating EC2 instance: i-0dddddddddddddddd");
    let since = account.start_times(&both()).await.expect("a list");
    assert_eq!(since.get(&(ENDING.to_owned(), Transition::Terminate)), None);
    assert_eq!(bodies(&asked).len(), 10, "a thousand at most");
}

/// Where it goes is told by its message alone, so that the sweep does not drain what will serve again.
#[tokio::test]
async fn an_instance_that_may_go_into_a_warm_pool_is_not_for_the_sweep() {
    for (reuses, found) in [("true", 1), ("false", 2)] {
        let policy = format!("<InstanceReusePolicy><ReuseOnScaleIn>{reuses}</ReuseOnScaleIn></InstanceReusePolicy>");
        let pool = format!("<WarmPoolConfiguration>{policy}</WarmPoolConfiguration>");
        let instance = |id: &str, state: &str| {
            format!("<member><InstanceId>{id}</InstanceId><LifecycleState>{state}</LifecycleState></member>")
        };
        let instances = instance(ID, "Pending:Wait") + &instance(ENDING, "Terminating:Wait");
        let group = format!(
            "<member><AutoScalingGroupName>busy</AutoScalingGroupName><Instances>{instances}</Instances>{pool}</member>"
        );
        let groups = told("DescribeAutoScalingGroups", &format!("<AutoScalingGroups>{group}</AutoScalingGroups>"));
        let (account, _) = account(move |request, _| {
            let of_activities = request.body.contains("Action=DescribeScalingActivities");
            if of_activities { told("DescribeScalingActivities", "<Activities/>") } else { groups.clone() }
        });
        let waiting = account.waiting_instances().await.expect("a list");
        assert_eq!(waiting[0].instances.len(), found, "reuses: {reuses}");
    }
}

#[tokio::test]
async fn of_the_hooks_of_a_group_those_with_our_metadata_are_ours() {
    let ours = settings(gate(600)).text();
    let hook = |name: &str, transition: &str, metadata: &str| {
        format!(
            "<member><AutoScalingGroupName>g</AutoScalingGroupName><LifecycleHookName>{name}</LifecycleHookName>\
             <LifecycleTransition>autoscaling:{transition}</LifecycleTransition>{metadata}<HeartbeatTimeout>900</HeartbeatTimeout>\
             <GlobalTimeout>90000</GlobalTimeout><DefaultResult>ABANDON</DefaultResult></member>"
        )
    };
    let metadata = |text: &str| format!("<NotificationMetadata>{text}</NotificationMetadata>");
    let all = [
        hook("ours", "EC2_INSTANCE_LAUNCHING", &metadata(&ours.replace('"', "&quot;"))),
        hook("silent", "EC2_INSTANCE_LAUNCHING", ""),
        hook("theirs", "EC2_INSTANCE_TERMINATING", &metadata("additional-info")),
    ];
    let response = told("DescribeLifecycleHooks", &format!("<LifecycleHooks>{}</LifecycleHooks>", all.concat()));
    let hooks = always(response).owned_hooks("g").await;
    assert_eq!(hooks, Ok(vec![OwnedHook { name: "ours".into(), on: Transition::Launch, metadata: ours }]));
}

#[tokio::test]
async fn an_instance_says_which_group_it_is_in_or_that_it_is_in_none() {
    let instance = format!(
        "<member><InstanceId>{ID}</InstanceId><AutoScalingGroupName>g</AutoScalingGroupName>\
         <LifecycleState>InService</LifecycleState></member>"
    );
    for (all, expected) in [(instance.as_str(), Some("g".to_owned())), ("", None)] {
        let all = format!("<AutoScalingInstances>{all}</AutoScalingInstances>");
        assert_eq!(always(told("DescribeAutoScalingInstances", &all)).group_of(ID).await, Ok(expected));
    }
}
