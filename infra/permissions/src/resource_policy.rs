//! The policies of the deployment's queues, table, event bus and reconciler: who is denied, derived from the rows of the functions.
//!
//! A right in an identity policy (`sqs:SendMessage` on `*`) opens no queue: each policy denies its resource to all principals
//! but the functions whose rows name it. A new sender of a queue is therefore one row in `table/`, and nothing else.
//!
//! # Assumptions
//!
//! - `aws:PrincipalArn` of a role's session is the ARN of the role (IAM User Guide, "AWS global condition context keys").
//! - A negated operator (`ArnNotEquals`, `StringNotEquals`) holds if no value of its list matches, and if the key is missing
//!   (IAM User Guide, "Conditions with multiple context keys or values"; "IAM JSON policy elements: Condition operators").
//!   A service principal has no `aws:PrincipalArn`, so `aws:PrincipalIsAWSService` keeps it out of the Deny.
//! - SQS moves a message to a dead-letter queue without a principal. The queue's RedriveAllowPolicy limits the sources
//!   (SQS API reference, SetQueueAttributes).

use crate::{Function, Queue, Resource, Statement};

/// The actions that read or remove messages. `SendMessageBatch` and the other batches need the same actions (SQS Developer
/// Guide, "Amazon SQS API permissions"). A message move task also needs `ReceiveMessage` and `DeleteMessage` on its source,
/// and `SendMessage` on its destination (the same page).
const CONSUMING: &[&str] =
    &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"];

/// The actions on items (Service Authorization Reference, DynamoDB). Transactions need the actions of their parts.
const ITEM_ACTIONS: &[&str] = &[
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:ConditionCheckItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
];

/// A statement of a resource's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceStatement {
    /// The name in the policy (`Sid`), unique in it.
    pub sid: String,
    /// The template condition under which the statement exists; empty for always.
    pub exists_if: &'static str,
    /// The effect, with the principals.
    pub effect: Effect,
    /// The IAM actions.
    pub actions: Vec<&'static str>,
    /// The resource, as it stands in the template.
    pub on: String,
    /// The conditions, all of which must hold.
    pub when: Vec<Requirement>,
}

/// The effect of a statement, with its principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Denies the actions to every principal that meets the conditions.
    DenyEveryone,
    /// Allows the actions to this service.
    AllowService(&'static str),
}

/// One condition of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// For example `ArnNotEquals`.
    pub operator: &'static str,
    /// For example `aws:PrincipalArn`.
    pub key: &'static str,
    /// One value, or a list in brackets, as it stands in the template.
    pub values: String,
}

impl Queue {
    /// The functions that may send to the queue.
    #[must_use]
    pub fn senders(&self) -> Vec<Function> {
        functions_with(&["sqs:SendMessage"], self.id)
    }

    /// The functions that may receive from the queue. The event source mapping receives as the function's role (Lambda,
    /// "Using Lambda with Amazon SQS").
    #[must_use]
    pub fn consumers(&self) -> Vec<Function> {
        functions_with(CONSUMING, self.id)
    }

    /// The statements of the queue's policy: at most five, with nine conditions. SQS allows 20 statements and ten conditions
    /// ("Amazon SQS policy quotas").
    ///
    /// Actions that change or delete the queue (`SetQueueAttributes`, `AddPermission`, `DeleteQueue`) are denied to no one:
    /// the stack could neither update nor delete the queue otherwise.
    #[must_use]
    pub fn policy(&self) -> Vec<ResourceStatement> {
        let on = Resource::Deployed(self.id, "").in_template();
        let deny = |sid, actions, when| deny(sid, actions, &on, when);
        let allow = |sid, exists_if, service, sources| ResourceStatement {
            sid: String::from(sid),
            exists_if,
            effect: Effect::AllowService(service),
            actions: vec!["sqs:SendMessage"],
            on: on.clone(),
            when: vec![Requirement { operator: "ArnEquals", key: "aws:SourceArn", values: sources }],
        };
        let plaintext = Requirement { operator: "Bool", key: "aws:SecureTransport", values: String::from("\"false\"") };
        let mut statements = vec![
            deny("DenyOtherSenders", &["sqs:SendMessage"], all_but(&self.senders(), true)),
            deny("DenyOtherConsumers", CONSUMING, all_but(&self.consumers(), true)),
            deny("DenyPlaintext", &["sqs:*"], vec![plaintext]),
        ];
        if !self.rules.is_empty() {
            let rules: Vec<String> = self.rules.iter().map(|rule| format!("!GetAtt {rule}.Arn")).collect();
            statements.push(allow("AllowRules", "", "events.amazonaws.com", format!("[{}]", rules.join(", "))));
        }
        if self.takes_topics {
            statements.push(allow(
                "AllowTopics",
                "HasHookTopics",
                "sns.amazonaws.com",
                String::from("!Ref HookTopics"),
            ));
        }
        statements
    }
}

