//! The instance profile, with the one role that IAM allows in it.

use aws_sdk_iam::types::{InstanceProfile as Found, Role};
use environment::{
    Call, CallKind, Fields, InstanceProfile, InstanceProfileSetting, Names, ObservedResource, Ref, Resource, Setting,
    State,
};

use super::{obstacles, read_tags, reference_by_name, tags_of, tags_to_clear, tags_to_set};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;

/// Reads the profile with the computed name, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<Found>, Problem> {
    find(clients, &names.instance_profile().name).await
}

pub(super) async fn find(clients: &Clients, name: &str) -> Result<Option<Found>, Problem> {
    let request = clients.iam.get_instance_profile().instance_profile_name(name);
    let response = request.send().await.classified("iam:GetInstanceProfile").none_if_not_found()?;
    Ok(response.and_then(|response| response.instance_profile))
}

/// The profile in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> ObservedResource {
    let tags = read_tags(found.tags());
    let role = found.roles().first();
    let profile =
        InstanceProfile { role: role.map(|role| reference_by_name(observation.names.role(), role.role_name())) };
    ObservedResource {
        id: Some(found.arn().to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: found.instance_profile_name().to_owned(),
            tags,
            fields: Fields::InstanceProfile(profile),
        },
        state: State::Ready,
        references: role.iter().map(|role| role.arn().to_owned()).collect(),
        version: None,
    }
}

/// Executes one call on an instance profile.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::InstanceProfile(InstanceProfileSetting::Role(role))] => add_role(aws, call, role).await,
            settings => set_tags(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::InstanceProfile(InstanceProfileSetting::Role(role))] => remove_role(aws, call, role).await,
            settings => clear_tags(aws, call, settings).await,
        },
        CallKind::Delete => {
            let request = aws.clients.iam.delete_instance_profile().instance_profile_name(&call.key.name);
            match request.send().await.classified(call.operation()).none_if_not_found() {
                Err(problem) => Err(obstacles::of_profile(aws, problem, &call.key.name).await),
                Ok(_) => Ok(()),
            }
        }
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let tags = tags_of(resource.tags.iter(), call.operation())?;
    let request = aws.clients.iam.create_instance_profile().instance_profile_name(&call.key.name);
    request.set_tags(Some(tags)).send().await.classified(call.operation())?;
    Ok(())
}

/// (The call refers to a role by its name, owned or foreign.)
async fn add_role(aws: &AwsCloud, call: &Call, role: &Ref) -> Result<(), Problem> {
    let role = role.to_string();
    let request = aws.clients.iam.add_role_to_instance_profile().instance_profile_name(&call.key.name);
    match request.role_name(&role).send().await.classified(call.operation()) {
        // IAM rejects a second role by the quota, and the same role again too.
        Err(problem) if matches!(problem.class, ErrorClass::QuotaExceeded | ErrorClass::AlreadyExists) => {
            let found = find(&aws.clients, &call.key.name).await?;
            let held = found.as_ref().and_then(|it| it.roles().first()).map(Role::role_name);
            match held {
                Some(held) if held == role => Ok(()),
                // The next observation lists the role, and the plan removes it first.
                Some(held) => {
                    Err(Problem::blocked(call.operation(), format!("the profile holds another role, {held}")))
                }
                None => Err(problem),
            }
        }
        other => other.map(|_| ()),
    }
}

async fn remove_role(aws: &AwsCloud, call: &Call, role: &Ref) -> Result<(), Problem> {
    let request = aws.clients.iam.remove_role_from_instance_profile().instance_profile_name(&call.key.name);
    request.role_name(role.to_string()).send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let tags = tags_to_set(call, settings)?;
    let request = aws.clients.iam.tag_instance_profile().instance_profile_name(&call.key.name).set_tags(Some(tags));
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let keys = tags_to_clear(call, settings)?;
    let request = aws.clients.iam.untag_instance_profile().instance_profile_name(&call.key.name);
    request.set_tag_keys(Some(keys)).send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}
