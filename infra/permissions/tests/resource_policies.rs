//! Who is denied what by the policies of the queues and of the records table, statement by statement.

use std::collections::BTreeSet;

use permissions::resource_policy::{
    Effect, Requirement, ResourceStatement, event_bus_policy, reconciler_policy, records_policy,
};
use permissions::{Function, Queue, Resource};
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../template.yaml");

fn queue(id: &str) -> Queue {
    Queue::ALL.into_iter().find(|queue| queue.id == id).unwrap_or_else(|| panic!("no queue {id}"))
}

fn statement<'a>(policy: &'a [ResourceStatement], sid: &str) -> &'a ResourceStatement {
    policy.iter().find(|it| it.sid == sid).unwrap_or_else(|| panic!("no statement {sid}"))
}

fn values<'a>(statement: &'a ResourceStatement, operator: &str, key: &str) -> &'a str {
    let found = statement.when.iter().find(|it| it.operator == operator && it.key == key);
    found.map_or_else(|| panic!("{}: no {operator} {key}", statement.sid), |it| it.values.as_str())
}

/// The functions whose roles a Deny does not meet.
fn excepted(statement: &ResourceStatement) -> BTreeSet<Function> {
    let lists = statement.when.iter().filter(|it| it.operator == "ArnNotEquals" && it.key == "aws:PrincipalArn");
    let text: String = lists.map(|it| it.values.clone()).collect();
    Function::ALL.into_iter().filter(|it| text.contains(&format!("!GetAtt {}Role.Arn", it.logical_id()))).collect()
}

/// The functions that a row allows the action on the resource.
fn allowed(action: &str, id: &str) -> BTreeSet<Function> {
    let is_row = |function: &Function| {
        function.statements().any(|it| {
            it.actions().contains(&action)
                && it.on.iter().any(|on| matches!(on, Resource::Deployed(named, _) if *named == id))
        })
    };
    Function::ALL.into_iter().filter(is_row).collect()
}

#[test]
fn only_these_functions_send_to_and_receive_from_a_queue() {
    use Function::{Alarm, CustomResource, LifecycleHook, Operator, Reconciler, ScalingLog, Watchdog};
    let expected: [(&str, &[Function], &[Function]); 7] = [
        ("RequestQueue", &[CustomResource, Operator, Reconciler, Watchdog, LifecycleHook, Alarm], &[Reconciler]),
        ("RequestDeadLetters", &[], &[Watchdog]),
        ("FailedInvocations", &[CustomResource], &[Watchdog]),
        ("HookQueue", &[LifecycleHook], &[LifecycleHook]),
        ("HookDeadLetters", &[LifecycleHook], &[]),
        ("ScalingEventQueue", &[Operator, Reconciler, LifecycleHook, Alarm], &[ScalingLog]),
        ("ScalingEventDeadLetters", &[ScalingLog, Alarm], &[]),
    ];
    for (id, senders, consumers) in expected {
        let policy = queue(id).policy();
        assert_eq!(excepted(statement(&policy, "DenyOtherSenders")), senders.iter().copied().collect(), "{id}");
        assert_eq!(excepted(statement(&policy, "DenyOtherConsumers")), consumers.iter().copied().collect(), "{id}");
    }
}

/// A new sender is one row of the table: its role is excepted by the same row.
#[test]
fn a_queue_excepts_exactly_the_functions_with_a_row() {
    for queue in Queue::ALL {
        let policy = queue.policy();
        assert_eq!(
            excepted(statement(&policy, "DenyOtherSenders")),
            allowed("sqs:SendMessage", queue.id),
            "{}",
            queue.id
        );
        let receivers = allowed("sqs:ReceiveMessage", queue.id);
        assert_eq!(excepted(statement(&policy, "DenyOtherConsumers")), receivers, "{}", queue.id);
    }
}

