//! The permissions that a call of a role or an instance requires: every action, its resource and the condition keys, by the
//! Service Authorization Reference. A call whose permissions cannot be derived is an error, and is denied.

mod auto_scaling;
mod cloudwatch;
mod dynamodb;
mod ec2;
mod iam;
mod kms;
mod logs;
mod other;
mod s3;
mod sqs;
mod ssm;

use std::collections::BTreeMap;

use super::Call;
use crate::{REGION, auto_scaling::AutoScalingService, emulators::ACCOUNT, iam::Context, ministack::Ministack};

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The IAM action.
    pub(super) action: String,
    /// The ARN; `*` for an action that supports no resource.
    pub(super) resource: String,
    /// The condition keys of the call and the resource.
    pub(super) context: Context,
}

/// The requirements of a call, or the part that cannot be derived.
pub(super) type Requirements = Result<Vec<Requirement>, String>;

/// The requirements of a call.
///
/// # Errors
/// The service, the operation or the resource is not supported: the text names it.
pub(super) async fn of(call: &Call<'_>, scaling: &AutoScalingService, ministack: &Ministack) -> Requirements {
    match call.service {
        "autoscaling" => auto_scaling::of(call, scaling),
        "dynamodb" => dynamodb::of(call),
        "ec2" => ec2::of(call, scaling.ec2()).await,
        "iam" => iam::of(call, scaling).await,
        "kms" => kms::of(call),
        "logs" => logs::of(call),
        "monitoring" => cloudwatch::of(call),
        "s3" => s3::of(call, ministack).await,
        "sqs" => sqs::of(call, ministack).await,
        "ssm" => ssm::of(call, scaling.ec2()).await,
        _ => other::of(call),
    }
}

fn requirement(action: impl Into<String>, resource: impl Into<String>) -> Requirement {
    Requirement { action: action.into(), resource: resource.into(), context: Context::default() }
}

/// The requirement of the action with the operation's name.
fn same(call: &Call<'_>, resource: impl Into<String>) -> Requirement {
    requirement(format!("{}:{}", call.service, call.operation), resource)
}

/// The text for a call whose resource is unknown.
fn no_resource(call: &Call<'_>) -> String {
    format!("the resource of {}:{} is not derived", call.service, call.operation)
}

fn required<'a>(call: &'a Call<'_>, parameter: &str) -> Result<&'a str, String> {
    call.text(parameter).ok_or_else(|| format!("{} without {parameter} is not derived", call.operation))
}

/// An ARN of this region and account; an ARN in the place of the name stays.
fn arn(service: &str, prefix: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        name.to_owned()
    } else {
        format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{prefix}{name}")
    }
}

/// The keys for the tags in a call.
fn set_request_tags(context: &mut Context, tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        context.set_many("aws:TagKeys", tags.keys().cloned());
    }
}

/// The keys for the tags of a resource, with the service's own form of the key.
fn set_resource_tags(context: &mut Context, service: &str, tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        context.set(&format!("aws:ResourceTag/{key}"), value);
        context.set(&format!("{service}:ResourceTag/{key}"), value);
    }
}

#[cfg(test)]
mod tests;
