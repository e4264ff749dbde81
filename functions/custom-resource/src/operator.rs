//! Operator requests by direct invocation. The result is JSON for programs; the key `Text` is for operators.
//!
//! `plan` (of properties, or of an environment against its record), `status`, `drift`, `unlock`, and `delete` of an
//! environment whose stack no longer exists. The read requests observe the cloud themselves; a delete is processed like
//! every request.

use environment::{
    Action, Cloud as _, DesiredState, Drift, ObservedResource, Plan, Resource, Scope, Spec, drift, plan,
};
use reconciler::{
    CloudFactory, Settings, StackState, describe_violations, frozen_defaults, is_protected, recorded_spec, resources,
    retired_tags,
};
use requests::records::{LatestRequest, OwnerRecord, SentResponse};
use requests::{Owner, Records, RecordsError, Request, RequestQueue, time_text};
use serde_json::{Map, Value, json};

use crate::handler::RequestHandler;

/// The owner for a plan without an environment. No resource can carry this mark, which is shorter than any owner's.
const NO_OWNER: &str = "no-owner";

const REQUESTS: &str = "valid is \"plan\", \"status\", \"drift\", \"unlock\" or \"delete\"";
const ENVIRONMENT: &str = "valid is the id of an environment, such as \"scalable-ec2-us-west-2-dev\"";

/// Handles an operator request. The result describes a failure in `Error`.
pub(crate) async fn respond<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    event: &Value,
    deadline_ms: u64,
) -> Value {
    let settings = match &handler.settings {
        Ok(settings) => settings,
        Err(invalid) => return json!({ "Error": invalid.to_string() }),
    };
    let operator_requests = OperatorRequests { handler, settings, event };
    let result = match event["Request"].as_str() {
        Some("plan") => operator_requests.plan().await,
        Some("status") => operator_requests.status().await,
        Some("drift") => operator_requests.drift().await,
        Some("unlock") => operator_requests.unlock().await,
        Some("delete") => operator_requests.delete(deadline_ms).await,
        _ => Err(format!("Request is {}: {REQUESTS}", event["Request"])),
    };
    result.unwrap_or_else(|error| json!({ "Error": error }))
}

struct OperatorRequests<'a, R, C, Q> {
    handler: &'a RequestHandler<R, C, Q>,
    settings: &'a Settings,
    event: &'a Value,
}

/// An environment with its owner and record.
struct KnownEnvironment {
    environment: String,
    owner: Owner,
    record: OwnerRecord,
}

