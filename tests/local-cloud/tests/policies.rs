//! Policies of roles, instances, queues and tables, enforced with the real emulators.
#![allow(clippy::unwrap_used, reason = "an unexpected response stops the test")]

mod in_process;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_ec2::{
    config::{Credentials, SharedCredentialsProvider},
    error::{DisplayErrorContext, ProvideErrorMetadata},
    types::{IamInstanceProfileSpecification, Tag},
};
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use aws_sdk_sqs::types::QueueAttributeName;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use in_process::LocalCloud;
use local_cloud::http::Http;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

/// Far more than a delivery takes.
const LIMIT: Duration = Duration::from_mins(1);

impl LocalCloud {
    /// The configuration with another access key.
    fn signed_by(&self, access_key: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key, "nothing", None, None, "tests");
        self.config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    /// A role with one policy of these statements; returns the configuration of its session.
    async fn role(&self, name: &str, statements: &Value) -> SdkConfig {
        let iam = aws_sdk_iam::Client::new(&self.config);
        iam.create_role().role_name(name).assume_role_policy_document(TRUST).send().await.unwrap();
        self.put_policy(name, statements).await;
        self.signed_by(&format!("role.{name}"))
    }

    async fn put_policy(&self, role: &str, statements: &Value) {
        let put = aws_sdk_iam::Client::new(&self.config).put_role_policy();
        put.role_name(role).policy_name("own").policy_document(document(statements)).send().await.unwrap();
    }

    /// A queue with a policy of these statements; returns URL and ARN.
    async fn queue(&self, name: &str, statements: &Value) -> (String, String) {
        let sqs = aws_sdk_sqs::Client::new(&self.config);
        let create = sqs.create_queue().queue_name(name).attributes(QueueAttributeName::Policy, document(statements));
        let url = create.send().await.unwrap().queue_url.unwrap();
        (url, format!("arn:aws:sqs:us-west-2:{ACCOUNT}:{name}"))
    }

    /// A signed POST request with a content type and an optional target.
    async fn signed(&self, service: &str, kind: &str, target: Option<&str>, body: &str) -> (StatusCode, String) {
        self.signed_as("tester", service, kind, target, body).await
    }

