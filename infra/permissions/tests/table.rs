//! Limits of the table, and the report of its differences from the recorded calls.

use std::collections::{BTreeMap, BTreeSet};

use permissions::judge::{Access, allows};
use permissions::recorded::{Differences, NOT_PLAYED, compare};
use permissions::{Caller, Condition, Function, Grant, Resource, Statement, StatementScope};

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
fn an_implied_action_names_its_operation_and_source() {
    for (function, statement) in statements() {
        for grant in statement.grants {
            if let Grant::Implied { action, by, source } = grant {
                assert!(!by.is_empty() && !source.is_empty(), "{} {action}", function.name());
            }
        }
    }
}

#[test]
fn sids_are_unique_within_a_role() {
    for function in Function::ALL {
        let sids: Vec<_> = function.statements().map(|it| it.sid).collect();
        assert_eq!(sids.iter().collect::<BTreeSet<_>>().len(), sids.len(), "{}", function.name());
        assert!(sids.iter().all(|sid| sid.chars().all(char::is_alphanumeric)), "{}", function.name());
    }
}

#[test]
fn roles_are_passed_and_changed_only_within_limits() {
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
        assert!(!has("iam:DeleteRolePermissionsBoundary"), "{sid}: a role without its boundary has no limit");
    }
}

/// IAM quotas for the inline policies of a role and for a managed policy, in characters without white space, with the longest
/// names: the project by its parameter, the stack 128, the region 14, an existing boundary with a path of 512.
#[test]
fn policies_fit_into_iam_quotas_with_the_longest_names() {
    let longest = StatementScope {
        partition: "aws-us-gov".into(),
        region: "ap-southeast-1".into(),
        account: "123456789012".into(),
        project: "p".repeat(20),
    };
    let boundary = format!("arn:aws-us-gov:iam::123456789012:policy{}", "b".repeat(512 + 128));
    for (name, document) in permissions::yaml::documents() {
        let document =
            document.replace("!If [CreatesBoundary, !Ref InstancesBoundary, !Ref InstancesBoundaryArn]", &boundary);
        let size = as_json(&longest.filled(&document));
        let most = if name.ends_with("Role") { 10_240 } else { 6_144 };
        assert!(size <= most, "{name} has up to {size} characters, the quota is {most}");
    }
    let most_attached = Function::ALL.into_iter().map(|it| it.managed().len()).max();
    assert!(most_attached.is_some_and(|count| count <= 10), "a role has at most ten managed policies");
}

/// The length of a document as IAM counts it: each key and value in quotes, with a comma or a colon, and the brackets. ARNs
/// of the deployment's resources contain as much of the stack name as the service allows.
fn as_json(document: &str) -> usize {
    let of_line = |line: &str| {
        let text = line.trim();
        let Some(value) = text.split("!GetAtt ").nth(1).or_else(|| text.split("!Sub ${").nth(1)) else {
            let plain = text.replace("!Sub ", "").replace("- ", "");
            // Two pairs of quotes, two separators, two brackets: the upper bound of the characters that YAML omits.
            return plain.chars().filter(|c| !c.is_whitespace()).count() + 8 * plain.split(',').count();
        };
        // A table name has up to 255 characters, a queue name 80; both end in the logical id and a random part.
        let name = if value.starts_with("Records") { 128 + 1 + 7 + 1 + 13 } else { 80 };
        text.len() + 8 + "arn:aws-us-gov:dynamodb:ap-southeast-1:123456789012:table/".len() + name
    };
    let lines = document.lines().filter(|line| !line.trim().starts_with('#'));
    lines.map(of_line).sum()
}

#[test]
fn the_valid_project_names_are_those_of_the_parameter() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
    let pattern = r"(?!((sg|sthree|amzn-s3-demo)(-|$)|xn--))[a-z]([a-z0-9-]{0,18}[a-z0-9])?";
    assert!(template.contains(&format!("AllowedPattern: \"{pattern}\"\n")));
}

#[test]
fn launches_use_owned_templates_without_overrides() {
    let access = |resource: &str, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let access = Access { action: "ec2:RunInstances".into(), resource: Some(resource.into()), facts };
        allows(Function::Reconciler, &access, &deployment())
    };
    let template = "arn:aws:ec2:us-west-2:123456789012:launch-template/lt-1";
    assert!(access(template, &[("aws:ResourceTag/envkeeper:environment", "scalable-ec2-us-west-2-dev")]));
    assert!(!access(template, &[("aws:ResourceTag/envkeeper:environment", "other-us-west-2-dev")]));
    assert!(!access(template, &[]));
    let image = "arn:aws:ec2:us-west-2::image/ami-1";
    let by_template = ("ec2:LaunchTemplate", template);
    assert!(access(image, &[by_template, ("ec2:IsLaunchTemplateResource", "true")]));
    assert!(!access(image, &[by_template, ("ec2:IsLaunchTemplateResource", "false")]));
    let subnet = "arn:aws:ec2:us-west-2:123456789012:subnet/subnet-1";
    assert!(access(subnet, &[by_template]));
    assert!(!access(subnet, &[]));
}

