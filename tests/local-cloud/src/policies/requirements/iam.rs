//! IAM: the role, profile or policy in the call, as for functions.

use super::{super::other_services, Call, Requirement, Requirements, no_resource, same, set_request_tags};
use crate::{auto_scaling::AutoScalingService, iam::Context};

pub(super) async fn of(call: &Call<'_>, scaling: &AutoScalingService) -> Requirements {
    if call.operation.starts_with("List") && call.text("RoleName").is_none() {
        return Ok(vec![same(call, "*")]);
    }
    let mut requirements = Vec::new();
    for access in other_services::iam(call, scaling).await {
        let resource = access.resource.or_else(|| call.text("PolicyArn").map(str::to_owned));
        let mut context = Context::default();
        for (key, value) in access.facts {
            context.set(&key, value);
        }
        set_request_tags(&mut context, &call.tags("Tags.member."));
        requirements.push(Requirement {
            action: access.action,
            resource: resource.ok_or_else(|| no_resource(call))?,
            context,
        });
    }
    Ok(requirements)
}
