//! Alarms and the dashboard.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use environment::{Ending, Kind, Wanted};
use serde_json::json;

use super::{World, distinct};

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:alarms";

#[tokio::test]
async fn alarms_are_made_kept_apart_and_drift_is_repaired() {
    let world = World::start(&[Kind::Alarm]).await;
    let wanted = world.wanted(&json!({ "EnvironmentSuffix": "dev", "AlarmTopicArn": TOPIC }));
    let begun = tokio::time::Instant::now();
    let calls = world.settle(&wanted).await;
    // Four calls, of which AWS takes three in a second.
    assert!(begun.elapsed() > Duration::from_secs(1));
    assert_eq!((calls.len(), distinct(&calls)), (4, ["cloudwatch:PutMetricAlarm"].into()));
    assert_eq!(world.settle(&wanted).await, [""; 0]);
    world.assert_is_there(&wanted).await;
    assert_eq!(world.reads().await, ["monitoring:DescribeAlarms"]);

    let (cloudwatch, alarm) = (&world.clients.cloudwatch, world.names().cpu_high_alarm().name);
    cloudwatch.disable_alarm_actions().alarm_names(&alarm).send().await.expect("disabled");
    let calls = world.repair(&wanted).await;
    assert!(calls.len() == 1 && calls[0].starts_with(&format!("{alarm} cloudwatch:PutMetricAlarm (rule: Average")));
    let described = wanted.resources.iter().find(|it| it.name == alarm).expect("the alarm");
    let environment::Fields::Alarm(environment::Alarm { rule }) = &described.fields else { panic!("another kind") };
    let request = cloudwatch.put_metric_alarm().alarm_name(&alarm).alarm_description(&rule.description);
    let request = request.namespace("AWS/EC2").metric_name("CPUUtilization").statistic(Statistic::Maximum);
    let request = request.comparison_operator(ComparisonOperator::GreaterThanThreshold).threshold(70.5);
    request.period(60).evaluation_periods(1).send().await.expect("another rule");
    assert_eq!(distinct(&world.repair(&wanted).await), ["cloudwatch:PutMetricAlarm"].into());
    world.assert_is_there(&wanted).await;

    let calls = world.repair(&Wanted::default()).await;
    assert_eq!((calls.len(), distinct(&calls)), (4, ["cloudwatch:DeleteAlarms"].into()));
    assert_eq!(world.observe().await, []);
}

#[tokio::test]
async fn a_dashboard_is_made_and_repaired_and_one_without_our_mark_is_left_alone() {
    let world = World::start(&[Kind::Dashboard]).await;
    let wanted = world.wanted(&json!({ "EnvironmentSuffix": "dev" }));
    let (cloudwatch, name) = (&world.clients.cloudwatch, world.names().dashboard().name);
    let request = cloudwatch.put_dashboard().dashboard_name(&name).dashboard_body("{\"widgets\":[]}");
    request.send().await.expect("somebody's dashboard");
    let (ending, calls) = world.run(&wanted).await;
    assert!(matches!(ending, Ending::Refused { .. }), "{ending:?}");
    assert_eq!(calls, [""; 0]);
    assert_eq!(world.settle(&Wanted::default()).await, [""; 0]);
    cloudwatch.delete_dashboards().dashboard_names(&name).send().await.expect("deleted");

    assert_eq!(distinct(&world.repair(&wanted).await), ["cloudwatch:PutDashboard"].into());
    world.assert_is_there(&wanted).await;
    let answer = cloudwatch.get_dashboard().dashboard_name(&name).send().await.expect("the dashboard");
    let body = answer.dashboard_body().expect("its body").replace("\"CPU\"", " \"Load\" ");
    cloudwatch.put_dashboard().dashboard_name(&name).dashboard_body(body).send().await.expect("another title");
    assert_eq!(distinct(&world.repair(&wanted).await), ["cloudwatch:PutDashboard"].into());

    assert_eq!(distinct(&world.repair(&Wanted::default()).await), ["cloudwatch:DeleteDashboards"].into());
    assert_eq!(world.observe().await, []);
}
