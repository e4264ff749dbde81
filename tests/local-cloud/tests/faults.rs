//! Injected faults, observed with the real SDK clients, whose own retries are disabled.
#![allow(clippy::unwrap_used, reason = "an unexpected response stops the test")]

mod in_process;

use std::{future::Future, time::Duration};

use aws_config::timeout::TimeoutConfig;
use aws_sdk_ec2::{
    error::{ProvideErrorMetadata, SdkError},
    types::Filter,
};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use hyper::{Method, StatusCode};
use in_process::LocalCloud;
use serde_json::{Value, json};

#[tokio::test]
async fn every_service_rejects_with_its_own_error_codes() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    for (fault, codes) in [
        (
            "throttling",
            [
                "RequestLimitExceeded",
                "Throttling",
                "Throttling",
                "SlowDown",
                "ProvisionedThroughputExceededException",
                "RequestThrottled",
                "Throttling",
                "ThrottlingException",
                "ThrottlingException",
            ],
        ),
        (
            "500",
            [
                "InternalError",
                "InternalFailure",
                "InternalFailure",
                "InternalError",
                "InternalServerError",
                "InternalFailure",
                "InternalFailure",
                "InternalFailure",
                "InternalServerError",
            ],
        ),
        (
            "503",
            [
                "Unavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
                "ServiceUnavailable",
            ],
        ),
        (
            "access-denied",
            [
                "UnauthorizedOperation",
                "AccessDenied",
                "AccessDenied",
                "AccessDenied",
                "AccessDeniedException",
                "AccessDeniedException",
                "AccessDenied",
                "AccessDeniedException",
                "AccessDeniedException",
            ],
        ),
    ] {
        cloud.set_fault_rules(&json!([{"service": "*", "operation": "*", "fault": fault}])).await;
        assert_eq!(cloud.codes_of_lists().await, codes, "{fault}");
    }
    cloud.set_fault_rules(&json!([])).await;
    assert_eq!(cloud.codes_of_lists().await, ["ok"; 9], "without rules, no fault is injected");
}

#[tokio::test]
async fn an_account_over_quota_rejects_creates_and_allows_reads() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    cloud.set_fault_rules(&json!([{"service": "*", "operation": "*", "fault": "quota"}])).await;
    let (ec2, s3) = (cloud.ec2(), cloud.s3());
    assert_eq!(code(ec2.create_vpc().cidr_block("10.0.0.0/16").send()).await, "VpcLimitExceeded");
    assert_eq!(code(ec2.allocate_address().send()).await, "AddressLimitExceeded");
    assert_eq!(code(s3.create_bucket().bucket("full").send()).await, "TooManyBuckets");
    let role = aws_sdk_iam::Client::new(&cloud.config).create_role().role_name("r").assume_role_policy_document("{}");
    assert_eq!(code(role.send()).await, "LimitExceeded");
    let log_group = aws_sdk_cloudwatchlogs::Client::new(&cloud.config).create_log_group().log_group_name("/aws/ec2/x");
    assert_eq!(code(log_group.send()).await, "LimitExceededException");
    let alarm = aws_sdk_cloudwatch::Client::new(&cloud.config).put_metric_alarm().alarm_name("a");
    assert_eq!(code(alarm.send()).await, "LimitExceeded");
    assert_eq!(cloud.codes_of_lists().await, ["ok"; 9]);
    assert!(vpcs(&ec2).await.is_empty(), "a rejected call has no effect");
}

#[tokio::test]
async fn a_lost_response_had_an_effect_and_a_lost_request_had_none() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    let ec2 = cloud.ec2();
    // A lost response is lost immediately: its rule's time, which is longer than the client's time-out, does not pass.
    for (fault, seconds, effect) in [("timeout-before", 0.1, 0), ("timeout-after", 0.1, 1), ("lost-response", 600.0, 2)]
    {
        cloud.set_fault_of_create(fault, seconds).await;
        let lost = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap_err();
        assert!(matches!(lost, SdkError::DispatchFailure(_)), "{fault}: {lost:?}");
        assert_eq!(vpcs(&ec2).await.len(), effect, "{fault}");
    }
    for (fault, effect) in [("timeout-before", 2), ("timeout-after", 3)] {
        cloud.set_fault_of_create(fault, 600.0).await;
        cloud.send(Method::DELETE, "/_local-cloud/calls", "").await;
        let held = tokio::spawn(ec2.create_vpc().cidr_block("10.0.0.0/16").send());
        // The router records the call after its effect, and then holds the connection.
        cloud.wait_until("calls", |calls| calls.iter().any(|call| call["fault"] == fault)).await;
        assert_eq!(vpcs(&ec2).await.len(), effect, "{fault}");
        assert!(!held.is_finished(), "{fault}: the connection is held while other calls complete");
        held.abort();
    }
    cloud.set_fault_of_create("timeout-before", 600.0).await;
    let short_timeout = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(500)).build();
    let short_timeout = aws_sdk_ec2::Client::new(&cloud.config.to_builder().timeout_config(short_timeout).build());
    let lost = short_timeout.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap_err();
    assert!(matches!(lost, SdkError::TimeoutError(_)), "a client with a shorter time-out reports a time-out: {lost:?}");
}