    async fn signed_as(
        &self,
        access_key: &str,
        service: &str,
        kind: &str,
        target: Option<&str>,
        body: &str,
    ) -> (StatusCode, String) {
        let scope = format!("Credential={access_key}/20260101/us-west-2/{service}/aws4_request");
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.url))
            .header("content-type", kind)
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"));
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let response = Http::default().send(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        (head.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    /// A successful call to EventBridge.
    async fn events(&self, operation: &str, input: &Value) -> Value {
        let (status, body) = self.events_as("tester", operation, input).await;
        assert_eq!(status, StatusCode::OK, "{operation}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A call to EventBridge with this access key.
    async fn events_as(&self, access_key: &str, operation: &str, input: &Value) -> (StatusCode, String) {
        let target = format!("AWSEvents.{operation}");
        let kind = "application/x-amz-json-1.1";
        self.signed_as(access_key, "events", kind, Some(&target), &input.to_string()).await
    }
}

/// The text with the characters encoded that separate parameters of a form.
fn percent(text: &str) -> String {
    text.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('=', "%3D")
}

async fn enforcing() -> LocalCloud {
    LocalCloud::start_with(Duration::from_millis(10), Some("scalable-ec2")).await
}

fn document(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// The outcome as the message of the error; `allowed` without an error.
fn outcome<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.message().unwrap_or("no message").to_owned(),
    }
}

fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

async fn send(config: &SdkConfig, url: &str) -> String {
    outcome(aws_sdk_sqs::Client::new(config).send_message().queue_url(url).message_body("hello").send().await)
}

#[tokio::test]
async fn a_queue_denies_all_but_its_senders() {
    let cloud = enforcing().await;
    let all = json!([{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]);
    let sender = cloud.role("sender", &all).await;
    let forger = cloud.role("forger", &all).await;
    let powerless =
        cloud.role("powerless", &json!([{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}])).await;
    let name = format!("arn:aws:sqs:us-west-2:{ACCOUNT}:requests");
    let (url, arn) = cloud
        .queue(
            "requests",
            &json!([{
                "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": name,
                "Condition": {
                    "ArnNotEquals": {"aws:PrincipalArn": role_arn("sender")},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            }]),
        )
        .await;
    assert_eq!(send(&sender, &url).await, "allowed");
    let denied = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/forger/session is not authorized to perform: sqs:SendMessage on resource: \
         {arn} with an explicit deny in a resource-based policy"
    );
    assert_eq!(send(&forger, &url).await, denied);
    // The policy of the queue holds for an administrator too.
    assert!(send(&cloud.config, &url).await.starts_with(&format!("User: arn:aws:iam::{ACCOUNT}:user/tester is not")));
    let (free, _) = cloud.queue("free", &json!([])).await;
    assert_eq!(send(&cloud.config, &free).await, "allowed");
    assert_eq!(send(&forger, &free).await, "allowed");
    let message = send(&powerless, &free).await;
    assert!(message.ends_with("because no identity-based policy allows the sqs:SendMessage action"), "{message}");
    assert!(send(&cloud.signed_by("role.unknown"), &free).await.contains("GetRole"));

    let (_, calls) = cloud.send(Method::GET, "/_local-cloud/calls", "").await;
    let calls: Vec<Value> = serde_json::from_str(&calls).unwrap();
    let recorded = calls.iter().find(|it| it["principal"] == role_arn("forger").as_str()).unwrap();
    assert_eq!((recorded["operation"].as_str(), recorded["status"].as_u64()), (Some("SendMessage"), Some(400)));
}

#[tokio::test]
async fn a_redrive_needs_the_permission_to_send() {
    let cloud = enforcing().await;
    let sqs = aws_sdk_sqs::Client::new(&cloud.config);
    let deny = |queue: &str| {
        json!([{
            "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage",
            "Resource": format!("arn:aws:sqs:us-west-2:{ACCOUNT}:{queue}"),
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [role_arn("operator")]}},
        }])
    };
    let (dead, dead_arn) = cloud.queue("dead", &json!([])).await;
    let (live, _) = cloud.queue("live", &deny("live")).await;
    let redrive = json!({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}).to_string();
    let set = sqs.set_queue_attributes().queue_url(&live).attributes(QueueAttributeName::RedrivePolicy, redrive);
    set.send().await.unwrap();
    assert_eq!(send(&cloud.config, &dead).await, "allowed");
    let all = json!([{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]);
    let forger = cloud.role("forger", &all).await;
    let operator = cloud.role("operator", &all).await;
    let start = async |config: &SdkConfig| {
        let start = aws_sdk_sqs::Client::new(config).start_message_move_task().source_arn(&dead_arn);
        outcome(start.send().await)
    };
    let denied = start(&forger).await;
    assert!(
        denied.contains("sqs:SendMessage on resource: arn:aws:sqs:us-west-2:123456789012:live with an explicit deny"),
        "{denied}"
    );
    assert_eq!(start(&operator).await, "allowed");
    let received = sqs.receive_message().queue_url(&live).send().await.unwrap();
    assert_eq!(received.messages().len(), 1);
}

#[tokio::test]
async fn a_rule_delivers_only_where_the_queue_allows_the_rule_or_its_role() {
    let cloud = enforcing().await;
    let rule = |name: &str| format!("arn:aws:events:us-west-2:{ACCOUNT}:rule/{name}");
    let statements = json!([
        {
            "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*",
            "Condition": {
                "ArnNotEquals": {"aws:PrincipalArn": role_arn("sender")},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": rule("own")}},
        },
    ]);
    let (url, arn) = cloud.queue("events", &statements).await;
    let all = json!([{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]);
    cloud.role("sender", &all).await;
    cloud.role("forger", &all).await;
    let sqs = aws_sdk_sqs::Client::new(&cloud.config);
    for (source, role, expected) in
        [("own", None, 1), ("forged", None, 0), ("forged", Some("forger"), 0), ("forged", Some("sender"), 1)]
    {
        let pattern = json!({"source": ["test"]}).to_string();
        cloud.events("PutRule", &json!({"Name": source, "EventPattern": pattern})).await;
        let mut target = json!({"Id": "queue", "Arn": arn});
        if let Some(role) = role {
            target["RoleArn"] = json!(role_arn(role));
        }
        cloud.events("PutTargets", &json!({"Rule": source, "Targets": [target]})).await;
        let entry = json!({"Source": "test", "DetailType": "t", "Detail": "{}"});
        cloud.events("PutEvents", &json!({"Entries": [entry]})).await;
        // ministack delivers before it responds.
        let received = sqs.receive_message().queue_url(&url).send().await.unwrap();
        assert_eq!(received.messages().len(), expected, "{source} {role:?}");
        for message in received.messages() {
            sqs.delete_message()
                .queue_url(&url)
                .receipt_handle(message.receipt_handle().unwrap())
                .send()
                .await
                .unwrap();
        }
        cloud.events("RemoveTargets", &json!({"Rule": source, "Ids": ["queue"]})).await;
        cloud.events("DeleteRule", &json!({"Name": source})).await;
    }
}

/// A bus, its policy and a rule by CloudFormation; entries as recorded on AWS (stackd 9dc356f5, control_plane:partial-events).
#[tokio::test]
async fn a_bus_denies_all_but_its_publishers_and_delivers_to_its_own_rules() {
    let cloud = enforcing().await;
    let (url, queue) = cloud
        .queue(
            "own",
            &json!([{
                "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
                "Condition": {"ArnEquals": {"aws:SourceArn": format!("arn:aws:events:us-west-2:{ACCOUNT}:rule/own-bus/own")}},
            }]),
        )
        .await;
    let bus = json!({"Ref": "Bus"});
    let template = json!({"Resources": {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "own-bus"}},
        "Policy": {"Type": "AWS::Events::EventBusPolicy", "Properties": {
            "EventBusName": bus, "StatementId": "DenyOthers", "Statement": {
                "Effect": "Deny", "Principal": "*", "Action": "events:PutEvents", "Resource": {"Fn::GetAtt": ["Bus", "Arn"]},
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [role_arn("publisher")]}},
            },
        }},
        "Rule": {"Type": "AWS::Events::Rule", "DependsOn": ["Policy"], "Properties": {
            "Name": "own", "EventBusName": bus, "EventPattern": {"source": ["own"], "account": [ACCOUNT]},
            "Targets": [{"Id": "queue", "Arn": queue}],
        }},
    }});
    let form = format!("Action=CreateStack&StackName=bus&TemplateBody={}", percent(&template.to_string()));
    let (status, body) = cloud.signed("cloudformation", "application/x-www-form-urlencoded", None, &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let has_rule = async || {
        let rules = cloud.events("ListRules", &json!({"EventBusName": "own-bus"})).await;
        rules["Rules"].as_array().is_some_and(|it| !it.is_empty())
    };
    tokio::time::timeout(LIMIT, async { while !has_rule().await {} }).await.expect("the stack creates the rule");

    let own = json!([{
        "Effect": "Allow", "Action": "events:PutEvents", "Resource": "*",
        "Condition": {"StringEquals": {"events:source": "own"}},
    }]);
    cloud.role("publisher", &own).await;
    cloud.role("forger", &json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}])).await;
    let entry = |source: &str, detail: &str| json!({"EventBusName": "own-bus", "Source": source, "DetailType": "t", "Detail": detail, "Time": 1_767_323_110.25});
    for (key, source, denied) in [
        ("role.publisher", "own", false),
        ("role.publisher", "other", true),
        ("role.forger", "own", true),
        ("tester", "own", true),
    ] {
        let (status, body) = cloud.events_as(key, "PutEvents", &json!({"Entries": [entry(source, "{}")]})).await;
        assert_eq!(
            status == StatusCode::BAD_REQUEST && body.contains("AccessDenied"),
            denied,
            "{key} {source}: {body}"
        );
    }
    let entries = json!({"Entries": [entry("own", "[]"), entry("own", "{\"n\": 1}")]});
    let (status, body) = cloud.events_as("role.publisher", "PutEvents", &entries).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["FailedEntryCount"]), (StatusCode::OK, &json!(1)), "{body}");
    assert_eq!(body["Entries"][0]["ErrorCode"], "MalformedDetail");
    assert!(body["Entries"][1]["EventId"].is_string(), "{body}");

    let sqs = aws_sdk_sqs::Client::new(&cloud.config);
    let received = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let events = received.messages().iter().map(|it| serde_json::from_str(it.body().unwrap()).unwrap());
    let mut details: Vec<_> = events.map(|it: Value| (it["time"].clone(), it["detail"].to_string())).collect();
    details.sort_by(|a, b| a.1.cmp(&b.1));
    let time = json!("2026-01-02T03:05:10Z");
    assert_eq!(details, [(time.clone(), String::from("{\"n\":1}")), (time, String::from("{}"))]);
    let lost = json!({"Entries": [{"EventBusName": "gone", "Source": "own", "DetailType": "t", "Detail": "{}"}]});
    assert_eq!(
        cloud.events("PutEvents", &lost).await["FailedEntryCount"],
        0,
        "an event for a bus that does not exist is lost"
    );
}