/// Subnets and VPCs that AWS RAM shares have the ARN of their owner's account (runs-on/runs-on, issue 463).
#[test]
fn a_network_of_another_account_takes_security_groups_and_instances_and_no_change() {
    let access = |action: &str, resource: &str, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let access = Access { action: action.into(), resource: Some(resource.into()), facts };
        allows(Function::Reconciler, &access, &deployment())
    };
    let (vpc, subnet) =
        ("arn:aws:ec2:us-west-2:999999999999:vpc/vpc-1", "arn:aws:ec2:us-west-2:999999999999:subnet/subnet-1");
    let by_template = ("ec2:LaunchTemplate", "arn:aws:ec2:us-west-2:123456789012:launch-template/lt-1");
    assert!(access("ec2:CreateSecurityGroup", vpc, &[]));
    assert!(access("ec2:RunInstances", subnet, &[by_template]));
    assert!(!access("ec2:RunInstances", subnet, &[]));
    let owned = ("aws:ResourceTag/envkeeper:environment", "scalable-ec2-us-west-2-dev");
    assert!(!access("ec2:DeleteVpc", vpc, &[owned]));
    assert!(!access("ec2:CreateSubnet", vpc, &[owned]));
}

/// EC2 checks the right to tag each type of resource that the launch template tags.
#[test]
fn a_launch_may_tag_what_the_launch_template_tags_and_no_other_call_may() {
    let access = |kind: &str, facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let resource = Some(format!("arn:aws:ec2:us-west-2:123456789012:{kind}/*"));
        allows(Function::Reconciler, &Access { action: "ec2:CreateTags".into(), resource, facts }, &deployment())
    };
    for kind in ["instance", "network-interface", "volume"] {
        assert!(access(kind, &[("ec2:CreateAction", "RunInstances")]), "{kind}");
        assert!(!access(kind, &[("ec2:CreateAction", "CreateVolume")]), "{kind}");
        assert!(!access(kind, &[]), "{kind}");
    }
}

#[test]
fn keys_are_used_through_topics_only() {
    let key = "arn:aws:kms:us-west-2:123456789012:key/1";
    let access = |facts: &[(&str, &str)]| {
        let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let access = Access { action: "kms:GenerateDataKey".into(), resource: Some(key.into()), facts };
        allows(Function::Reconciler, &access, &deployment())
    };
    assert!(access(&[("kms:ViaService", "sns.us-west-2.amazonaws.com")]));
    assert!(!access(&[("kms:ViaService", "s3.us-west-2.amazonaws.com")]));
    assert!(!access(&[]));
}

fn calls_of(caller: Caller) -> impl Iterator<Item = (Caller, String)> {
    caller.statements().flat_map(Statement::calls).map(move |call| (caller, call.to_owned()))
}

#[test]
fn a_call_without_a_policy_and_an_operation_without_a_run_are_named() {
    let mut called: BTreeSet<_> = Caller::all().flat_map(calls_of).collect();
    let of_operator_alone = ["s3:PutBucketTagging", "events:PutEvents"];
    called.retain(|(caller, call)| {
        *caller != Caller::Function(Function::Operator) || of_operator_alone.contains(&call.as_str())
    });
    called.retain(|(_, call)| !NOT_PLAYED.iter().any(|(operation, _)| call == operation));
    assert_eq!(compare(&called, Caller::statements), Differences::default());
    let extra = (Caller::Function(Function::Alarm), String::from("ec2:TerminateInstances"));
    let of_instance = (Caller::Instance, String::from("ssm:PutParameter"));
    called.extend([extra.clone(), of_instance.clone()]);
    let unused = [
        (Caller::Function(Function::Watchdog), String::from("dynamodb:Query")),
        (Caller::Instance, String::from("ec2:CreateTags")),
    ];
    called.retain(|call| !unused.contains(call));
    let stale = (Caller::Function(Function::Reconciler), NOT_PLAYED[0].0.to_owned());
    called.insert(stale.clone());
    let expected = Differences {
        missing: BTreeSet::from([extra, of_instance]),
        unused: BTreeSet::from(unused),
        stale: BTreeSet::from([stale]),
    };
    assert_eq!(compare(&called, Caller::statements), expected);
}