impl<R: Records, C: CloudFactory, Q: RequestQueue> OperatorRequests<'_, R, C, Q> {
    fn environment(&self) -> Result<&str, String> {
        let value = self.event.get("Environment").unwrap_or(&Value::Null);
        value.as_str().ok_or_else(|| format!("Environment is {value}: {ENVIRONMENT}"))
    }

    async fn find_environment(&self) -> Result<KnownEnvironment, String> {
        let environment = self.environment()?.to_owned();
        let records = &self.handler.records;
        let owner = records.environment_owner(&environment).await.map_err(error_text)?;
        let none = || {
            format!("Environment is {environment:?}: no environment has this name, or it was deleted; {ENVIRONMENT}")
        };
        let owner = owner.ok_or_else(none)?;
        let record = records.owner(&owner).await.map_err(error_text)?;
        let record = record.ok_or_else(|| {
            format!("The record of {environment} is lost. Update its stack to write the record again.")
        })?;
        Ok(KnownEnvironment { environment, owner, record })
    }

    /// Lifts an environment's deletion protection, until the next update of its stack. A repeated request has no
    /// further effect.
    async fn unlock(&self) -> Result<Value, String> {
        let KnownEnvironment { environment, owner, .. } = self.find_environment().await?;
        self.handler.records.unlock(&owner).await.map_err(error_text)?;
        let text = format!("{environment} can be deleted, until the next update of its stack.");
        Ok(json!({ "Unlocked": environment, "Until": "the next update of its stack", "Text": text }))
    }

    /// Plans the steps of a Create or an Update with the properties in the event, or with the recorded ones. This
    /// request writes nothing.
    async fn plan(&self) -> Result<Value, String> {
        if self.event.get("Environment").is_some() {
            let (desired, observed, ..) = self.observe_recorded().await?;
            return Ok(plan_json(&plan(&desired, &observed)));
        }
        let none = Map::new();
        let properties = self.event.get("ResourceProperties").and_then(Value::as_object).unwrap_or(&none);
        let current_defaults = &self.settings.defaults;
        let deployment = &self.settings.deployment;
        let spec = Spec::read(properties, current_defaults, deployment)
            .map_err(|violations| describe_violations(&violations))?;
        let records = &self.handler.records;
        let owner = records.environment_owner(&spec.names(deployment).environment_id()).await.map_err(error_text)?;
        let record = match &owner {
            Some(owner) => records.owner(owner).await.map_err(error_text)?,
            None => None,
        };
        let frozen = frozen_defaults(record.as_ref(), current_defaults);
        let spec =
            Spec::read(properties, &frozen, deployment).map_err(|violations| describe_violations(&violations))?;
        let owner = owner.map_or_else(|| NO_OWNER.to_owned(), |owner| owner.as_str().to_owned());
        let (desired, observed) = self.desired_and_observed(&spec, &owner, record.as_ref()).await?;
        Ok(plan_json(&plan(&desired, &observed)))
    }

    /// The status of an environment, from the record.
    async fn status(&self) -> Result<Value, String> {
        let KnownEnvironment { environment, owner, record } = self.find_environment().await?;
        let now = self.handler.cloud_factory.now().0;
        let latest = record.latest_request.as_ref().map(|latest| {
            json!({
                "Kind": latest.kind, "Sent": time_text(latest.sent_ms), "ResponseDue": time_text(latest.deadline_ms),
                "Responded": record.response_due_ms.is_none(), "Stack": latest.response_address.stack_id,
                "LogicalResourceId": latest.response_address.logical_id,
            })
        });
        let progress = record.progress.as_ref();
        let mut status = json!({
            "Environment": environment, "Owner": owner.as_str(), "Settled": record.settled,
            "Protected": is_protected(&record), "Unlocked": record.unlocked, "LatestRequest": latest,
            "WaitingFor": progress.map(|it| it.waiting_for.clone()).unwrap_or_default(),
            "WaitingSince": progress.map(|it| time_text(it.since_ms)),
            "Responses": record.responses.iter().rev().map(response_json).collect::<Vec<_>>(),
        });
        status["Text"] = Value::from(status_text(&environment, &record, now));
        Ok(status)
    }

    /// The differences between the observed resources and the record, field by field.
    async fn drift(&self) -> Result<Value, String> {
        let (desired, observed, environment) = self.observe_recorded().await?;
        let all = drift(&desired, &observed);
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let text = match lines.len() {
            0 => format!("{environment} has no drift."),
            1 => format!("{environment} differs in one place:\n  {}", lines.join("")),
            count => format!("{environment} differs in {count} places:\n  {}", lines.join("\n  ")),
        };
        let drift_json = |it: &Drift| {
            let field = (!it.field.is_empty()).then_some(&it.field);
            json!({ "Resource": it.key.to_string(), "Field": field, "Desired": it.desired, "Observed": it.observed })
        };
        Ok(json!({ "Environment": environment, "Drift": all.iter().map(drift_json).collect::<Vec<_>>(), "Text": text }))
    }

    /// Deletes an environment whose stack no longer exists, with the effect of that stack's own Delete. If the record
    /// is lost too, the operator names the stack and the resource that the environment belonged to.
    async fn delete(&self, deadline_ms: u64) -> Result<Value, String> {
        let environment = self.environment()?.to_owned();
        let (stack_id, logical_id) = self.former_owner(&environment).await?;
        match self.handler.cloud_factory.stack(&stack_id).await {
            Ok(StackState::Deleted) => {}
            Ok(StackState::Active | StackState::RollingBack) => {
                return Err(format!(
                    "Environment is {environment:?}: its stack {stack_id} still exists. Delete that stack, or remove the resource {logical_id} from it; valid is an environment whose stack no longer exists"
                ));
            }
            Err(call_error) => {
                return Err(format!(
                    "The state of the stack {stack_id} is unknown: {call_error}. Send the same request again."
                ));
            }
        }
        // The time in the id makes a second delete a separate request.
        let event = json!({
            "RequestType": "Delete", "RequestId": format!("operator-{}", self.handler.cloud_factory.now().0), "StackId": stack_id,
            "LogicalResourceId": logical_id, "PhysicalResourceId": environment, "ResourceProperties": {},
        });
        let request =
            Request::read(&event, self.handler.cloud_factory.now().0).map_err(|malformed| malformed.to_string())?;
        let response = Box::pin(self.handler.handle(event, deadline_ms)).await.map_err(|error| error.to_string())?;
        let text = match response["Status"].as_str() {
            Some("SUCCESS") => format!("{environment} is deleted."),
            Some(_) => response["Reason"].as_str().unwrap_or_default().to_owned(),
            None => format!(
                "The Delete of {environment} is queued. To see its status, run: {}",
                self.settings.command("status", &environment)
            ),
        };
        Ok(json!({ "Delete": environment, "Owner": request.owner().as_str(), "Response": response, "Text": text }))
    }

    /// The stack and the resource that an environment belonged to: from the record, or from the event.
    async fn former_owner(&self, environment: &str) -> Result<(String, String), String> {
        let field = |name: &str| self.event.get(name).and_then(Value::as_str).map(str::to_owned);
        if let (Some(stack), Some(logical)) = (field("StackId"), field("LogicalResourceId")) {
            let current_owner = self.handler.records.environment_owner(environment).await.map_err(error_text)?;
            if current_owner.is_some_and(|current_owner| current_owner != Owner::of(&stack, &logical)) {
                return Err(format!(
                    "StackId and LogicalResourceId: {environment} belongs to another stack's resource; omit both, its record names the stack"
                ));
            }
            return Ok((stack, logical));
        }
        let hint = "Name its former owner by StackId and LogicalResourceId.";
        let found = self.find_environment().await.map_err(|error| format!("{error} {hint}"))?;
        let latest = found.record.latest_request.map(|latest| latest.response_address);
        let address = latest.ok_or_else(|| format!("The record of {environment} names no stack. {hint}"))?;
        Ok((address.stack_id, address.logical_id))
    }

    async fn observe_recorded(&self) -> Result<(DesiredState, Vec<ObservedResource>, String), String> {
        let KnownEnvironment { environment, owner, record } = self.find_environment().await?;
        let spec = recorded_spec(Some(&record), |it| it.desired.as_ref(), self.settings);
        let spec = spec.ok_or_else(|| {
            format!("This version can't read the record of {environment}. Update its stack to write the record again.")
        })?;
        let (desired, observed) = self.desired_and_observed(&spec, owner.as_str(), Some(&record)).await?;
        Ok((desired, observed, environment))
    }

    async fn desired_and_observed(
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
            .for_run(owner, "observe", None)
            .observe(&scope)
            .await
            .map_err(|call_error| call_error.to_string())?;
        Ok((DesiredState { resources, retired_tags, ..DesiredState::default() }, observed))
    }
}

