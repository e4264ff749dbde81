//! When answers are lost: how often a request is sent, and with which token.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Address, AutoScalingGroup, Call, CallError, CallKind, Cloud, Fields, HealthCheck, Hook, InternetGateway, Key,
    NatGateway, Reach, Ref, Resource, RouteTable, Tags, Transition, Vpc, VpcEndpoint,
};

use crate::service;

/// A service that hears every request out and never answers, but to say which versions a launch template has.
struct Silent {
    heard: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl Silent {
    fn start() -> Silent {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&heard);
        let clients = service::start(move |request| {
            if request.body.starts_with("Action=DescribeLaunchTemplateVersions&") {
                return Some((200, version()));
            }
            bodies.lock().expect("bodies").push(request.body);
            None
        });
        Silent { heard, clients }
    }

    /// Sends a call in a run for this request; what was heard of it.
    async fn hears(&self, request: &str, fields: Fields) -> Vec<String> {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), request.into());
        let tags = Tags::from([("envkeeper:owner".into(), "owner".into())]);
        let resource = Resource { name: "the-name".into(), tags, fields };
        let call =
            Call { key: Key::new(resource.kind(), "the-name"), id: None, kind: CallKind::Create(Box::new(resource)) };
        let response = cloud.call(&call).await;
        assert!(matches!(response, Err(CallError::Indeterminate { .. })), "{response:?}");
        std::mem::take(&mut *self.heard.lock().expect("bodies"))
    }
}

fn version() -> String {
    let version =
        "<versionNumber>7</versionNumber><versionDescription>envkeeper 0123456789abcdef ami-1</versionDescription>";
    let set = format!("<launchTemplateVersionSet><item>{version}</item></launchTemplateVersionSet>");
    format!("<DescribeLaunchTemplateVersionsResponse>{set}</DescribeLaunchTemplateVersionsResponse>")
}

fn token(body: &str) -> &str {
    body.split('&').find_map(|pair| pair.strip_prefix("ClientToken=")).expect("a token")
}

#[tokio::test]
async fn a_create_that_could_happen_twice_is_sent_once() {
    let silent = Silent::start();
    let vpc = Vpc { cidr: "10.0.0.0/16".parse().expect("a network"), dns_support: true, dns_hostnames: true };
    let heard = silent.hears("request", Fields::Vpc(vpc)).await;
    assert_eq!(heard.len(), 1);
    // Its mark is in the creating call.
    assert!(heard[0].contains("TagSpecification.1.Tag.1.Key=envkeeper%3Aowner"), "{heard:?}");
    let gateway = InternetGateway { attached_to: None };
    assert_eq!(silent.hears("request", Fields::InternetGateway(gateway)).await.len(), 1);
    let heard = silent.hears("request", Fields::Address(Address)).await;
    assert_eq!(heard.len(), 1);
    assert!(heard[0].contains("TagSpecification.1.Tag.1.Key=envkeeper%3Aowner"), "{heard:?}");
}

/// What is there later misses the first instances.
#[tokio::test]
async fn a_group_is_asked_for_with_its_hooks_and_all_that_watches_over_it() {
    let silent = Silent::start();
    let hook =
        |name: &str, on, abandon| Hook { name: name.into(), on, heartbeat: 900, abandon, metadata: String::from("{}") };
    let group = AutoScalingGroup {
        min_size: 1,
        max_size: 3,
        desired_capacity: 2,
        subnets: vec![Ref::Foreign("subnet-1".into())],
        template: Ref::Foreign("lt-1".into()),
        digest: "0123456789abcdef".into(),
        health_check: HealthCheck { by_target_groups: true, grace_seconds: 300 },
        protected: true,
        target_groups: BTreeSet::from(["the-targets".into()]),
        hooks: vec![hook("first", Transition::Launch, true), hook("last", Transition::Terminate, false)],
        metrics: true,
        in_service: 0,
        failed_launch: None,
    };
    let heard = silent.hears("request", Fields::AutoScalingGroup(group)).await;
    let said = |pair: &str| assert!(heard[0].split('&').any(|it| it == pair), "{pair}: {heard:?}");
    said("Action=CreateAutoScalingGroup");
    said("LaunchTemplate.Version=7");
    said("LifecycleHookSpecificationList.member.1.LifecycleHookName=first");
    said("LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING");
    said("LifecycleHookSpecificationList.member.1.HeartbeatTimeout=900");
    said("LifecycleHookSpecificationList.member.1.DefaultResult=ABANDON");
    said("LifecycleHookSpecificationList.member.2.LifecycleTransition=autoscaling%3AEC2_INSTANCE_TERMINATING");
    said("LifecycleHookSpecificationList.member.2.DefaultResult=CONTINUE");
    said("DeletionProtection=prevent-all-deletion");
    said("HealthCheckType=ELB");
    said("HealthCheckGracePeriod=300");
    said("TargetGroupARNs.member.1=the-targets");
    said("Tags.member.1.Key=envkeeper%3Aowner");
}

#[tokio::test]
async fn a_create_with_a_token_is_sent_again_with_the_same_and_by_another_request_with_another() {
    let silent = Silent::start();
    let id = |id: &str| Ref::Foreign(id.into());
    let service = "com.amazonaws.eu-west-1.s3".into();
    let reach = Reach::Gateway { route_tables: BTreeSet::from([id("rtb-1")]) };
    let all = [
        Fields::RouteTable(RouteTable { vpc: id("vpc-1"), default_route: None, serves: BTreeSet::new() }),
        Fields::NatGateway(NatGateway { subnet: id("subnet-1"), address: id("eipalloc-1") }),
        Fields::VpcEndpoint(VpcEndpoint { vpc: id("vpc-1"), service, reach }),
    ];
    for fields in all {
        let heard = silent.hears("request", fields.clone()).await;
        assert!(heard.len() > 1, "{heard:?}");
        assert!(heard.iter().all(|body| token(body) == token(&heard[0])), "{heard:?}");
        let again = silent.hears("request", fields.clone()).await;
        assert_eq!(token(&again[0]), token(&heard[0]));
        let other = silent.hears("another request", fields).await;
        assert_ne!(token(&other[0]), token(&heard[0]));
    }
}
