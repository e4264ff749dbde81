//! What people ask by direct invocation, and are told: JSON for programs, in which `Text` is for people.
//!
//! `plan` (of properties, or of an environment against its record), `status`, `drift`, `unlock`, and `delete` of an
//! environment whose stack is gone. The reading ones look for themselves; a delete goes the way of every request.

use environment::{Action, Cloud as _, Drift, Live, Plan, Resource, Scope, Spec, Wanted, drift, plan};
use reconciler::{Clouds, Settings, Stack, frozen_defaults, is_protected, known, resources, retired_tags, told};
use requests::records::{Answered, Note, OwnerRecord};
use requests::{Line, Owner, Records, RecordsError, Request, time_text};
use serde_json::{Map, Value, json};

use crate::door::Door;

/// Who looks on behalf of nobody: no resource can carry this mark, which is shorter than any owner's.
const NOBODY: &str = "nobody";

const REQUESTS: &str = "valid is \"plan\", \"status\", \"drift\", \"unlock\" or \"delete\"";
const ENVIRONMENT: &str = "valid is the id of an environment, such as \"scalable-ec2-us-west-2-dev\"";

/// Answers, or says what is wrong in `Error`.
pub(crate) async fn answer<R: Records, C: Clouds, L: Line>(
    door: &Door<R, C, L>,
    event: &Value,
    deadline_ms: u64,
) -> Value {
    let settings = match &door.settings {
        Ok(settings) => settings,
        Err(bad) => return json!({ "Error": bad.to_string() }),
    };
    let desk = Desk { door, settings, event };
    let answered = match event["Request"].as_str() {
        Some("plan") => desk.planned().await,
        Some("status") => desk.status().await,
        Some("drift") => desk.drift().await,
        Some("unlock") => desk.unlocked().await,
        Some("delete") => desk.deleted(deadline_ms).await,
        _ => Err(format!("Request is {}: {REQUESTS}", event["Request"])),
    };
    answered.unwrap_or_else(|error| json!({ "Error": error }))
}

struct Desk<'a, R, C, L> {
    door: &'a Door<R, C, L>,
    settings: &'a Settings,
    event: &'a Value,
}

/// An environment that somebody has.
struct Known {
    environment: String,
    owner: Owner,
    record: OwnerRecord,
}