#[tokio::test]
async fn lambda_sends_a_failed_invocation_with_the_role_of_the_function() {
    let cloud = enforcing().await;
    let own = role_arn("custom-resource-role");
    let policy = document(&json!([{
        "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": own}},
    }]));
    let queue = format!("arn:aws:sqs:us-west-2:{ACCOUNT}:envkeeper-FailedInvocations-1");
    let deliver = async |function: &str, role: &str| {
        let sender = json!({"function": {"name": format!("scalable-ec2-{function}"), "role": role}});
        let delivery = json!({"sender": sender, "queue": queue, "policy": policy}).to_string();
        cloud.send(Method::POST, "/_local-cloud/policies/delivery", &delivery).await
    };
    assert_eq!(deliver("custom-resource", &own).await.0, StatusCode::NO_CONTENT);
    let (status, message) = deliver("custom-resource", &role_arn("other")).await;
    assert!(status == StatusCode::BAD_REQUEST && message.contains("explicit deny"), "{message}");
    let (status, message) = deliver("scaling-log", &own).await;
    assert!(status == StatusCode::BAD_REQUEST && message.contains("scaling-log is not authorized"), "{message}");
    let (status, _) = cloud.send(Method::POST, "/_local-cloud/policies/delivery", "{}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a delivery that cannot be read is not allowed");
}