#[tokio::test]
async fn a_stalled_call_responds_late_and_a_truncated_response_is_an_error() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    let ec2 = cloud.ec2();
    cloud
        .set_fault_rules(&json!([
            {"service": "ec2", "operation": "CreateVpc", "nth": 1, "fault": "stall", "seconds": 600},
            {"service": "ec2", "operation": "CreateVpc", "nth": 2, "fault": "stall", "seconds": 0.1},
            {"service": "ec2", "operation": "CreateVpc", "nth": 3, "fault": "malformed-body"},
        ]))
        .await;
    let stalled = tokio::spawn(ec2.create_vpc().cidr_block("10.1.0.0/16").send());
    cloud.wait_until("faults", |rules| rules[0]["injected"] == 1).await;
    ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    assert!(!stalled.is_finished(), "a later call with a shorter stall responds first");
    stalled.abort();
    let malformed = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap_err();
    assert!(matches!(malformed, SdkError::DispatchFailure(_) | SdkError::ResponseError(_)), "{malformed:?}");
    assert_eq!(vpcs(&ec2).await.len(), 2, "both calls took effect");

    cloud
        .set_fault_rules(&json!([{"service": "dynamodb", "operation": "ListTables", "fault": "malformed-body"}]))
        .await;
    let malformed = aws_sdk_dynamodb::Client::new(&cloud.config).list_tables().send().await.unwrap_err();
    assert!(matches!(malformed, SdkError::DispatchFailure(_) | SdkError::ResponseError(_)), "{malformed:?}");
}

#[tokio::test]
async fn a_new_resource_is_not_visible_to_the_next_read() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    let (ec2, s3) = (cloud.ec2(), cloud.s3());
    let lag = |service: &str, after: &str, reads: &str| json!({"service": service, "operation": reads, "after": after, "times": 1, "fault": "not-found-lag"});
    cloud.set_fault_rules(&json!([lag("ec2", "CreateVpc", "DescribeVpcs"), lag("s3", "CreateBucket", "Get*")])).await;
    assert!(vpcs(&ec2).await.is_empty());
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    assert!(vpcs(&ec2).await.is_empty(), "the new VPC is not yet visible");
    assert_eq!(vpcs(&ec2).await, std::slice::from_ref(&vpc), "the new VPC is visible");

    cloud.set_fault_rules(&json!([lag("ec2", "CreateVpc", "DescribeVpcs"), lag("s3", "CreateBucket", "Get*")])).await;
    ec2.create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap();
    assert_eq!(code(ec2.describe_vpcs().vpc_ids(&vpc).send()).await, "InvalidVpcID.NotFound");
    s3.create_bucket().bucket("made").create_bucket_configuration(in_region()).send().await.unwrap();
    assert_eq!(code(s3.get_bucket_tagging().bucket("made").send()).await, "NoSuchBucket");
    assert_eq!(code(s3.get_bucket_versioning().bucket("made").send()).await, "ok");

    cloud.set_fault_rules(&json!([{"service": "*", "operation": "*", "fault": "not-found-lag"}])).await;
    let (iam, ssm) = (aws_sdk_iam::Client::new(&cloud.config), aws_sdk_ssm::Client::new(&cloud.config));
    assert_eq!(code(iam.get_role().role_name("r").send()).await, "NoSuchEntity");
    assert_eq!(code(ssm.get_parameter().name("p").send()).await, "ParameterNotFound");
    let alarms = aws_sdk_cloudwatch::Client::new(&cloud.config);
    assert_eq!(code(alarms.get_dashboard().dashboard_name("d").send()).await, "ResourceNotFound");
    assert_eq!(cloud.codes_of_lists().await, ["ok"; 9], "lists are empty");
    assert!(s3.list_buckets().send().await.unwrap().buckets().is_empty());
    let head = s3.head_bucket().bucket("made").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn a_batch_can_fail_inside_a_successful_response() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    cloud.set_fault_rules(&json!([{"service": "*", "operation": "*", "fault": "partial-failure"}])).await;
    let s3 = cloud.s3();
    s3.create_bucket().bucket("full").create_bucket_configuration(in_region()).send().await.unwrap();
    s3.put_object().bucket("full").key("a & b").send().await.unwrap();
    let object = ObjectIdentifier::builder().key("a & b").build().unwrap();
    let deleted = s3.delete_objects().bucket("full").delete(Delete::builder().objects(object).build().unwrap());
    let deleted = deleted.send().await.unwrap();
    assert!(deleted.deleted().is_empty());
    assert_eq!((deleted.errors()[0].key(), deleted.errors()[0].code()), (Some("a & b"), Some("InternalError")));
    assert_eq!(s3.list_objects_v2().bucket("full").send().await.unwrap().contents().len(), 1);

    let sqs = aws_sdk_sqs::Client::new(&cloud.config);
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    let entry = SendMessageBatchRequestEntry::builder().id("one").message_body("m").build().unwrap();
    let sent = sqs.send_message_batch().queue_url(&queue).entries(entry).send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed()[0].id()), (0, "one"));
    assert!(sqs.receive_message().queue_url(queue).send().await.unwrap().messages().is_empty());

    let deleted = cloud.ec2().delete_vpc_endpoints().vpc_endpoint_ids("vpce-1").send().await.unwrap();
    assert_eq!(deleted.unsuccessful()[0].resource_id(), Some("vpce-1"));
}

