use serde_json::{Value as Json, json};

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/sender";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/sender/session";
const USER: &str = "arn:aws:iam::123456789012:user/ann";
const QUEUE: &str = "arn:aws:sqs:us-west-2:123456789012:requests";

fn role() -> Principal {
    Principal::Role { arn: ROLE.to_owned(), session: SESSION.to_owned() }
}

fn user() -> Principal {
    Principal::User { arn: USER.to_owned() }
}

fn service() -> Principal {
    Principal::Service { name: "events.amazonaws.com".to_owned() }
}

fn policy(statements: &Json) -> Policy {
    Policy::of(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

/// Whether an identity policy with one statement, an Allow with this condition, allows a request in this context.
fn holds(condition: &Json, context: &Context) -> Result<bool, PolicyError> {
    let allow = policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}));
    let request = Request { principal: &role(), action: "sqs:SendMessage", resource: QUEUE, context };
    match (Policies { identity: Some(&[allow]), boundary: None, resource: None }).decide(&request) {
        Decision::Allowed => Ok(true),
        Decision::Denied(Denial::Error(error)) => Err(error),
        Decision::Denied(_) => Ok(false),
    }
}

/// The decision about `sqs:SendMessage` to the queue, without keys in the context.
fn send(principal: &Principal, policies: Policies<'_>) -> Decision {
    let context = [("aws:PrincipalArn", ROLE)].into_iter().collect();
    policies.decide(&Request { principal, action: "sqs:SendMessage", resource: QUEUE, context: &context })
}

fn denied(kind: &str) -> String {
    format!("Denied({kind})")
}

#[test]
fn operators_compare_as_documented() {
    let given: Context = [
        ("aws:username", "Ann"),
        ("aws:PrincipalArn", ROLE),
        ("aws:SecureTransport", "true"),
        ("s3:prefix", "5"),
        ("aws:PrincipalTag/team", "a"),
    ]
    .into_iter()
    .collect();
    // Source: IAM User Guide, "IAM JSON policy elements: Condition operators", the section of each operator.
    for (operator, key, value, expected) in [
        ("StringEquals", "aws:username", "Ann", true),
        ("StringEquals", "AWS:UserName", "Ann", true),
        ("StringEquals", "aws:username", "ann", false),
        ("StringEquals", "aws:username", "A*", false),
        ("StringNotEquals", "aws:username", "ann", true),
        ("StringNotEquals", "aws:username", "Ann", false),
        ("StringEqualsIgnoreCase", "aws:username", "aNN", true),
        ("StringNotEqualsIgnoreCase", "aws:username", "aNN", false),
        ("StringLike", "aws:username", "A?n", true),
        ("StringLike", "aws:username", "a*", false),
        ("StringNotLike", "aws:username", "A*", false),
        ("StringEquals", "aws:PrincipalTag/team", "${aws:PrincipalTag/team}", true),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/s*", true),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/sender", true),
        ("ArnLike", "aws:PrincipalArn", "*", true),
        // A wildcard does not match across the parts of an ARN.
        ("ArnLike", "aws:PrincipalArn", "arn:aws:*:role/sender", false),
        ("ArnNotEquals", "aws:PrincipalArn", ROLE, false),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/other", true),
        ("ArnEquals", "aws:username", "arn:aws:iam::123456789012:role/s*", false),
        ("Bool", "aws:SecureTransport", "true", true),
        ("Bool", "aws:SecureTransport", "False", false),
        ("NumericEquals", "s3:prefix", "5.0", true),
        ("NumericNotEquals", "s3:prefix", "5", false),
        ("NumericLessThan", "s3:prefix", "6", true),
        ("NumericLessThan", "s3:prefix", "5", false),
        ("NumericLessThanEquals", "s3:prefix", "5", true),
        ("NumericGreaterThan", "s3:prefix", "4", true),
        ("NumericGreaterThanEquals", "s3:prefix", "6", false),
        ("NumericGreaterThan", "aws:username", "4", false),
        ("Null", "aws:username", "true", false),
        ("Null", "aws:username", "false", true),
    ] {
        assert_eq!(holds(&json!({operator: {key: value}}), &given), Ok(expected), "{operator} {key} {value}");
    }
}