#[tokio::test]
async fn a_table_denies_items_to_all_but_its_role() {
    let cloud = enforcing().await;
    let template = json!({"Resources": {"Records": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "records", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "ResourcePolicy": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Deny", "Principal": "*", "Action": ["dynamodb:*Item", "dynamodb:Query", "dynamodb:PartiQL*"],
                "Resource": "*", "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role_arn("owner")}},
            }]}},
        },
    }}});
    let form = format!("Action=CreateStack&StackName=records&TemplateBody={}", percent(&template.to_string()));
    let (status, body) = cloud.signed("cloudformation", "application/x-www-form-urlencoded", None, &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let table = |config: &SdkConfig| aws_sdk_dynamodb::Client::new(config);
    let exists = async || table(&cloud.config).describe_table().table_name("records").send().await.is_ok();
    tokio::time::timeout(LIMIT, async { while !exists().await {} }).await.expect("the stack creates the table");

    let all = json!([{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]);
    let owner = cloud.role("owner", &all).await;
    let forger = cloud.role("forger", &all).await;
    let put = async |config: &SdkConfig| {
        let put = table(config).put_item().table_name("records").item("pk", AttributeValue::S("a".to_owned()));
        outcome(put.send().await)
    };
    assert_eq!(put(&owner).await, "allowed");
    for config in [&forger, &cloud.config] {
        let denied = put(config).await;
        assert!(
            denied.contains("dynamodb:PutItem") && denied.contains("explicit deny in a resource-based policy"),
            "{denied}"
        );
        let select = table(config).execute_statement().statement("SELECT * FROM \"records\"");
        let denied = outcome(select.send().await);
        assert!(denied.contains("dynamodb:PartiQLSelect"), "{denied}");
    }
    assert!(table(&cloud.config).describe_table().table_name("records").send().await.is_ok(), "only items are denied");
}

/// Two instances of a role with AWS's managed policies, wide rights of its own, and a boundary; returns their ids.
async fn bounded_instances(cloud: &LocalCloud) -> Vec<String> {
    let iam = aws_sdk_iam::Client::new(&cloud.config);
    // Within the boundary: metrics but in one namespace, and tags of the instance itself.
    let boundary = json!([
        {
            "Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
            "Condition": {"StringNotEquals": {"cloudwatch:namespace": "Envkeeper"}},
        },
        {
            "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
            "Condition": {
                "ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:us-west-2:123456789012:instance/${ec2:InstanceId}"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["state"]},
            },
        },
        {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:*:*:log-group:/${aws:PrincipalTag/team}:*"},
        {"Effect": "Allow", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"},
    ]);
    let limit = iam.create_policy().policy_name("limit").policy_document(document(&boundary)).send().await.unwrap();
    let limit = limit.policy.unwrap().arn.unwrap();
    let create = iam.create_role().role_name("web").assume_role_policy_document(TRUST).permissions_boundary(limit);
    let tag = aws_sdk_iam::types::Tag::builder().key("team").value("a").build().unwrap();
    create.tags(tag).send().await.unwrap();
    cloud
        .put_policy("web", &json!([{"Effect": "Allow", "Action": ["ec2:*", "logs:*", "s3:*"], "Resource": "*"}]))
        .await;
    for managed in ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"] {
        let arn = format!("arn:aws:iam::aws:policy/{managed}");
        iam.attach_role_policy().role_name("web").policy_arn(arn).send().await.unwrap();
    }
    iam.create_instance_profile().instance_profile_name("web").send().await.unwrap();
    iam.add_role_to_instance_profile().instance_profile_name("web").role_name("web").send().await.unwrap();
    let ec2 = cloud.ec2();
    let profile = IamInstanceProfileSpecification::builder().name("web").build();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let run = ec2
            .run_instances()
            .image_id("ami-12345678")
            .min_count(1)
            .max_count(1)
            .iam_instance_profile(profile.clone());
        let id = run.send().await.unwrap().instances()[0].instance_id().unwrap().to_owned();
        ids.push(id);
    }
    ids
}

