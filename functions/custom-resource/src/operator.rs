//! What people ask by direct invocation, and are told: JSON for programs, in which `Text` is for people.
//!
//! `plan` (of properties, or of an environment against its record), `status`, `drift`, `unlock`, and `delete` of an
//! environment whose stack is gone. The reading ones look for themselves; a delete goes the way of every request.

use environment::{
    Action, Cloud as _, DesiredState, Drift, ObservedResource, Plan, Resource, Scope, Spec, drift, plan,
};
use reconciler::{CloudFactory, Settings, Stack, frozen_defaults, is_protected, known, resources, retired_tags, told};
use requests::records::{LatestRequest, OwnerRecord, SentResponse};
use requests::{Owner, Records, RecordsError, Request, RequestQueue, time_text};
use serde_json::{Map, Value, json};

use crate::handler::RequestHandler;

/// Who looks on behalf of nobody: no resource can carry this mark, which is shorter than any owner's.
const NOBODY: &str = "nobody";

const REQUESTS: &str = "valid is \"plan\", \"status\", \"drift\", \"unlock\" or \"delete\"";
const ENVIRONMENT: &str = "valid is the id of an environment, such as \"scalable-ec2-us-west-2-dev\"";

/// Answers, or says what is wrong in `Error`.
pub(crate) async fn response<R: Records, C: CloudFactory, L: RequestQueue>(
    handler: &RequestHandler<R, C, L>,
    event: &Value,
    deadline_ms: u64,
) -> Value {
    let settings = match &handler.settings {
        Ok(settings) => settings,
        Err(bad) => return json!({ "Error": bad.to_string() }),
    };
    let operator_requests = OperatorRequests { handler, settings, event };
    let answered = match event["Request"].as_str() {
        Some("plan") => operator_requests.planned().await,
        Some("status") => operator_requests.status().await,
        Some("drift") => operator_requests.drift().await,
        Some("unlock") => operator_requests.unlocked().await,
        Some("delete") => operator_requests.deleted(deadline_ms).await,
        _ => Err(format!("Request is {}: {REQUESTS}", event["Request"])),
    };
    answered.unwrap_or_else(|error| json!({ "Error": error }))
}

struct OperatorRequests<'a, R, C, L> {
    handler: &'a RequestHandler<R, C, L>,
    settings: &'a Settings,
    event: &'a Value,
}

/// An environment that somebody has.
struct Known {
    environment: String,
    owner: Owner,
    record: OwnerRecord,
}