#[test]
fn a_missing_key_fulfils_only_negated_operators_and_those_that_ask_for_it() {
    // Source: "Condition operators": "If the key that you specify in a policy condition is not present in the request
    // context, the values do not match and the condition is false. If the policy condition requires that the key is not
    // matched, … the condition is true." `…IfExists` and `Null`: the sections of that name. Set operators: "Set operators
    // for multi-valued context keys".
    for (operator, value, expected) in [
        ("StringEquals", "x", false),
        ("StringLike", "*", false),
        ("ArnLike", "*", false),
        ("Bool", "false", false),
        ("NumericEquals", "1", false),
        ("StringNotEquals", "x", true),
        ("StringNotLike", "*", true),
        ("ArnNotEquals", "arn:aws:iam::123456789012:role/x", true),
        ("NumericNotEquals", "1", true),
        ("StringEqualsIfExists", "x", true),
        ("BoolIfExists", "false", true),
        ("StringNotEqualsIfExists", "x", true),
        ("Null", "true", true),
        ("Null", "false", false),
        ("ForAllValues:StringEquals", "x", true),
        ("ForAnyValue:StringEquals", "x", false),
        ("ForAnyValue:StringNotEquals", "x", false),
    ] {
        let condition = json!({operator: {"aws:username": value}});
        assert_eq!(holds(&condition, &Context::default()), Ok(expected), "{operator} {value}");
    }
}

#[test]
fn several_values_are_alternatives_and_negated_operators_exclude_all_of_them() {
    let given: Context = [("aws:username", "b")].into_iter().collect();
    assert_eq!(holds(&json!({"StringEquals": {"aws:username": ["a", "b"]}}), &given), Ok(true));
    assert_eq!(holds(&json!({"StringNotEquals": {"aws:username": ["a", "b"]}}), &given), Ok(false));
    assert_eq!(holds(&json!({"StringNotEquals": {"aws:username": ["a", "c"]}}), &given), Ok(true));
    // Several keys and several operators must all hold.
    let both = json!({"StringEquals": {"aws:username": "b", "aws:userid": "x"}});
    assert_eq!(holds(&both, &given), Ok(false));
    let both = json!({"StringEquals": {"aws:username": "b"}, "Null": {"aws:userid": "true"}});
    assert_eq!(holds(&both, &given), Ok(true));
}

#[test]
fn set_operators_compare_every_or_any_value() {
    let mut given = Context::default();
    given.set_many("aws:TagKeys", ["a".to_owned(), "b".to_owned()]);
    for (operator, values, expected) in [
        ("ForAllValues:StringEquals", json!(["a", "b", "c"]), true),
        ("ForAllValues:StringEquals", json!(["a"]), false),
        ("ForAnyValue:StringEquals", json!(["b"]), true),
        ("ForAnyValue:StringEquals", json!(["c"]), false),
        ("ForAllValues:StringNotEquals", json!(["c"]), true),
        ("ForAllValues:StringNotEquals", json!(["a"]), false),
        ("ForAnyValue:StringNotEquals", json!(["a"]), true),
        ("ForAnyValue:StringLike", json!(["?"]), true),
    ] {
        assert_eq!(holds(&json!({operator: {"aws:TagKeys": values}}), &given), Ok(expected), "{operator} {values}");
    }
    let error = holds(&json!({"StringEquals": {"aws:TagKeys": "a"}}), &given).unwrap_err().to_string();
    assert!(error.contains("aws:TagKeys has several values: ForAllValues: or ForAnyValue: is missing"), "{error}");
}

#[test]
fn a_variable_without_a_value_matches_nothing() {
    // Source: IAM User Guide, "Variables and tags", "Policy variables with no value".
    let given: Context = [("aws:username", "")].into_iter().collect();
    let value = "${aws:PrincipalTag/team}";
    for (operator, expected) in
        [("StringEquals", false), ("StringLike", false), ("StringNotEquals", true), ("ArnNotLike", true)]
    {
        assert_eq!(holds(&json!({operator: {"aws:username": value}}), &given), Ok(expected), "{operator}");
    }
}

