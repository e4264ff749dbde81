//! The rights of the instances' role: its two managed policies and its inline policy, within the boundary of the deployment.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops at the first document that it cannot read, and takes JSON by value"
)]

mod calls;
mod evaluate;

use std::collections::BTreeSet;

use calls::{ACCOUNT, REGION, VERSIONS, attacks, calls_of_scripts, reads_of_listed_parameters};
use environment::{Defaults, Deployment, Facts, Fields, Names, Spec, desired, mark};
use evaluate::{Request, allows};
use permissions::{Caller, Resource, StatementScope};
use serde_json::{Map, Value, json};

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: REGION.into(), account: ACCOUNT.into() }
}

fn spec(deployment: &Deployment, properties: &Value) -> Spec {
    let properties = properties.as_object().cloned().unwrap_or_default();
    Spec::read(&properties, &Defaults::from_vars(|_| None), deployment).expect("valid properties")
}

/// The inline policy and the tags of the role.
fn role(spec: &Spec, names: &Names, partition: &str) -> (String, environment::Tags) {
    let facts = Facts {
        zones: ["a", "b", "c"].map(String::from).to_vec(),
        partition: partition.into(),
        image: Some("ami-0123456789abcdef0".into()),
        hooks_are_handled: true,
        ..Facts::default()
    };
    let resources = desired(spec, names, "0123456789abcdef0123", &facts);
    let found = resources.into_iter().find_map(|it| match it.fields {
        Fields::Role(role) => Some((role.inline_policies, it.tags)),
        _ => None,
    });
    let (inline, tags) = found.expect("a role");
    (inline.into_values().next().expect("an inline policy"), tags)
}