impl<R: Records, C: CloudFactory, L: RequestQueue> OperatorRequests<'_, R, C, L> {
    fn environment(&self) -> Result<&str, String> {
        let given = self.event.get("Environment").unwrap_or(&Value::Null);
        given.as_str().ok_or_else(|| format!("Environment is {given}: {ENVIRONMENT}"))
    }

    async fn known(&self) -> Result<Known, String> {
        let environment = self.environment()?.to_owned();
        let records = &self.handler.records;
        let owner = records.environment_owner(&environment).await.map_err(sentence)?;
        let none =
            || format!("Environment is {environment:?}: there is none of that name, or it was deleted; {ENVIRONMENT}");
        let owner = owner.ok_or_else(none)?;
        let record = records.owner(&owner).await.map_err(sentence)?;
        let record = record.ok_or_else(|| {
            format!("The record of {environment} is lost: the next update of its stack writes it anew.")
        })?;
        Ok(Known { environment, owner, record })
    }

    /// Lifts an environment's deletion protection, until an update wants something anew. Saying it twice is saying it
    /// once.
    async fn unlocked(&self) -> Result<Value, String> {
        let Known { environment, owner, .. } = self.known().await?;
        self.handler.records.unlock(&owner).await.map_err(sentence)?;
        let text = format!("{environment} can be deleted, until the next update of its stack.");
        Ok(json!({ "Unlocked": environment, "Until": "the next update of its stack", "Text": text }))
    }

    /// What a create or an update would do now, with these properties, or with those that are recorded. Nothing is
    /// written.
    async fn planned(&self) -> Result<Value, String> {
        if self.event.get("Environment").is_some() {
            let (desired, observed, ..) = self.recorded_and_live().await?;
            return Ok(told_plan(&plan(&desired, &observed)));
        }
        let none = Map::new();
        let properties = self.event.get("ResourceProperties").and_then(Value::as_object).unwrap_or(&none);
        let of_today = &self.settings.defaults;
        let deployment = &self.settings.deployment;
        let spec = Spec::read(properties, of_today, deployment).map_err(|violations| told(&violations))?;
        let records = &self.handler.records;
        let owner = records.environment_owner(&spec.names(deployment).environment_id()).await.map_err(sentence)?;
        let record = match &owner {
            Some(owner) => records.owner(owner).await.map_err(sentence)?,
            None => None,
        };
        let frozen = frozen_defaults(record.as_ref(), of_today);
        let spec = Spec::read(properties, &frozen, deployment).map_err(|violations| told(&violations))?;
        let owner = owner.map_or_else(|| NOBODY.to_owned(), |owner| owner.as_str().to_owned());
        let (desired, observed) = self.wanted_and_live(&spec, &owner, record.as_ref()).await?;
        Ok(told_plan(&plan(&desired, &observed)))
    }

    /// How an environment stands, by its record.
    async fn status(&self) -> Result<Value, String> {
        let Known { environment, owner, record } = self.known().await?;
        let now = self.handler.cloud_factory.now().0;
        let latest = record.latest.as_ref().map(|latest| {
            json!({
                "Kind": latest.kind, "Sent": time_text(latest.sent_ms), "ResponseDue": time_text(latest.deadline_ms),
                "Answered": record.response_due_ms.is_none(), "Stack": latest.reply.stack_id,
                "LogicalResourceId": latest.reply.logical_id,
            })
        });
        let waits = record.progress.as_ref();
        let mut status = json!({
            "Environment": environment, "Owner": owner.as_str(), "Settled": record.settled,
            "Protected": is_protected(&record), "Unlocked": record.unlocked, "LatestRequest": latest,
            "WaitingFor": waits.map(|it| it.waiting_for.clone()).unwrap_or_default(),
            "WaitingSince": waits.map(|it| time_text(it.since_ms)),
            "Answers": record.responses.iter().rev().map(told_answer).collect::<Vec<_>>(),
        });
        status["Text"] = Value::from(status_text(&environment, &record, now));
        Ok(status)
    }

    /// What differs from the record, field by field.
    async fn drift(&self) -> Result<Value, String> {
        let (desired, observed, environment) = self.recorded_and_live().await?;
        let all = drift(&desired, &observed);
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let text = match lines.len() {
            0 => format!("{environment} is as it is wanted."),
            1 => format!("{environment} differs in one place:\n  {}", lines.join("")),
            count => format!("{environment} differs in {count} places:\n  {}", lines.join("\n  ")),
        };
        let told = |it: &Drift| {
            let field = (!it.field.is_empty()).then_some(&it.field);
            json!({ "Resource": it.key.to_string(), "Field": field, "Desired": it.desired, "Observed": it.observed })
        };
        Ok(json!({ "Environment": environment, "Drift": all.iter().map(told).collect::<Vec<_>>(), "Text": text }))
    }

    /// Deletes an environment whose stack is gone, as that stack's own delete would have. Where the record is lost too,
    /// whoever asks says which stack and which resource of it the environment belonged to.
    async fn deleted(&self, deadline_ms: u64) -> Result<Value, String> {
        let environment = self.environment()?.to_owned();
        let (stack_id, logical_id) = self.former_owner(&environment).await?;
        match self.handler.cloud_factory.stack(&stack_id).await {
            Ok(Stack::Gone) => {}
            Ok(Stack::Stands | Stack::RollsBack) => {
                return Err(format!(
                    "Environment is {environment:?}: its stack {stack_id} is still there. Delete that stack, or take the resource {logical_id} out of it; valid is an environment whose stack is gone"
                ));
            }
            Err(call_error) => return Err(format!("Whether the stack {stack_id} is gone is not known: {call_error}")),
        }
        // By the time in it, a second delete is a request of its own.
        let event = json!({
            "RequestType": "Delete", "RequestId": format!("by-hand-{}", self.handler.cloud_factory.now().0), "StackId": stack_id,
            "LogicalResourceId": logical_id, "PhysicalResourceId": environment, "ResourceProperties": {},
        });
        let request =
            Request::read(&event, self.handler.cloud_factory.now().0).map_err(|malformed| malformed.to_string())?;
        let reply = Box::pin(self.handler.handle(event, deadline_ms)).await.map_err(|error| error.to_string())?;
        let text = match reply["Status"].as_str() {
            Some("SUCCESS") => format!("{environment} is deleted."),
            Some(_) => reply["Reason"].as_str().unwrap_or_default().to_owned(),
            None => format!(
                "The delete of {environment} has begun. To see how it stands: {}",
                self.settings.command("status", &environment)
            ),
        };
        Ok(json!({ "Delete": environment, "Owner": request.owner().as_str(), "Reply": reply, "Text": text }))
    }

    /// The stack and the resource that an environment belonged to: as the record says, else as the request does.
    async fn former_owner(&self, environment: &str) -> Result<(String, String), String> {
        let given = |name: &str| self.event.get(name).and_then(Value::as_str).map(str::to_owned);
        if let (Some(stack), Some(logical)) = (given("StackId"), given("LogicalResourceId")) {
            let holder = self.handler.records.environment_owner(environment).await.map_err(sentence)?;
            if holder.is_some_and(|holder| holder != Owner::of(&stack, &logical)) {
                return Err(format!(
                    "StackId and LogicalResourceId: {environment} belongs to another stack's resource; leave both out, its record knows which"
                ));
            }
            return Ok((stack, logical));
        }
        let to_say = "Say whose it was by StackId and LogicalResourceId.";
        let known = self.known().await.map_err(|error| format!("{error} {to_say}"))?;
        let latest = known.record.latest.map(|latest| latest.reply);
        let reply = latest.ok_or_else(|| format!("The record of {environment} names no stack. {to_say}"))?;
        Ok((reply.stack_id, reply.logical_id))
    }

    async fn recorded_and_live(&self) -> Result<(DesiredState, Vec<ObservedResource>, String), String> {
        let Known { environment, owner, record } = self.known().await?;
        let spec = known(Some(&record), |it| it.desired.as_ref(), self.settings);
        let spec = spec
            .ok_or_else(|| format!("The record of {environment} can't be read by this version: update its stack."))?;
        let (desired, observed) = self.wanted_and_live(&spec, owner.as_str(), Some(&record)).await?;
        Ok((desired, observed, environment))
    }

    async fn wanted_and_live(
        &self,
        spec: &Spec,
        owner: &str,
        record: Option<&OwnerRecord>,
    ) -> Result<(DesiredState, Vec<ObservedResource>), String> {
        let cloud_factory = &self.handler.cloud_factory;
        let resources: Result<Vec<Resource>, _> = resources(self.settings, cloud_factory, spec, owner).await;
        let resources = resources.map_err(|call_error| call_error.to_string())?;
        let retired_tags = retired_tags(record, spec, self.settings);
        let scope = Scope { owner: owner.to_owned(), names: spec.names(&self.settings.deployment) };
        let observed = cloud_factory
            .for_run(owner, "look", None)
            .observe(&scope)
            .await
            .map_err(|call_error| call_error.to_string())?;
        Ok((DesiredState { resources, retired_tags, ..DesiredState::default() }, observed))
    }
}

