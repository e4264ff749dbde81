//! The monitoring of the environment: alarms, a dashboard and saved queries.

use serde_json::json;

use super::{DesiredInputs, OWN_NAMESPACE, Part, queries};
use crate::model::key::{Key, Ref};
use crate::model::kinds::{Alarm, AlarmRule, Comparison, Dashboard, Statistic};
use crate::model::resource::Fields;

pub(super) fn monitoring(inputs: &DesiredInputs<'_>) -> Part {
    let mut all = alarms(inputs);
    all.push((inputs.names.dashboard(), Fields::Dashboard(Dashboard { body: dashboard(inputs) })));
    all.extend(queries::queries(inputs));
    all
}

fn alarms(inputs: &DesiredInputs<'_>) -> Part {
    let (spec, names) = (inputs.spec, inputs.names);
    let (scaling_log, instance_log) = (names.scaling_log_group().name, names.instance_log_group().name);
    let cpu = |comparison, threshold, description: &str, policy: Key| AlarmRule {
        namespace: "AWS/EC2".into(),
        metric: "CPUUtilization".into(),
        statistic: Statistic::Average,
        comparison,
        threshold,
        period: spec.scaling.alarm_period_seconds,
        evaluation_periods: spec.scaling.alarm_evaluation_periods,
        ..inputs.rule(description, Some(Ref::Owned(policy)))
    };
    let high = cpu(
        Comparison::AtLeast,
        spec.scaling.scale_up_cpu_threshold,
        &format!(
            "The average CPU utilization is at or above ScaleUpCpuThreshold: the scaling policy adds instances. The log group {scaling_log} contains each capacity change and its reason."
        ),
        names.scale_up_policy(),
    );
    let low = cpu(
        Comparison::AtMost,
        spec.scaling.scale_down_cpu_threshold,
        &format!(
            "The average CPU utilization is at or below ScaleDownCpuThreshold: the scaling policy removes instances. The log group {scaling_log} contains each capacity change and its reason."
        ),
        names.scale_down_policy(),
    );
    let counted = |metric: &str, description: &str| AlarmRule {
        namespace: OWN_NAMESPACE.into(),
        metric: metric.into(),
        dimensions: vec![("environment".into(), names.environment_id()), ("group".into(), names.group().name)],
        statistic: Statistic::Sum,
        comparison: Comparison::AtLeast,
        threshold: 1,
        period: 300,
        evaluation_periods: 1,
        ..inputs.rule(description, None)
    };
    let failures = counted(
        "LaunchFailures",
        &format!(
            "An instance launch failed. The log group {scaling_log} contains the reason. First command: aws logs tail {scaling_log} --since 1h"
        ),
    );
    let rollout = counted(
        "RolloutFailed",
        &format!(
            "A template version failed, and the group returns to the version before, or needs an operator. The log group {scaling_log} contains the evidence. First command: aws logs tail {scaling_log} --since 1h --filter-pattern '{{ $.kind = \"rollout\" }}'"
        ),
    );
    let healthy = AlarmRule {
        namespace: "AWS/AutoScaling".into(),
        metric: "GroupInServiceInstances".into(),
        statistic: Statistic::Minimum,
        comparison: Comparison::LessThan,
        threshold: spec.min_size,
        period: 60,
        evaluation_periods: 10,
        ..inputs.rule(
            &format!(
                "Fewer instances than MinSize are in service. The log group {scaling_log} contains the failed launches and their reasons, and the log group {instance_log} the logs of the instances. First command: aws logs tail {scaling_log} --since 1h"
            ),
            None,
        )
    };
    let all = [
        (names.cpu_high_alarm(), high),
        (names.cpu_low_alarm(), low),
        (names.launch_failures_alarm(), failures),
        (names.healthy_low_alarm(), healthy),
        (names.rollout_failed_alarm(), rollout),
    ];
    all.into_iter().map(|(key, rule)| (key, Fields::Alarm(Alarm { rule }))).collect()
}

