//! State changes of alarms and their actions, observed with the real SDK clients.
#![allow(clippy::unwrap_used, reason = "an unexpected response stops the test")]

mod in_process;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_ec2::types::RequestLaunchTemplateData;
use hyper::{Method, StatusCode};
use in_process::LocalCloud;
use local_cloud::{http::Http, ministack::Ministack};
use serde_json::{Value, json};

/// Far more than the duration of any wait: a slow machine must not cause a failure.
const LIMIT: Duration = Duration::from_mins(1);
/// The simulated length of a minute in the life of an instance.
const MINUTE: Duration = Duration::from_millis(300);
const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:alarms";

#[tokio::test]
async fn a_metric_invokes_a_policy_and_publishes_the_alarm() {
    let fixture = Fixture::set().await;
    let policy = fixture.groups().put_scaling_policy().auto_scaling_group_name("web").policy_name("out");
    let policy = policy.adjustment_type("ChangeInCapacity").scaling_adjustment(1).send().await.unwrap();
    fixture.put_alarm("high", "AWS/EC2", &[policy.policy_arn().unwrap(), TOPIC]).await;
    let metric = "alarms/metric?namespace=AWS/EC2&metric=Load&value=95&dimensions=Group:web&periods=2";
    fixture.control(metric).await;

    let event = fixture.next("events", |it| it["detail"]["state"]["value"] == "ALARM").await;
    assert_eq!((&event["source"], &event["detail"]["alarmName"]), (&json!("aws.cloudwatch"), &json!("high")));
    let reason = event["detail"]["state"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("Threshold Crossed: 2 out of the last 2 datapoints [95.0 ("), "{reason}");
    let envelope = fixture.next("topic", |it| it["Subject"] == r#"ALARM: "high" in US West (Oregon)"#).await;
    let message: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
    assert_eq!(message["NewStateReason"], reason);

    fixture.wait_until("an instance", async || fixture.activity_causes().await.len() == 2).await;
    let cause = &fixture.activity_causes().await[0];
    let words = "a monitor alarm high in state ALARM triggered policy out changing the desired capacity from 1 to 2.";
    assert!(cause.contains(words), "{cause}");

    let (_, calls) = fixture.cloud.send(Method::GET, "/_local-cloud/calls", "").await;
    assert!(
        calls.contains("PutMetricAlarm") && !calls.contains("SetAlarmState"),
        "the local cloud's own calls are not recorded"
    );
}

#[tokio::test]
async fn a_set_state_is_published_and_persists_until_data_arrive() {
    let fixture = Fixture::set().await;
    let alarms = aws_sdk_cloudwatch::Client::new(&fixture.cloud.config);
    fixture.put_alarm("launches", "Envkeeper", &[]).await;
    let set = alarms.set_alarm_state().alarm_name("launches").state_value(StateValue::Alarm).state_reason("a test");
    set.send().await.unwrap();
    let event = fixture.next("events", |it| it["detail"]["state"]["value"] == "ALARM").await;
    assert_eq!(event["detail"]["state"]["reason"], "a test");
    // The same state again, which AWS publishes to no one (recorded on AWS, September 2026: stackd 9dc356f5,
    // `alarm_delivery:enabled_same_state_new_reason`).
    let again = alarms.set_alarm_state().alarm_name("launches").state_value(StateValue::Alarm).state_reason("again");
    again.send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(fixture.state("launches").await, Some(StateValue::Alarm), "no datapoint contradicts the set state");

    fixture.log(&embedded(&json!(5))).await;
    let event = fixture.next("events", |_| true).await;
    assert_eq!(event["detail"]["state"]["value"], "OK", "the same state is published once");
    let reason = event["detail"]["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("[5.0 (") && reason.contains("was not greater than"), "{reason}");
    fixture.log(&embedded(&json!("a malformed value"))).await;
    fixture.log(&embedded(&json!([900, 1000]))).await;
    let event = fixture.next("events", |it| it["detail"]["state"]["value"] == "ALARM").await;
    assert_eq!(event["detail"]["previousState"]["reason"], reason);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, `alarm_composites:dependencies`).
#[tokio::test]
async fn an_alarm_that_a_composite_alarm_names_is_not_deleted() {
    let fixture = Fixture::set().await;
    let alarms = aws_sdk_cloudwatch::Client::new(&fixture.cloud.config);
    fixture.put_alarm("high", "Envkeeper", &[]).await;
    let composite = alarms.put_composite_alarm().alarm_name("all").alarm_rule(r#"ALARM("high")"#);
    composite.send().await.unwrap();
    let rejected = alarms.delete_alarms().alarm_names("high").send().await.unwrap_err();
    let error = rejected.as_service_error().unwrap().meta();
    let message = "Cannot delete high as there are composite alarm(s) depending on it.";
    assert_eq!((error.code(), error.message()), (Some("ValidationError"), Some(message)));
    alarms.delete_alarms().alarm_names("all").send().await.unwrap();
    alarms.delete_alarms().alarm_names("high").send().await.unwrap();
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, `launch_templates:create-replay`, `launch_template_edges`).
#[tokio::test]
async fn a_used_token_returns_its_template_while_it_is_unchanged() {
    let cloud = LocalCloud::start(MINUTE).await;
    let ec2 = cloud.ec2();
    let create = async |image: &str| {
        let data = RequestLaunchTemplateData::builder().image_id(image).build();
        let request = ec2.create_launch_template().launch_template_name("web").client_token("one");
        let created =
            request.launch_template_data(data).send().await.map_err(|error| {
                error.as_service_error().and_then(|it| it.meta().code()).unwrap_or_default().to_owned()
            })?;
        Ok::<_, String>(created.launch_template().unwrap().launch_template_id().unwrap().to_owned())
    };
    let id = create("ami-12345678").await.unwrap();
    let mismatch = Err(String::from("IdempotentParameterMismatch"));
    assert_eq!(create("ami-12345678").await.as_ref(), Ok(&id));
    assert_eq!(create("ami-87654321").await, mismatch);
    let data = RequestLaunchTemplateData::builder().image_id("ami-87654321").build();
    let version = ec2.create_launch_template_version().launch_template_id(&id).launch_template_data(data);
    version.send().await.unwrap();
    assert_eq!(create("ami-12345678").await, mismatch, "the template has another version");
    ec2.delete_launch_template().launch_template_id(&id).send().await.unwrap();
    assert_eq!(create("ami-12345678").await, mismatch);
}

#[tokio::test]
async fn an_unhealthy_instance_is_replaced() {
    let fixture = Fixture::set().await;
    let in_service = async || {
        let response = fixture.groups().describe_auto_scaling_instances().send().await.unwrap();
        let mut found = response.auto_scaling_instances().iter();
        found.find(|it| it.lifecycle_state() == Some("InService")).and_then(|it| it.instance_id()).map(str::to_owned)
    };
    fixture.wait_until("an instance", async || in_service().await.is_some()).await;
    let id = in_service().await.unwrap();
    let call = fixture.groups().set_instance_health().instance_id(&id).health_status("Unhealthy");
    call.should_respect_grace_period(false).send().await.unwrap();
    fixture.wait_until("another", async || in_service().await.is_some_and(|it| it != id)).await;
    let activity_causes = fixture.activity_causes().await;
    let words = "an instance was taken out of service in response to a user health-check.";
    assert!(activity_causes.iter().any(|cause| cause.contains(words)), "{activity_causes:?}");

    let all = fixture.groups().describe_scaling_activities().send().await.unwrap();
    let ids: Vec<_> = all.activities().iter().filter_map(|it| it.activity_id()).map(str::to_owned).collect();
    let page = fixture.groups().describe_scaling_activities().set_activity_ids(Some(ids[1..].to_vec())).max_records(1);
    let first = page.clone().send().await.unwrap();
    let second = page.next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((first.activities()[0].activity_id(), second.next_token()), (Some(ids[1].as_str()), None));
    assert_eq!(second.activities()[0].activity_id(), Some(ids[2].as_str()));
}

/// A log event with an embedded metric of the group.
fn embedded(value: &Value) -> String {
    let directive = json!({"Namespace": "Envkeeper", "Dimensions": [["Group"]], "Metrics": [{"Name": "Load"}]});
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let now = u64::try_from(now).unwrap();
    json!({"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "Group": "web", "Load": value}).to_string()
}

/// A group of one instance, a queue for the events of alarms, and a queue that subscribes to a topic.
struct Fixture {
    cloud: LocalCloud,
}

impl Fixture {
    async fn set() -> Self {
        let cloud = LocalCloud::start(MINUTE).await;
        let queues = aws_sdk_sqs::Client::new(&cloud.config);
        for queue in ["events", "topic"] {
            queues.create_queue().queue_name(queue).send().await.unwrap();
        }
        let ministack = Ministack::new(Http::default(), cloud.url.trim_start_matches("http://").parse().unwrap());
        let events = async |operation: &str, input: Value| {
            ministack.json("events", &format!("AWSEvents.{operation}"), &input).await.unwrap();
        };
        let pattern = json!({"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]});
        let target = json!([{"Id": "queue", "Arn": "arn:aws:sqs:us-west-2:123456789012:events"}]);
        events("PutRule", json!({"Name": "alarms", "EventPattern": pattern.to_string()})).await;
        events("PutTargets", json!({"Rule": "alarms", "Targets": target})).await;
        ministack.query("sns", "CreateTopic", &[("Name", "alarms")]).await.unwrap();
        let endpoint = ("Endpoint", "arn:aws:sqs:us-west-2:123456789012:topic");
        ministack.query("sns", "Subscribe", &[("TopicArn", TOPIC), ("Protocol", "sqs"), endpoint]).await.unwrap();
        let logs = aws_sdk_cloudwatchlogs::Client::new(&cloud.config);
        logs.create_log_group().log_group_name("ledger").send().await.unwrap();
        logs.create_log_stream().log_group_name("ledger").log_stream_name("s").send().await.unwrap();
        let fixture = Self { cloud };
        fixture.create_group().await;
        fixture
    }

    async fn create_group(&self) {
        let ec2 = self.cloud.ec2();
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
        let vpc = vpc.vpc().unwrap().vpc_id().unwrap();
        let subnet = ec2.create_subnet().vpc_id(vpc).cidr_block("10.0.1.0/24").send().await.unwrap();
        let data = RequestLaunchTemplateData::builder().image_id("ami-1").instance_type("t3.micro".into()).build();
        ec2.create_launch_template().launch_template_name("web").launch_template_data(data).send().await.unwrap();
        let group = self.groups().create_auto_scaling_group().auto_scaling_group_name("web").min_size(1).max_size(2);
        let template = LaunchTemplateSpecification::builder().launch_template_name("web").version("1").build();
        let group = group.launch_template(template).health_check_grace_period(300);
        group.vpc_zone_identifier(subnet.subnet().unwrap().subnet_id().unwrap()).send().await.unwrap();
    }

    fn groups(&self) -> aws_sdk_autoscaling::Client {
        aws_sdk_autoscaling::Client::new(&self.cloud.config)
    }

    /// Puts an alarm on the average load of the group, over one minute or, with actions, over two.
    async fn put_alarm(&self, name: &str, namespace: &str, actions: &[&str]) {
        let alarms = aws_sdk_cloudwatch::Client::new(&self.cloud.config);
        let periods = if actions.is_empty() { 1 } else { 2 };
        let alarm = alarms.put_metric_alarm().alarm_name(name).namespace(namespace).metric_name("Load");
        let alarm = alarm.statistic(Statistic::Average).period(60).evaluation_periods(periods).threshold(70.0);
        let alarm = alarm.comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold);
        let alarm = alarm.dimensions(Dimension::builder().name("Group").value("web").build());
        let actions = actions.iter().map(|arn| (*arn).to_owned()).collect();
        alarm.set_alarm_actions(Some(actions)).send().await.unwrap();
    }

    async fn state(&self, alarm: &str) -> Option<StateValue> {
        let alarms = aws_sdk_cloudwatch::Client::new(&self.cloud.config);
        let response = alarms.describe_alarms().alarm_names(alarm).send().await.unwrap();
        response.metric_alarms().first()?.state_value().cloned()
    }

    async fn log(&self, message: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let event = InputLogEvent::builder().timestamp(i64::try_from(now).unwrap()).message(message).build().unwrap();
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.cloud.config);
        let call = logs.put_log_events().log_group_name("ledger").log_stream_name("s");
        call.log_events(event).send().await.unwrap();
    }

    /// The causes of the scaling activities, newest first.
    async fn activity_causes(&self) -> Vec<String> {
        let response = self.groups().describe_scaling_activities().send().await.unwrap();
        response.activities().iter().map(|it| it.cause().unwrap().to_owned()).collect()
    }

    async fn control(&self, path: &str) {
        let (status, body) = self.cloud.send(Method::POST, &format!("/_local-cloud/{path}"), "").await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }

    /// The next message in a queue that `is_it` accepts; earlier messages are deleted.
    async fn next(&self, queue: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let queues = aws_sdk_sqs::Client::new(&self.cloud.config);
        let url = format!("{}/123456789012/{queue}", self.cloud.url);
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < LIMIT, "timed out waiting for a message");
            let received = queues.receive_message().queue_url(&url).wait_time_seconds(1).send().await.unwrap();
            for message in received.messages() {
                let handle = message.receipt_handle().unwrap();
                queues.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
                let message: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                if is_it(&message) {
                    return message;
                }
            }
        }
    }

    async fn wait_until(&self, goal: &str, mut is_done: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !is_done().await {
            assert!(start.elapsed() < LIMIT, "timed out waiting for {goal}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
