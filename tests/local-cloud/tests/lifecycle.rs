//! Hooks, events and unhealthy instances, observed with the real SDK clients and a deployed rule.
#![allow(clippy::unwrap_used, reason = "an unexpected response stops the test")]

mod in_process;

use std::time::{Duration, Instant};

use aws_sdk_autoscaling::{
    error::ProvideErrorMetadata,
    types::{LaunchTemplateSpecification, LifecycleHookSpecification},
};
use aws_sdk_ec2::types::{Filter, RequestLaunchTemplateData, SummaryStatus};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus};
use hyper::{Method, StatusCode};
use in_process::LocalCloud;
use local_cloud::{http::Http, ministack::Ministack};
use serde_json::{Value, json};

/// Far more than the duration of any wait: a slow machine must not cause a failure.
const LIMIT: Duration = Duration::from_mins(1);
/// The simulated length of a minute in the life of an instance.
const MINUTE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_lifecycle_action_reaches_the_rules_queue_and_its_completion_continues_the_transition() {
    let fixture = Fixture::set(&["gate", "drain"]).await;
    fixture.control("auto-scaling/scale?group=web-group&to=1").await;
    let event = fixture.next_event("EC2 Instance-launch Lifecycle Action").await;
    let detail = &event["detail"];
    assert_eq!((&event["source"], &event["account"]), (&json!("aws.autoscaling"), &json!("123456789012")));
    assert_eq!((&detail["AutoScalingGroupName"], &detail["LifecycleHookName"]), (&json!("web-group"), &json!("gate")));
    assert_eq!((&detail["Origin"], &detail["NotificationMetadata"]), (&json!("EC2"), &json!("m")));
    assert_eq!(fixture.state().await.as_deref(), Some("Pending:Wait"));
    let token = detail["LifecycleActionToken"].as_str().unwrap();
    fixture.heartbeat("gate", token).await.unwrap();
    fixture.complete("gate", token, "CONTINUE").await.unwrap();
    fixture.wait_until("the state InService", async || fixture.state().await.as_deref() == Some("InService")).await;
    let late = fixture.complete("gate", token, "CONTINUE").await.unwrap_err();
    assert_eq!(late, format!("ValidationError: No active Lifecycle Action found with token {token}"));
    assert_eq!(fixture.heartbeat("gate", token).await.unwrap_err(), late);

    fixture.control("auto-scaling/scale?group=web-group&to=0").await;
    let event = fixture.next_event("EC2 Instance-terminate Lifecycle Action").await;
    assert_eq!(fixture.state().await.as_deref(), Some("Terminating:Wait"));
    let id = event["detail"]["EC2InstanceId"].as_str().unwrap();
    assert_eq!(fixture.in_ec2(id).await, "running");
    fixture.complete("drain", event["detail"]["LifecycleActionToken"].as_str().unwrap(), "CONTINUE").await.unwrap();
    let event = fixture.next_event("EC2 Instance Terminate Successful").await;
    assert_eq!(event["detail"]["EC2InstanceId"], id);
    assert_eq!(fixture.in_ec2(id).await, "terminated");
}

#[tokio::test]
async fn instances_show_their_state_and_can_be_made_unhealthy() {
    let fixture = Fixture::set(&[]).await;
    fixture.control("instances/make-unhealthy?count=1&how=failed-at:yum+install").await;
    fixture.control("auto-scaling/scale?group=web-group&to=1").await;
    let event = fixture.next_event("EC2 Instance Launch Successful").await;
    let id = event["detail"]["EC2InstanceId"].as_str().unwrap();
    fixture.wait_until("the marker", async || fixture.tag(id).await.is_some()).await;
    assert_eq!(fixture.tag(id).await.as_deref(), Some("failed at yum install"));
    fixture.wait_until("the checks", async || fixture.checks(id).await == Some(SummaryStatus::Ok)).await;
    assert_eq!(fixture.ping(id).await, Some(PingStatus::Online));
    let output = fixture.cloud.ec2().get_console_output().instance_id(id).send().await.unwrap();
    assert_eq!(
        output.output(),
        Some(
            "WyAgICAwLjAwMDAwMF0gTGludXggdmVyc2lvbgpbICAgMTIuMzQ1Njc4XSBjbG91ZC1pbml0OiB1c2VyIGRhdGEgYmVnaW5zCnVzZXIgZGF0YSBmYWlsZWQgYXQgeXVtIGluc3RhbGwK"
        )
    );

    let (ssm, tail) = (aws_sdk_ssm::Client::new(&fixture.cloud.config), "tail /var/log/user-data.log".to_owned());
    let command = ssm.send_command().document_name("AWS-RunShellScript").instance_ids(id);
    let sent = command.parameters("commands", vec![tail]).timeout_seconds(30).send().await.unwrap();
    let command = sent.command().unwrap().command_id().unwrap().to_owned();
    fixture
        .wait_until("the command's end", async || {
            let start = ssm.get_command_invocation().command_id(&command).instance_id(id).send().await;
            let Ok(found) = start else { return false };
            found.status_details() == Some("Success")
                && found.standard_output_content() == Some("user data begins\nuser data failed at yum install\n")
        })
        .await;
    let unknown_instance = ssm.send_command().document_name("AWS-RunShellScript").instance_ids("i-0123456789abcdef0");
    let rejected = unknown_instance.parameters("commands", vec!["true".into()]).send().await.unwrap_err();
    assert_eq!(rejected.into_service_error().code(), Some("InvalidInstanceId"));

    fixture.control(&format!("instances/make-unhealthy?id={id}&how=impaired")).await;
    assert_eq!(fixture.checks(id).await, Some(SummaryStatus::Impaired));
    let (status, body) = fixture.cloud.send(Method::GET, "/_local-cloud/instances", "").await;
    let instances: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &instances[0]["status_checks"]), (StatusCode::OK, &json!("impaired")));
}