#[test]
fn unknown_and_malformed_parts_are_errors() {
    let allow = |part: Json| {
        let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        statement.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        Policy::of(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    };
    for (part, expected) in [
        (json!({"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}}), "operator DateLessThan"),
        (json!({"Condition": {"StringEqual": {"aws:username": "a"}}}), "operator StringEqual is not supported"),
        (json!({"Condition": {"ForSomeValues:StringEquals": {"aws:TagKeys": "a"}}}), "operator ForSomeValues:"),
        (json!({"Condition": {"NullIfExists": {"aws:username": "true"}}}), "operator NullIfExists"),
        (json!({"Condition": {"StringEquals": {"username": "a"}}}), "key 'username' has not the form service:key"),
        (json!({"Condition": {"Bool": {"aws:SecureTransport": "no"}}}), "'no' is not a valid value for Bool"),
        (json!({"Condition": {"NumericEquals": {"s3:prefix": "x"}}}), "'x' is not a valid value"),
        (json!({"Condition": {"StringEquals": {"aws:username": {}}}}), "neither a text nor a list of texts"),
        (json!({"NotPrincipal": "*"}), "element NotPrincipal of a statement is not supported"),
        (json!({"Principal": {"Federated": "x"}}), "Principal.Federated is not supported"),
        (json!({"Principal": {"AWS": "arn:aws:iam::123456789012:role/*"}}), "expected an ARN, an account id or *"),
        (json!({"Effect": "allow"}), "Effect is neither Allow nor Deny"),
        (json!({"NotAction": "*"}), "has Action and NotAction"),
        (json!({"Action": "SendMessage"}), "Action is 'SendMessage'"),
    ] {
        let error = allow(part.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{part}: {error}");
    }
    for (document, expected) in [
        ("{", "not JSON"),
        ("[]", "not an object"),
        (r#"{"Version": "2012-10-17"}"#, "Statement is missing"),
        (r#"{"Version": "2020-01-01", "Statement": []}"#, "Version is '2020-01-01'"),
        (r#"{"Statements": []}"#, "element Statements is unknown"),
    ] {
        let error = Policy::parse(document).unwrap_err().to_string();
        assert!(error.contains(expected), "{document}: {error}");
    }
    // A key that is not derived is an error only where it decides: in a statement for the request's action.
    let error = holds(&json!({"StringNotEquals": {"aws:PrincpalArn": "x"}}), &Context::default()).unwrap_err();
    assert!(error.to_string().contains("does not derive the condition key aws:PrincpalArn"), "{error}");
    let other = policy(&json!([
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:odd": "x"}}},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
    ]));
    assert_eq!(send(&role(), Policies { identity: Some(&[other]), boundary: None, resource: None }), Decision::Allowed);
}

#[test]
fn actions_and_resources_select_statements() {
    for (statement, expected) in [
        (json!({"Action": "sqs:SendMessage", "Resource": QUEUE}), true),
        (json!({"Action": "SQS:sendmess*", "Resource": "arn:aws:sqs:*:123456789012:req*"}), true),
        (json!({"Action": ["s3:*", "sqs:Send*"], "Resource": ["arn:aws:s3:::b", "*"]}), true),
        (json!({"Action": "sqs:ReceiveMessage", "Resource": "*"}), false),
        (json!({"Action": "*", "Resource": "arn:aws:sqs:us-west-2:123456789012:Requests"}), false),
        (json!({"NotAction": "sqs:ReceiveMessage", "Resource": "*"}), true),
        (json!({"NotAction": "sqs:*", "Resource": "*"}), false),
        (json!({"Action": "*", "NotResource": "arn:aws:s3:::*"}), true),
        (json!({"Action": "*", "NotResource": QUEUE}), false),
        (json!({"Action": "*", "Resource": "arn:aws:sqs:us-west-2:123456789012:${aws:PrincipalTag/queue}"}), false),
    ] {
        let mut statement = statement;
        statement["Effect"] = json!("Allow");
        let identity = [policy(&json!([statement]))];
        let decision = send(&role(), Policies { identity: Some(&identity), boundary: None, resource: None });
        assert_eq!(decision == Decision::Allowed, expected, "{statement}");
    }
}

#[test]
fn a_deny_wins_and_a_boundary_limits() {
    // Source: IAM User Guide, "Policy evaluation for requests within a single account", and "Permissions boundaries".
    let allow = policy(&json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}));
    let deny = policy(&json!({"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"}));
    let other = policy(&json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let by = |effect: &str, principal: Json| {
        policy(&json!([{"Effect": effect, "Principal": principal, "Action": "sqs:SendMessage", "Resource": QUEUE}]))
    };
    let to_role = by("Allow", json!({"AWS": ROLE}));
    let to_session = by("Allow", json!({"AWS": SESSION}));
    let to_account = by("Allow", json!({"AWS": "123456789012"}));
    let to_other = by("Allow", json!({"AWS": "arn:aws:iam::123456789012:role/other"}));
    let to_service = by("Allow", json!({"Service": "events.amazonaws.com"}));
    let to_user = by("Allow", json!({"AWS": USER}));
    let to_all = by("Allow", json!("*"));
    let from_account = by("Deny", json!({"AWS": "arn:aws:iam::123456789012:root"}));
    let from_all = by("Deny", json!({"AWS": "*"}));
    let (identity, boundary, resource) = ("identity-based policy", "permissions boundary", "resource-based policy");
    let explicit = |kind: &str| denied(&format!("Explicit({kind:?})"));
    let implicit = |kind: &str| denied(&format!("Implicit({kind:?})"));
    let allowed = "Allowed".to_owned();
    let none: &[Policy] = &[];
    let allows: &[Policy] = &[other.clone(), allow.clone()];
    let denies: &[Policy] = &[allow.clone(), deny.clone()];
    for (row, (principal, own, limit, of_queue, expected)) in [
        (role(), Some(none), None, None, implicit(identity)),
        (role(), Some(allows), None, None, allowed.clone()),
        (role(), Some(denies), None, None, explicit(identity)),
        (role(), Some(denies), None, Some(&to_session), explicit(identity)),
        (role(), Some(allows), Some(&other), None, implicit(boundary)),
        (role(), Some(none), Some(&allow), None, implicit(identity)),
        (role(), Some(allows), Some(&deny), None, explicit(boundary)),
        // Either suffices in the same account, but an account only delegates.
        (role(), Some(none), None, Some(&to_role), allowed.clone()),
        (role(), Some(none), None, Some(&to_all), allowed.clone()),
        (role(), Some(none), None, Some(&to_account), implicit(identity)),
        (role(), Some(none), None, Some(&to_other), implicit(identity)),
        (role(), Some(allows), None, Some(&to_other), allowed.clone()),
        // The boundary limits a grant to the role, but not one to the session or to a user.
        (role(), Some(none), Some(&other), Some(&to_role), implicit(identity)),
        (role(), Some(none), Some(&other), Some(&to_session), allowed.clone()),
        (user(), Some(none), Some(&other), Some(&to_user), allowed.clone()),
        // A Deny of the resource holds for administrators too.
        (role(), None, None, Some(&from_all), explicit(resource)),
        (user(), None, None, Some(&from_account), explicit(resource)),
        (user(), None, None, Some(&to_other), allowed.clone()),
        // A service needs the resource's Allow.
        (service(), None, None, None, implicit(resource)),
        (service(), None, None, Some(&to_role), implicit(resource)),
        (service(), None, None, Some(&to_service), allowed.clone()),
        (service(), None, None, Some(&from_account), implicit(resource)),
        (service(), None, None, Some(&from_all), explicit(resource)),
    ]
    .into_iter()
    .enumerate()
    {
        let decision = send(&principal, Policies { identity: own, boundary: limit, resource: of_queue });
        assert_eq!(format!("{decision:?}"), expected, "row {row}");
    }
}

#[test]
fn policies_of_identities_have_no_principal_and_those_of_resources_have_one() {
    let with = policy(&json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}));
    let without = policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    for policies in [
        Policies { identity: Some(std::slice::from_ref(&with)), boundary: None, resource: None },
        Policies { identity: None, boundary: Some(&with), resource: None },
        Policies { identity: None, boundary: None, resource: Some(&without) },
    ] {
        assert!(matches!(send(&role(), policies), Decision::Denied(Denial::Error(_))), "{policies:?}");
    }
}

/// The Deny of a queue that takes messages from one role and from rules of EventBridge (FAULTS, S3).
#[test]
fn a_queue_that_denies_all_but_its_senders_still_receives_events() {
    let rule = "arn:aws:events:us-west-2:123456789012:rule/events";
    let of_queue = policy(&json!([
        {
            "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": QUEUE,
            "Condition": {
                "ArnNotEquals": {"aws:PrincipalArn": [ROLE]},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": QUEUE, "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        },
    ]));
    let forger = Principal::Role {
        arn: "arn:aws:iam::123456789012:role/forger".to_owned(),
        session: "arn:aws:sts::123456789012:assumed-role/forger/session".to_owned(),
    };
    let context_of = |principal: &Principal, source: &'static str| -> Context {
        match principal {
            Principal::User { arn } | Principal::Role { arn, .. } => {
                [("aws:PrincipalArn", arn.as_str()), ("aws:PrincipalIsAWSService", "false")].into_iter().collect()
            }
            Principal::Service { .. } => {
                [("aws:PrincipalIsAWSService", "true"), ("aws:SourceArn", source)].into_iter().collect()
            }
        }
    };
    for (principal, source, expected) in [
        (role(), "", true),
        (forger, "", false),
        (user(), "", false),
        (service(), rule, true),
        (service(), "arn:aws:events:us-west-2:123456789012:rule/forged", false),
    ] {
        let context = context_of(&principal, source);
        let request = Request { principal: &principal, action: "sqs:SendMessage", resource: QUEUE, context: &context };
        let decision = Policies { identity: None, boundary: None, resource: Some(&of_queue) }.decide(&request);
        assert_eq!(decision == Decision::Allowed, expected, "{principal:?} {source}: {decision:?}");
    }
}