#[tokio::test]
async fn faults_apply_to_cloudformation_responses_and_rules_report_their_counts() {
    let cloud = LocalCloud::start(Duration::ZERO).await;
    let response =
        json!({"service": "unsigned", "operation": "PUT /_ministack/cfn-response/*", "nth": 1, "fault": "503"});
    cloud.set_fault_rules(&json!([response])).await;
    let url = "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000";
    assert_eq!(cloud.send(Method::PUT, url, "").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_ne!(cloud.send(Method::PUT, url, "").await.0, StatusCode::SERVICE_UNAVAILABLE);

    let (status, body) = cloud.send(Method::GET, "/_local-cloud/faults", "").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body[0]["matched"], &body[0]["injected"]), (StatusCode::OK, &json!(2), &json!(1)));
    let (_, calls) = cloud.send(Method::GET, "/_local-cloud/calls", "").await;
    let calls: Vec<Value> = serde_json::from_str(&calls).unwrap();
    assert_eq!((&calls[0]["fault"], calls[1].get("fault")), (&json!("503"), None));

    let (status, body) = cloud.send(Method::POST, "/_local-cloud/faults", r#"[{"fault": "magic"}]"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("unknown variant `magic`"), "{body}");
    cloud.send(Method::DELETE, "/_local-cloud/faults", "").await;
    assert_eq!(cloud.send(Method::GET, "/_local-cloud/faults", "").await.1, "[]");
}

impl LocalCloud {
    /// The only fault from now on: of CreateVpc, for these seconds.
    async fn set_fault_of_create(&self, fault: &str, seconds: f64) {
        let call =
            json!({"service": "ec2", "operation": "CreateVpc", "app": "tester", "fault": fault, "seconds": seconds});
        self.set_fault_rules(&json!([call])).await;
    }

    /// Waits until a list of the control interface fulfils the condition.
    async fn wait_until(&self, list: &str, is_fulfilled: impl Fn(&[Value]) -> bool) {
        let path = format!("/_local-cloud/{list}");
        while !is_fulfilled(&serde_json::from_str::<Vec<Value>>(&self.send(Method::GET, &path, "").await.1).unwrap()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn set_fault_rules(&self, rules: &Value) {
        let (status, body) = self.send(Method::POST, "/_local-cloud/faults", &rules.to_string()).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// The result of a list call to each service: the error code, or `ok`.
    async fn codes_of_lists(&self) -> [String; 9] {
        let config = &self.config;
        [
            code(self.ec2().describe_vpcs().send()).await,
            code(aws_sdk_iam::Client::new(config).list_roles().send()).await,
            code(aws_sdk_autoscaling::Client::new(config).describe_auto_scaling_groups().send()).await,
            code(self.s3().list_buckets().send()).await,
            code(aws_sdk_dynamodb::Client::new(config).list_tables().send()).await,
            code(aws_sdk_sqs::Client::new(config).list_queues().send()).await,
            code(aws_sdk_cloudwatch::Client::new(config).describe_alarms().send()).await,
            code(aws_sdk_cloudwatchlogs::Client::new(config).describe_log_groups().send()).await,
            code(aws_sdk_ssm::Client::new(config).describe_parameters().send()).await,
        ]
    }
}

fn in_region() -> aws_sdk_s3::types::CreateBucketConfiguration {
    let location = aws_sdk_s3::types::BucketLocationConstraint::UsWest2;
    aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(location).build()
}

/// The error code that the SDK reports; `ok` for success.
async fn code<T, E: ProvideErrorMetadata>(
    call: impl Future<Output = Result<T, SdkError<E, aws_sdk_ec2::config::http::HttpResponse>>>,
) -> String {
    match call.await {
        Ok(_) => "ok".to_owned(),
        Err(SdkError::ServiceError(error)) => error.err().code().unwrap_or("no code").to_owned(),
        Err(SdkError::ResponseError(_)) => "unreadable".to_owned(),
        Err(_) => "no response".to_owned(),
    }
}

/// The VPCs that the test created, without moto's default VPC.
async fn vpcs(ec2: &aws_sdk_ec2::Client) -> Vec<String> {
    let made = Filter::builder().name("is-default").values("false").build();
    let found = ec2.describe_vpcs().filters(made).send().await.unwrap();
    found.vpcs().iter().filter_map(|vpc| vpc.vpc_id().map(str::to_owned)).collect()
}