#[tokio::test]
async fn spot_notices_and_terminations_in_ec2_reach_the_rule_and_the_group() {
    let fixture = Fixture::set(&[]).await;
    fixture.control("auto-scaling/scale?group=web-group&to=1").await;
    let event = fixture.next_event("EC2 Instance Launch Successful").await;
    let first = event["detail"]["EC2InstanceId"].as_str().unwrap();
    fixture.control(&format!("instances/interrupt?id={first}")).await;
    let warning = fixture.next_event("EC2 Spot Instance Interruption Warning").await;
    assert_eq!(warning["resources"], json!([format!("arn:aws:ec2:us-west-2:123456789012:instance/{first}")]));
    fixture.control(&format!("instances/recommend-rebalance?id={first}")).await;
    fixture.next_event("EC2 Instance Rebalance Recommendation").await;

    fixture.cloud.ec2().terminate_instances().instance_ids(first).send().await.unwrap();
    let event = fixture.next_event("EC2 Instance Launch Successful").await;
    assert_ne!(event["detail"]["EC2InstanceId"], first, "another instance replaces the terminated one");
    let (status, body) =
        fixture.cloud.send(Method::POST, &format!("/_local-cloud/instances/interrupt?id={first}"), "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert_eq!(fixture.checks(first).await, None);
}

#[tokio::test]
async fn a_hooks_own_queue_receives_a_test_notification_and_then_the_action() {
    let fixture = Fixture::set(&[]).await;
    let put = fixture.groups().put_lifecycle_hook().auto_scaling_group_name("web-group").lifecycle_hook_name("direct");
    let put = put.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING");
    put.notification_target_arn("arn:aws:sqs:us-west-2:123456789012:events").send().await.unwrap();
    let test = fixture.next_message(|it| it["Event"] == "autoscaling:TEST_NOTIFICATION").await;
    assert_eq!(test["AutoScalingGroupName"], "web-group");
    fixture.control("auto-scaling/scale?group=web-group&to=1").await;
    let notification = fixture.next_message(|it| it["LifecycleHookName"] == "direct").await;
    assert_eq!(notification["LifecycleTransition"], "autoscaling:EC2_INSTANCE_LAUNCHING");
    fixture.complete("direct", notification["LifecycleActionToken"].as_str().unwrap(), "CONTINUE").await.unwrap();
}

/// A group in a local cloud whose rules send the group's events, and all of EC2's events, to a queue.
struct Fixture {
    cloud: LocalCloud,
    queue: String,
}

impl Fixture {
    async fn set(hooks: &[&str]) -> Self {
        let cloud = LocalCloud::start(MINUTE).await;
        let queues = aws_sdk_sqs::Client::new(&cloud.config);
        let queue = queues.create_queue().queue_name("events").send().await.unwrap().queue_url().unwrap().to_owned();
        let bus = Ministack::new(Http::default(), cloud.url.trim_start_matches("http://").parse().unwrap());
        let events = async |operation: &str, input: Value| {
            bus.json("events", &format!("AWSEvents.{operation}"), &input).await.unwrap();
        };
        let group_pattern =
            json!({"source": ["aws.autoscaling"], "detail": {"AutoScalingGroupName": [{"prefix": "web-"}]}});
        let other_pattern =
            json!({"source": ["aws.autoscaling"], "detail": {"AutoScalingGroupName": [{"prefix": "api-"}]}});
        let ec2_pattern = json!({"source": ["aws.ec2"]});
        let target = json!([{"Id": "queue", "Arn": "arn:aws:sqs:us-west-2:123456789012:events"}]);
        for (name, pattern) in [("group", group_pattern), ("others", other_pattern), ("ec2", ec2_pattern)] {
            events("PutRule", json!({"Name": name, "EventPattern": pattern.to_string()})).await;
            events("PutTargets", json!({"Rule": name, "Targets": target})).await;
        }
        let fixture = Self { cloud, queue };
        fixture.create_group(hooks).await;
        fixture
    }

    async fn create_group(&self, hooks: &[&str]) {
        let ec2 = self.cloud.ec2();
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
        let vpc = vpc.vpc().unwrap().vpc_id().unwrap();
        let subnet = ec2.create_subnet().vpc_id(vpc).cidr_block("10.0.1.0/24").send().await.unwrap();
        let data = RequestLaunchTemplateData::builder().image_id("ami-1").instance_type("t3.micro".into()).build();
        ec2.create_launch_template().launch_template_name("web").launch_template_data(data).send().await.unwrap();
        let hook = |name: &&str| {
            let transition = if *name == "gate" { "LAUNCHING" } else { "TERMINATING" };
            LifecycleHookSpecification::builder()
                .lifecycle_hook_name(*name)
                .lifecycle_transition(format!("autoscaling:EC2_INSTANCE_{transition}"))
                .notification_metadata("m")
                .build()
        };
        self.groups()
            .create_auto_scaling_group()
            .auto_scaling_group_name("web-group")
            .min_size(0)
            .max_size(2)
            .vpc_zone_identifier(subnet.subnet().unwrap().subnet_id().unwrap())
            .launch_template(LaunchTemplateSpecification::builder().launch_template_name("web").version("1").build())
            .set_lifecycle_hook_specification_list(Some(hooks.iter().map(hook).collect()))
            .send()
            .await
            .unwrap();
    }

    fn groups(&self) -> aws_sdk_autoscaling::Client {
        aws_sdk_autoscaling::Client::new(&self.cloud.config)
    }

    async fn control(&self, path: &str) {
        let (status, body) = self.cloud.send(Method::POST, &format!("/_local-cloud/{path}"), "").await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }

    /// The next event of this type in the queue.
    async fn next_event(&self, detail_type: &str) -> Value {
        self.next_message(|it| it["detail-type"] == detail_type).await
    }

    /// The next message in the queue that `is_it` accepts; earlier messages are deleted.
    async fn next_message(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let queues = aws_sdk_sqs::Client::new(&self.cloud.config);
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < LIMIT, "timed out waiting for a message");
            let received = queues.receive_message().queue_url(&self.queue).wait_time_seconds(1).send().await.unwrap();
            for message in received.messages() {
                let handle = message.receipt_handle().unwrap();
                queues.delete_message().queue_url(&self.queue).receipt_handle(handle).send().await.unwrap();
                let message: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                if is_it(&message) {
                    return message;
                }
            }
        }
    }

    async fn complete(&self, hook: &str, token: &str, result: &str) -> Result<(), String> {
        let call =
            self.groups().complete_lifecycle_action().auto_scaling_group_name("web-group").lifecycle_hook_name(hook);
        let response = call.lifecycle_action_token(token).lifecycle_action_result(result).send().await;
        response.map(drop).map_err(|error| describe_error(&error.into_service_error()))
    }

    async fn heartbeat(&self, hook: &str, token: &str) -> Result<(), String> {
        let call = self.groups().record_lifecycle_action_heartbeat().auto_scaling_group_name("web-group");
        let response = call.lifecycle_hook_name(hook).lifecycle_action_token(token).send().await;
        response.map(drop).map_err(|error| describe_error(&error.into_service_error()))
    }

    /// The lifecycle state of the first instance.
    async fn state(&self) -> Option<String> {
        let response = self.groups().describe_auto_scaling_instances().send().await.unwrap();
        response.auto_scaling_instances().first().and_then(|it| it.lifecycle_state()).map(str::to_owned)
    }

    async fn in_ec2(&self, id: &str) -> String {
        let response = self.cloud.ec2().describe_instances().instance_ids(id).send().await.unwrap();
        let state = response.reservations()[0].instances()[0].state().unwrap().name().unwrap();
        state.as_str().to_owned()
    }

    async fn tag(&self, id: &str) -> Option<String> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let tags = self.cloud.ec2().describe_tags().filters(filter("resource-id", id));
        let response = tags.filters(filter("key", "envkeeper:user-data")).send().await.unwrap();
        response.tags().first().and_then(|tag| tag.value()).map(str::to_owned)
    }

    async fn checks(&self, id: &str) -> Option<SummaryStatus> {
        let response = self.cloud.ec2().describe_instance_status().instance_ids(id).send().await.unwrap();
        response.instance_statuses().first()?.system_status()?.status().cloned()
    }

    async fn ping(&self, id: &str) -> Option<PingStatus> {
        let filter = InstanceInformationStringFilter::builder().key("InstanceIds").values(id).build().unwrap();
        let ssm = aws_sdk_ssm::Client::new(&self.cloud.config);
        let response = ssm.describe_instance_information().filters(filter).send().await.unwrap();
        response.instance_information_list().first()?.ping_status().cloned()
    }

    async fn wait_until(&self, goal: &str, mut is_done: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !is_done().await {
            assert!(start.elapsed() < LIMIT, "timed out waiting for {goal}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn describe_error(error: &impl ProvideErrorMetadata) -> String {
    format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default())
}