fn plan_json(plan: &Plan) -> Value {
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
    let text = if plan.is_settled() { String::from("Nothing to do: no resource has drift.") } else { plan.to_string() };
    json!({ "Text": text, "Steps": steps, "Rejected": plan.rejected })
}

fn response_json(response: &SentResponse) -> Value {
    json!({
        "Kind": response.kind, "Sent": time_text(response.sent_ms), "Responded": time_text(response.responded_ms),
        "Status": if response.success { "SUCCESS" } else { "FAILED" }, "Reason": response.reason,
    })
}

fn status_text(environment: &str, record: &OwnerRecord, now_ms: u64) -> String {
    let mut lines = Vec::new();
    let pending = record.latest_request.as_ref().filter(|_| record.response_due_ms.is_some());
    lines.push(match pending {
        Some(latest) => format!(
            "{environment}: its {} has been in progress for {} s; the response is due by {}.",
            latest.kind,
            now_ms.saturating_sub(latest.sent_ms) / 1_000,
            time_text(latest.deadline_ms)
        ),
        None if record.settled => format!("{environment} is settled."),
        None => format!(
            "{environment} is not settled, and no request is in progress. The last response below names the reason; update its stack to continue."
        ),
    });
    if let Some(progress) = &record.progress {
        let since = now_ms.saturating_sub(progress.since_ms) / 1_000;
        lines.push(format!("Waiting for {since} s for:"));
        lines.extend(progress.waiting_for.iter().map(|it| format!("  {it}")));
    }
    if let Some(LatestRequest { response_address, .. }) = &record.latest_request {
        lines.push(format!(
            "Owner: the resource {} of the stack {}.",
            response_address.logical_id, response_address.stack_id
        ));
    }
    if is_protected(record) {
        let lifted = "Deletion protection: lifted until the next update of the stack.";
        lines.push(String::from(if record.unlocked { lifted } else { "Deletion protection: on." }));
    }
    if !record.responses.is_empty() {
        lines.push(String::from("Responses, newest first:"));
    }
    let responses = record.responses.iter().rev().map(|it| {
        let outcome = if it.success { String::from("SUCCESS") } else { format!("FAILED: {}", it.reason) };
        format!("  {} {} {outcome}", time_text(it.responded_ms), it.kind)
    });
    lines.extend(responses);
    lines.join("\n")
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes the error by value")]
fn error_text(error: RecordsError) -> String {
    error.to_string()
}
