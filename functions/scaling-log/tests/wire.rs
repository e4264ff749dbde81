//! What CloudWatch Logs and Auto Scaling answer over the wire, in their documented shapes.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::sync::{Arc, Mutex};

use ledger::batch::LogEvent;
use requests::records::DynamoRecords;
use scaling_log::aws::Account;
use scaling_log::cloud::{Cloud as _, Put};
use test_support::{Request, service};

/// An account, and the operations that it was asked for.
fn account(response: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static) -> (Account, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let config = service(move |request| {
        seen.lock().expect("one at a time").push(request.target.clone());
        Some(response(&request))
    });
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), "records");
    (Account::new(&config, records), asked)
}

fn rejected(kind: &str) -> (u16, String) {
    (400, format!(r#"{{"__type":"{kind}","message":"no"}}"#))
}

async fn put(account: &Account) -> Result<Put, String> {
    let lines: Vec<LogEvent> = (1..=4).map(|at_ms| LogEvent { at_ms, text: "{}".into() }).collect();
    account.put("/aws/autoscaling/scalable-ec2-dev", "g/2026-01-02", &lines.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn what_is_refused_while_the_rest_is_taken_is_told_by_its_place() {
    for (info, rejected) in [
        ("{}", vec![]),
        (r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1}}"#, vec![0]),
        (r#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1,"expiredLogEventEndIndex":2}}"#, vec![0, 1]),
        (r#"{"rejectedLogEventsInfo":{"tooNewLogEventStartIndex":3}}"#, vec![3]),
        (r#"{"rejectedLogEventsInfo":{"expiredLogEventEndIndex":1,"tooNewLogEventStartIndex":3}}"#, vec![0, 3]),
    ] {
        let (account, asked) = account(move |_| (200, info.to_owned()));
        assert_eq!(put(&account).await, Ok(Put::Taken { rejected }), "{info}");
        assert_eq!(*asked.lock().expect("one at a time"), ["PutLogEvents"], "one call where the stream is there");
    }
}

#[tokio::test]
async fn a_stream_is_made_when_it_is_missing_and_a_group_never() {
    let made = Mutex::new(false);
    let (there, asked) = account(move |request| {
        let mut made = made.lock().expect("one at a time");
        match request.target.as_str() {
            "CreateLogStream" => {
                *made = true;
                (200, String::new())
            }
            _ if *made => (200, "{}".into()),
            _ => rejected("ResourceNotFoundException"),
        }
    });
    assert_eq!(put(&there).await, Ok(Put::Taken { rejected: vec![] }));
    assert_eq!(*asked.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream", "PutLogEvents"]);

    let (gone, asked) = account(|_| rejected("ResourceNotFoundException"));
    assert_eq!(put(&gone).await, Ok(Put::NoGroup));
    assert_eq!(*asked.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream"]);

    // Just made, and not yet to be seen by the next call: the lines are not lost, they come again.
    let (lags, asked) = account(|request| match request.target.as_str() {
        "CreateLogStream" => (200, String::new()),
        _ => rejected("ResourceNotFoundException"),
    });
    let told = put(&lags).await.expect_err("the stream was made, so its group is there");
    assert_eq!(told, "logs:PutLogEvents: the stream g/2026-01-02 was made, and is not to be seen yet");
    assert_eq!(*asked.lock().expect("one at a time"), ["PutLogEvents", "CreateLogStream", "PutLogEvents"]);

    let (denied, _) = account(|_| rejected("AccessDeniedException"));
    let told = put(&denied).await.expect_err("refused");
    assert!(told.starts_with("logs:PutLogEvents: ") && told.contains("AccessDeniedException"), "{told}");
}

#[tokio::test]
async fn what_was_written_is_known_by_its_ids_over_all_pages() {
    let (account, _) = account(|request| {
        let event = |text: &str| format!(r#"{{"message":{}}}"#, serde_json::Value::from(text));
        if request.body.contains("nextToken") {
            return (200, format!(r#"{{"events":[{}]}}"#, event(r#"{"id":"launch-2"}"#)));
        }
        let first = [event(r#"{"id":"launch-1"}"#), event("no JSON"), event("{}")].join(",");
        (200, format!(r#"{{"events":[{first}],"nextToken":"more"}}"#))
    });
    let ids = account.written("/aws/autoscaling/scalable-ec2-dev", "g/", 1, 2).await.expect("a look");
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["launch-1", "launch-2"]);
}

#[tokio::test]
async fn activities_are_asked_for_until_they_are_too_old() {
    let (account, asked) = account(|request| {
        let page = usize::from(request.body.contains("NextToken=second"));
        // What is still under way comes first, however long ago it began (the API reference).
        let under_way = if page == 0 {
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
        let result = format!("<Activities>{under_way}{found}</Activities><NextToken>{next}</NextToken>");
        (
            200,
            format!(
                "<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult>{result}</DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>"
            ),
        )
    });
    // 03:02:30: the last of the second page is older.
    let found = account.activities("g", 1_767_322_950_000).await.expect("a look");
    let ids: Vec<&str> = found.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((ids, asked.lock().expect("one at a time").len()), (vec!["old", "0", "1", "2"], 2));
}
