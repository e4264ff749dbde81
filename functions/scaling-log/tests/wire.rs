//! Responses of CloudWatch Logs and Auto Scaling over the wire, in their documented shapes.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

use std::sync::{Arc, Mutex};

use lambda_kit::AwsCallError;
use ledger::batch::LogEvent;
use ledger::{GroupState, InstanceState};
use requests::records::DynamoRecords;
use scaling_log::aws::AwsAccount;
use scaling_log::cloud::{LogApi as _, ObservedGroup, PutOutcome};
use serde_json::Value;
use test_support::{Request, service};

/// An account, and the operations that were requested from it.
fn account(
    response: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
) -> (AwsAccount, Arc<Mutex<Vec<String>>>) {
    let requested = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&requested);
    let config = service(move |request| {
        recorded.lock().expect("one at a time").push(request.target.clone());
        Some(response(&request))
    });
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), "records");
    (AwsAccount::new(&config, records), requested)
}

fn rejected(kind: &str) -> (u16, String) {
    (400, format!(r#"{{"__type":"{kind}","message":"no"}}"#))
}

async fn put_events(account: &AwsAccount) -> Result<PutOutcome, AwsCallError> {
    let events: Vec<LogEvent> = (1..=4).map(|at_ms| LogEvent { at_ms, text: "{}".into() }).collect();
    account.put_events("/aws/autoscaling/scalable-ec2-dev", "g/2026-01-02", &events.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn rejected_log_events_are_identified_by_their_index() {
    for (info, rejected) in [
        ("{}", vec![]),
        (r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1}}"#, vec![0]),
        (r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1,"expiredLogEventEndIndex":2}}"#, vec![0, 1]),
        (r#"{"rejectedLogEventsInfo":{"tooNewLogEventStartIndex":3}}"#, vec![3]),
        (r#"{"rejectedLogEventsInfo":{"expiredLogEventEndIndex":1,"tooNewLogEventStartIndex":3}}"#, vec![0, 3]),
    ] {
        let (account, requested) = account(move |_| (200, info.to_owned()));
        assert_eq!(put_events(&account).await, Ok(PutOutcome::Written { rejected }), "{info}");
        assert_eq!(*requested.lock().expect("one at a time"), ["PutLogEvents"], "one call if the stream exists");
    }
}

#[tokio::test]
async fn a_missing_stream_is_created_and_a_missing_log_group_is_not() {
    let created = Mutex::new(false);
    let (existing, requested) = account(move |request| {
        let mut created = created.lock().expect("one at a time");
        match request.target.as_str() {
            "CreateLogStream" => {
                *created = true;
                (200, String::new())
            }
            _ if *created => (200, "{}".into()),
            _ => rejected("ResourceNotFoundException"),
        }
    });
    assert_eq!(put_events(&existing).await, Ok(PutOutcome::Written { rejected: vec![] }));
    assert_eq!(*requested.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream", "PutLogEvents"]);

    let (missing, requested) = account(|_| rejected("ResourceNotFoundException"));
    assert_eq!(put_events(&missing).await, Ok(PutOutcome::LogGroupNotFound));
    assert_eq!(*requested.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream"]);

    // The created stream is not yet visible to the next call. The lines are not lost: their messages are delivered
    // again.
    let (lagging, requested) = account(|request| match request.target.as_str() {
        "CreateLogStream" => (200, String::new()),
        _ => rejected("ResourceNotFoundException"),
    });
    let error = put_events(&lagging).await.expect_err("the stream was created, so its log group exists").to_string();
    assert_eq!(error, "logs:PutLogEvents: the stream g/2026-01-02 was created and is not visible yet");
    assert_eq!(*requested.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream", "PutLogEvents"]);

    let (denied, _) = account(|_| rejected("AccessDeniedException"));
    let error = put_events(&denied).await.expect_err("access is denied").to_string();
    assert!(error.starts_with("logs:PutLogEvents: ") && error.contains("AccessDeniedException"), "{error}");
}

#[tokio::test]
async fn the_ids_of_the_written_lines_are_read_from_all_pages() {
    let (account, _) = account(|request| {
        let event = |text: &str| format!(r#"{{"message":{}}}"#, serde_json::Value::from(text));
        if request.body.contains("nextToken") {
            return (200, format!(r#"{{"events":[{}]}}"#, event(r#"{"id":"launch-2"}"#)));
        }
        let first = [event(r#"{"id":"launch-1"}"#), event("not JSON"), event("{}")].join(",");
        (200, format!(r#"{{"events":[{first}],"nextToken":"more"}}"#))
    });
    let ids = account.written_ids("/aws/autoscaling/scalable-ec2-dev", "g/", 1, 2).await.expect("the ids");
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["launch-1", "launch-2"]);
}

#[tokio::test]
async fn activities_are_read_until_they_are_too_old() {
    let (account, requested) = account(|request| {
        let page = usize::from(request.body.contains("NextToken=second"));
        // Activities in progress are listed first, regardless of their start (the API reference).
        let in_progress = if page == 0 {
            "<member><ActivityId>old</ActivityId><StartTime>2026-01-01T03:00:00Z</StartTime><StatusCode>WaitingForInstanceWarmup</StatusCode></member>"
        } else {
            ""
        };
        let activity = |id: usize| {
            format!(
                "<member><ActivityId>{id}</ActivityId><AutoScalingGroupName>g</AutoScalingGroupName><Description>Launching a new \
                 EC2 instance: i-1</Description><Cause>c</Cause><StartTime>2026-01-02T03:0{0}:00Z</StartTime>\
                 <EndTime>2026-01-02T03:0{0}:30Z</EndTime><StatusCode>Successful</StatusCode><Details>{{}}</Details></member>",
                5 - id
            )
        };
        let found: String = [0, 1].map(|at| activity(page * 2 + at)).concat();
        let next = ["second", "third"][page];
        let result = format!("<Activities>{in_progress}{found}</Activities><NextToken>{next}</NextToken>");
        (
            200,
            format!(
                "<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult>{result}</DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>"
            ),
        )
    });
    // 03:02:30: the last activity of the second page is older.
    let found = account.activities("g", 1_767_322_950_000).await.expect("the activities");
    let ids: Vec<&str> = found.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((ids, requested.lock().expect("one at a time").len()), (vec!["old", "0", "1", "2"], 2));
}

/// An instance without a group is not in the response (the API reference).
#[tokio::test]
async fn the_template_versions_of_instances_are_read_in_one_call() {
    let (account, requested) = account(|request| {
        assert!(request.body.contains("InstanceIds.member.2=i-2"), "only these instances: {}", request.body);
        let instance = |id: &str, template: &str| format!("<member><InstanceId>{id}</InstanceId>{template}</member>");
        let template = "<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>7</Version></LaunchTemplate>";
        let all = [instance("i-1", template), instance("i-2", "")].concat();
        let result = format!("<AutoScalingInstances>{all}</AutoScalingInstances>");
        (
            200,
            format!(
                "<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult>{result}</DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>"
            ),
        )
    });
    let ids = ["i-1", "i-2", "i-3"].map(String::from);
    assert_eq!(account.template_versions(&ids).await, Ok([("i-1".to_owned(), 7)].into()));
    assert_eq!(requested.lock().expect("one at a time").len(), 1);
}

#[tokio::test]
async fn the_lines_with_versions_are_selected_by_the_service() {
    let (account, _) = account(|request| {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!(body["filterPattern"], r#"{ ($.kind = "state") || ($.kind = "launch") }"#);
        assert_eq!((&body["startTime"], &body["endTime"]), (&Value::from(1), &Value::from(3)), "the end is exclusive");
        (200, r#"{"events":[{"message":"a line"}]}"#.to_owned())
    });
    let lines = account.lines_with_versions("/aws/autoscaling/scalable-ec2-dev", "g/", 1, 2).await;
    assert_eq!(lines, Ok(vec!["a line".to_owned()]));
}

#[tokio::test]
async fn one_group_is_read_by_its_name() {
    let (account, _) = account(|request| {
        assert!(request.body.contains("AutoScalingGroupNames.member.1=g"), "{}", request.body);
        let result = "<AutoScalingGroups/>";
        (
            200,
            format!(
                "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>{result}</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
            ),
        )
    });
    assert_eq!(account.group("g").await, Ok(None));
}

#[tokio::test]
async fn the_owned_groups_are_read_with_their_sizes_and_instances() {
    let (account, requested) = account(|request| {
        assert!(request.body.contains("envkeeper%3Aowner"), "only owned groups: {}", request.body);
        assert!(
            !request.body.contains("IncludeInstances"),
            "the default is true (the API reference): {}",
            request.body
        );
        let instance = |id: &str, template: &str| {
            format!(
                "<member><InstanceId>{id}</InstanceId><LifecycleState>InService</LifecycleState>{template}</member>"
            )
        };
        let template = "<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>7</Version></LaunchTemplate>";
        let instances = [instance("i-1", template), instance("i-2", "")].concat();
        let group = format!(
            "<member><AutoScalingGroupName>g</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>6</MaxSize>\
             <DesiredCapacity>2</DesiredCapacity><Instances>{instances}</Instances></member>"
        );
        (
            200,
            format!(
                "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>{group}</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
            ),
        )
    });
    let in_service = |template_version| InstanceState { state: "InService".into(), template_version };
    let instances = [("i-1".into(), in_service(Some(7))), ("i-2".into(), in_service(None))].into();
    let state = GroupState { min: 1, max: 6, desired: 2, instances };
    assert_eq!(account.groups().await, Ok(vec![ObservedGroup { name: "g".into(), state }]));
    assert_eq!(requested.lock().expect("one at a time").len(), 1);
}
