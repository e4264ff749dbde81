//! The control interface of the local cloud: recorded calls, health, fault rules, and the behaviour of groups,
//! instances and metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ::auto_scaling::{Fault, InstanceFailure, Timestamp};
use http_body_util::{Either, Full};
use hyper::{Method, Response, StatusCode, body::Bytes, header::CONTENT_TYPE};

use crate::{
    alarms::{Metric, MetricData},
    auto_scaling, form,
    router::{Body, Router},
};

/// The prefix of the control interface's paths, which are never forwarded. No bucket can have such a name.
pub const PREFIX: &str = "/_local-cloud/";

/// The maximum number of one-minute periods for which a metric's value is put: one day.
const MOST_PERIODS: u32 = 1440;

/// The response to a control request; `path` is the part after the prefix.
#[must_use]
pub async fn response(router: &Router, method: &Method, path: &str, query: &str, body: &Bytes) -> Response<Body> {
    match (method.as_str(), path) {
        ("GET", "health") => json(br#"{"status":"ok"}"#.to_vec()),
        ("GET", "calls") => json_result(router.recorder.to_json()),
        ("DELETE", "calls") => {
            router.recorder.clear();
            text(StatusCode::NO_CONTENT, String::new())
        }
        ("GET", "faults") => json_result(router.faults.to_json()),
        ("POST", "faults") => empty_or_error(router.faults.set(body)),
        ("DELETE", "faults") => {
            router.faults.clear();
            text(StatusCode::NO_CONTENT, String::new())
        }
        ("GET", "instances") => {
            json(router.auto_scaling.instances.to_json(auto_scaling::now()).to_string().into_bytes())
        }
        ("POST", "alarms/metric") => {
            let outcome = match metric(query, auto_scaling::now()) {
                Ok(values) => router.auto_scaling.alarms.put(&values).await,
                Err(message) => Err(message),
            };
            empty_or_error(outcome)
        }
        ("POST", "ec2/guardduty") => empty_or_error(match single_parameter(query, "vpc") {
            Ok(vpc) => router.ec2_additions.monitor(router.auto_scaling.ec2(), &vpc).await,
            Err(message) => Err(message),
        }),
        ("POST", "policies/delivery") => empty_or_error(match &router.policies {
            Some(policies) => policies.check_ministack_delivery(body).await,
            None => Ok(()),
        }),
        ("POST", _) => match change(router, path, query) {
            Some(outcome) => empty_or_error(outcome),
            None => unknown(method, path),
        },
        _ => unknown(method, path),
    }
}

fn empty_or_error(outcome: Result<(), String>) -> Response<Body> {
    match outcome {
        Ok(()) => text(StatusCode::NO_CONTENT, String::new()),
        Err(message) => text(StatusCode::BAD_REQUEST, message + "\n"),
    }
}

fn unknown(method: &Method, path: &str) -> Response<Body> {
    text(StatusCode::NOT_FOUND, format!("{PREFIX} does not support {method} {path}\n"))
}

/// Changes the behaviour of groups and instances; `None` for an unknown path.
fn change(router: &Router, path: &str, query: &str) -> Option<Result<(), String>> {
    let groups = &router.auto_scaling;
    let rejected = |fault: Fault| fault.to_string();
    Some(match path {
        "auto-scaling/fail-launches" => {
            failing_launches(query).map(|(count, reason)| groups.fail_launches(count, &reason))
        }
        "auto-scaling/scale" => scaling(query).and_then(|(group, to)| groups.scale(&group, to).map_err(rejected)),
        "instances/make-unhealthy" => failure(query).and_then(|(target, failure)| match target {
            FailureTarget::Next(count) => {
                groups.instances.make_next_unhealthy(count, &failure);
                Ok(())
            }
            FailureTarget::Instance(id) => {
                groups.instances.make_unhealthy(&id, &failure, auto_scaling::now()).map_err(rejected)
            }
        }),
        "instances/launch-spot" => single_parameter(query, "count").and_then(|count| {
            let count = count.parse().map_err(|_| format!("count is '{count}': expected a whole number"))?;
            groups.instances.make_next_spot(count);
            Ok(())
        }),
        "ec2/endpoint-service" => {
            named_zones(query, "service").and_then(|(service, zones)| router.ec2_catalog.set_service(&service, zones))
        }
        "ec2/instance-type" => {
            named_zones(query, "type").map(|(instance_type, zones)| router.ec2_catalog.set_type(&instance_type, zones))
        }
        "service-quotas/set" => {
            quota(query).map(|(service, quota, value)| router.service_quotas.set(service, quota, value))
        }
        "instances/interrupt" => single_parameter(query, "id").and_then(|id| groups.interrupt(&id).map_err(rejected)),
        "instances/recommend-rebalance" => {
            single_parameter(query, "id").and_then(|id| groups.recommend_rebalance(&id).map_err(rejected))
        }
        _ => return None,
    })
}

/// The number of launches that fail, and the reason: `count=2&reason=InsufficientInstanceCapacity`.
fn failing_launches(query: &str) -> Result<(u64, String), String> {
    let mut parameters = form::read(query);
    let count = parameters.remove("count").ok_or("count is missing: the number of launches that fail, 0 to end")?;
    let count = count.parse().map_err(|_| format!("count is '{count}': expected a whole number"))?;
    let reason = parameters.remove("reason").filter(|reason| !reason.is_empty());
    let reason = reason.ok_or("reason is missing: the status reason of the failed activities")?;
    reject_unknown(&parameters, "count and reason").map(|()| (count, reason))
}

/// An endpoint service or an instance type, and its zones: `service=logs&zones=us-west-2a,us-west-2b`. Without zones, the
/// region does not have it.
fn named_zones(query: &str, name: &str) -> Result<(String, BTreeSet<String>), String> {
    let mut parameters = form::read(query);
    let named = parameters.remove(name).filter(|it| !it.is_empty());
    let named = named.ok_or_else(|| format!("{name} is missing: its name"))?;
    let zones = parameters.remove("zones").unwrap_or_default();
    let zones = zones.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    reject_unknown(&parameters, &format!("{name} and zones")).map(|()| (named, zones))
}

/// The applied value of a quota: `service=vpc&quota=L-F678F1CE&value=5`.
fn quota(query: &str) -> Result<(String, String, f64), String> {
    let mut parameters = form::read(query);
    let service = parameters.remove("service").ok_or("service is missing: its code, such as vpc")?;
    let quota = parameters.remove("quota").ok_or("quota is missing: its code, such as L-F678F1CE")?;
    let value = parameters.remove("value").ok_or("value is missing: how much is allowed")?;
    let number = value.parse().ok().filter(|it: &f64| it.is_finite() && *it >= 0.0);
    let number = number.ok_or_else(|| format!("value is '{value}': expected a number of at least 0"))?;
    reject_unknown(&parameters, "service, quota and value").map(|()| (service, quota, number))
}

/// A group and the new desired capacity: `group=web&to=4`.
fn scaling(query: &str) -> Result<(String, u32), String> {
    let mut parameters = form::read(query);
    let group = parameters.remove("group").ok_or("group is missing: the name of an Auto Scaling group")?;
    let to = parameters.remove("to").ok_or("to is missing: the desired capacity")?;
    let to = to.parse().map_err(|_| format!("to is '{to}': expected a whole number"))?;
    reject_unknown(&parameters, "group and to").map(|()| (group, to))
}

/// The instances that become unhealthy.
#[derive(Debug, PartialEq)]
enum FailureTarget {
    /// The next instances that start, as many as this.
    Next(usize),
    /// The instance with this id.
    Instance(String),
}

/// The instances that become unhealthy, and the kind of failure: `count=1&how=no-agent`, or `id=i-…&how=impaired`.
/// `count=0` needs no `how`.
fn failure(query: &str) -> Result<(FailureTarget, InstanceFailure), String> {
    let mut parameters = form::read(query);
    let target = match (parameters.remove("id"), parameters.remove("count")) {
        (Some(id), None) => FailureTarget::Instance(id),
        (None, Some(count)) => {
            FailureTarget::Next(count.parse().map_err(|_| format!("count is '{count}': expected a whole number"))?)
        }
        _ => return Err("either id or count is required: an instance id, or the number of next instances".to_owned()),
    };
    let how = match parameters.remove("how") {
        None if target == FailureTarget::Next(0) => "not-ready".to_owned(),
        how => how.unwrap_or_default(),
    };
    let known = "impaired, no-agent, agent-lost, not-ready, failed-at:STEP, commands-fail, commands-hang or \
                 commands-undelivered";
    let failure = InstanceFailure::parse(&how).ok_or_else(|| format!("how is '{how}': expected {known}"))?;
    reject_unknown(&parameters, "id, count and how").map(|()| (target, failure))
}

/// A metric's value now and in the preceding one-minute periods:
/// `namespace=AWS/EC2&metric=CPUUtilization&value=95&dimensions=AutoScalingGroupName:web&periods=3`.
fn metric(query: &str, now: Timestamp) -> Result<MetricData, String> {
    let mut parameters = form::read(query);
    let mut needed =
        |name: &str, valid: &str| parameters.remove(name).ok_or_else(|| format!("{name} is missing: {valid}"));
    let namespace = needed("namespace", "such as AWS/EC2")?;
    let name = needed("metric", "the metric's name")?;
    let value = needed("value", "a number")?;
    let value = value.parse().ok().filter(|it: &f64| it.is_finite());
    let value = value.ok_or("value is not a number")?;
    let periods = parameters.remove("periods").unwrap_or_else(|| "1".to_owned());
    let count = periods.parse::<u32>().ok().filter(|it| (1..=MOST_PERIODS).contains(it));
    let count = count.ok_or_else(|| format!("periods is '{periods}': expected 1 to {MOST_PERIODS}"))?;
    let dimensions = parameters.remove("dimensions").unwrap_or_default();
    let pair = |it: &str| it.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs: Option<_> = dimensions.split(',').filter(|it| !it.is_empty()).map(pair).collect();
    let dimensions =
        pairs.ok_or_else(|| format!("dimensions is '{dimensions}': expected the form Name:Value,Name2:Value2"))?;
    reject_unknown(&parameters, "namespace, metric, value, dimensions and periods")?;
    let seconds = Duration::from_millis(now.0).as_secs_f64();
    let values = (0..count).map(|period| (seconds - f64::from(period) * 60.0, value)).collect();
    Ok(MetricData { metric: Metric { namespace, name, dimensions }, unit: "None".to_owned(), values })
}

/// The value of the only supported parameter.
fn single_parameter(query: &str, name: &str) -> Result<String, String> {
    let mut parameters = form::read(query);
    let value = parameters.remove(name).ok_or_else(|| format!("{name} is missing"))?;
    reject_unknown(&parameters, name).map(|()| value)
}

fn reject_unknown(parameters: &BTreeMap<String, String>, known: &str) -> Result<(), String> {
    match parameters.keys().next() {
        Some(name) => Err(format!("{name} is unknown: supported are {known}")),
        None => Ok(()),
    }
}

/// A plain-text response of the router itself.
#[must_use]
pub fn text(status: StatusCode, sentence: String) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(sentence)));
    *response.status_mut() = status;
    response
}