fn of_dev(properties: Value) -> Value {
    let mut all = json!({ "EnvironmentSuffix": "dev", "KmsKeyArn": calls::KEY });
    all.as_object_mut().expect("properties").extend(properties.as_object().cloned().unwrap_or_default());
    let document = role(&spec(&deployment(), &all), &deployment().names("dev"), "aws").0;
    serde_json::from_str(&document).expect("JSON")
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The managed policies (AWS Managed Policy Reference, version 2 of the first and version 3 of the second), and this inline
/// policy.
fn with(inline: Value) -> [Value; 3] {
    [
        read(include_str!("policies/AmazonSSMManagedInstanceCore.json")),
        read(include_str!("policies/CloudWatchAgentServerPolicy.json")),
        inline,
    ]
}

/// The inline policy of the versions before `ParameterPaths`, as recorded in a golden plan.
fn inline_before() -> Value {
    read(include_str!("policies/inline-at-6b44210.json"))
}

/// The boundary as JSON, from the rows that the template is written from.
fn boundary() -> Value {
    let scope = StatementScope {
        partition: "aws".into(),
        region: REGION.into(),
        account: ACCOUNT.into(),
        project: "scalable-ec2".into(),
    };
    let statement = |it: &permissions::Statement| {
        let mut condition = Map::new();
        for one in it.when {
            let keys = condition.entry(one.operator().trim_matches('"')).or_insert_with(|| json!({}));
            keys[one.key()] = json!(one.values(&scope));
        }
        let on: Vec<String> = it.on.iter().map(|on| Resource::pattern(on, &scope)).collect();
        json!({ "Sid": it.sid, "Effect": "Allow", "Action": it.actions(), "Resource": on, "Condition": condition })
    };
    json!({ "Statement": Caller::Instance.statements().map(statement).collect::<Vec<_>>() })
}

/// The request of an instance whose role has the tag with the environment's suffix.
fn tagged(mut request: Request) -> Request {
    let key = format!("aws:principaltag/{}", mark::SUFFIX);
    request.context.insert(key, "dev".into());
    request
}

#[track_caller]
fn assert_allowed(policies: &[Value], boundary: Option<&Value>, requests: &[Request], subject: &str) {
    for request in requests {
        assert!(allows(policies, boundary, request), "{subject}: denied: {request:?}");
    }
}

#[test]
fn every_running_version_of_the_user_data_may_make_its_calls() {
    let (boundary, after) = (boundary(), with(of_dev(json!({}))));
    let before = with(inline_before());
    for version in &VERSIONS {
        let calls = version.calls();
        let of_updated: Vec<Request> = calls.iter().cloned().map(tagged).collect();
        // The deployment was updated, the environment was not yet.
        assert_allowed(&before, Some(&boundary), &calls, version.subject);
        // The environment was updated: its role first has the new policy, or first the new tag.
        assert_allowed(&after, Some(&boundary), &calls, version.subject);
        assert_allowed(&before, Some(&boundary), &of_updated, version.subject);
        assert_allowed(&after, Some(&boundary), &of_updated, version.subject);
        // A role without a boundary.
        assert_allowed(&after, None, &of_updated, version.subject);
    }
}

/// A new call in the user data needs a row in `calls.rs`, and a right.
#[test]
fn the_calls_of_the_newest_version_are_those_of_the_script() {
    let script = spec(&deployment(), &json!({ "EnvironmentSuffix": "dev" })).user_data(&deployment().names("dev"));
    let words: Vec<&str> = script.split_whitespace().collect();
    let is_call = |it: &&[&str]| it[0] == "aws" && it[1].chars().all(|c| c.is_ascii_alphanumeric());
    let cli: BTreeSet<String> = words.windows(3).filter(is_call).map(|it| format!("{} {}", it[1], it[2])).collect();
    assert_eq!(cli, BTreeSet::from(["ec2 create-tags".to_owned()]));
    let values_of = |name: &str| -> BTreeSet<&str> {
        let rest = script.split(name).skip(1);
        rest.filter_map(|it| it.split('"').nth(2)).collect()
    };
    assert_eq!(values_of("log_group_name"), BTreeSet::from(["/aws/ec2/scalable-ec2-dev"]));
    let streams = ["{instance_id}/drain", "{instance_id}/messages", "{instance_id}/user-data"];
    assert_eq!(values_of("log_stream_name"), BTreeSet::from(streams));
    assert!(!script.contains("namespace") && !script.contains("ssm:") && !script.contains("traces"));
}

#[test]
fn scripts_of_the_stack_author_may_use_the_environment() {
    let requests: Vec<Request> = calls_of_scripts().into_iter().map(tagged).collect();
    let policies = with(of_dev(json!({})));
    assert_allowed(&policies, Some(&boundary()), &requests, "scripts");
    assert_allowed(&policies, None, &requests, "scripts without a boundary");
    let listed = with(of_dev(json!({ "ParameterPaths": ["/team/app"] })));
    let reads: Vec<Request> = reads_of_listed_parameters().into_iter().map(tagged).collect();
    assert_allowed(&listed, Some(&boundary()), &reads, "listed parameters");
    for request in &reads {
        assert!(!allows(&policies, Some(&boundary()), request), "not listed: {request:?}");
    }
}

#[test]
fn an_instance_reaches_nothing_outside_its_environment() {
    let policies = with(of_dev(json!({ "ParameterPaths": ["/team/app"] })));
    for request in attacks() {
        // The inline policy holds under any boundary, without one, and before the role has its tag.
        assert!(!allows(&policies, None, &request), "allowed: {request:?}");
        assert!(!allows(&policies, Some(&boundary()), &tagged(request.clone())), "allowed: {request:?}");
    }
    let before = attacks().iter().filter(|it| allows(&with(inline_before()), None, it)).count();
    assert!(before > 20, "only {before} of these calls were allowed before");
}

/// A policy that allows each action of the boundary on everything.
fn everything() -> Value {
    let all: BTreeSet<&str> = Caller::Instance.statements().flat_map(permissions::Statement::actions).collect();
    json!({ "Statement": [{ "Effect": "Allow", "Action": all, "Resource": "*" }] })
}

/// The boundary holds the rights that it can name, under any policy: parameters and keys are named by the inline policy alone.
#[test]
fn the_boundary_alone_holds_a_role_to_its_environment() {
    let everything = [everything()];
    let of_the_policy = |it: &Request| it.action.starts_with("ssm:") || it.resource.ends_with(":key/1");
    for request in attacks().into_iter().filter(|it| !of_the_policy(it)) {
        assert!(!allows(&everything, Some(&boundary()), &tagged(request.clone())), "allowed: {request:?}");
    }
}

/// The document without one of its bounds, for each bound: a statement that denies, or one key of a condition.
fn weakened(document: &Value) -> Vec<(String, Value)> {
    let statements = document["Statement"].as_array().expect("a list of statements");
    let mut all = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        if statement["Effect"] == "Deny" {
            let mut weaker = document.clone();
            weaker["Statement"].as_array_mut().expect("a list").remove(at);
            all.push((sid.to_owned(), weaker));
            continue;
        }
        for (operator, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
            for key in keys.as_object().into_iter().flatten().map(|(key, _)| key) {
                let mut weaker = document.clone();
                let keys = &mut weaker["Statement"][at]["Condition"][operator];
                keys.as_object_mut().expect("keys").remove(key);
                all.push((format!("{sid} {operator} {key}"), weaker));
            }
        }
    }
    all
}

