//! The outputs of a settled environment for its stack: the response's Data, flat, with the same keys on create and
//! update.

use std::collections::BTreeMap;

use crate::engine::cloud::ObservedResource;
use crate::model::key::{Key, Ref};
use crate::model::names::Names;
use crate::model::partition::Partition;
use crate::model::resource::Fields;

/// The outputs of an environment, the names that `Fn::GetAtt` accepts: the keys of [`outputs`], and `RolloutState`, which a
/// pass adds.
pub const OUTPUTS: [&str; 16] = [
    "EnvironmentId",
    "VpcId",
    "SubnetIds",
    "SecurityGroupId",
    "AutoScalingGroupName",
    "AutoScalingGroupArn",
    "LaunchTemplateId",
    "LaunchTemplateVersion",
    "RolloutState",
    "RoleArn",
    "InstanceProfileArn",
    "BucketName",
    "LogBucketName",
    "AutoScalingLogGroup",
    "InstanceLogGroup",
    "DashboardUrl",
];

/// The outputs by key. An absent value is empty, so that `Fn::GetAtt` never fails a stack.
#[must_use]
pub fn outputs(observed: &[ObservedResource], names: &Names) -> BTreeMap<&'static str, String> {
    let found = |key: &Key| observed.iter().find(|it| it.key() == *key);
    let id = |key: &Key| found(key).and_then(|it| it.id.clone()).unwrap_or_default();
    let id_of = |to: &Ref| match to {
        Ref::Owned(key) => id(key),
        Ref::Foreign(id) => id.clone(),
    };
    let vpc = match found(&names.instance_security_group()).map(|it| &it.resource.fields) {
        Some(Fields::SecurityGroup(group)) => id_of(&group.vpc),
        _ => String::new(),
    };
    let subnets: Vec<String> = match found(&names.group()).map(|it| &it.resource.fields) {
        Some(Fields::AutoScalingGroup(group)) => group.subnets.iter().map(id_of).collect(),
        _ => vec![],
    };
    let version = found(&names.group()).and_then(|it| it.version).map(|number| number.to_string());
    BTreeMap::from([
        ("EnvironmentId", names.environment_id()),
        ("VpcId", vpc),
        ("SubnetIds", subnets.join(",")),
        ("SecurityGroupId", id(&names.instance_security_group())),
        ("AutoScalingGroupName", names.group().name),
        ("AutoScalingGroupArn", id(&names.group())),
        ("LaunchTemplateId", id(&names.launch_template())),
        ("LaunchTemplateVersion", version.unwrap_or_default()),
        ("RoleArn", id(&names.role())),
        ("InstanceProfileArn", id(&names.instance_profile())),
        ("BucketName", names.data_bucket().name),
        ("LogBucketName", names.log_bucket().name),
        ("AutoScalingLogGroup", names.scaling_log_group().name),
        ("InstanceLogGroup", names.instance_log_group().name),
        ("DashboardUrl", dashboard_url(names)),
    ])
}

/// The page in the console of the region's partition; empty where the partition is unknown.
fn dashboard_url(names: &Names) -> String {
    let region = &names.region;
    let Some(Partition { console, .. }) = Partition::of(region) else { return String::new() };
    let dashboard = names.dashboard().name;
    format!("https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/{dashboard}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::names::Deployment;

    #[test]
    fn the_list_of_outputs_is_that_of_a_response() {
        let deployment = Deployment { project: "p".into(), region: "us-west-2".into(), account: "123456789012".into() };
        let keys = outputs(&[], &deployment.names("dev")).into_keys().chain(["RolloutState"]);
        assert_eq!(keys.collect::<BTreeSet<_>>(), OUTPUTS.into_iter().collect());
    }
}
