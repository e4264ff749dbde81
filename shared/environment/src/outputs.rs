//! What a settled environment tells its stack: the reply's Data, flat, with the same keys on create and update.

use std::collections::BTreeMap;

use crate::cloud::Live;
use crate::names::Names;
use crate::resource::{Key, Kind};

/// The outputs by key. A value that is not there is empty, so that `Fn::GetAtt` never fails a stack.
#[must_use]
pub fn outputs(live: &[Live], names: &Names) -> BTreeMap<&'static str, String> {
    let found = |key: &Key| live.iter().find(|it| it.key() == *key);
    let id = |key: &Key| found(key).and_then(|it| it.id.clone()).unwrap_or_default();
    let mut subnets: Vec<&Live> = live.iter().filter(|it| it.key().kind == Kind::Subnet).collect();
    subnets.sort_by_key(|it| it.key());
    let subnets: Vec<String> = subnets.iter().filter_map(|it| it.id.clone()).collect();
    let version = found(&names.group()).and_then(|it| it.version).map(|number| number.to_string());
    BTreeMap::from([
        ("VpcId", id(&names.vpc())),
        ("SubnetIds", subnets.join(",")),
        ("SecurityGroupId", id(&names.instance_security_group())),
        ("AutoScalingGroupName", names.group().name),
        ("AutoScalingGroupArn", id(&names.group())),
        ("LaunchTemplateId", id(&names.launch_template())),
        ("LaunchTemplateVersion", version.unwrap_or_default()),
        ("RoleArn", id(&names.role())),
        ("InstanceProfileArn", id(&names.instance_profile())),
        ("AutoScalingLogGroup", names.scaling_log_group().name),
        ("InstanceLogGroup", names.instance_log_group().name),
    ])
}
