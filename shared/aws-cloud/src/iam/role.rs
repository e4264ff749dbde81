//! The instances' role, with its managed policies.

use std::collections::BTreeSet;

use aws_sdk_iam::types::{AttachedPolicy, Role as Found};
use environment::{Call, Fields, Live, Names, Resource, Role, Setting, State, What};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{read_tags, tags_of, tags_to_clear, tags_to_set};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Answer, Problem, UnlessMissing};
use crate::ids::Look;

/// A role with the policies that are attached to it.
pub(crate) struct Seen {
    role: Found,
    policies: Vec<AttachedPolicy>,
}

/// The role of the computed name, whoever's it is.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<Seen>, Problem> {
    let name = names.role().name;
    let policies = clients.iam.list_attached_role_policies().role_name(&name).into_paginator().items().send();
    let (answer, policies) = tokio::try_join!(
        async { clients.iam.get_role().role_name(&name).send().await.answer("iam:GetRole").unless_missing() },
        async {
            let policies = policies.collect::<Result<Vec<_>, _>>().await;
            policies.answer("iam:ListAttachedRolePolicies").unless_missing()
        }
    )?;
    let role = answer.and_then(|answer| answer.role);
    Ok(role.map(|role| Seen { role, policies: policies.unwrap_or_default() }))
}

/// The role as the engine sees it.
pub(crate) fn live(seen: &Seen, look: &Look<'_>) -> Live {
    let tags = read_tags(seen.role.tags());
    let managed_policies: BTreeSet<String> =
        seen.policies.iter().filter_map(AttachedPolicy::policy_arn).map(str::to_owned).collect();
    let trusted_service = trusted(seen.role.assume_role_policy_document().unwrap_or_default());
    Live {
        id: Some(seen.role.arn().to_owned()),
        whose: Live::whose(&tags, look.owner),
        resource: Resource {
            name: seen.role.role_name().to_owned(),
            tags,
            fields: Fields::Role(Role { trusted_service, managed_policies }),
        },
        state: State::Ready,
        holds: vec![],
        version: None,
    }
}

/// Who may assume a role with this trust policy, which IAM answers percent-encoded (the API reference of `GetRole`): a
/// service by its name, anybody else by what they are.
fn trusted(document: &str) -> String {
    let decoded = percent_decode_str(document).decode_utf8_lossy();
    let Ok(policy) = serde_json::from_str::<Value>(&decoded) else { return String::from("nobody that can be read") };
    let mut trusted = BTreeSet::new();
    for statement in listed(&policy["Statement"]) {
        match &statement["Principal"] {
            Value::Object(principals) => {
                for (sort, names) in principals {
                    let name = |it: &Value| it.as_str().unwrap_or_default().to_owned();
                    let told = |it: &Value| if sort == "Service" { name(it) } else { format!("{sort} {}", name(it)) };
                    trusted.extend(listed(names).iter().map(told));
                }
            }
            other => {
                trusted.insert(other.to_string());
            }
        }
    }
    trusted.into_iter().collect::<Vec<_>>().join(", ")
}

/// IAM's JSON writes a list of one without its brackets.
fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::Null => vec![],
        one => vec![one.clone()],
    }
}

/// Carries out one call on a role.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.what {
        What::Create(resource) => create(aws, call, resource).await,
        What::Set(settings) => match settings.as_slice() {
            [Setting::ManagedPolicy(arn)] => {
                let request = aws.clients.iam.attach_role_policy().role_name(&call.key.name).policy_arn(arn);
                request.send().await.answer(call.operation())?;
                Ok(())
            }
            settings => set_tags(aws, call, settings).await,
        },
        What::Clear(settings) => match settings.as_slice() {
            [Setting::ManagedPolicy(arn)] => {
                let request = aws.clients.iam.detach_role_policy().role_name(&call.key.name).policy_arn(arn);
                request.send().await.answer(call.operation()).unless_missing()?;
                Ok(())
            }
            settings => clear_tags(aws, call, settings).await,
        },
        What::Delete => {
            let request = aws.clients.iam.delete_role().role_name(&call.key.name);
            request.send().await.answer(call.operation()).unless_missing()?;
            Ok(())
        }
        What::Drain => Err(Problem::no_such_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Role(role) = &resource.fields else { return Err(Problem::no_such_call(call)) };
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": role.trusted_service },
            "Action": "sts:AssumeRole",
        }],
    });
    let tags = tags_of(resource.tags.iter(), call.operation())?;
    let request = aws.clients.iam.create_role().role_name(&call.key.name).set_tags(Some(tags));
    request.assume_role_policy_document(trust.to_string()).send().await.answer(call.operation())?;
    Ok(())
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let tags = tags_to_set(call, settings)?;
    let request = aws.clients.iam.tag_role().role_name(&call.key.name).set_tags(Some(tags));
    request.send().await.answer(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let keys = tags_to_clear(call, settings)?;
    let request = aws.clients.iam.untag_role().role_name(&call.key.name).set_tag_keys(Some(keys));
    request.send().await.answer(call.operation()).unless_missing()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_iam::types::Tag;
    use aws_smithy_types::DateTime;
    use environment::{Whose, mark};

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
            .build()
            .unwrap();
        let policy = |arn: &str| AttachedPolicy::builder().policy_arn(arn).build();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), suffix: "dev".into() };
        let seen = Seen { role, policies: vec![policy("arn:b"), policy("arn:a")] };
        let live = live(&seen, &Ids::default().look("owner", &names));
        assert_eq!(live.whose, Whose::Ours);
        assert_eq!(live.id.as_deref(), Some("arn:aws:iam::123456789012:role/the-role"));
        let managed_policies = BTreeSet::from(["arn:a".into(), "arn:b".into()]);
        let role = Role { trusted_service: "ec2.amazonaws.com".into(), managed_policies };
        assert_eq!(live.resource.fields, Fields::Role(role));
    }

    #[test]
    fn whoever_else_is_trusted_is_told() {
        let policy = json!({ "Statement": [
            { "Principal": { "Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"] } },
            { "Principal": { "AWS": "arn:aws:iam::123456789012:root" } },
        ]});
        let told = "AWS arn:aws:iam::123456789012:root, ec2.amazonaws.com, lambda.amazonaws.com";
        assert_eq!(trusted(&policy.to_string()), told);
        assert_eq!(trusted(&json!({ "Statement": { "Principal": "*" } }).to_string()), "\"*\"");
        assert_eq!(trusted("not a policy"), "nobody that can be read");
    }
}
