//! Alarms. Each call states the whole alarm; AWS accepts three such calls per second.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, CompositeAlarm, Dimension, Statistic as AwsStatistic, Tag,
};
use environment::{
    Alarm, AlarmRule, AlarmSetting, Call, CallKind, Comparison, Fields, Names, ObservedResource, Resource, Setting,
    State, Statistic, Tags, mark,
};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem, named};
use crate::ids::Observation;

pub(crate) use aws_sdk_cloudwatch::types::MetricAlarm as Found;

const DESCRIBE: &str = "cloudwatch:DescribeAlarms";

/// The most composite alarms that one text names.
const MAX_NAMED: usize = 5;
/// The composite alarms that a search for suppressed ones reads: 10 pages of 100, the most of a page (the API reference).
const MAX_PER_PAGE: i32 = 100;
const MAX_PAGES: usize = 10;

/// A period without values is not a reason to act: a group without instances has no values.
const MISSING_DATA: &str = "notBreaching";

/// Reads the alarms with the computed names, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Found>, Problem> {
    let all = names.alarms().map(|key| key.name).to_vec();
    let request = clients.cloudwatch.describe_alarms().set_alarm_names(Some(all));
    let response = request.send().await.classified(DESCRIBE)?;
    Ok(response.metric_alarms.unwrap_or_default())
}

/// The alarm in the form of the engine. `DescribeAlarms` returns no tags.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |field| move || Problem::unreadable(DESCRIBE, field);
    let name = found.alarm_name().ok_or_else(missing("name"))?;
    let marked = mark::in_text(found.alarm_description().unwrap_or_default());
    Ok(ObservedResource {
        id: Some(found.alarm_arn().ok_or_else(missing("ARN"))?.to_owned()),
        ownership: ObservedResource::ownership(&marked, observation.owner),
        resource: Resource {
            name: name.to_owned(),
            tags: Tags::new(),
            fields: Fields::Alarm(Alarm { rule: rule(found, observation) }),
        },
        state: State::Ready,
        references: found.alarm_actions().to_vec(),
        version: None,
    })
}

/// The rule of an alarm. The description names each setting that an [`AlarmRule`] has no field for, and so differs from
/// every desired description: the plan shows the difference, and the one call repairs the alarm.
fn rule(found: &Found, observation: &Observation<'_>) -> AlarmRule {
    let mut unsupported = unsupported_settings(found);
    let statistic = statistic(found).unwrap_or_else(|| {
        let other = found.statistic().map(AwsStatistic::as_str).or(found.extended_statistic()).unwrap_or("none");
        unsupported.push(format!("its statistic is {other}"));
        Statistic::Average
    });
    let comparison = comparison(found).unwrap_or_else(|| {
        let other = found.comparison_operator().map_or("nothing", ComparisonOperator::as_str);
        unsupported.push(format!("it compares by {other}"));
        Comparison::AtLeast
    });
    let threshold = threshold(found).unwrap_or_else(|| {
        let other = found.threshold().map_or_else(|| String::from("none"), |it| it.to_string());
        unsupported.push(format!("its threshold is {other}"));
        0
    });
    let count = |count: Option<i32>| count.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let mut description = found.alarm_description().unwrap_or_default().to_owned();
    if !unsupported.is_empty() {
        description = format!("{description} ({})", unsupported.join("; "));
    }
    let mut dimensions: Vec<(String, String)> = found.dimensions().iter().map(name_and_value).collect();
    dimensions.sort();
    let mut actions: Vec<_> = found.alarm_actions().iter().map(|arn| observation.reference(arn)).collect();
    actions.sort();
    AlarmRule {
        description,
        namespace: found.namespace().unwrap_or_default().to_owned(),
        metric: found.metric_name().unwrap_or_default().to_owned(),
        dimensions,
        statistic,
        comparison,
        threshold,
        period: count(found.period()),
        evaluation_periods: count(found.evaluation_periods()),
        actions,
    }
}

pub(super) fn name_and_value(dimension: &Dimension) -> (String, String) {
    (dimension.name().unwrap_or_default().to_owned(), dimension.value().unwrap_or_default().to_owned())
}

/// The settings that [`put`] leaves unset and that were changed outside Envkeeper.
fn unsupported_settings(found: &Found) -> Vec<String> {
    let missing_data = found.treat_missing_data().unwrap_or("missing");
    let unsupported = [
        (found.actions_enabled() == Some(false), String::from("its actions are disabled")),
        (missing_data != MISSING_DATA, format!("missing data counts as {missing_data}")),
        (!found.metrics().is_empty(), String::from("it watches an expression")),
        (found.unit().is_some(), String::from("it watches values of one unit only")),
        (!found.ok_actions().is_empty(), String::from("it has OK actions")),
        (!found.insufficient_data_actions().is_empty(), String::from("it has insufficient-data actions")),
        (
            found.datapoints_to_alarm().is_some_and(|it| Some(it) != found.evaluation_periods()),
            String::from("not all periods have to breach"),
        ),
    ];
    unsupported.into_iter().filter(|(differs, _)| *differs).map(|(_, text)| text).collect()
}