#[test]
fn both_denials_of_a_queue_except_services_and_the_roles_of_operators() {
    for queue in Queue::ALL {
        let policy = queue.policy();
        for sid in ["DenyOtherSenders", "DenyOtherConsumers"] {
            let denial = statement(&policy, sid);
            assert_eq!(denial.effect, Effect::DenyEveryone);
            assert_eq!(values(denial, "BoolIfExists", "aws:PrincipalIsAWSService"), "\"false\"");
            let operators = values(denial, "StringNotEquals", "aws:PrincipalArn");
            assert_eq!(operators, "!If [HasRedriveRoles, !Ref RedriveRoles, none]", "an empty list excepts no one");
        }
    }
}

/// A message move task needs ReceiveMessage and DeleteMessage on its source, and SendMessage on its destination.
#[test]
fn a_denied_principal_can_neither_read_nor_remove_nor_move_messages() {
    for queue in Queue::ALL {
        let policy = queue.policy();
        assert_eq!(statement(&policy, "DenyOtherSenders").actions, ["sqs:SendMessage"]);
        let actions = &statement(&policy, "DenyOtherConsumers").actions;
        for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"] {
            assert!(actions.contains(&action), "{} {action}", queue.id);
        }
    }
}

#[test]
fn every_call_without_tls_is_denied() {
    for queue in Queue::ALL {
        let policy = queue.policy();
        let plaintext = statement(&policy, "DenyPlaintext");
        assert_eq!((plaintext.effect, plaintext.actions.as_slice()), (Effect::DenyEveryone, ["sqs:*"].as_slice()));
        let only = Requirement { operator: "Bool", key: "aws:SecureTransport", values: "\"false\"".into() };
        assert_eq!(plaintext.when, [only]);
    }
}

/// The stack, or an operator who corrects a mistake, must be able to change and delete queue, table and policies.
#[test]
fn no_action_that_changes_or_deletes_a_resource_is_denied_to_a_call_with_tls() {
    let messages = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "PurgeQueue"];
    for it in Queue::ALL.iter().flat_map(Queue::policy).filter(|it| it.sid != "DenyPlaintext") {
        assert!(it.actions.iter().all(|action| messages.contains(&action.trim_start_matches("sqs:"))), "{}", it.sid);
    }
    let items = ["Item", "Query", "Scan", "PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"];
    for it in records_policy() {
        assert!(it.actions.iter().all(|action| items.iter().any(|end| action.ends_with(end))), "{:?}", it.actions);
    }
}

/// The principal of a rule is EventBridge, for every rule of every account: only the ARN of the rule distinguishes them.
#[test]
fn a_queue_takes_events_of_the_rules_that_target_it_and_of_no_other() {
    let mut targeted = BTreeSet::new();
    for block in TEMPLATE.split("\n\n").filter(|block| block.contains("Type: AWS::Events::Rule")) {
        let rule = block.lines().find(|line| !line.trim_start().starts_with('#') && line.ends_with(':')).unwrap();
        for queue in Queue::ALL.iter().filter(|queue| block.contains(&format!("!GetAtt {}.Arn", queue.id))) {
            targeted.insert((queue.id, rule.trim().trim_end_matches(':').to_owned()));
        }
    }
    let known =
        Queue::ALL.into_iter().flat_map(|queue| queue.rules.iter().map(move |rule| (queue.id, (*rule).to_owned())));
    assert_eq!(targeted, known.collect());
    for queue in Queue::ALL {
        let policy = queue.policy();
        let services = policy.iter().filter(|it| it.effect != Effect::DenyEveryone);
        for allow in services {
            assert_eq!(allow.actions, ["sqs:SendMessage"]);
            assert!(matches!(allow.when.as_slice(), [Requirement { operator: "ArnEquals", key: "aws:SourceArn", .. }]));
        }
        if let Some(rules) = policy.iter().find(|it| it.sid == "AllowRules") {
            let arns: Vec<String> = queue.rules.iter().map(|rule| format!("!GetAtt {rule}.Arn")).collect();
            assert_eq!(values(rules, "ArnEquals", "aws:SourceArn"), format!("[{}]", arns.join(", ")));
        }
    }
}

