//! The policies of queues, table, event bus and reconciler as YAML of the template.

use super::list;
use crate::Queue;
use crate::resource_policy::{Effect, Requirement, ResourceStatement};

/// The policy of a queue, as a resource of the template.
pub(super) fn queue_policy(queue: &Queue) -> String {
    let id = queue.id;
    let document = document(6, &queue.policy());
    format!("  {id}Policy:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues: [!Ref {id}]\n{document}")
}

/// The policy of the event bus, as a resource of the template. The statement's name is a property of the resource.
pub(super) fn event_bus_policy(it: &ResourceStatement) -> String {
    let head = "  EventBusPolicy:\n    Type: AWS::Events::EventBusPolicy\n    Properties:\n      EventBusName: !Ref EventBus\n";
    let statement = statement("      ", it).replacen(&format!("      - Sid: {}\n", it.sid), "", 1);
    format!("{head}      StatementId: {}\n      Statement:\n{statement}", it.sid)
}

/// The policy of the reconciler, as a resource of the template.
pub(super) fn reconciler_policy(statements: &[ResourceStatement]) -> String {
    let head = "  ReconcilerPolicy:\n    Type: AWS::Lambda::ResourcePolicy\n    Condition: HasFunctionPolicies\n";
    format!("{head}    Properties:\n      ResourceArn: !GetAtt Reconciler.Arn\n{}", document(6, statements))
}

/// The policy of the table, as a property of the table.
pub(super) fn records_policy(statements: &[ResourceStatement]) -> String {
    format!("      ResourcePolicy:\n{}", document(8, statements))
}

fn document(indent: usize, statements: &[ResourceStatement]) -> String {
    let pad = " ".repeat(indent);
    let statements: String = statements.iter().map(|it| listed(&" ".repeat(indent + 4), it)).collect();
    format!("{pad}PolicyDocument:\n{pad}  Version: \"2012-10-17\"\n{pad}  Statement:\n{statements}")
}

fn listed(pad: &str, it: &ResourceStatement) -> String {
    if it.exists_if.is_empty() {
        return statement(pad, it);
    }
    let inner = format!("{pad}  ");
    let conditional = statement(&inner, it);
    format!("{pad}- !If\n{inner}- {}\n{conditional}{inner}- !Ref AWS::NoValue\n", it.exists_if)
}

fn statement(pad: &str, it: &ResourceStatement) -> String {
    let (effect, principal) = match it.effect {
        Effect::DenyEveryone => ("Deny", String::from("\"*\"")),
        Effect::AllowService(service) => ("Allow", format!("{{ Service: {service} }}")),
    };
    let on = &it.on;
    let when: String = it.when.iter().map(|requirement| line(pad, requirement)).collect();
    [
        format!("{pad}- Sid: {}\n{pad}  Effect: {effect}\n{pad}  Principal: {principal}\n", it.sid),
        list(pad, "Action", &it.actions),
        format!("{pad}  Resource: {on}\n{pad}  Condition:\n{when}"),
    ]
    .concat()
}

fn line(pad: &str, requirement: &Requirement) -> String {
    let Requirement { operator, key, values } = requirement;
    format!("{pad}    {operator}: {{ {key}: {values} }}\n")
}
