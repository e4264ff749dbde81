//! Lost responses: the number of attempts of a request, and their token.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Address, AutoScalingGroup, Call, CallError, CallKind, Cloud, Fields, HealthCheck, Hook, InternetGateway, Key,
    LaunchTemplate, NatGateway, Reach, Ref, Resource, RouteTable, Tags, Transition, Vpc, VpcEndpoint,
};

use crate::samples::template_version;
use crate::service;

/// A service that receives every request and never responds, except to the create call of a launch template.
struct UnresponsiveService {
    requests: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl UnresponsiveService {
    fn start() -> UnresponsiveService {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&requests);
        let clients = service::start(move |request| {
            if request.body.starts_with("Action=CreateLaunchTemplate&") {
                return Some((200, template()));
            }
            bodies.lock().expect("bodies").push(request.body);
            None
        });
        UnresponsiveService { requests, clients }
    }

    /// Creates a resource in a run for this request. Returns the requests that the service received.
    async fn create(&self, request: &str, fields: Fields) -> Vec<String> {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), request.into());
        let response = Self::create_in(&cloud, fields).await;
        assert!(matches!(response, Err(CallError::Indeterminate { .. })), "{response:?}");
        std::mem::take(&mut *self.requests.lock().expect("bodies"))
    }

    async fn create_in(cloud: &AwsCloud, fields: Fields) -> Result<(), CallError> {
        let tags = Tags::from([("envkeeper:owner".into(), "owner".into())]);
        let resource = Resource { name: "the-name".into(), tags, fields };
        let call =
            Call { key: Key::new(resource.kind(), "the-name"), id: None, kind: CallKind::Create(Box::new(resource)) };
        cloud.call(&call).await.map(drop)
    }
}

fn template() -> String {
    let template = "<launchTemplateId>lt-1</launchTemplateId><latestVersionNumber>7</latestVersionNumber>";
    let template = format!("<launchTemplate>{template}</launchTemplate>");
    format!("<CreateLaunchTemplateResponse>{template}</CreateLaunchTemplateResponse>")
}

fn token(body: &str) -> &str {
    body.split('&').find_map(|pair| pair.strip_prefix("ClientToken=")).expect("a token")
}

#[tokio::test]
async fn a_create_that_could_succeed_twice_is_sent_once() {
    let service = UnresponsiveService::start();
    let vpc = Vpc { cidr: "10.0.0.0/16".parse().expect("a network"), dns_support: true, dns_hostnames: true };
    let requests = service.create("request", Fields::Vpc(vpc)).await;
    assert_eq!(requests.len(), 1);
    // The create call contains the ownership mark.
    assert!(requests[0].contains("TagSpecification.1.Tag.1.Key=envkeeper%3Aowner"), "{requests:?}");
    let gateway = InternetGateway { attached_to: None };
    assert_eq!(service.create("request", Fields::InternetGateway(gateway)).await.len(), 1);
    let requests = service.create("request", Fields::Address(Address)).await;
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains("TagSpecification.1.Tag.1.Key=envkeeper%3Aowner"), "{requests:?}");
}

/// A setting that is added later misses the first instances.
#[tokio::test]
async fn a_group_is_created_with_its_hooks_protection_and_health_checks() {
    let service = UnresponsiveService::start();
    let version = template_version();
    let hook =
        |name: &str, on, abandon| Hook { name: name.into(), on, heartbeat: 900, abandon, metadata: String::from("{}") };
    let group = AutoScalingGroup {
        min_size: 1,
        max_size: 3,
        desired_capacity: 2,
        subnets: vec![Ref::Foreign("subnet-1".into())],
        template: Ref::Foreign("lt-1".into()),
        digest: version.digest.clone(),
        health_check: HealthCheck { by_target_groups: true, grace_seconds: 300 },
        warmup_seconds: Some(60),
        protected: true,
        target_groups: BTreeSet::from(["the-targets".into()]),
        hooks: vec![hook("first", Transition::Launch, true), hook("last", Transition::Terminate, false)],
        metrics: true,
        in_service: 0,
        failed_launch: None,
        instances: BTreeMap::new(),
    };
    let cloud = AwsCloud::new(&service.clients, "owner".into(), "request".into());
    let template = Fields::LaunchTemplate(LaunchTemplate { versions: vec![version] });
    UnresponsiveService::create_in(&cloud, template).await.expect("a template");
    let response = UnresponsiveService::create_in(&cloud, Fields::AutoScalingGroup(group)).await;
    assert!(matches!(response, Err(CallError::Indeterminate { .. })), "{response:?}");
    let requests = service.requests.lock().expect("bodies").clone();
    let assert_sent = |pair: &str| assert!(requests[0].split('&').any(|it| it == pair), "{pair}: {requests:?}");
    assert_sent("Action=CreateAutoScalingGroup");
    assert_sent("LaunchTemplate.Version=7");
    assert_sent("LifecycleHookSpecificationList.member.1.LifecycleHookName=first");
    assert_sent("LifecycleHookSpecificationList.member.1.LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING");
    assert_sent("LifecycleHookSpecificationList.member.1.HeartbeatTimeout=900");
    assert_sent("LifecycleHookSpecificationList.member.1.DefaultResult=ABANDON");
    assert_sent("LifecycleHookSpecificationList.member.2.LifecycleTransition=autoscaling%3AEC2_INSTANCE_TERMINATING");
    assert_sent("LifecycleHookSpecificationList.member.2.DefaultResult=CONTINUE");
    assert_sent("DeletionProtection=prevent-all-deletion");
    assert_sent("HealthCheckType=ELB");
    assert_sent("HealthCheckGracePeriod=300");
    assert_sent("DefaultInstanceWarmup=60");
    assert_sent("TargetGroupARNs.member.1=the-targets");
    assert_sent("Tags.member.1.Key=envkeeper%3Aowner");
}

#[tokio::test]
async fn attempts_at_one_create_have_one_token_and_another_request_has_another_token() {
    let service = UnresponsiveService::start();
    let id = |id: &str| Ref::Foreign(id.into());
    let service_name = "com.amazonaws.eu-west-1.s3".into();
    let reach = Reach::Gateway { route_tables: BTreeSet::from([id("rtb-1")]) };
    let all = [
        Fields::RouteTable(RouteTable { vpc: id("vpc-1"), default_route: None, serves: BTreeSet::new() }),
        Fields::NatGateway(NatGateway { subnet: id("subnet-1"), address: id("eipalloc-1") }),
        Fields::VpcEndpoint(VpcEndpoint { vpc: id("vpc-1"), service: service_name, reach }),
    ];
    for fields in all {
        let requests = service.create("request", fields.clone()).await;
        assert!(requests.len() > 1, "{requests:?}");
        assert!(requests.iter().all(|body| token(body) == token(&requests[0])), "{requests:?}");
        let again = service.create("request", fields.clone()).await;
        assert_eq!(token(&again[0]), token(&requests[0]));
        let other = service.create("another request", fields).await;
        assert_ne!(token(&other[0]), token(&requests[0]));
    }
}