#[tokio::test]
async fn an_instance_has_its_role_within_the_boundary() {
    let cloud = enforcing().await;
    let ids = bounded_instances(&cloud).await;
    let own = cloud.signed_by(&format!("instance.{}", ids[0]));
    let tag = async |id: &str, key: &str| {
        let tag = Tag::builder().key(key).value("x").build();
        outcome(aws_sdk_ec2::Client::new(&own).create_tags().resources(id).tags(tag).send().await)
    };
    assert_eq!(tag(&ids[0], "state").await, "allowed");
    let denied = tag(&ids[1], "state").await;
    assert!(denied.ends_with("because no permissions boundary allows the ec2:CreateTags action"), "{denied}");
    assert!(tag(&ids[0], "team").await.contains("permissions boundary"));

    let metric = async |namespace: &str| {
        let datum = aws_sdk_cloudwatch::types::MetricDatum::builder().metric_name("m").value(1.0).build();
        let put = aws_sdk_cloudwatch::Client::new(&own).put_metric_data().namespace(namespace).metric_data(datum);
        outcome(put.send().await)
    };
    assert_eq!(metric("CWAgent").await, "allowed");
    assert!(metric("Envkeeper").await.contains("no permissions boundary allows the cloudwatch:PutMetricData action"));

    let logs = aws_sdk_cloudwatchlogs::Client::new(&cloud.config);
    let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder().timestamp(0).message("m").build().unwrap();
    for (group, expected) in [("/a", true), ("/b", false)] {
        logs.create_log_group().log_group_name(group).send().await.unwrap();
        logs.create_log_stream().log_group_name(group).log_stream_name("s").send().await.unwrap();
        let put = aws_sdk_cloudwatchlogs::Client::new(&own).put_log_events().log_group_name(group).log_stream_name("s");
        let written = put.log_events(event.clone()).send().await;
        assert_eq!(written.is_ok(), expected, "{group}");
    }
    // The policies allow S3, the boundary does not; neither mentions DynamoDB.
    let buckets = s3_client(&own).list_buckets().send().await.unwrap_err();
    assert!(
        DisplayErrorContext(buckets)
            .to_string()
            .contains("no permissions boundary allows the s3:ListAllMyBuckets action")
    );
    let list = outcome(aws_sdk_dynamodb::Client::new(&own).list_tables().send().await);
    assert!(list.contains("no identity-based policy allows the dynamodb:ListTables action"), "{list}");
    let missing = outcome(aws_sdk_sqs::Client::new(&own).list_message_move_tasks().source_arn("arn").send().await);
    assert!(missing.contains("no identity-based policy"), "{missing}");
}