#[test]
fn each_bound_of_the_inline_policy_stops_an_attack() {
    let weakened = weakened(&of_dev(json!({ "ParameterPaths": ["/team/app"] })));
    assert!(weakened.len() >= 8, "{weakened:?}");
    for (bound, document) in weakened {
        let policies = with(document);
        assert!(attacks().iter().any(|it| allows(&policies, None, it)), "{bound} stops no attack");
    }
}

#[test]
fn each_condition_of_the_boundary_stops_an_attack() {
    let everything = [everything()];
    let weakened = weakened(&boundary());
    assert!(weakened.len() >= 10, "{weakened:?}");
    for (bound, document) in weakened {
        let stops =
            |it: Request| allows(&everything, Some(&document), &it) && !allows(&everything, Some(&boundary()), &it);
        // Both kinds of roles: with the tag of the suffix, and of a version before it.
        assert!(attacks().into_iter().chain(attacks().into_iter().map(tagged)).any(stops), "{bound} stops no attack");
    }
}

/// Each grant of the inline policy is an action of the boundary's rows, and the other way round: an action that neither AWS's
/// managed policies nor the inline policy allows is an unused row.
#[test]
fn the_rows_of_the_boundary_are_the_rights_of_the_role() {
    let actions = |document: &Value| -> BTreeSet<String> {
        let statements = document["Statement"].as_array().cloned().unwrap_or_default();
        let allowing = statements.iter().filter(|it| it["Effect"] == "Allow");
        let listed = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        allowing.flat_map(|it| listed(&it["Action"])).filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let [core, agent, inline] = with(of_dev(json!({ "ParameterPaths": ["/team/app"] })));
    let rows = actions(&boundary());
    let role: BTreeSet<String> = [&core, &agent, &inline].into_iter().flat_map(actions).collect();
    assert_eq!(rows.difference(&role).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(actions(&inline).difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The quota of the inline policies of a role, 10,240 characters (IAM quotas), with the longest names and lists.
#[test]
fn the_inline_policy_fits_with_the_longest_names_and_lists() {
    // The longest region of each partition.
    for (region, partition) in [
        ("ap-southeast-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let deployment = Deployment { project: "p".repeat(20), region: region.into(), account: ACCOUNT.into() };
        let suffix = "s".repeat(deployment.names("").longest_suffix().0);
        let path = |n: usize| format!("/{n:02}{}", "a".repeat(environment::property::MAX_PARAMETER_PATH - 3));
        let properties = json!({
            "EnvironmentSuffix": suffix,
            "ParameterPaths": (0..environment::property::MAX_LIST_LENGTH).map(path).collect::<Vec<_>>(),
            "KmsKeyArn": format!("arn:{partition}:kms:{region}:{ACCOUNT}:key/mrk-{}", "0".repeat(32)),
        });
        let document = role(&spec(&deployment, &properties), &deployment.names(&suffix), partition).0;
        let size = document.chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 10_240, "{region}: {size} characters");
    }
}

#[test]
fn the_role_has_the_tags_that_the_boundary_reads() {
    let (_, tags) =
        role(&spec(&deployment(), &json!({ "EnvironmentSuffix": "dev" })), &deployment().names("dev"), "aws");
    assert_eq!(tags.get(mark::SUFFIX).map(String::as_str), Some("dev"));
    assert_eq!(tags.get(mark::ENVIRONMENT).map(String::as_str), Some("scalable-ec2-us-west-2-dev"));
}