/// The statements of the policy of the records table and its index: each action on items is denied to all principals but the
/// functions with a row for it.
///
/// The resource is `*`, which in the policy of a table means the table and its indexes: a table cannot name its own ARN
/// (aws-cdk, pull request 35983). Actions that change or delete the table or its policy are denied to no one.
#[must_use]
pub fn records_policy() -> Vec<ResourceStatement> {
    let mut groups: Vec<(Vec<Function>, Vec<&'static str>)> = Vec::new();
    for action in ITEM_ACTIONS {
        let functions = functions_with(&[action], "Records");
        match groups.iter_mut().find(|(known, _)| *known == functions) {
            Some((_, actions)) => actions.push(action),
            None => groups.push((functions, vec![action])),
        }
    }
    let on = Resource::Any.in_template();
    let statement = |(functions, actions): &(Vec<Function>, Vec<&'static str>)| {
        let named = actions.first().and_then(|action| action.split(':').nth(1)).filter(|_| !functions.is_empty());
        deny(&format!("Deny{}", named.unwrap_or("UnusedActions")), actions, &on, all_but(functions, false))
    };
    groups.iter().map(statement).collect()
}

/// The statement of the policy of the event bus: no principal but the functions with a row puts events. The identity policies
/// of an account suffice for the account's own buses, so without this Deny each right to `events:PutEvents` on `*` would do.
///
/// Services are not excepted. The rules and replays of EventBridge that have this bus as their target are denied too.
/// Actions that change or delete the bus, its policy or its rules are denied to no one.
#[must_use]
pub fn event_bus_policy() -> ResourceStatement {
    let mut when = all_but(&functions_with(&["events:PutEvents"], "EventBus"), false);
    when.retain(|it| it.key == "aws:PrincipalArn");
    deny("DenyOtherPublishers", &["events:PutEvents"], &Resource::Deployed("EventBus", "").in_template(), when)
}

/// The statement of the reconciler's policy: no principal may invoke the function, which the request queue's event source
/// mapping alone does. A batch by hand would pass every check of a message's origin.
///
/// Lambda's documents do not say as whom a mapping invokes. The function's own role and all services are excepted, and the
/// operator is `Bool`, which, unlike `BoolIfExists`, does not match a request without the key.
///
/// The other functions have permissions for rules, topics and alarms (`AWS::Lambda::Permission`), which CloudFormation does
/// not combine with a policy ("AWS::Lambda::ResourcePolicy"), and CloudFormation calls custom-resource as the stack's author.
#[must_use]
pub fn reconciler_policy() -> Vec<ResourceStatement> {
    let mut when = all_but(&[Function::Reconciler], false);
    for requirement in when.iter_mut().filter(|it| it.operator == "BoolIfExists") {
        requirement.operator = "Bool";
    }
    // `$LATEST` and versions are resources of their own ("Working with resource-based policies in Lambda").
    let of_version = when.clone();
    let deny = |sid, suffix, when| {
        deny(sid, &["lambda:InvokeFunction"], &Resource::Deployed("Reconciler", suffix).in_template(), when)
    };
    vec![deny("DenyInvocation", "", when), deny("DenyInvocationOfVersions", ":*", of_version)]
}

fn deny(sid: &str, actions: &[&'static str], on: &str, when: Vec<Requirement>) -> ResourceStatement {
    ResourceStatement {
        sid: sid.to_owned(),
        exists_if: "",
        effect: Effect::DenyEveryone,
        actions: actions.to_vec(),
        on: on.to_owned(),
        when,
    }
}

/// The conditions that every principal meets but the functions' roles, AWS's services and, if wanted, the operators of the
/// parameter `RedriveRoles`. Its ARNs need an operator of their own: the template cannot append a list to another one.
fn all_but(functions: &[Function], operators: bool) -> Vec<Requirement> {
    let mut when = Vec::new();
    if !functions.is_empty() {
        let roles: Vec<String> = functions.iter().map(|it| format!("!GetAtt {}Role.Arn", it.logical_id())).collect();
        let values = format!("[{}]", roles.join(", "));
        when.push(Requirement { operator: "ArnNotEquals", key: "aws:PrincipalArn", values });
    }
    if operators {
        // An empty list stands for an invalid policy: `none` is the ARN of no principal.
        let values = String::from("!If [HasRedriveRoles, !Ref RedriveRoles, none]");
        when.push(Requirement { operator: "StringNotEquals", key: "aws:PrincipalArn", values });
    }
    let values = String::from("\"false\"");
    when.push(Requirement { operator: "BoolIfExists", key: "aws:PrincipalIsAWSService", values });
    when
}

/// The functions with a row for one of these actions on a resource of the template or on a part of it, in the order of the
/// template.
fn functions_with(actions: &[&str], id: &str) -> Vec<Function> {
    let grants = |statement: &Statement| {
        statement.actions().iter().any(|action| actions.contains(action))
            && statement.on.iter().any(|on| matches!(on, Resource::Deployed(named, _) if *named == id))
    };
    Function::ALL.into_iter().filter(|function| function.statements().any(grants)).collect()
}
