//! The instances' role, with its policies and its permissions boundary.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AttachedPermissionsBoundary, AttachedPolicy, Role as Found};
use environment::{Call, CallKind, Fields, Names, ObservedResource, Resource, Role, RoleSetting, Setting, State};
use futures_util::future::try_join_all;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{obstacles, read_tags, tags_of, tags_to_clear, tags_to_set};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::document;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

/// The observed attributes of a role: the role with its policies.
pub(crate) struct RoleAttributes {
    role: Found,
    attached: Vec<AttachedPolicy>,
    /// Documents by name.
    inline: BTreeMap<String, String>,
}

/// Reads the role with the computed name, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<RoleAttributes>, Problem> {
    let name = names.role().name;
    let attached = clients.iam.list_attached_role_policies().role_name(&name).into_paginator().items().send();
    let (response, attached, inline) = tokio::try_join!(
        async { clients.iam.get_role().role_name(&name).send().await.classified("iam:GetRole").none_if_not_found() },
        async {
            let attached = attached.collect::<Result<Vec<_>, _>>().await;
            attached.classified("iam:ListAttachedRolePolicies").none_if_not_found()
        },
        async { read_inline(clients, &name).await.none_if_not_found() }
    )?;
    let role = response.and_then(|response| response.role);
    let attributes =
        |role| RoleAttributes { role, attached: attached.unwrap_or_default(), inline: inline.unwrap_or_default() };
    Ok(role.map(attributes))
}

/// Reads all inline policies of the role: a foreign policy would block the role's deletion, and may allow
/// actions that Envkeeper does not allow. A role has one inline policy as a rule, so this takes two calls.
async fn read_inline(clients: &Clients, role: &str) -> Result<BTreeMap<String, String>, Problem> {
    let names = clients.iam.list_role_policies().role_name(role).into_paginator().items().send();
    let names = names.collect::<Result<Vec<_>, _>>().await.classified("iam:ListRolePolicies")?;
    let document = async |name: String| {
        let request = clients.iam.get_role_policy().role_name(role).policy_name(&name);
        let response = request.send().await.classified("iam:GetRolePolicy").none_if_not_found()?;
        Ok(response.map(|response| (name, response.policy_document)))
    };
    Ok(try_join_all(names.into_iter().map(document)).await?.into_iter().flatten().collect())
}

/// The role in the form of the engine.
pub(crate) fn observed(attributes: &RoleAttributes, observation: &Observation<'_>) -> ObservedResource {
    let tags = read_tags(attributes.role.tags());
    let boundary =
        attributes.role.permissions_boundary().and_then(AttachedPermissionsBoundary::permissions_boundary_arn);
    let inline = attributes.inline.iter().map(|(name, text)| (name.clone(), document::policy(&decoded(text))));
    let role = Role {
        trusts: trusted_principals(attributes.role.assume_role_policy_document().unwrap_or_default()),
        boundary: boundary.map(str::to_owned),
        managed_policies: attributes
            .attached
            .iter()
            .filter_map(AttachedPolicy::policy_arn)
            .map(str::to_owned)
            .collect(),
        inline_policies: inline.collect(),
    };
    ObservedResource {
        id: Some(attributes.role.arn().to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource { name: attributes.role.role_name().to_owned(), tags, fields: Fields::Role(role) },
        state: State::Ready,
        references: vec![],
        version: None,
    }
}

/// Decodes a policy: IAM returns policies percent-encoded (the API reference of `GetRole`).
fn decoded(document: &str) -> String {
    percent_decode_str(document).decode_utf8_lossy().into_owned()
}

/// The principals that may assume a role with this trust policy: a service by its name, every other principal with its
/// type. A statement that differs from the one of [`trust_policy`] in more than its principal is named as such.
fn trusted_principals(document: &str) -> String {
    let Ok(policy) = serde_json::from_str::<Value>(&decoded(document)) else {
        return String::from("an unreadable policy");
    };
    let mut named = BTreeSet::new();
    for statement in listed(&policy["Statement"]) {
        let terms = if has_own_terms(&statement) { "" } else { " on other terms" };
        match &statement["Principal"] {
            Value::Object(principals) => {
                for (principal_type, names) in principals {
                    let name = |it: &Value| it.as_str().unwrap_or_default().to_owned();
                    let describe = |it: &Value| {
                        if principal_type == "Service" { name(it) } else { format!("{principal_type} {}", name(it)) }
                    };
                    named.extend(listed(names).iter().map(|it| describe(it) + terms));
                }
            }
            other => {
                named.insert(format!("{other}{terms}"));
            }
        }
    }
    named.into_iter().collect::<Vec<_>>().join(", ")
}

/// Whether a statement allows `sts:AssumeRole`, nothing else, and without a condition.
fn has_own_terms(statement: &Value) -> bool {
    let is_known = |(key, value): (&String, &Value)| match key.as_str() {
        "Effect" => value == "Allow",
        "Action" => listed(value) == ["sts:AssumeRole"],
        "Sid" | "Principal" => true,
        _ => false,
    };
    statement.as_object().is_some_and(|it| it.iter().all(is_known) && it.contains_key("Action"))
}

/// The trust policy with which this service, and no other principal, may assume the role.
fn trust_policy(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

/// The members of a list. IAM writes a list of one member without brackets.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::Null => vec![],
        one => vec![one.clone()],
    }
}