#[tokio::test]
async fn an_object_needs_the_key_of_its_bucket() {
    let cloud = enforcing().await;
    let key = format!("arn:aws:kms:us-west-2:{ACCOUNT}:key/11111111-2222-4333-8444-555555555555");
    let s3 = s3_client(&cloud.config);
    for bucket in ["own", "other"] {
        let region = BucketLocationConstraint::from("us-west-2");
        let place = CreateBucketConfiguration::builder().location_constraint(region).build();
        s3.create_bucket().bucket(bucket).create_bucket_configuration(place).send().await.unwrap();
        let by_key = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_key.kms_master_key_id(&key).build().unwrap())
            .bucket_key_enabled(true);
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build()).build().unwrap();
        let put = s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(configuration);
        put.send().await.unwrap();
    }
    let statements = json!([
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
        {
            "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key,
            "Condition": {"StringEquals": {
                "kms:ViaService": "s3.us-west-2.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::own",
            }},
        },
    ]);
    let role = cloud.role("writer", &statements).await;
    let put = async |bucket: &str| {
        let put = s3_client(&role).put_object().bucket(bucket).key("k").body(Vec::new().into());
        outcome(put.send().await)
    };
    assert_eq!(put("own").await, "allowed");
    let denied = put("other").await;
    assert!(denied.contains("no identity-based policy allows the kms:GenerateDataKey action"), "{denied}");
}

#[tokio::test]
async fn without_enforcement_a_role_may_call_nothing() {
    let cloud = LocalCloud::start(Duration::from_millis(10)).await;
    let role = cloud.role("any", &json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}])).await;
    let denied = outcome(aws_sdk_sqs::Client::new(&role).list_queues().send().await);
    assert_eq!(denied, "the local cloud runs without --enforce-policies");
}