impl DesiredInputs<'_> {
    /// The common part of all alarms: the dimension with the Auto Scaling group, and the topic that they notify.
    fn rule(&self, description: &str, policy: Option<Ref>) -> AlarmRule {
        let topic = self.spec.scaling.alarm_topic_arn.clone().map(Ref::Foreign);
        AlarmRule {
            description: format!("{description} {}", self.mark()),
            namespace: String::new(),
            metric: String::new(),
            dimensions: vec![("AutoScalingGroupName".into(), self.names.group().name)],
            statistic: Statistic::Average,
            comparison: Comparison::AtLeast,
            threshold: 0,
            period: 60,
            evaluation_periods: 1,
            actions: policy.into_iter().chain(topic).collect(),
        }
    }
}

/// The dashboard's body. The grid has 24 columns, as on every dashboard.
fn dashboard(inputs: &DesiredInputs<'_>) -> String {
    let (names, region) = (inputs.names, &inputs.names.region);
    let group = names.group().name;
    let alarm = |key: Key| inputs.arn("cloudwatch", &format!("alarm:{}", key.name));
    let title = format!(
        "# {}\n\nManaged by Envkeeper: the next update of the environment overwrites manual changes. {}",
        names.environment_id(),
        inputs.mark()
    );
    let group_metric = |metric: &str| json!(["AWS/AutoScaling", metric, "AutoScalingGroupName", group]);
    let graph = |[x, y]: [u32; 2], title: &str, metrics: Vec<serde_json::Value>| {
        json!({
            "type": "metric", "x": x, "y": y, "width": 12, "height": 6,
            "properties": { "title": title, "region": region, "view": "timeSeries", "period": 60, "metrics": metrics },
        })
    };
    let own_metric = |metric: &str, statistic: &str| {
        let (environment, group) = (names.environment_id(), &group);
        json!([OWN_NAMESPACE, metric, "environment", environment, "group", group, { "stat": statistic }])
    };
    let launches = ["Launches", "Terminations", "LaunchFailures", "Abandoned", "RolloutFailed"]
        .map(|metric| own_metric(metric, "Sum"))
        .to_vec();
    let table = |[x, y, width]: [u32; 3], title: &str, query: &str| {
        let query = format!("SOURCE '{}' | {query} | limit 20", names.scaling_log_group().name);
        json!({
            "type": "log", "x": x, "y": y, "width": width, "height": 6,
            "properties": { "title": title, "region": region, "query": query, "view": "table" },
        })
    };
    json!({ "widgets": [
        { "type": "text", "x": 0, "y": 0, "width": 24, "height": 3, "properties": { "markdown": title } },
        graph([0, 3], "CPU", vec![json!(["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", group])]),
        graph([12, 3], "Instances", ["GroupDesiredCapacity", "GroupInServiceInstances"].map(group_metric).to_vec()),
        graph([0, 9], "Launches and terminations", launches),
        graph([12, 9], "Seconds to in service and to drain", ["SecondsToInService", "DrainSeconds"].map(|it| own_metric(it, "Maximum")).to_vec()),
        {
            "type": "alarm", "x": 0, "y": 15, "width": 24, "height": 3,
            "properties": { "title": "Alarms", "alarms": names.alarms().map(alarm) },
        },
        table([0, 18, 24], "Capacity changes", queries::CAPACITY_CHANGES),
        table([0, 24, 24], "Scaling events", queries::SCALING_EVENTS),
        table([0, 30, 12], "Failures by cause", queries::FAILURES_BY_CAUSE),
        table([12, 30, 12], "Slowest launches", queries::SLOWEST_LAUNCHES),
        table([0, 36, 12], "Flapping: capacity changes per hour", queries::FLAPPING),
        table([12, 36, 12], "Drains", queries::DRAINS),
    ] })
    .to_string()
}