impl<R: Records, C: Clouds, L: Line> Desk<'_, R, C, L> {
    fn environment(&self) -> Result<&str, String> {
        let given = self.event.get("Environment").unwrap_or(&Value::Null);
        given.as_str().ok_or_else(|| format!("Environment is {given}: {ENVIRONMENT}"))
    }

    async fn known(&self) -> Result<Known, String> {
        let environment = self.environment()?.to_owned();
        let records = &self.door.records;
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
        self.door.records.unlock(&owner).await.map_err(sentence)?;
        let text = format!("{environment} can be deleted, until the next update of its stack.");
        Ok(json!({ "Unlocked": environment, "Until": "the next update of its stack", "Text": text }))
    }

    /// What a create or an update would do now, with these properties, or with those that are recorded. Nothing is
    /// written.
    async fn planned(&self) -> Result<Value, String> {
        if self.event.get("Environment").is_some() {
            let (wanted, live, ..) = self.recorded_and_live().await?;
            return Ok(told_plan(&plan(&wanted, &live)));
        }
        let none = Map::new();
        let properties = self.event.get("ResourceProperties").and_then(Value::as_object).unwrap_or(&none);
        let of_today = &self.settings.defaults;
        let place = &self.settings.place;
        let spec = Spec::read(properties, of_today, place).map_err(|violations| told(&violations))?;
        let records = &self.door.records;
        let owner = records.environment_owner(&spec.names(place).environment_id()).await.map_err(sentence)?;
        let record = match &owner {
            Some(owner) => records.owner(owner).await.map_err(sentence)?,
            None => None,
        };
        let frozen = frozen_defaults(record.as_ref(), of_today);
        let spec = Spec::read(properties, &frozen, place).map_err(|violations| told(&violations))?;
        let owner = owner.map_or_else(|| NOBODY.to_owned(), |owner| owner.as_str().to_owned());
        let (wanted, live) = self.wanted_and_live(&spec, &owner, record.as_ref()).await?;
        Ok(told_plan(&plan(&wanted, &live)))
    }

    /// How an environment stands, by its record.
    async fn status(&self) -> Result<Value, String> {
        let Known { environment, owner, record } = self.known().await?;
        let now = self.door.clouds.now().0;
        let newest = record.newest.as_ref().map(|newest| {
            json!({
                "Kind": newest.kind, "Sent": time_text(newest.sent_ms), "AnswerDue": time_text(newest.deadline_ms),
                "Answered": record.answer_due_ms.is_none(), "Stack": newest.reply.stack_id,
                "LogicalResourceId": newest.reply.logical_id,
            })
        });
        let waits = record.progress.as_ref();
        let mut status = json!({
            "Environment": environment, "Owner": owner.as_str(), "Settled": record.settled,
            "Protected": is_protected(&record), "Unlocked": record.unlocked, "Newest": newest,
            "WaitingFor": waits.map(|it| it.waiting_for.clone()).unwrap_or_default(),
            "WaitingSince": waits.map(|it| time_text(it.since_ms)),
            "Answers": record.answers.iter().rev().map(told_answer).collect::<Vec<_>>(),
        });
        status["Text"] = Value::from(status_text(&environment, &record, now));
        Ok(status)
    }

    /// What differs from the record, field by field.
    async fn drift(&self) -> Result<Value, String> {
        let (wanted, live, environment) = self.recorded_and_live().await?;
        let all = drift(&wanted, &live);
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let text = match lines.len() {
            0 => format!("{environment} is as it is wanted."),
            1 => format!("{environment} differs in one place:\n  {}", lines.join("")),
            count => format!("{environment} differs in {count} places:\n  {}", lines.join("\n  ")),
        };
        let told = |it: &Drift| {
            let field = (!it.field.is_empty()).then_some(&it.field);
            json!({ "Resource": it.key.to_string(), "Field": field, "Wanted": it.wanted, "Live": it.live })
        };
        Ok(json!({ "Environment": environment, "Drift": all.iter().map(told).collect::<Vec<_>>(), "Text": text }))
    }

    /// Deletes an environment whose stack is gone, as that stack's own delete would have. Where the record is lost too,
    /// whoever asks says which stack and which resource of it the environment belonged to.
    async fn deleted(&self, deadline_ms: u64) -> Result<Value, String> {
        let environment = self.environment()?.to_owned();
        let (stack_id, logical_id) = self.former_owner(&environment).await?;
        match self.door.clouds.stack(&stack_id).await {
            Ok(Stack::Gone) => {}
            Ok(Stack::Stands | Stack::RollsBack) => {
                return Err(format!(
                    "Environment is {environment:?}: its stack {stack_id} is still there. Delete that stack, or take the resource {logical_id} out of it; valid is an environment whose stack is gone"
                ));
            }
            Err(setback) => return Err(format!("Whether the stack {stack_id} is gone is not known: {setback}")),
        }
        // By the time in it, a second delete is a request of its own.
        let event = json!({
            "RequestType": "Delete", "RequestId": format!("by-hand-{}", self.door.clouds.now().0), "StackId": stack_id,
            "LogicalResourceId": logical_id, "PhysicalResourceId": environment, "ResourceProperties": {},
        });
        let request = Request::read(&event, self.door.clouds.now().0).map_err(|malformed| malformed.to_string())?;
        let reply = Box::pin(self.door.handle(event, deadline_ms)).await.map_err(|error| error.to_string())?;
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
            let holder = self.door.records.environment_owner(environment).await.map_err(sentence)?;
            if holder.is_some_and(|holder| holder != Owner::of(&stack, &logical)) {
                return Err(format!(
                    "StackId and LogicalResourceId: {environment} belongs to another stack's resource; leave both out, its record knows which"
                ));
            }
            return Ok((stack, logical));
        }
        let to_say = "Say whose it was by StackId and LogicalResourceId.";
        let known = self.known().await.map_err(|error| format!("{error} {to_say}"))?;
        let newest = known.record.newest.map(|newest| newest.reply);
        let reply = newest.ok_or_else(|| format!("The record of {environment} names no stack. {to_say}"))?;
        Ok((reply.stack_id, reply.logical_id))
    }

    async fn recorded_and_live(&self) -> Result<(Wanted, Vec<Live>, String), String> {
        let Known { environment, owner, record } = self.known().await?;
        let spec = known(Some(&record), |it| it.wanted.as_ref(), self.settings);
        let spec = spec
            .ok_or_else(|| format!("The record of {environment} can't be read by this version: update its stack."))?;
        let (wanted, live) = self.wanted_and_live(&spec, owner.as_str(), Some(&record)).await?;
        Ok((wanted, live, environment))
    }

    async fn wanted_and_live(
        &self,
        spec: &Spec,
        owner: &str,
        record: Option<&OwnerRecord>,
    ) -> Result<(Wanted, Vec<Live>), String> {
        let clouds = &self.door.clouds;
        let resources: Result<Vec<Resource>, _> = resources(self.settings, clouds, spec, owner).await;
        let resources = resources.map_err(|setback| setback.to_string())?;
        let retired_tags = retired_tags(record, spec, self.settings);
        let scope = Scope { owner: owner.to_owned(), names: spec.names(&self.settings.place) };
        let live = clouds.for_run(owner, "look", None).observe(&scope).await.map_err(|setback| setback.to_string())?;
        Ok((Wanted { resources, retired_tags, ..Wanted::default() }, live))
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
            json!({ "Action": action, "Resource": step.key.to_string(), "Changes": step.told, "Calls": calls })
        })
        .collect();
    let text =
        if plan.is_settled() { String::from("Nothing to do: all is as it is wanted.") } else { plan.to_string() };
    json!({ "Text": text, "Steps": steps, "Refused": plan.refused })
}

