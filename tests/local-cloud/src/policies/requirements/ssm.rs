//! Systems Manager: parameters by name, commands by document and instance.

use super::{super::ec2::arn as ec2_arn, Call, Requirement, Requirements, arn, no_resource, required, same};
use crate::{REGION, ec2::Ec2, emulators::ACCOUNT};

pub(super) async fn of(call: &Call<'_>, ec2: &Ec2) -> Requirements {
    match call.operation {
        "GetParameter" | "GetParameterHistory" | "PutParameter" | "DeleteParameter" => {
            Ok(vec![parameter(call, required(call, "Name")?)])
        }
        "GetParameters" | "DeleteParameters" => {
            let names = call.texts("Names");
            if names.is_empty() {
                Err(no_resource(call))
            } else {
                Ok(names.iter().map(|it| parameter(call, it)).collect())
            }
        }
        "GetParametersByPath" => Ok(vec![parameter(call, required(call, "Path")?)]),
        "SendCommand" => send_command(call, ec2).await,
        "UpdateInstanceInformation" => Ok(vec![same(call, ec2_arn("instance", required(call, "InstanceId")?))]),
        "GetDocument" | "DescribeDocument" => Ok(vec![same(call, arn("ssm", "document/", required(call, "Name")?))]),
        read if ["Describe", "List", "GetCommandInvocation"].iter().any(|verb| read.starts_with(verb)) => {
            Ok(vec![same(call, "*")])
        }
        _ => Err(no_resource(call)),
    }
}

/// A parameter. AWS's public parameters have no account in their ARN.
fn parameter(call: &Call<'_>, name: &str) -> Requirement {
    if name.starts_with("arn:") {
        return same(call, name);
    }
    let name = name.trim_start_matches('/');
    let account = if name == "aws" || name.starts_with("aws/") { "" } else { ACCOUNT };
    same(call, format!("arn:aws:ssm:{REGION}:{account}:parameter/{name}"))
}

async fn send_command(call: &Call<'_>, ec2: &Ec2) -> Requirements {
    let document = required(call, "DocumentName")?;
    let mut requirements = vec![same(call, format!("arn:aws:ssm:{REGION}::document/{document}"))];
    for id in call.texts("InstanceIds") {
        let mut requirement = same(call, ec2_arn("instance", id));
        super::set_resource_tags(&mut requirement.context, "ssm", &ec2.tags(id).await.unwrap_or_default());
        requirements.push(requirement);
    }
    // Targets by tag name no instance.
    if requirements.len() == 1 { Err(no_resource(call)) } else { Ok(requirements) }
}