#[test]
fn only_the_queue_of_the_hooks_takes_topics_and_only_if_the_operator_names_them() {
    for queue in Queue::ALL {
        let topics: Vec<_> = queue.policy().into_iter().filter(|it| it.sid == "AllowTopics").collect();
        assert_eq!(topics.len(), usize::from(queue.id == "HookQueue"), "{}", queue.id);
        assert!(topics.iter().all(|it| it.exists_if == "HasHookTopics"));
    }
}

#[test]
fn every_action_on_items_is_denied_to_all_but_the_functions_with_a_row() {
    let policy = records_policy();
    let names = "GetItem BatchGetItem Query Scan ConditionCheckItem PutItem UpdateItem DeleteItem BatchWriteItem PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete";
    for action in names.split(' ').map(|name| format!("dynamodb:{name}")) {
        let denials: Vec<_> = policy.iter().filter(|it| it.actions.contains(&action.as_str())).collect();
        let [denial] = denials.as_slice() else { panic!("{action} is in {} statements", denials.len()) };
        assert_eq!(denial.effect, Effect::DenyEveryone);
        assert_eq!(denial.on, "\"*\"", "the table and its index");
        assert_eq!(excepted(denial), allowed(&action, "Records"), "{action}");
        assert_eq!(values(denial, "BoolIfExists", "aws:PrincipalIsAWSService"), "\"false\"");
    }
    let readers = [Function::OperatorRead, Function::Operator, Function::Reconciler, Function::Watchdog];
    assert_eq!(allowed("dynamodb:Query", "Records"), BTreeSet::from(readers));
    assert_eq!(allowed("dynamodb:DeleteItem", "Records"), BTreeSet::from([Function::Reconciler]));
}

/// A service may not put either: a rule or a replay of another principal would put in the name of EventBridge.
#[test]
fn only_these_functions_put_events_on_the_bus_and_only_their_own() {
    let denial = event_bus_policy();
    assert_eq!((denial.effect, denial.actions.as_slice()), (Effect::DenyEveryone, ["events:PutEvents"].as_slice()));
    let publishers = [Function::Operator, Function::Reconciler, Function::LifecycleHook, Function::Alarm];
    let publishers = BTreeSet::from(publishers);
    assert_eq!(excepted(&denial), publishers);
    assert_eq!(allowed("events:PutEvents", "EventBus"), publishers);
    assert_eq!(denial.when.len(), 1, "no other principal is excepted");
    for function in publishers {
        let rows = function.statements().filter(|it| it.actions().contains(&"events:PutEvents"));
        let conditions: Vec<_> = rows.flat_map(|it| it.when).map(|it| (it.operator(), it.key())).collect();
        assert_eq!(conditions, [("StringEquals", "events:source")], "{}", function.name());
    }
}

/// Lambda's documents do not say as whom an event source mapping invokes: each possible principal is excepted.
#[test]
fn no_principal_but_a_service_or_its_own_role_invokes_the_reconciler() {
    let policy = reconciler_policy();
    let denial = statement(&policy, "DenyInvocation");
    assert_eq!(
        (denial.effect, denial.actions.as_slice()),
        (Effect::DenyEveryone, ["lambda:InvokeFunction"].as_slice())
    );
    assert_eq!(values(denial, "ArnNotEquals", "aws:PrincipalArn"), "[!GetAtt ReconcilerRole.Arn]");
    assert_eq!(values(denial, "Bool", "aws:PrincipalIsAWSService"), "\"false\"", "a missing key is not denied");
    assert_eq!((policy.len(), denial.when.len()), (2, 2));
    let (_, permissions) = TEMPLATE.split_once("AWS::Lambda::ResourcePolicy").unwrap();
    assert!(
        !permissions.contains("FunctionName: !Ref Reconciler\n      Action: lambda:InvokeFunction"),
        "one or the other"
    );
}

