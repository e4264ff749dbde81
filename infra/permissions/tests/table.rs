//! What the table must not say, and what is found when it does not fit.

use std::collections::{BTreeMap, BTreeSet};

use permissions::judge::{Asked, allows};
use permissions::recorded::{Misfit, NOT_PLAYED, compare};
use permissions::{Condition, Function, Grant, Resource, Statement, StatementScope};

fn deployment() -> StatementScope {
    let text = str::to_owned;
    StatementScope {
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
        assert!(!is_any || !statement.reason.is_empty(), "{sid}");
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
        let sids: Vec<_> = function.statements().map(|it| it.sid).collect();
        assert_eq!(sids.iter().collect::<BTreeSet<_>>().len(), sids.len(), "{}", function.name());
        assert!(sids.iter().all(|sid| sid.chars().all(char::is_alphanumeric)), "{}", function.name());
    }
}

#[test]
fn roles_are_passed_and_given_permissions_within_limits_only() {
    for (function, statement) in statements() {
        let has = |action: &str| statement.actions().contains(&action);
        let sid = format!("{} {}", function.name(), statement.sid);
        if has("iam:PassRole") {
            assert!(
                matches!(statement.when, [Condition::PassedTo(["ec2.amazonaws.com", "ec2.amazonaws.com.cn"])]),
                "{sid}"
            );
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

/// IAM's quotas for the inline policies of a role and for a managed policy, in characters without white space, where every
/// name is as long as it may be: the project's by its parameter, the deployment's stack 128, a region 14, a boundary that is
/// brought along with a path of 512.
#[test]
fn policies_fit_into_iams_quotas_whatever_the_names() {
    let longest = StatementScope {
        partition: "aws-us-gov".into(),
        region: "ap-southeast-1".into(),
        account: "123456789012".into(),
        project: "p".repeat(20),
    };
    let boundary = format!("arn:aws-us-gov:iam::123456789012:policy{}", "b".repeat(512 + 128));
    for (name, document) in permissions::yaml::documents() {
        let document =
            document.replace("!If [BoundaryIsOwn, !Ref InstancesBoundary, !Ref InstancesBoundaryArn]", &boundary);
        let size = as_json(&longest.filled(&document));
        let most = if name.ends_with("Role") { 10_240 } else { 6_144 };
        assert!(size <= most, "{name} has up to {size} characters, of {most}");
    }
    let most_attached = Function::ALL.into_iter().map(|it| it.managed().len()).max();
    assert!(most_attached.is_some_and(|count| count <= 10), "a role has ten managed policies at most");
}

/// How long a document is as IAM counts it: each key and value in quotes, with a comma or a colon, and the brackets. ARNs of
/// the deployment's own resources have as much of its stack's name as their service lets them.
fn as_json(document: &str) -> usize {
    let of_line = |line: &str| {
        let text = line.trim();
        let Some(value) = text.split("!GetAtt ").nth(1).or_else(|| text.split("!Sub ${").nth(1)) else {
            let plain = text.replace("!Sub ", "").replace("- ", "");
            // Two pairs of quotes, two marks, two brackets: no line has more that is not written.
            return plain.chars().filter(|c| !c.is_whitespace()).count() + 8 * plain.split(',').count();
        };
        // A table's name has up to 255 characters, a queue's 80; both end in their logical id and a random part.
        let name = if value.starts_with("Records") { 128 + 1 + 7 + 1 + 13 } else { 80 };
        text.len() + 8 + "arn:aws-us-gov:dynamodb:ap-southeast-1:123456789012:table/".len() + name
    };
    let lines = document.lines().filter(|line| !line.trim().starts_with('#'));
    lines.map(of_line).sum()
}

#[test]
fn the_projects_longest_name_is_that_of_its_parameter() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
    assert!(template.contains("AllowedPattern: \"[a-z]([a-z0-9-]{0,18}[a-z0-9])?\"\n"));
}

#[test]
fn what_is_launched_is_by_a_template_of_ours_and_as_it_says() {
    let asked = |resource: &str, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let asked = Asked { action: "ec2:RunInstances".into(), resource: Some(resource.into()), facts };
        allows(Function::Reconciler, &asked, &deployment())
    };
    let template = "arn:aws:ec2:us-west-2:123456789012:launch-template/lt-1";
    assert!(asked(template, &[("aws:ResourceTag/envkeeper:environment", "scalable-ec2-us-west-2-dev")]));
    assert!(!asked(template, &[("aws:ResourceTag/envkeeper:environment", "other-us-west-2-dev")]));
    assert!(!asked(template, &[]));
    let image = "arn:aws:ec2:us-west-2::image/ami-1";
    let by_template = ("ec2:LaunchTemplate", template);
    assert!(asked(image, &[by_template, ("ec2:IsLaunchTemplateResource", "true")]));
    assert!(!asked(image, &[by_template, ("ec2:IsLaunchTemplateResource", "false")]));
    let subnet = "arn:aws:ec2:us-west-2:123456789012:subnet/subnet-1";
    assert!(asked(subnet, &[by_template]));
    assert!(!asked(subnet, &[]));
}

#[test]
fn keys_are_used_through_topics_alone() {
    let key = "arn:aws:kms:us-west-2:123456789012:key/1";
    let asked = |facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let asked = Asked { action: "kms:GenerateDataKey".into(), resource: Some(key.into()), facts };
        allows(Function::Reconciler, &asked, &deployment())
    };
    assert!(asked(&[("kms:ViaService", "sns.us-west-2.amazonaws.com")]));
    assert!(!asked(&[("kms:ViaService", "s3.us-west-2.amazonaws.com")]));
    assert!(!asked(&[]));
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
    let may = |asked: &Asked| allows(Function::Reconciler, asked, &deployment());
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
    assert!(may(&asked("iam:PassRole", role, &to("ec2.amazonaws.com.cn"))));
    assert!(!may(&asked("iam:PassRole", role, &to("lambda.amazonaws.com"))));
}

/// CloudWatch tells of composite alarms only to whom DescribeAlarms is allowed on everything (its API reference).
#[test]
fn whoever_looks_at_alarms_may_look_at_all_of_them() {
    let asked = Asked { action: "cloudwatch:DescribeAlarms".into(), resource: Some("*".into()), ..Asked::default() };
    for (function, _) in statements().filter(|(_, it)| it.actions().contains(&"cloudwatch:DescribeAlarms")) {
        assert!(allows(function, &asked, &deployment()), "{}", function.name());
    }
}
