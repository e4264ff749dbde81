//! EC2: the resources in the call with their tags, and the tags of creates.

use super::{
    super::ec2::{CHANGES, CREATES, arn, kind},
    Call, Requirement, Requirements, requirement, same, set_request_tags, set_resource_tags,
};
use crate::{REGION, ec2::Ec2};

/// Further actions with the types of their resources.
const MORE_CHANGES: &[(&str, &[&str])] = &[
    ("AssociateAddress", &["elastic-ip", "instance"]),
    ("AuthorizeSecurityGroupEgress", &["security-group"]),
    ("ModifyInstanceAttribute", &["instance", "security-group"]),
    ("ModifyLaunchTemplate", &["launch-template"]),
    ("RebootInstances", &["instance"]),
    ("RevokeSecurityGroupEgress", &["security-group"]),
    ("StartInstances", &["instance"]),
    ("StopInstances", &["instance"]),
    ("TerminateInstances", &["instance"]),
];

pub(super) async fn of(call: &Call<'_>, ec2: &Ec2) -> Requirements {
    let operation = call.operation;
    if operation.starts_with("Describe") {
        return Ok(vec![same(call, "*")]);
    }
    if let Some((name, created, used)) = CREATES.iter().find(|(name, ..)| *name == operation) {
        let mut requirements = existing(call, used, ec2).await;
        let tags = call.tags("TagSpecification");
        let mut create = same(call, arn(created, "*"));
        set_request_tags(&mut create.context, &tags);
        if !tags.is_empty() {
            let mut tag = requirement("ec2:CreateTags", arn(created, "*"));
            set_request_tags(&mut tag.context, &tags);
            tag.context.set("ec2:CreateAction", *name);
            requirements.push(tag);
        }
        requirements.push(create);
        return Ok(requirements);
    }
    match operation {
        "CreateTags" | "DeleteTags" => tags(call, ec2).await,
        "RunInstances" => run_instances(call, ec2).await,
        _ => {
            let known = CHANGES.iter().chain(MORE_CHANGES).find(|(name, _)| *name == operation);
            let (_, kinds) = known.ok_or_else(|| super::no_resource(call))?;
            let requirements = existing(call, kinds, ec2).await;
            if requirements.is_empty() { Err(super::no_resource(call)) } else { Ok(requirements) }
        }
    }
}

/// The resources in the call of these types.
async fn existing(call: &Call<'_>, kinds: &[&str], ec2: &Ec2) -> Vec<Requirement> {
    let mut requirements = Vec::new();
    for id in call.form.values() {
        if let Some(kind) = kind(id).filter(|kind| kinds.contains(kind)) {
            requirements.push(with_tags(same(call, arn(kind, id)), id, ec2).await);
        }
    }
    requirements
}

async fn with_tags(mut requirement: Requirement, id: &str, ec2: &Ec2) -> Requirement {
    set_resource_tags(&mut requirement.context, "ec2", &ec2.tags(id).await.unwrap_or_default());
    if kind(id) == Some("instance") {
        requirement.context.set("ec2:InstanceID", id);
    }
    requirement
}

async fn tags(call: &Call<'_>, ec2: &Ec2) -> Requirements {
    let tags = call.tags("Tag.");
    let mut requirements = Vec::new();
    for id in call.texts("ResourceId") {
        let kind = kind(id).ok_or_else(|| format!("the resource type of {id} is not derived"))?;
        let mut requirement = with_tags(same(call, arn(kind, id)), id, ec2).await;
        set_request_tags(&mut requirement.context, &tags);
        requirements.push(requirement);
    }
    if requirements.is_empty() { Err(super::no_resource(call)) } else { Ok(requirements) }
}

/// A launch creates an instance with its interface and volumes, from an image, in a subnet, with security groups or a
/// template.
async fn run_instances(call: &Call<'_>, ec2: &Ec2) -> Requirements {
    let mut requirements = existing(call, &["subnet", "security-group", "launch-template"], ec2).await;
    let image = call.text("ImageId").map(|id| same(call, format!("arn:aws:ec2:{REGION}::image/{id}")));
    requirements.extend(image);
    let tags = call.tags("TagSpecification");
    for created in ["instance", "network-interface", "volume"] {
        let mut create = same(call, arn(created, "*"));
        set_request_tags(&mut create.context, &tags);
        requirements.push(create);
    }
    if !tags.is_empty() {
        let mut tag = requirement("ec2:CreateTags", arn("instance", "*"));
        set_request_tags(&mut tag.context, &tags);
        tag.context.set("ec2:CreateAction", "RunInstances");
        requirements.push(tag);
    }
    Ok(requirements)
}
