//! What the table must not say, and what is found when it does not fit.

use std::collections::{BTreeMap, BTreeSet};

use permissions::judge::{Asked, allows};
use permissions::recorded::{Misfit, NOT_PLAYED, compare};
use permissions::{Condition, Function, Grant, Place, Resource, Statement};

fn place() -> Place {
    let text = str::to_owned;
    Place {
        partition: text("aws"),
        region: text("us-west-2"),
        account: text("123456789012"),
        project: text("scalable-ec2"),
    }
}

fn statements() -> impl Iterator<Item = (Function, &'static Statement)> {
    Function::ALL.into_iter().flat_map(|function| function.statements().map(move |it| (function, it)))
}

#[test]
fn no_action_is_a_wildcard_and_every_wildcard_resource_has_its_reason() {
    for (function, statement) in statements() {
        let sid = format!("{} {}", function.name(), statement.sid);
        assert!(!statement.actions().iter().any(|action| action.contains('*')), "{sid}");
        let is_any = statement.on.iter().any(|on| matches!(on, Resource::Any));
        assert!(!is_any || !statement.why.is_empty(), "{sid}");
        assert!(!statement.on.is_empty() && !statement.grants.is_empty(), "{sid}");
    }
}

#[test]
fn what_is_implied_says_by_what_and_where_that_stands() {
    for (function, statement) in statements() {
        for grant in statement.grants {
            if let Grant::Implied { action, by, source } = grant {
                assert!(!by.is_empty() && !source.is_empty(), "{} {action}", function.name());
            }
        }
    }
}

#[test]
fn sids_tell_statements_of_a_role_apart() {
    for function in Function::ALL {
        let own: Vec<_> = function.own().iter().map(|it| it.sid).collect();
        assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len(), "{}", function.name());
        assert!(own.iter().all(|sid| sid.chars().all(char::is_alphanumeric)), "{}", function.name());
    }
}

#[test]
fn roles_are_passed_and_given_permissions_within_limits_only() {
    for (function, statement) in statements() {
        let has = |action: &str| statement.actions().contains(&action);
        let sid = format!("{} {}", function.name(), statement.sid);
        if has("iam:PassRole") {
            assert!(matches!(statement.when, [Condition::PassedTo("ec2.amazonaws.com")]), "{sid}");
        }
        if ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"]
            .into_iter()
            .any(has)
        {
            assert!(matches!(statement.when, [Condition::Bounded, ..]), "{sid}");
        }
        assert!(!has("iam:DeleteRolePermissionsBoundary"), "{sid}: a role without its boundary may do anything");
    }
}

/// IAM's quotas for the inline policies of a role and for a managed policy, in characters without white space.
#[test]
fn policies_fit_into_iams_quotas() {
    let sizes: Vec<_> = permissions::yaml::documents()
        .into_iter()
        .map(|(name, document)| {
            let filled = place().filled(&document);
            (name, filled.chars().filter(|c| !c.is_whitespace()).count())
        })
        .collect();
    for (name, size) in sizes {
        let most = if name.ends_with("Role") { 10_240 } else { 6_144 };
        assert!(size <= most, "{name} has {size} characters, of {most}");
    }
}

#[test]
fn a_call_that_no_policy_has_and_an_operation_that_no_run_makes_are_named() {
    let mut made: BTreeSet<_> =
        statements().flat_map(|(function, it)| it.calls().map(move |call| (function, call.to_owned()))).collect();
    made.retain(|(_, call)| !NOT_PLAYED.iter().any(|(operation, _)| call == operation));
    assert_eq!(compare(&made, Function::statements), Misfit::default());
    let extra = (Function::Alarm, String::from("ec2:TerminateInstances"));
    made.insert(extra.clone());
    let missing = (Function::Watchdog, String::from("dynamodb:Query"));
    made.remove(&missing);
    let stale = (Function::Reconciler, NOT_PLAYED[0].0.to_owned());
    made.insert(stale.clone());
    let expected =
        Misfit { lacking: BTreeSet::from([extra]), unused: BTreeSet::from([missing]), stale: BTreeSet::from([stale]) };
    assert_eq!(compare(&made, Function::statements), expected);
}

#[test]
fn an_action_is_allowed_on_what_is_ours_and_on_nothing_else() {
    let asked = |action: &str, resource: &str, facts: &[(&str, &str)]| Asked {
        action: action.to_owned(),
        resource: Some(resource.to_owned()),
        facts: facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
    };
    let may = |asked: &Asked| allows(Function::Reconciler, asked, &place());
    let vpc = "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1";
    let ours = [("aws:ResourceTag/envkeeper:environment", "scalable-ec2-us-west-2-dev")];
    let theirs = [("aws:ResourceTag/envkeeper:environment", "other-us-west-2-dev")];
    assert!(may(&asked("ec2:DeleteVpc", vpc, &ours)));
    assert!(!may(&asked("ec2:DeleteVpc", vpc, &theirs)));
    assert!(!may(&asked("ec2:DeleteVpc", vpc, &[])));
    let role = "arn:aws:iam::123456789012:role/scalable-ec2-role-uswest2-dev";
    let boundary = [("iam:PermissionsBoundary", "arn:aws:iam::123456789012:policy/envkeeper-InstancesBoundary-1A")];
    assert!(may(&asked("iam:CreateRole", role, &boundary)));
    assert!(!may(&asked("iam:CreateRole", role, &[])));
    assert!(!may(&asked("iam:CreateRole", "arn:aws:iam::123456789012:role/admin", &boundary)));
    let to = |service| [("iam:PassedToService", service)];
    assert!(may(&asked("iam:PassRole", role, &to("ec2.amazonaws.com"))));
    assert!(!may(&asked("iam:PassRole", role, &to("lambda.amazonaws.com"))));
}

/// CloudWatch tells of composite alarms only to whom DescribeAlarms is allowed on everything (its API reference).
#[test]
fn whoever_looks_at_alarms_may_look_at_all_of_them() {
    let asked = Asked { action: "cloudwatch:DescribeAlarms".into(), resource: Some("*".into()), ..Asked::default() };
    for (function, _) in statements().filter(|(_, it)| it.actions().contains(&"cloudwatch:DescribeAlarms")) {
        assert!(allows(function, &asked, &place()), "{}", function.name());
    }
}
