use hyper::{Request, http::request::Parts};

use super::*;

fn head(line: &str) -> Parts {
    let (method, uri) = line.split_once(' ').unwrap();
    Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0
}

/// The requirements as `action resource`, or the text of the error.
fn shown(requirements: Requirements) -> Vec<String> {
    match requirements {
        Ok(requirements) => requirements.iter().map(|it| format!("{} {}", it.action, it.resource)).collect(),
        Err(missing) => vec![missing],
    }
}

fn of_json(service: &str, operation: &str, body: &str) -> Requirements {
    let head = head("POST /");
    let call = Call::of(service, operation, &head, body.as_bytes());
    match service {
        "dynamodb" => dynamodb::of(&call),
        "kms" => kms::of(&call),
        "logs" => logs::of(&call),
        "monitoring" => cloudwatch::of(&call),
        _ => other::of(&call),
    }
}

const TABLE: &str = "arn:aws:dynamodb:us-west-2:123456789012:table/t";

#[test]
fn every_access_to_a_table_names_the_table() {
    let both = r#"{"RequestItems": {"t": {}, "u": {}}}"#;
    let transaction = r#"{"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "t"}}]}"#;
    for (operation, body, expected) in [
        ("GetItem", r#"{"TableName": "t"}"#, vec![format!("dynamodb:GetItem {TABLE}")]),
        ("PutItem", &format!(r#"{{"TableName": "{TABLE}"}}"#), vec![format!("dynamodb:PutItem {TABLE}")]),
        ("Query", r#"{"TableName": "t", "IndexName": "i"}"#, vec![format!("dynamodb:Query {TABLE}/index/i")]),
        (
            "BatchWriteItem",
            both,
            vec![
                format!("dynamodb:BatchWriteItem {TABLE}"),
                "dynamodb:BatchWriteItem arn:aws:dynamodb:us-west-2:123456789012:table/u".to_owned(),
            ],
        ),
        (
            "TransactWriteItems",
            transaction,
            vec![format!("dynamodb:PutItem {TABLE}"), format!("dynamodb:ConditionCheckItem {TABLE}")],
        ),
        (
            "PutResourcePolicy",
            &format!(r#"{{"ResourceArn": "{TABLE}"}}"#),
            vec![format!("dynamodb:PutResourcePolicy {TABLE}")],
        ),
        ("ListTables", "{}", vec!["dynamodb:ListTables *".to_owned()]),
        ("GetShardIterator", "{}", vec!["the resource of dynamodb:GetShardIterator is not derived".to_owned()]),
    ] {
        assert_eq!(shown(of_json("dynamodb", operation, body)), expected, "{operation}");
    }
}

#[test]
fn a_call_on_one_item_has_its_key_and_a_call_on_several_a_key_that_no_policy_names() {
    let keys = |operation: &str, body: &str| {
        let found = of_json("dynamodb", operation, body).unwrap();
        found[0].context.get("dynamodb:LeadingKeys").cloned()
    };
    let one = |key: &str| Some(crate::iam::Value::Many(vec![key.to_owned()]));
    assert_eq!(keys("UpdateItem", r#"{"TableName": "t", "Key": {"pk": {"S": "a#1"}}}"#), one("a#1"));
    assert_eq!(keys("PutItem", r#"{"TableName": "t", "Item": {"pk": {"S": "a#1"}}}"#), one("a#1"));
    assert_eq!(
        keys("DeleteItem", r#"{"TableName": "t", "Key": {"other": {"S": "a#1"}}}"#),
        one("the key is not derived")
    );
    assert_eq!(keys("BatchWriteItem", r#"{"RequestItems": {"t": {}}}"#), one("the key is not derived"));
    assert_eq!(keys("DescribeTable", r#"{"TableName": "t"}"#), None);
}

#[test]
fn a_partiql_statement_names_its_table() {
    let missing = "the table of a PartiQL statement is not derived".to_owned();
    for (statement, expected) in [
        (r#"SELECT * FROM "t" WHERE pk = 'a'"#, format!("dynamodb:PartiQLSelect {TABLE}")),
        (r#"select pk from "t"."i""#, format!("dynamodb:PartiQLSelect {TABLE}/index/i")),
        ("SELECT * FROM t", format!("dynamodb:PartiQLSelect {TABLE}")),
        ("INSERT INTO \"t\" VALUE {'pk': 'a'}", format!("dynamodb:PartiQLInsert {TABLE}")),
        (r#"UPDATE "t" SET a = 1 WHERE pk = 'a'"#, format!("dynamodb:PartiQLUpdate {TABLE}")),
        (r#"DELETE FROM "t" WHERE pk = 'a'"#, format!("dynamodb:PartiQLDelete {TABLE}")),
        (r"SELECT * FROM (SELECT 1)", missing.clone()),
        ("EXISTS (SELECT * FROM t)", missing.clone()),
        ("", missing),
    ] {
        let body = serde_json::json!({ "Statement": statement }).to_string();
        assert_eq!(shown(of_json("dynamodb", "ExecuteStatement", &body)), [expected], "{statement}");
    }
}

#[tokio::test]
async fn a_call_to_a_queue_names_the_queue() {
    let nowhere = Ministack::new(crate::http::Http::default(), ([127, 0, 0, 1], 9).into());
    let queue = "arn:aws:sqs:us-west-2:123456789012:q.fifo";
    for (operation, body, expected) in [
        ("SendMessage", r#"{"QueueUrl": "http://h/123456789012/q.fifo"}"#, format!("sqs:SendMessage {queue}")),
        ("SendMessageBatch", r#"{"QueueUrl": "http://h/123456789012/q.fifo"}"#, format!("sqs:SendMessage {queue}")),
        ("DeleteMessageBatch", r#"{"QueueUrl": "q.fifo"}"#, format!("sqs:DeleteMessage {queue}")),
        ("GetQueueUrl", r#"{"QueueName": "q.fifo"}"#, format!("sqs:GetQueueUrl {queue}")),
        ("ListQueues", "{}", "sqs:ListQueues *".to_owned()),
        ("PurgeQueue", "{}", "PurgeQueue without QueueUrl is not derived".to_owned()),
    ] {
        let head = head("POST /");
        let call = Call::of("sqs", operation, &head, body.as_bytes());
        assert_eq!(shown(sqs::of(&call, &nowhere).await), [expected], "{operation}");
    }
}

#[test]
fn calls_name_the_resource_and_the_keys() {
    let here = |service: &str, rest: &str| format!("arn:aws:{service}:us-west-2:123456789012:{rest}");
    for (service, operation, body, expected) in [
        (
            "logs",
            "PutLogEvents",
            r#"{"logGroupName": "/g", "logStreamName": "s"}"#,
            here("logs", "log-group:/g:log-stream:s"),
        ),
        ("logs", "DescribeLogStreams", r#"{"logGroupName": "/g"}"#, here("logs", "log-group:/g:log-stream:")),
        ("logs", "DescribeLogGroups", "{}", here("logs", "log-group::log-stream:")),
        ("monitoring", "SetAlarmState", r#"{"AlarmName": "a"}"#, here("cloudwatch", "alarm:a")),
        ("monitoring", "PutMetricData", r#"{"Namespace": "n"}"#, "*".to_owned()),
        ("events", "PutRule", r#"{"Name": "r"}"#, here("events", "rule/r")),
        ("events", "PutRule", r#"{"Name": "r", "EventBusName": "b"}"#, here("events", "rule/b/r")),
        ("events", "PutEvents", r#"{"Entries": [{"Source": "s"}]}"#, here("events", "event-bus/default")),
        ("events", "DescribeEventBus", r#"{"Name": "b"}"#, here("events", "event-bus/b")),
        ("kms", "Decrypt", r#"{"KeyId": "k"}"#, here("kms", "key/k")),
        ("cloudformation", "DescribeStacks", r#"{"StackName": "s"}"#, here("cloudformation", "stack/s/0")),
        ("elasticloadbalancing", "RegisterTargets", r#"{"TargetGroupArn": "arn:t"}"#, "arn:t".to_owned()),
        ("sns", "PublishBatch", r#"{"TopicArn": "arn:t"}"#, "arn:t".to_owned()),
    ] {
        let found = of_json(service, operation, body).unwrap();
        assert_eq!(found[0].resource, expected, "{service} {operation}");
    }
    let put = of_json("monitoring", "PutMetricData", r#"{"Namespace": "n"}"#).unwrap();
    assert_eq!(put[0].context.text("cloudwatch:namespace"), Some("n"));
    let decrypt = of_json("kms", "Decrypt", r#"{"KeyId": "k", "EncryptionContext": {"aws:s3:arn": "b"}}"#).unwrap();
    assert_eq!(decrypt[0].context.text("kms:EncryptionContext:aws:s3:arn"), Some("b"));
    assert_eq!(decrypt[0].context.get("kms:ViaService"), None);
    let targets = r#"{"Rule": "r", "Targets": [{"Id": "1", "RoleArn": "arn:r"}]}"#;
    assert_eq!(shown(of_json("events", "PutTargets", targets))[1], "iam:PassRole arn:r");
    let entries = r#"{"Entries": [{"Source": "s", "DetailType": "d", "EventBusName": "b"}, {"Source": "t"}]}"#;
    let puts = of_json("events", "PutEvents", entries).unwrap();
    let sources: Vec<_> = puts.iter().map(|it| it.context.text("events:source")).collect();
    assert_eq!(
        (sources, puts[0].resource.as_str()),
        (vec![Some("s"), Some("t")], here("events", "event-bus/b").as_str())
    );
    assert_eq!(puts[0].context.text("events:detail-type"), Some("d"));
    assert_eq!(shown(of_json("sts", "GetCallerIdentity", "")), Vec::<String>::new());
}

#[test]
fn a_call_that_is_not_derived_is_an_error_with_the_missing_part() {
    for (service, operation, body, expected) in [
        ("secretsmanager", "GetSecretValue", "{}", "the permissions of secretsmanager:GetSecretValue are not derived"),
        ("sts", "AssumeRole", "{}", "the permissions of sts:AssumeRole are not derived"),
        ("kms", "Decrypt", r#"{"CiphertextBlob": "x"}"#, "Decrypt without KeyId is not derived"),
        ("kms", "Decrypt", r#"{"KeyId": "alias/a"}"#, "the key of an alias is not derived"),
        ("logs", "StartQuery", r#"{"logGroupName": "/g"}"#, "the resource of logs:StartQuery is not derived"),
        ("monitoring", "PutInsightRule", "{}", "the resource of monitoring:PutInsightRule is not derived"),
    ] {
        assert_eq!(shown(of_json(service, operation, body)), [expected], "{service}:{operation}");
    }
}

#[test]
fn a_function_is_named_in_the_path() {
    let line = "POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af/invocations";
    for line in [line, "POST /2015-03-31/functions/f/invocations"] {
        let head = head(line);
        let found = other::of(&Call::of("lambda", "Invoke", &head, b"{}"));
        assert_eq!(shown(found), ["lambda:InvokeFunction arn:aws:lambda:us-west-2:123456789012:function:f"], "{line}");
    }
}