/// The table's policy names the roles: a role that named the table would be a circular dependency.
#[test]
fn no_role_names_the_table() {
    for function in Function::ALL {
        let id = function.logical_id();
        let (_, from) = TEMPLATE.split_once(&format!("\n  {id}Role:\n")).unwrap();
        let (role, _) = from.split_once("\n\n").unwrap();
        assert!(!role.contains("Records.Arn"), "{id}Role");
        let has_records = TEMPLATE.contains(&format!("\n  {id}Records:\n"));
        let waits = TEMPLATE.contains(&format!("    DependsOn: [{id}Logs, {id}Records"));
        assert_eq!(waits, has_records, "{id} waits for its rights");
    }
}

/// An event on the bus before its rule delivers it would be lost: the bus accepts it.
#[test]
fn publishers_wait_for_the_rule_that_delivers_their_events() {
    for id in ["Reconciler", "LifecycleHook", "Alarm"] {
        assert!(TEMPLATE.contains(&format!("    DependsOn: [{id}Logs, {id}Records, OwnEventRule")), "{id}");
    }
}

/// "Amazon SQS policy quotas": 8,192 bytes, 20 statements, ten conditions, seven actions for each statement. DynamoDB: 20 KB
/// ("Resource-based policy considerations"). With the longest names, ten operators' roles and five topics.
#[test]
fn policies_fit_into_quotas_with_the_longest_names() {
    for queue in Queue::ALL {
        let policy = queue.policy();
        let size = as_json(&policy).to_string().len();
        assert!(size <= 8_192, "{} has up to {size} bytes", queue.id);
        assert!(policy.len() <= 20 && policy.iter().all(|it| it.actions.len() <= 7), "{}", queue.id);
        assert!(policy.iter().map(|it| it.when.len()).sum::<usize>() <= 10, "{}", queue.id);
        let sids: BTreeSet<_> = policy.iter().map(|it| &it.sid).collect();
        assert_eq!(sids.len(), policy.len(), "{}", queue.id);
    }
    let policy = records_policy();
    let size = as_json(&policy).to_string().len();
    assert!(size <= 20 * 1024, "the table's policy has up to {size} bytes");
    assert_eq!(policy.iter().map(|it| &it.sid).collect::<BTreeSet<_>>().len(), policy.len());
}

/// The policy as CloudFormation sends it, with the longest ARNs.
fn as_json(policy: &[ResourceStatement]) -> Value {
    let arn = |length: usize| "a".repeat(length);
    let longest = |value: &str| match value {
        // Role names have 64 characters; names of rules 64, of queues 80.
        _ if value.ends_with("Role.Arn") => arn("arn:aws-us-gov:iam::123456789012:role/".len() + 64),
        _ if value.ends_with("Rule.Arn") => arn("arn:aws-us-gov:events:ap-southeast-1:123456789012:rule/".len() + 64),
        _ if value.ends_with(".Arn") => arn("arn:aws-us-gov:sqs:ap-southeast-1:123456789012:".len() + 80),
        _ => value.trim_matches('"').to_owned(),
    };
    let list = |values: &str| match values {
        _ if values.contains("RedriveRoles") => vec![arn(200); 10],
        _ if values.contains("HookTopics") => {
            vec![arn("arn:aws-us-gov:sns:ap-southeast-1:123456789012:".len() + 256); 5]
        }
        _ => values.trim_matches(['[', ']']).split(", ").map(longest).collect(),
    };
    let written = |it: &ResourceStatement| {
        let mut condition = json!({});
        for requirement in &it.when {
            condition[requirement.operator] = json!({ requirement.key: list(&requirement.values) });
        }
        let principal = match it.effect {
            Effect::DenyEveryone => json!("*"),
            Effect::AllowService(service) => json!({ "Service": service }),
        };
        let effect = if principal == json!("*") { "Deny" } else { "Allow" };
        json!({ "Sid": it.sid, "Effect": effect, "Principal": principal, "Action": it.actions,
            "Resource": longest(&it.on), "Condition": condition })
    };
    json!({ "Version": "2012-10-17", "Statement": policy.iter().map(written).collect::<Vec<_>>() })
}
