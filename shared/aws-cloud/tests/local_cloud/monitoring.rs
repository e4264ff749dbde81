//! The monitoring of an environment: alarms, the dashboard, saved queries.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use environment::{Alarm, DesiredState, Fields, Kind, RunOutcome};
use serde_json::json;

use crate::harness::Harness;
use crate::lifecycle::assert_observed;
use crate::parts::{config, desired, distinct, operations, repair};

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:alarms";

#[tokio::test]
async fn alarms_are_created_and_their_drift_is_repaired() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev", "AlarmTopicArn": TOPIC })).await;
    let (_, calls) = harness.settle(&desired).await;
    let alarms = |calls: &[String], operation| operations(calls).iter().filter(|it| **it == operation).count();
    assert_eq!(alarms(&calls, "cloudwatch:PutMetricAlarm"), 5);
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
    assert_observed(&harness, &desired).await;

    let (cloudwatch, alarm) = (Client::new(&config(&harness, "tests")), harness.names().cpu_high_alarm().name);
    cloudwatch.disable_alarm_actions().alarm_names(&alarm).send().await.expect("disabled");
    let calls = repair(&harness, &desired).await;
    assert_eq!(operations(&calls), ["cloudwatch:PutMetricAlarm"]);
    let described = desired.resources.iter().find(|it| it.name == alarm).expect("the alarm");
    let Fields::Alarm(Alarm { rule }) = &described.fields else { panic!("another kind") };
    let request = cloudwatch.put_metric_alarm().alarm_name(&alarm).alarm_description(&rule.description);
    let request = request.namespace("AWS/EC2").metric_name("CPUUtilization").statistic(Statistic::Maximum);
    let request = request.comparison_operator(ComparisonOperator::GreaterThanThreshold).threshold(70.5);
    request.period(60).evaluation_periods(1).send().await.expect("another rule");
    assert_eq!(distinct(&repair(&harness, &desired).await), ["cloudwatch:PutMetricAlarm"].into());
    assert_observed(&harness, &desired).await;

    let calls = repair(&harness, &DesiredState::default()).await;
    assert_eq!(alarms(&calls, "cloudwatch:DeleteAlarms"), 5);
    // (The buckets are retained.)
    assert!(harness.observe().await.iter().all(|it| it.key().kind == Kind::Bucket));
}

#[tokio::test]
async fn a_dashboard_is_created_and_repaired_and_one_without_an_ownership_mark_is_never_changed() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &[Kind::Dashboard], json!({ "EnvironmentSuffix": "dev" })).await;
    let (cloudwatch, name) = (Client::new(&config(&harness, "tests")), harness.names().dashboard().name);
    let request = cloudwatch.put_dashboard().dashboard_name(&name).dashboard_body("{\"widgets\":[]}");
    request.send().await.expect("a foreign dashboard");
    let (outcome, calls) = harness.run(&desired).await;
    assert!(matches!(outcome, RunOutcome::Rejected { .. }), "{outcome:?}");
    assert_eq!(calls, [""; 0]);
    assert_eq!(harness.settle(&DesiredState::default()).await.1, [""; 0]);
    cloudwatch.delete_dashboards().dashboard_names(&name).send().await.expect("deleted");

    assert_eq!(distinct(&repair(&harness, &desired).await), ["cloudwatch:PutDashboard"].into());
    assert_observed(&harness, &desired).await;
    let response = cloudwatch.get_dashboard().dashboard_name(&name).send().await.expect("the dashboard");
    let body = response.dashboard_body().expect("its body").replace("\"CPU\"", " \"Load\" ");
    cloudwatch.put_dashboard().dashboard_name(&name).dashboard_body(body).send().await.expect("another title");
    assert_eq!(distinct(&repair(&harness, &desired).await), ["cloudwatch:PutDashboard"].into());

    assert_eq!(distinct(&repair(&harness, &DesiredState::default()).await), ["cloudwatch:DeleteDashboards"].into());
    assert_eq!(harness.observe().await, []);
}

#[tokio::test]
async fn saved_queries_are_created_and_repaired_and_foreign_queries_are_retained() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &[Kind::SavedQuery], json!({ "EnvironmentSuffix": "dev" })).await;
    let logs = &harness.logs;
    let foreign = harness.names().saved_query("foreign").name;
    logs.put_query_definition().name(&foreign).query_string("fields @message").send().await.expect("a foreign query");
    let calls = repair(&harness, &desired).await;
    assert_eq!((calls.len(), distinct(&calls)), (desired.resources.len(), ["logs:PutQueryDefinition"].into()));
    let observed = harness.observe().await;
    for desired in &desired.resources {
        assert!(observed.iter().any(|it| it.resource == *desired), "{}", desired.name);
    }

    // The same id and the same mark, with another text and other log groups.
    let (name, first) =
        (desired.resources[0].name.clone(), &observed.iter().find(|it| it.key() == desired.resources[0].key()));
    let Fields::SavedQuery(query) = &desired.resources[0].fields else { panic!("another kind") };
    let request = logs.put_query_definition().name(&name).query_string(format!("{} | limit 1", query.query.text));
    let request = request.set_query_definition_id(first.and_then(|it| it.id.clone()));
    request.send().await.expect("another text, and no log groups");
    let calls = repair(&harness, &desired).await;
    assert_eq!((calls.len(), distinct(&calls)), (1, ["logs:PutQueryDefinition"].into()));

    let calls = repair(&harness, &DesiredState::default()).await;
    assert_eq!((calls.len(), distinct(&calls)), (desired.resources.len(), ["logs:DeleteQueryDefinition"].into()));
    let observed = harness.observe().await;
    assert!(observed.len() == 1 && observed[0].resource.name == foreign, "{observed:?}");
}