fn told_answer(answer: &Answered) -> Value {
    json!({
        "Kind": answer.kind, "Sent": time_text(answer.sent_ms), "Answered": time_text(answer.answered_ms),
        "Status": if answer.success { "SUCCESS" } else { "FAILED" }, "Reason": answer.reason,
    })
}

fn status_text(environment: &str, record: &OwnerRecord, now_ms: u64) -> String {
    let mut lines = Vec::new();
    let unanswered = record.newest.as_ref().filter(|_| record.answer_due_ms.is_some());
    lines.push(match unanswered {
        Some(newest) => format!(
            "{environment}: its {} has been under way for {} s, to be answered by {}.",
            newest.kind,
            now_ms.saturating_sub(newest.sent_ms) / 1_000,
            time_text(newest.deadline_ms)
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
    if let Some(Note { reply, .. }) = &record.newest {
        lines.push(format!("It is the resource {} of the stack {}.", reply.logical_id, reply.stack_id));
    }
    if is_protected(record) {
        let lifted = "Its deletion protection is lifted until the next update of its stack.";
        lines.push(String::from(if record.unlocked { lifted } else { "It is protected from deletion." }));
    }
    if !record.answers.is_empty() {
        lines.push(String::from("Answered, the last first:"));
    }
    let answers = record.answers.iter().rev().map(|it| {
        let outcome = if it.success { String::from("SUCCESS") } else { format!("FAILED: {}", it.reason) };
        format!("  {} {} {outcome}", time_text(it.answered_ms), it.kind)
    });
    lines.extend(answers);
    lines.join("\n")
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn sentence(error: RecordsError) -> String {
    error.to_string()
}