fn statistic(found: &Found) -> Option<Statistic> {
    match found.statistic()? {
        AwsStatistic::Average => Some(Statistic::Average),
        AwsStatistic::Minimum => Some(Statistic::Minimum),
        AwsStatistic::Sum => Some(Statistic::Sum),
        _ => None,
    }
}

fn comparison(found: &Found) -> Option<Comparison> {
    match found.comparison_operator()? {
        ComparisonOperator::GreaterThanOrEqualToThreshold => Some(Comparison::AtLeast),
        ComparisonOperator::LessThanOrEqualToThreshold => Some(Comparison::AtMost),
        ComparisonOperator::LessThanThreshold => Some(Comparison::LessThan),
        _ => None,
    }
}

/// The threshold, if it is a whole number: such a number is formatted without a point, and so can be parsed.
fn threshold(found: &Found) -> Option<u32> {
    found.threshold()?.to_string().parse().ok()
}

/// Executes one call on an alarm.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Alarm(AlarmSetting::Rule(rule))] => send(aws, call, put(aws, call, rule)?).await,
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => {
            Err(Problem::unsupported_call(call))
        }
    }
}

/// Creates an alarm. Only this call accepts tags: CloudWatch ignores them for an alarm that exists.
async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Alarm(Alarm { rule }) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let tags = resource.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    send(aws, call, put(aws, call, rule)?.set_tags(Some(tags))).await
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    aws.clients.alarm_pacer.wait().await;
    let request = aws.clients.cloudwatch.delete_alarms().alarm_names(&call.key.name);
    match request.send().await.classified(call.operation()).none_if_not_found() {
        Err(problem) if problem.class == ErrorClass::Rejected => Err(naming_composites(aws, call, problem).await),
        other => other.map(|_| ()),
    }
}

/// Names the composite alarms that depend on the alarm, by their rule or as their suppressor: CloudWatch does not delete it
/// then, and its message names the alarm alone (recorded on AWS, September 2026: stackd 9dc356f5,
/// `alarm_composites:dependencies`). The composites are not Envkeeper's.
async fn naming_composites(aws: &AwsCloud, call: &Call, problem: Problem) -> Problem {
    let name = &call.key.name;
    let (by_rule, suppressed) = tokio::join!(parents(&aws.clients, name), suppressed_by(&aws.clients, name));
    let mut composites = [by_rule, suppressed].concat();
    composites.sort();
    composites.dedup();
    let Some(names) = named(composites, MAX_NAMED) else { return problem };
    let advice = "Remove the alarm from these composite alarms, or delete them, and try again";
    let message = format!("{} Composite alarms that name it: {names}. {advice}", problem.message);
    Problem { message, ..problem }
}

/// The composite alarms whose rules name the alarm. Empty if the read fails: CloudWatch's message says more than that
/// error.
async fn parents(clients: &Clients, alarm: &str) -> Vec<String> {
    let request = clients.cloudwatch.describe_alarms().parents_of_alarm_name(alarm);
    let response = request.send().await.classified(DESCRIBE).map(|it| it.composite_alarms.unwrap_or_default());
    response.iter().flatten().filter_map(CompositeAlarm::alarm_name).map(str::to_owned).collect()
}

/// The composite alarms that the alarm suppresses. No filter finds them: `ParentsOfAlarmName` compares rules alone (the API
/// reference). Empty if the read fails.
async fn suppressed_by(clients: &Clients, alarm: &str) -> Vec<String> {
    let request = clients.cloudwatch.describe_alarms().alarm_types(AlarmType::CompositeAlarm);
    let mut pages = request.into_paginator().page_size(MAX_PER_PAGE).send();
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else { break };
        let Ok(page) = page.classified(DESCRIBE) else { break };
        // A suppressor is named by its name or its ARN.
        let is_suppressed = |it: &&CompositeAlarm| {
            it.actions_suppressor().is_some_and(|it| it.strip_prefix("arn:").map_or(it, last_of_arn) == alarm)
        };
        let suppressed = page.composite_alarms().iter().filter(is_suppressed);
        found.extend(suppressed.filter_map(CompositeAlarm::alarm_name).map(str::to_owned));
    }
    found
}

/// The name in the ARN of an alarm. A name may contain colons.
fn last_of_arn(arn: &str) -> &str {
    arn.split_once(":alarm:").map_or(arn, |(_, name)| name)
}