fn told_plan(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let action = match step.action {
                Action::Create => "create",
                Action::Update => "update",
                Action::Delete => "delete",
                Action::Retain => "retain",
                Action::Wait(_) => "wait",
            };
            let calls: Vec<String> = step.calls.iter().map(ToString::to_string).collect();
            json!({ "Action": action, "Resource": step.key.to_string(), "Changes": step.summary, "Calls": calls })
        })
        .collect();
    let text =
        if plan.is_settled() { String::from("Nothing to do: all is as it is wanted.") } else { plan.to_string() };
    json!({ "Text": text, "Steps": steps, "Rejected": plan.rejected })
}

fn told_answer(response: &SentResponse) -> Value {
    json!({
        "Kind": response.kind, "Sent": time_text(response.sent_ms), "Answered": time_text(response.responded_ms),
        "Status": if response.success { "SUCCESS" } else { "FAILED" }, "Reason": response.reason,
    })
}

fn status_text(environment: &str, record: &OwnerRecord, now_ms: u64) -> String {
    let mut lines = Vec::new();
    let unanswered = record.latest.as_ref().filter(|_| record.response_due_ms.is_some());
    lines.push(match unanswered {
        Some(latest) => format!(
            "{environment}: its {} has been under way for {} s, to be answered by {}.",
            latest.kind,
            now_ms.saturating_sub(latest.sent_ms) / 1_000,
            time_text(latest.deadline_ms)
        ),
        None if record.settled => format!("{environment} is settled."),
        None => format!(
            "{environment} is not settled, and nothing is under way: the last answer says why, and the next update of its stack goes on from there."
        ),
    });
    if let Some(progress) = &record.progress {
        let since = now_ms.saturating_sub(progress.since_ms) / 1_000;
        lines.push(format!("For {since} s it has waited for:"));
        lines.extend(progress.waiting_for.iter().map(|it| format!("  {it}")));
    }
    if let Some(LatestRequest { reply, .. }) = &record.latest {
        lines.push(format!("It is the resource {} of the stack {}.", reply.logical_id, reply.stack_id));
    }
    if is_protected(record) {
        let lifted = "Its deletion protection is lifted until the next update of its stack.";
        lines.push(String::from(if record.unlocked { lifted } else { "It is protected from deletion." }));
    }
    if !record.responses.is_empty() {
        lines.push(String::from("Answered, the last first:"));
    }
    let responses = record.responses.iter().rev().map(|it| {
        let outcome = if it.success { String::from("SUCCESS") } else { format!("FAILED: {}", it.reason) };
        format!("  {} {} {outcome}", time_text(it.responded_ms), it.kind)
    });
    lines.extend(responses);
    lines.join("\n")
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn sentence(error: RecordsError) -> String {
    error.to_string()
}
