//! The required access of EC2 calls, by the Service Authorization Reference: the reference lists the resource types of
//! each action, and requires `ec2:CreateTags` for the tags of a creating action.

use std::collections::BTreeMap;

use permissions::judge::Access;

use super::{Call, access, assumed_owned};
use crate::{REGION, ec2::Ec2, emulators::ACCOUNT};

/// The resource type that a creating action creates, and the types that the action uses: resources in the call are
/// checked.
pub(super) const CREATES: &[(&str, &str, &[&str])] = &[
    ("CreateVpc", "vpc", &[]),
    ("CreateInternetGateway", "internet-gateway", &[]),
    ("CreateSubnet", "subnet", &["vpc"]),
    ("CreateRouteTable", "route-table", &["vpc"]),
    ("CreateSecurityGroup", "security-group", &["vpc"]),
    ("CreateLaunchTemplate", "launch-template", &[]),
    ("AllocateAddress", "elastic-ip", &[]),
    ("CreateNatGateway", "natgateway", &["subnet", "elastic-ip"]),
    ("CreateVpcEndpoint", "vpc-endpoint", &["vpc", "route-table", "security-group", "subnet"]),
];

/// The resource types of other actions.
pub(super) const CHANGES: &[(&str, &[&str])] = &[
    ("AssociateRouteTable", &["route-table", "subnet"]),
    ("AttachInternetGateway", &["internet-gateway", "vpc"]),
    ("AuthorizeSecurityGroupIngress", &["security-group"]),
    ("CreateLaunchTemplateVersion", &["launch-template"]),
    ("CreateRoute", &["route-table"]),
    ("DeleteInternetGateway", &["internet-gateway"]),
    ("DeleteLaunchTemplate", &["launch-template"]),
    ("DeleteLaunchTemplateVersions", &["launch-template"]),
    ("DeleteNatGateway", &["natgateway"]),
    ("DeleteRoute", &["route-table"]),
    ("DeleteRouteTable", &["route-table"]),
    ("DeleteSecurityGroup", &["security-group"]),
    ("DeleteSubnet", &["subnet"]),
    ("DeleteVpc", &["vpc"]),
    ("DeleteVpcEndpoints", &["vpc-endpoint"]),
    ("DetachInternetGateway", &["internet-gateway", "vpc"]),
    ("GetConsoleOutput", &["instance"]),
    ("ModifySubnetAttribute", &["subnet"]),
    ("ModifyVpcAttribute", &["vpc"]),
    ("ModifyVpcEndpoint", &["vpc-endpoint", "route-table", "security-group", "subnet"]),
    ("MonitorInstances", &["instance"]),
    ("ReleaseAddress", &["elastic-ip"]),
    ("ReplaceRoute", &["route-table"]),
    ("RevokeSecurityGroupIngress", &["security-group"]),
    ("UnmonitorInstances", &["instance"]),
];

/// The prefix of an id, and the resource type of the id.
const IDS: &[(&str, &str)] = &[
    ("eipalloc-", "elastic-ip"),
    ("eni-", "network-interface"),
    ("i-", "instance"),
    ("igw-", "internet-gateway"),
    ("lt-", "launch-template"),
    ("nat-", "natgateway"),
    ("rtb-", "route-table"),
    ("sg-", "security-group"),
    ("subnet-", "subnet"),
    ("vol-", "volume"),
    ("vpc-", "vpc"),
    ("vpce-", "vpc-endpoint"),
];

pub(super) async fn required_access(call: &Call<'_>, ec2: &Ec2) -> Vec<Access> {
    let action = format!("ec2:{}", call.operation);
    if let Some((name, created, used)) = CREATES.iter().find(|(name, ..)| *name == call.operation) {
        let mut tags = call.request_tags("TagSpecification");
        let mut accesses = existing_access(call, &action, used, ec2).await;
        accesses.push(access(&action, Some(arn(created, "*")), tags.clone()));
        tags.insert("ec2:CreateAction".to_owned(), (*name).to_owned());
        accesses.push(access("ec2:CreateTags", Some(arn(created, "*")), tags));
        return accesses;
    }
    let every: Vec<&str> = IDS.iter().map(|(_, kind)| *kind).collect();
    let about: &[&str] = match call.operation {
        "CreateTags" | "DeleteTags" => &every,
        operation => match CHANGES.iter().find(|(name, _)| *name == operation) {
            Some((_, about)) => about,
            // A read, or an action whose resource is not in the call.
            None => return vec![access(action, None, assumed_owned())],
        },
    };
    let accesses = existing_access(call, &action, about, ec2).await;
    if accesses.is_empty() { vec![access(action, None, assumed_owned())] } else { accesses }
}

async fn existing_access(call: &Call<'_>, action: &str, kinds: &[&str], ec2: &Ec2) -> Vec<Access> {
    let mut accesses = Vec::new();
    for id in call.form.values() {
        if let Some(kind) = kind(id).filter(|kind| kinds.contains(kind)) {
            accesses.push(access(action, Some(arn(kind, id)), resource_tags(id, ec2, "aws:ResourceTag").await));
        }
    }
    accesses
}

/// The tags of the resource with this id, by condition key.
pub(super) async fn resource_tags(id: &str, ec2: &Ec2, key: &str) -> BTreeMap<String, String> {
    let tags = ec2.tags(id).await.unwrap_or_default();
    tags.into_iter().map(|(name, value)| (format!("{key}/{name}"), value)).collect()
}

pub(super) fn kind(id: &str) -> Option<&'static str> {
    let is = |begins: &str| {
        id.strip_prefix(begins).is_some_and(|it| it.len() >= 8 && it.chars().all(|c| c.is_ascii_hexdigit()))
    };
    IDS.iter().find(|(begins, _)| is(begins)).map(|(_, kind)| *kind)
}

pub(super) fn arn(kind: &str, id: &str) -> String {
    format!("arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{id}")
}
