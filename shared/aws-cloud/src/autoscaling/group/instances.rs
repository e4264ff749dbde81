//! The running instances of the group in EC2: their subnets and their monitoring.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Instance, Monitoring, MonitoringState, Reservation};
use environment::{AutoScalingGroupSetting, Call, GroupInstance, Setting};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

/// The tag with the name of its group that Auto Scaling sets on an instance. No principal can set a tag of this prefix.
const GROUP_TAG: &str = "tag:aws:autoscaling:groupName";

/// The most instances of a page (EC2 API reference, `DescribeInstances`).
const MAX_LISTED: i32 = 1_000;

/// Lists the instances of a group that are pending or running, by their ids.
pub(super) async fn read(clients: &Clients, group: &str) -> Result<BTreeMap<String, GroupInstance>, Problem> {
    let by_group = Filter::builder().name(GROUP_TAG).values(group).build();
    let by_state = Filter::builder().name("instance-state-name").values("pending").values("running").build();
    let request = clients.ec2.describe_instances().filters(by_group).filters(by_state).max_results(MAX_LISTED);
    let pages = request.into_paginator().items().send().collect::<Result<Vec<Reservation>, _>>().await;
    let instances =
        pages.classified("ec2:DescribeInstances")?.into_iter().flat_map(|it| it.instances.unwrap_or_default());
    Ok(instances.filter_map(|it| observed(&it)).collect())
}

/// The instance in the form of the engine; `None` without a subnet, which every instance of a group has.
fn observed(instance: &Instance) -> Option<(String, GroupInstance)> {
    let state = instance.monitoring().and_then(Monitoring::state);
    let detailed_monitoring = matches!(state, Some(MonitoringState::Enabled | MonitoringState::Pending));
    let subnet = instance.subnet_id()?.to_owned();
    Some((instance.instance_id()?.to_owned(), GroupInstance { subnet, detailed_monitoring }))
}

/// Turns the detailed monitoring of instances on or off. If one of them does not exist any more, the call has no effect, and the
/// group is observed again.
pub(super) async fn monitor(aws: &AwsCloud, call: &Call, on: bool, settings: &[Setting]) -> Result<(), Problem> {
    let id = |setting: &Setting| match setting {
        Setting::AutoScalingGroup(AutoScalingGroupSetting::DetailedMonitoring { instance, .. }) => Ok(instance.clone()),
        _ => Err(Problem::unsupported_call(call)),
    };
    let ids = Some(settings.iter().map(id).collect::<Result<Vec<String>, Problem>>()?);
    let client = &aws.clients.ec2;
    let response = if on {
        client.monitor_instances().set_instance_ids(ids).send().await.classified(call.operation()).map(|_| ())
    } else {
        client.unmonitor_instances().set_instance_ids(ids).send().await.classified(call.operation()).map(|_| ())
    };
    response.map_err(|problem| match problem.class {
        ErrorClass::NotFound => Problem { class: ErrorClass::Blocked, ..problem },
        _ => problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_read_with_its_subnet_and_its_monitoring() {
        let read = |state: &str| {
            let monitoring = Monitoring::builder().state(MonitoringState::from(state)).build();
            let instance = Instance::builder().instance_id("i-1").subnet_id("subnet-1").monitoring(monitoring).build();
            observed(&instance).map(|(id, it)| (id, it.subnet, it.detailed_monitoring))
        };
        for (state, expected) in [("enabled", true), ("pending", true), ("disabled", false), ("disabling", false)] {
            assert_eq!(read(state), Some(("i-1".into(), "subnet-1".into(), expected)), "{state}");
        }
        assert_eq!(observed(&Instance::builder().instance_id("i-1").build()), None);
    }
}
