//! What watches the environment: alarms and a dashboard.

use serde_json::json;

use super::{DesiredInputs, Part, queries};
use crate::kinds::{Alarm, AlarmRule, Comparison, Dashboard, Statistic};
use crate::resource::{Fields, Key, Ref};

/// Where the functions' own metrics are.
const OWN_NAMESPACE: &str = "Envkeeper";

pub(super) fn monitoring(inputs: &DesiredInputs<'_>) -> Part {
    let mut all = alarms(inputs);
    all.push((inputs.names.dashboard(), Fields::Dashboard(Dashboard { body: dashboard(inputs) })));
    all.extend(queries::queries(inputs));
    all
}

fn alarms(inputs: &DesiredInputs<'_>) -> Part {
    let (spec, names) = (inputs.spec, inputs.names);
    let cpu = |comparison, threshold, description, policy: Key| AlarmRule {
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
        "The instances' average CPU use is high: the group grows.",
        names.scale_up_policy(),
    );
    let low = cpu(
        Comparison::AtMost,
        spec.scaling.scale_down_cpu_threshold,
        "The instances' average CPU use is low: the group shrinks.",
        names.scale_down_policy(),
    );
    let failures = AlarmRule {
        namespace: OWN_NAMESPACE.into(),
        metric: "LaunchFailures".into(),
        dimensions: vec![("environment".into(), names.environment_id()), ("group".into(), names.group().name)],
        statistic: Statistic::Sum,
        comparison: Comparison::AtLeast,
        threshold: 1,
        period: 300,
        evaluation_periods: 1,
        ..inputs.rule("Launches fail: the scaling log group says why.", None)
    };
    let healthy = AlarmRule {
        namespace: "AWS/AutoScaling".into(),
        metric: "GroupInServiceInstances".into(),
        statistic: Statistic::Minimum,
        comparison: Comparison::LessThan,
        threshold: spec.min_size,
        period: 60,
        evaluation_periods: 10,
        ..inputs.rule("Fewer instances than MinSize are in service.", None)
    };
    let all = [
        (names.cpu_high_alarm(), high),
        (names.cpu_low_alarm(), low),
        (names.launch_failures_alarm(), failures),
        (names.healthy_low_alarm(), healthy),
    ];
    all.into_iter().map(|(key, rule)| (key, Fields::Alarm(Alarm { rule }))).collect()
}

impl DesiredInputs<'_> {
    /// What all alarms have in common: the group that they watch, and whom they tell.
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

/// Twenty-four columns wide, as all dashboards are.
fn dashboard(inputs: &DesiredInputs<'_>) -> String {
    let (names, region) = (inputs.names, &inputs.names.region);
    let group = names.group().name;
    let alarm = |key: Key| inputs.arn("cloudwatch", &format!("alarm:{}", key.name));
    let alarms =
        [names.cpu_high_alarm(), names.cpu_low_alarm(), names.launch_failures_alarm(), names.healthy_low_alarm()];
    let title = format!("# {}\n\nMade by Envkeeper, and kept as it is. {}", names.environment_id(), inputs.mark());
    let of_group = |metric: &str| json!(["AWS/AutoScaling", metric, "AutoScalingGroupName", group]);
    let graph = |deployment: [u32; 2], title: &str, metrics: Vec<serde_json::Value>| {
        json!({
            "type": "metric", "x": deployment[0], "y": deployment[1], "width": 12, "height": 6,
            "properties": { "title": title, "region": region, "view": "timeSeries", "period": 60, "metrics": metrics },
        })
    };
    let of_own = |metric: &str, statistic: &str| {
        let (environment, group) = (names.environment_id(), &group);
        json!([OWN_NAMESPACE, metric, "environment", environment, "group", group, { "stat": statistic }])
    };
    let launches =
        ["Launches", "Terminations", "LaunchFailures", "Abandoned"].map(|metric| of_own(metric, "Sum")).to_vec();
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
        graph([12, 3], "Instances", ["GroupDesiredCapacity", "GroupInServiceInstances"].map(of_group).to_vec()),
        graph([0, 9], "Launches and ends", launches),
        graph([12, 9], "Seconds", ["SecondsToInService", "DrainSeconds"].map(|it| of_own(it, "Maximum")).to_vec()),
        {
            "type": "alarm", "x": 0, "y": 15, "width": 24, "height": 3,
            "properties": { "title": "Alarms", "alarms": alarms.map(alarm) },
        },
        table([0, 18, 24], "Why capacity changed", queries::WHY_CAPACITY_CHANGED),
        table([0, 24, 24], "What happened", queries::STORY),
        table([0, 30, 12], "Failures by cause", queries::FAILURES_BY_CAUSE),
        table([12, 30, 12], "Slowest launches", queries::SLOWEST_LAUNCHES),
        table([0, 36, 12], "Flapping: changes of capacity by the hour", queries::FLAPPING),
        table([12, 36, 12], "Drains", queries::DRAINS),
    ] })
    .to_string()
}