fn json_result(body: serde_json::Result<Vec<u8>>) -> Response<Body> {
    match body {
        Ok(body) => json(body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn json(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(body)));
    let kind = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_launches_need_a_count_and_a_reason() {
        assert_eq!(failing_launches("count=2&reason=no+room"), Ok((2, "no room".to_owned())));
        for (query, expected) in [
            ("reason=x", "count is missing"),
            ("count=-1&reason=x", "count is '-1': expected a whole number"),
            ("count=1", "reason is missing"),
            ("count=1&reason=x&group=web", "group is unknown"),
        ] {
            let response = failing_launches(query).unwrap_err();
            assert!(response.contains(expected), "{response}");
        }
    }

    #[test]
    fn a_service_has_a_name_and_zones_which_may_be_none() {
        let zones = ["a", "b"].map(str::to_owned).into();
        assert_eq!(named_zones("service=logs&zones=a,b", "service"), Ok(("logs".to_owned(), zones)));
        assert_eq!(named_zones("type=t3.micro", "type"), Ok(("t3.micro".to_owned(), BTreeSet::new())));
        for (query, expected) in [("zones=a", "service is missing"), ("service=logs&zone=a", "zone is unknown")] {
            let response = named_zones(query, "service").unwrap_err();
            assert!(response.contains(expected), "{response}");
        }
    }

    #[test]
    fn scaling_a_group_needs_a_desired_capacity() {
        assert_eq!(scaling("group=web&to=4"), Ok(("web".to_owned(), 4)));
        for (query, expected) in
            [("to=4", "group is missing"), ("group=web&to=x", "to is 'x'"), ("group=w&to=1&by=2", "by")]
        {
            let response = scaling(query).unwrap_err();
            assert!(response.contains(expected), "{response}");
        }
    }

    #[test]
    fn an_instance_failure_has_a_target_and_a_known_kind() {
        assert_eq!(failure("count=2&how=no-agent"), Ok((FailureTarget::Next(2), InstanceFailure::NoAgent)));
        assert_eq!(
            failure("id=i-1&how=failed-at:yum"),
            Ok((FailureTarget::Instance("i-1".into()), InstanceFailure::FailedAt("yum".into())))
        );
        assert_eq!(failure("count=0").map(|it| it.0), Ok(FailureTarget::Next(0)));
        for (query, expected) in [
            ("how=impaired", "either id or count"),
            ("id=i-1&count=1&how=impaired", "either id or count"),
            ("count=1", "how is ''"),
            ("count=1&how=tired", "how is 'tired': expected impaired, no-agent"),
            ("count=-1&how=impaired", "count is '-1'"),
            ("count=1&how=impaired&group=web", "group is unknown"),
        ] {
            let response = failure(query).unwrap_err();
            assert!(response.contains(expected), "{response}");
        }
        assert_eq!(single_parameter("id=i-1", "id"), Ok("i-1".to_owned()));
        assert!(single_parameter("", "id").is_err() && single_parameter("id=i-1&x=1", "id").is_err());
    }

    #[test]
    fn a_metric_has_a_value_now_and_in_the_preceding_minutes() {
        let dimensions = "dimensions=AutoScalingGroupName:web,Url:http://x";
        let put = metric(&format!("namespace=AWS/EC2&metric=CPU&value=-9.5&{dimensions}&periods=2"), Timestamp(90_500));
        let put = put.unwrap();
        assert_eq!((put.metric.namespace.as_str(), put.metric.name.as_str()), ("AWS/EC2", "CPU"));
        assert_eq!(put.metric.dimensions.get("Url").map(String::as_str), Some("http://x"));
        assert_eq!(put.values, [(90.5, -9.5), (30.5, -9.5)]);
        let put = metric("namespace=N&metric=M&value=1", Timestamp(0)).unwrap();
        assert_eq!((put.values.len(), put.metric.dimensions.len()), (1, 0));
        for (query, expected) in [
            ("metric=M&value=1", "namespace is missing"),
            ("namespace=N&metric=M&value=NaN", "value is not a number"),
            ("namespace=N&metric=M&value=1&periods=0", "periods is '0': expected 1 to 1440"),
            ("namespace=N&metric=M&value=1&dimensions=a", "dimensions is 'a': expected the form Name:Value"),
            ("namespace=N&metric=M&value=1&unit=x", "unit is unknown"),
        ] {
            let response = metric(query, Timestamp(0)).unwrap_err();
            assert!(response.contains(expected), "{response}");
        }
    }
}
