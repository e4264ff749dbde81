//! Auto Scaling: the group in the call, or the group of the instance.

use super::{Call, Requirements, arn, no_resource, requirement, same, set_request_tags, set_resource_tags};
use crate::auto_scaling::AutoScalingService;

pub(super) fn of(call: &Call<'_>, scaling: &AutoScalingService) -> Requirements {
    if call.operation.starts_with("Describe") {
        return Ok(vec![same(call, "*")]);
    }
    let by_tag = || call.all("Tags.member.", "ResourceId").next().map(|(_, name)| name.to_owned());
    let by_instance = || scaling.group_of(call.text("InstanceId")?);
    let group = call.text("AutoScalingGroupName").map(str::to_owned).or_else(by_tag).or_else(by_instance);
    let group = group.ok_or_else(|| no_resource(call))?;
    let resource = arn("autoscaling", "autoScalingGroup:0:autoScalingGroupName/", &group);
    let mut access = same(call, resource);
    set_resource_tags(&mut access.context, "autoscaling", &scaling.tags(&group));
    set_request_tags(&mut access.context, &call.tags("Tags.member."));
    let mut requirements = vec![access];
    if let Some(role) = call.text("RoleARN") {
        let mut pass = requirement("iam:PassRole", role);
        pass.context.set("iam:PassedToService", "autoscaling.amazonaws.com");
        requirements.push(pass);
    }
    Ok(requirements)
}