/// Executes one call on a role.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => set(aws, call, settings).await,
        CallKind::Clear(settings) => clear(aws, call, settings).await,
        CallKind::Delete => {
            let request = aws.clients.iam.delete_role().role_name(&call.key.name);
            match request.send().await.classified(call.operation()).none_if_not_found() {
                Err(problem) => Err(obstacles::of_role(aws, problem, &call.key.name).await),
                Ok(_) => Ok(()),
            }
        }
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Role(role) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let tags = tags_of(resource.tags.iter(), call.operation())?;
    let request = aws.clients.iam.create_role().role_name(&call.key.name).set_tags(Some(tags));
    let request = request.set_permissions_boundary(role.boundary.clone());
    request.assume_role_policy_document(trust_policy(&role.trusts)).send().await.classified(call.operation())?;
    Ok(())
}

async fn set(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let (iam, name) = (&aws.clients.iam, &call.key.name);
    match settings {
        [Setting::Role(RoleSetting::Trust(service))] => {
            let request = iam.update_assume_role_policy().role_name(name).policy_document(trust_policy(service));
            request.send().await.classified(call.operation()).map(|_| ())
        }
        [Setting::Role(RoleSetting::Boundary(arn))] => {
            let request = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        [Setting::Role(RoleSetting::ManagedPolicy(arn))] => {
            let request = iam.attach_role_policy().role_name(name).policy_arn(arn);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        [Setting::Role(RoleSetting::InlinePolicy { name: policy, document })] => {
            let request = iam.put_role_policy().role_name(name).policy_name(policy).policy_document(document);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        settings => {
            let request = iam.tag_role().role_name(name).set_tags(Some(tags_to_set(call, settings)?));
            request.send().await.classified(call.operation()).map(|_| ())
        }
    }
}

async fn clear(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let (iam, name) = (&aws.clients.iam, &call.key.name);
    let cleared = match settings {
        [Setting::Role(RoleSetting::Boundary(_))] => {
            let request = iam.delete_role_permissions_boundary().role_name(name);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        [Setting::Role(RoleSetting::ManagedPolicy(arn))] => {
            let request = iam.detach_role_policy().role_name(name).policy_arn(arn);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        [Setting::Role(RoleSetting::InlinePolicy { name: policy, .. })] => {
            let request = iam.delete_role_policy().role_name(name).policy_name(policy);
            request.send().await.classified(call.operation()).map(|_| ())
        }
        settings => {
            let request = iam.untag_role().role_name(name).set_tag_keys(Some(tags_to_clear(call, settings)?));
            request.send().await.classified(call.operation()).map(|_| ())
        }
    };
    cleared.none_if_not_found()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_iam::types::Tag;
    use aws_smithy_types::DateTime;
    use environment::{Ownership, mark};

    #[test]
    fn a_role_is_read_with_its_trust_and_its_policies() {
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A\
                       %22ec2.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
        let role = Found::builder()
            .path("/")
            .role_name("the-role")
            .role_id("AROA1")
            .arn("arn:aws:iam::123456789012:role/the-role")
            .create_date(DateTime::from_secs(0))
            .assume_role_policy_document(encoded)
            .tags(Tag::builder().key(mark::OWNER).value("owner").build().unwrap())
            .permissions_boundary(
                AttachedPermissionsBoundary::builder().permissions_boundary_arn("arn:boundary").build(),
            )
            .build()
            .unwrap();
        let policy = |arn: &str| AttachedPolicy::builder().policy_arn(arn).build();
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let inline =
            BTreeMap::from([("own".into(), "%7B%22Version%22%3A%221%22%2C%20%22Statement%22%3A%20%5B%5D%7D".into())]);
        let attributes = RoleAttributes { role, attached: vec![policy("arn:b"), policy("arn:a")], inline };
        let observed = observed(&attributes, &Ids::default().observation("owner", &names));
        assert_eq!(observed.ownership, Ownership::Owned);
        assert_eq!(observed.id.as_deref(), Some("arn:aws:iam::123456789012:role/the-role"));
        let role = Role {
            trusts: "ec2.amazonaws.com".into(),
            boundary: Some("arn:boundary".into()),
            managed_policies: BTreeSet::from(["arn:a".into(), "arn:b".into()]),
            inline_policies: BTreeMap::from([("own".into(), r#"{"Statement":[],"Version":"1"}"#.into())]),
        };
        assert_eq!(observed.resource.fields, Fields::Role(role));
    }

    #[test]
    fn each_trusted_principal_is_named() {
        let assume =
            |principal: Value| json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        let policy = json!({ "Statement": [
            assume(json!({ "Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"] })),
            assume(json!({ "AWS": "arn:aws:iam::123456789012:root" })),
        ]});
        let expected = "AWS arn:aws:iam::123456789012:root, ec2.amazonaws.com, lambda.amazonaws.com";
        assert_eq!(trusted_principals(&policy.to_string()), expected);
        assert_eq!(trusted_principals(&json!({ "Statement": assume(json!("*")) }).to_string()), "\"*\"");
        assert_eq!(trusted_principals("not a policy"), "an unreadable policy");
        assert_eq!(trusted_principals(&trust_policy("ec2.amazonaws.com")), "ec2.amazonaws.com");
    }

    #[test]
    fn a_statement_with_another_effect_action_or_condition_is_named() {
        for (key, value) in [
            ("Effect", json!("Deny")),
            ("Action", json!(["sts:AssumeRole", "sts:TagSession"])),
            ("Condition", json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } })),
        ] {
            let mut policy: Value = serde_json::from_str(&trust_policy("ec2.amazonaws.com")).unwrap();
            policy["Statement"][0][key] = value;
            assert_eq!(trusted_principals(&policy.to_string()), "ec2.amazonaws.com on other terms", "{key}");
        }
    }
}