#[test]
fn an_action_is_allowed_on_owned_resources_only() {
    let access = |action: &str, resource: &str, facts: &[(&str, &str)]| Access {
        action: action.to_owned(),
        resource: Some(resource.to_owned()),
        facts: facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
    };
    let may = |access: &Access| allows(Function::Reconciler, access, &deployment());
    let vpc = "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-1";
    let owned = [("aws:ResourceTag/envkeeper:environment", "scalable-ec2-us-west-2-dev")];
    let foreign = [("aws:ResourceTag/envkeeper:environment", "other-us-west-2-dev")];
    assert!(may(&access("ec2:DeleteVpc", vpc, &owned)));
    assert!(!may(&access("ec2:DeleteVpc", vpc, &foreign)));
    assert!(!may(&access("ec2:DeleteVpc", vpc, &[])));
    let role = "arn:aws:iam::123456789012:role/scalable-ec2-role-uswest2-dev";
    let boundary = [("iam:PermissionsBoundary", "arn:aws:iam::123456789012:policy/envkeeper-InstancesBoundary-1A")];
    assert!(may(&access("iam:CreateRole", role, &boundary)));
    assert!(!may(&access("iam:CreateRole", role, &[])));
    assert!(!may(&access("iam:CreateRole", "arn:aws:iam::123456789012:role/admin", &boundary)));
    let to = |service| [("iam:PassedToService", service)];
    assert!(may(&access("iam:PassRole", role, &to("ec2.amazonaws.com"))));
    assert!(may(&access("iam:PassRole", role, &to("ec2.amazonaws.com.cn"))));
    assert!(!may(&access("iam:PassRole", role, &to("lambda.amazonaws.com"))));
}

/// The keys of items are in `requests`, `records/dynamodb.rs`.
#[test]
fn a_function_writes_and_deletes_the_items_of_its_own_kinds_only() {
    let items = ["owner#0", "environment#dev", "task#0", "rule_execution#0#1"];
    let may = |function, action: &str| {
        let permitted = |key: &&str| {
            let access = Access {
                action: format!("dynamodb:{action}"),
                resource: Some("arn:aws:dynamodb:us-west-2:123456789012:table/envkeeper-Records-1A".into()),
                facts: BTreeMap::from([("dynamodb:LeadingKeys".to_owned(), (*key).to_owned())]),
            };
            allows(function, &access, &deployment())
        };
        items.into_iter().filter(permitted).collect::<Vec<_>>()
    };
    for function in Function::ALL {
        let (updated, deleted): (&[&str], &[&str]) = match function {
            Function::Reconciler => (&items, &["environment#dev", "task#0"]),
            Function::CustomResource | Function::Operator | Function::Watchdog => (&["owner#0"], &[]),
            _ => (&[], &[]),
        };
        assert_eq!(may(function, "UpdateItem"), updated, "{}", function.name());
        assert_eq!(may(function, "DeleteItem"), deleted, "{}", function.name());
    }
}

/// CloudWatch returns composite alarms only to a caller that is allowed DescribeAlarms on * (its API reference).
#[test]
fn a_function_that_describes_alarms_may_describe_all_alarms() {
    let access = Access { action: "cloudwatch:DescribeAlarms".into(), resource: Some("*".into()), ..Access::default() };
    for (function, _) in statements().filter(|(_, it)| it.actions().contains(&"cloudwatch:DescribeAlarms")) {
        assert!(allows(function, &access, &deployment()), "{}", function.name());
    }
}

/// The actions that read: `ListObjectVersions` and the others of this form return data alone (Service Authorization Reference,
/// access levels List and Read).
#[test]
fn the_functions_for_readers_may_read_and_nothing_else() {
    for statement in [Function::OperatorRead, Function::Timeline].into_iter().flat_map(Function::statements) {
        for action in statement.actions() {
            let operation = action.split(':').nth(1).unwrap_or_default();
            let reads =
                ["Describe", "FilterLogEvents", "Get", "List", "Query"].iter().any(|it| operation.starts_with(it));
            assert!(reads, "{} {action}", statement.sid);
        }
    }
}

/// CloudFormation's requests are admitted by the record and by the state of their stack.
#[test]
fn only_the_functions_that_observe_environments_may_read_them() {
    let may = |function: &Function| {
        function.statements().any(|it| it.actions().contains(&"autoscaling:DescribeAutoScalingGroups"))
    };
    assert!(!may(&Function::CustomResource) && !may(&Function::Watchdog));
    assert!([Function::OperatorRead, Function::Operator, Function::Reconciler].iter().all(may));
}