async fn send(aws: &AwsCloud, call: &Call, request: PutMetricAlarmFluentBuilder) -> Result<(), Problem> {
    aws.clients.alarm_pacer.wait().await;
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// The whole alarm: a setting that the request omits has the value of a new alarm.
fn put(aws: &AwsCloud, call: &Call, rule: &AlarmRule) -> Result<PutMetricAlarmFluentBuilder, Problem> {
    let dimensions = rule.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let actions: Result<Vec<String>, Problem> =
        rule.actions.iter().map(|action| aws.ids.of_ref(call.operation(), action)).collect();
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let statistic = match rule.statistic {
        Statistic::Average => AwsStatistic::Average,
        Statistic::Minimum => AwsStatistic::Minimum,
        Statistic::Sum => AwsStatistic::Sum,
    };
    let comparison = match rule.comparison {
        Comparison::AtLeast => ComparisonOperator::GreaterThanOrEqualToThreshold,
        Comparison::AtMost => ComparisonOperator::LessThanOrEqualToThreshold,
        Comparison::LessThan => ComparisonOperator::LessThanThreshold,
    };
    let request = aws.clients.cloudwatch.put_metric_alarm().alarm_name(&call.key.name);
    let request = request.alarm_description(&rule.description).actions_enabled(true).treat_missing_data(MISSING_DATA);
    let request = request.namespace(&rule.namespace).metric_name(&rule.metric).statistic(statistic);
    let request = request.set_dimensions(Some(dimensions.collect())).period(count(rule.period));
    let request = request.comparison_operator(comparison).threshold(f64::from(rule.threshold));
    Ok(request.evaluation_periods(count(rule.evaluation_periods)).set_alarm_actions(Some(actions?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_cloudwatch::types::StandardUnit;
    use aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder;
    use environment::{Ownership, Ref};

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
    }

    fn description() -> String {
        format!("High. {}", mark::text("owner", "p-eu-west-1-dev"))
    }

    fn alarm() -> MetricAlarmBuilder {
        Found::builder()
            .alarm_name(names().cpu_high_alarm().name)
            .alarm_arn("arn:alarm")
            .alarm_description(description())
            .actions_enabled(true)
            .alarm_actions("arn:topic")
            .alarm_actions("arn:policy")
            .namespace("AWS/EC2")
            .metric_name("CPUUtilization")
            .statistic(AwsStatistic::Average)
            .dimensions(Dimension::builder().name("b").value("2").build())
            .dimensions(Dimension::builder().name("a").value("1").build())
            .period(300)
            .evaluation_periods(2)
            .threshold(70.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .treat_missing_data("notBreaching")
    }

    fn observe(found: MetricAlarmBuilder) -> (Ownership, AlarmRule) {
        let (ids, names) = (Ids::default(), names());
        ids.record_created(&names.scale_up_policy(), "arn:policy");
        let observed = observed(&found.build(), &ids.observation("owner", &names)).unwrap();
        let Fields::Alarm(Alarm { rule }) = observed.resource.fields else { panic!("another kind") };
        (observed.ownership, rule)
    }

    #[test]
    fn an_alarm_is_read_in_the_desired_order() {
        let (ownership, rule) = observe(alarm());
        assert_eq!(ownership, Ownership::Owned);
        let expected = AlarmRule {
            description: description(),
            namespace: "AWS/EC2".into(),
            metric: "CPUUtilization".into(),
            dimensions: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
            statistic: Statistic::Average,
            comparison: Comparison::AtLeast,
            threshold: 70,
            period: 300,
            evaluation_periods: 2,
            actions: vec![Ref::Owned(names().scale_up_policy()), Ref::Foreign("arn:topic".into())],
        };
        assert_eq!(rule, expected);
    }

    #[test]
    fn a_setting_without_a_field_in_the_rule_is_named_in_the_description() {
        let unsupported = [
            (alarm().actions_enabled(false), "its actions are disabled"),
            (alarm().set_treat_missing_data(None), "missing data counts as missing"),
            (alarm().unit(StandardUnit::Percent), "it watches values of one unit only"),
            (alarm().ok_actions("arn:topic"), "it has OK actions"),
            (alarm().insufficient_data_actions("arn:topic"), "it has insufficient-data actions"),
            (alarm().datapoints_to_alarm(1), "not all periods have to breach"),
            (alarm().statistic(AwsStatistic::Maximum), "its statistic is Maximum"),
            (alarm().set_statistic(None).extended_statistic("p90"), "its statistic is p90"),
            (
                alarm().comparison_operator(ComparisonOperator::GreaterThanThreshold),
                "it compares by GreaterThanThreshold",
            ),
            (alarm().threshold(70.5), "its threshold is 70.5"),
            (alarm().threshold(-1.0), "its threshold is -1"),
            (alarm().set_threshold(None), "its threshold is none"),
        ];
        for (found, setting) in unsupported {
            let (ownership, rule) = observe(found);
            assert_eq!((ownership, rule.description), (Ownership::Owned, format!("{} ({setting})", description())));
        }
        let (_, rule) = observe(alarm().datapoints_to_alarm(2));
        assert_eq!(rule.description, description());
    }

    #[test]
    fn an_alarm_without_an_ownership_mark_is_foreign() {
        assert!(matches!(observe(alarm().set_alarm_description(None)).0, Ownership::Foreign(_)));
    }
}
