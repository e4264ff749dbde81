//! Alarms. One call says all of an alarm, each time; AWS takes three such calls per second.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic as AwsStatistic, Tag};
use environment::{
    Alarm, AlarmRule, Call, CallKind, Comparison, Fields, Names, ObservedResource, Resource, Setting, State, Statistic,
    Tags, mark,
};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Problem, Response, UnlessMissing};
use crate::ids::Observation;

pub(crate) use aws_sdk_cloudwatch::types::MetricAlarm as Found;

const DESCRIBE: &str = "cloudwatch:DescribeAlarms";

/// A period without values is no reason to act: a group without instances has none.
const MISSING_DATA: &str = "notBreaching";

/// The alarms of the computed names, whoever's they are.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Found>, Problem> {
    let keys =
        [names.cpu_high_alarm(), names.cpu_low_alarm(), names.launch_failures_alarm(), names.healthy_low_alarm()];
    let request = clients.cloudwatch.describe_alarms().set_alarm_names(Some(keys.map(|key| key.name).to_vec()));
    let response = request.send().await.response(DESCRIBE)?;
    Ok(response.metric_alarms.unwrap_or_default())
}

/// The alarm as the engine sees it. Its tags are not to be seen.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |what| move || Problem::unreadable(DESCRIBE, what);
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

/// What an [`AlarmRule`] has no field for is told in its description, which then differs from every description that
/// could be wanted: the plan says why, and the one call sets it right.
fn rule(found: &Found, observation: &Observation<'_>) -> AlarmRule {
    let mut odd = oddities(found);
    let mut or_odd = |what: String| odd.push(what);
    let statistic = statistic(found).unwrap_or_else(|other| {
        or_odd(format!("its statistic is {other}"));
        Statistic::Average
    });
    let comparison = comparison(found).unwrap_or_else(|other| {
        or_odd(format!("it compares by {other}"));
        Comparison::AtLeast
    });
    let threshold = threshold(found).unwrap_or_else(|other| {
        or_odd(format!("its threshold is {other}"));
        0
    });
    let count = |count: Option<i32>| count.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let mut description = found.alarm_description().unwrap_or_default().to_owned();
    if !odd.is_empty() {
        description = format!("{description} ({})", odd.join("; "));
    }
    let mut dimensions: Vec<(String, String)> = found.dimensions().iter().map(named_value).collect();
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

pub(super) fn named_value(dimension: &Dimension) -> (String, String) {
    (dimension.name().unwrap_or_default().to_owned(), dimension.value().unwrap_or_default().to_owned())
}

/// What our own call leaves at rest, and somebody set.
fn oddities(found: &Found) -> Vec<String> {
    let missing_data = found.treat_missing_data().unwrap_or("missing");
    let odd = [
        (found.actions_enabled() == Some(false), String::from("its actions are disabled")),
        (missing_data != MISSING_DATA, format!("missing data counts as {missing_data}")),
        (!found.metrics().is_empty(), String::from("it watches an expression")),
        (found.unit().is_some(), String::from("it watches values of one unit only")),
        (!found.ok_actions().is_empty(), String::from("it does something when all is well")),
        (!found.insufficient_data_actions().is_empty(), String::from("it does something without data")),
        (
            found.datapoints_to_alarm().is_some_and(|it| Some(it) != found.evaluation_periods()),
            String::from("not all periods have to breach"),
        ),
    ];
    odd.into_iter().filter(|(is_so, _)| *is_so).map(|(_, told)| told).collect()
}

fn statistic(found: &Found) -> Result<Statistic, String> {
    match found.statistic() {
        Some(AwsStatistic::Average) => Ok(Statistic::Average),
        Some(AwsStatistic::Minimum) => Ok(Statistic::Minimum),
        Some(AwsStatistic::Sum) => Ok(Statistic::Sum),
        Some(other) => Err(other.to_string()),
        None => Err(found.extended_statistic().unwrap_or("none").to_owned()),
    }
}

fn comparison(found: &Found) -> Result<Comparison, String> {
    match found.comparison_operator() {
        Some(ComparisonOperator::GreaterThanOrEqualToThreshold) => Ok(Comparison::AtLeast),
        Some(ComparisonOperator::LessThanOrEqualToThreshold) => Ok(Comparison::AtMost),
        Some(ComparisonOperator::LessThanThreshold) => Ok(Comparison::LessThan),
        Some(other) => Err(other.to_string()),
        None => Err(String::from("nothing")),
    }
}

/// A whole number is written without a point, and so can be read as one.
fn threshold(found: &Found) -> Result<u32, String> {
    let told = found.threshold().map_or_else(|| String::from("none"), |it| it.to_string());
    told.parse().map_err(|_| told)
}

/// Carries out one call on an alarm.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Rule(rule)] => send(aws, call, put(aws, call, rule)?).await,
            _ => Err(Problem::no_such_call(call)),
        },
        CallKind::Delete => {
            aws.clients.alarm_turns.turn().await;
            let request = aws.clients.cloudwatch.delete_alarms().alarm_names(&call.key.name);
            request.send().await.response(call.operation()).unless_missing()?;
            Ok(())
        }
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty => Err(Problem::no_such_call(call)),
    }
}

/// The only call that takes tags: on an alarm that exists they would be passed over.
async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Alarm(Alarm { rule }) = &resource.fields else { return Err(Problem::no_such_call(call)) };
    let tags = resource.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    send(aws, call, put(aws, call, rule)?.set_tags(Some(tags))).await
}

async fn send(aws: &AwsCloud, call: &Call, request: PutMetricAlarmFluentBuilder) -> Result<(), Problem> {
    aws.clients.alarm_turns.turn().await;
    request.send().await.response(call.operation())?;
    Ok(())
}

/// All of an alarm: what is not said is as in a new one.
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

    fn read_back(found: MetricAlarmBuilder) -> (Ownership, AlarmRule) {
        let (ids, names) = (Ids::default(), names());
        ids.made(&names.scale_up_policy(), "arn:policy");
        let observed = observed(&found.build(), &ids.observation("owner", &names)).unwrap();
        let Fields::Alarm(Alarm { rule }) = observed.resource.fields else { panic!("another kind") };
        (observed.ownership, rule)
    }

    #[test]
    fn an_alarm_is_read_in_the_order_that_is_wanted() {
        let (ownership, rule) = read_back(alarm());
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
    fn what_a_rule_has_no_field_for_is_told_in_the_description() {
        let odd = [
            (alarm().actions_enabled(false), "its actions are disabled"),
            (alarm().set_treat_missing_data(None), "missing data counts as missing"),
            (alarm().unit(StandardUnit::Percent), "it watches values of one unit only"),
            (alarm().ok_actions("arn:topic"), "it does something when all is well"),
            (alarm().insufficient_data_actions("arn:topic"), "it does something without data"),
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
        for (found, told) in odd {
            let (ownership, rule) = read_back(found);
            assert_eq!((ownership, rule.description), (Ownership::Owned, format!("{} ({told})", description())));
        }
        let (_, rule) = read_back(alarm().datapoints_to_alarm(2));
        assert_eq!(rule.description, description());
    }

    #[test]
    fn an_alarm_without_our_mark_is_foreign() {
        assert!(matches!(read_back(alarm().set_alarm_description(None)).0, Ownership::Foreign(_)));
    }
}
