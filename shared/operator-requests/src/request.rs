//! The operator requests `plan` (of properties, or of an environment against its record), `drift`, `unlock`, and `delete` of an
//! environment whose stack no longer exists; the other modules add theirs.

use environment::rollout::instance_drift;
use environment::{
    Action, CheckedFacts, Cloud as _, DesiredState, Drift, Facts, ObservedResource, Plan, Spec, desired, drift,
    foreign_ingress, plan,
};
use request_pass::{
    AdmittedSpec, CloudFactory, Settings, StackState, admitted_spec, read_facts, recorded_image, recorded_rollout,
    recorded_spec, retired_tags, scope, violated_facts,
};
use requests::records::{ListedEnvironment, OwnerRecord};
use requests::{Kind as RequestType, Owner, Records, Request, RolloutRequest};
use serde_json::{Map, Value, json};

use crate::account_report::AccountReport;
use crate::error::OperatorError;
use crate::event::OperatorEvent;
use crate::rollout_operation::{Operation, RolloutOperation};
use crate::rollout_report::{Forecast, held_until, hold_line};
use crate::table::ChangeRequest;

/// The owner for a plan without an environment. No resource can carry this mark, which is shorter than any owner's.
const NO_OWNER: &str = "no-owner";

/// An operator request, with everything that its result depends on.
pub(crate) struct OperatorRequest<'a, R, C> {
    pub settings: &'a Settings,
    pub records: &'a R,
    pub cloud_factory: &'a C,
    pub event: &'a Value,
}

/// How a changing request continues after its checks.
pub(crate) enum Decision {
    /// It is done, with this result.
    Done(Value),
    /// Nothing was changed: the result is the plan that the operator has to confirm.
    Planned(Value),
    /// A request in the name of a stack's resource, to be processed as a request of CloudFormation.
    Stack(StackRequest),
    /// A request about the rollout, for a due pass.
    Rollout(RolloutOperation),
}

/// A request in the name of a stack's resource: a Delete, after the stack no longer exists, or a Repair.
pub(crate) struct StackRequest {
    /// Delete or Repair.
    pub kind: RequestType,
    /// The event.
    pub event: Value,
    pub environment: String,
    pub owner: Owner,
    /// The command that shows the status of the environment.
    pub status_command: String,
}

impl StackRequest {
    /// The invocation's result after the request, whose invocation had the result `response`.
    pub fn result(&self, response: &Value) -> Value {
        let StackRequest { kind, environment, .. } = self;
        let text = match response["Status"].as_str() {
            Some("SUCCESS") if *kind == RequestType::Delete => format!("{environment} is deleted."),
            Some("SUCCESS") => format!("{environment} has no drift that a call corrects."),
            Some(_) => response["Reason"].as_str().unwrap_or_default().to_owned(),
            None => {
                format!("The {kind} of {environment} is queued. To see its status, run: {}", self.status_command)
            }
        };
        json!({ kind.as_str(): environment, "Owner": self.owner.as_str(), "Response": response, "Text": text })
    }
}

/// An environment with its owner and record.
pub(crate) struct KnownEnvironment {
    pub environment: String,
    pub owner: Owner,
    pub record: OwnerRecord,
}

/// A recorded environment beside the observed one.
struct Observation {
    environment: String,
    owner: Owner,
    record: OwnerRecord,
    spec: Spec,
    facts: Facts,
    desired: DesiredState,
    observed: Vec<ObservedResource>,
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Checks a request that changes something, and performs it where that is one write.
    pub async fn decide(&self, request: ChangeRequest) -> Result<Decision, OperatorError> {
        let operation = match request {
            ChangeRequest::Unlock => return self.unlock().await.map(Decision::Done),
            ChangeRequest::AllowAdoption => return self.allow_adoption().await.map(Decision::Done),
            ChangeRequest::Delete => return self.delete().await.map(Decision::Stack),
            ChangeRequest::Repair => return Box::pin(self.repair()).await,
            ChangeRequest::Roll => Operation::Change(RolloutRequest::Roll),
            ChangeRequest::Rollback => Operation::Change(RolloutRequest::Rollback),
            ChangeRequest::Cancel => Operation::Change(RolloutRequest::Cancel),
            ChangeRequest::Hold => Operation::hold(self.event, self.cloud_factory.now())?,
            ChangeRequest::Release => Operation::Release,
        };
        Box::pin(self.rollout(operation)).await.map(Decision::Rollout)
    }

    /// The id in the request, which has the form of this deployment's ids and so a bounded length.
    pub(crate) fn environment(&self) -> Result<&str, OperatorError> {
        let value = self.event.get("Environment").unwrap_or(&Value::Null);
        let id = value.as_str().filter(|id| self.settings.deployment.suffix_of_environment(id).is_some());
        id.ok_or_else(|| OperatorError::InvalidEnvironment { value: value.clone() })
    }

    pub(crate) async fn find_environment(&self) -> Result<KnownEnvironment, OperatorError> {
        let environment = self.environment()?.to_owned();
        let owner = self.records.environment_owner(&environment).await?;
        let owner = owner.ok_or_else(|| OperatorError::UnknownEnvironment { environment: environment.clone() })?;
        let record = self.records.owner(&owner).await?;
        let record = record.ok_or_else(|| OperatorError::RecordLost { environment: environment.clone() })?;
        Ok(KnownEnvironment { environment, owner, record })
    }

    /// The environment that has this id now, else the one that was deleted last, as long as its tombstone exists.
    pub(crate) async fn find_present_or_deleted(&self) -> Result<KnownEnvironment, OperatorError> {
        let unknown = match self.find_environment().await {
            Err(unknown @ OperatorError::UnknownEnvironment { .. }) => unknown,
            found => return found,
        };
        let environment = self.environment()?.to_owned();
        let listed = self.records.environments_named(&environment).await?;
        // One that is listed as present has released its id a moment ago.
        let last = listed.into_iter().max_by_key(|it| it.deleted_ms.unwrap_or(u64::MAX));
        let Some(ListedEnvironment { owner, .. }) = last else { return Err(unknown) };
        let record = self.records.owner(&owner).await?.ok_or(unknown)?;
        Ok(KnownEnvironment { environment, owner, record })
    }

    /// Lifts an environment's deletion protection, until the next update of its stack. A repeated request has no
    /// further effect.
    async fn unlock(&self) -> Result<Value, OperatorError> {
        let KnownEnvironment { environment, owner, .. } = self.find_environment().await?;
        self.records.unlock(&owner).await?;
        let text = format!("{environment} can be deleted, until the next update of its stack.");
        Ok(json!({ "Unlocked": environment, "Until": "the next update of its stack", "Text": text }))
    }

    /// Plans the steps of a Create or an Update with the properties in the event, or with the recorded ones. This
    /// request writes nothing.
    pub(crate) async fn plan(&self) -> Result<Value, OperatorError> {
        if self.event.get("Environment").is_some() {
            let Observation { environment, owner, record, spec, facts, desired, observed } =
                self.observe_recorded().await?;
            let plan = plan(&desired, &observed);
            let report = self.account_report(&plan, (&spec, &facts), (&desired, &observed), Some(&record)).await;
            let forecast = self.forecast(&plan, &spec, (&desired, &observed), (&owner, &record)).await?;
            return Ok(self.plan_json(&plan, &environment, Some((&owner, &record)), forecast, &report));
        }
        let none = Map::new();
        let properties = OperatorEvent::properties(self.event)?.unwrap_or(&none);
        let current_defaults = &self.settings.defaults;
        let deployment = &self.settings.deployment;
        let spec = Spec::read(properties, current_defaults, deployment).map_err(OperatorError::InvalidProperties)?;
        let environment = spec.names(deployment).environment_id();
        let owner = self.records.environment_owner(&environment).await?;
        let record = match &owner {
            Some(owner) => self.records.owner(owner).await?,
            None => None,
        };
        let AdmittedSpec { spec, before, .. } = admitted_spec(self.settings, record.as_ref(), properties, None)
            .map_err(OperatorError::InvalidProperties)?;
        let mark = owner.as_ref().map_or(NO_OWNER, Owner::as_str);
        let checked = CheckedFacts::of(before.as_ref(), &spec);
        let facts = read_facts(self.settings, self.cloud_factory, &spec, mark, record.as_ref(), checked).await?;
        let violated = violated_facts(self.settings, before.as_ref(), &spec, &facts);
        if !violated.is_empty() {
            return Err(OperatorError::InvalidProperties(violated));
        }
        let (desired, observed) = self.desired_and_observed(&spec, mark, record.as_ref(), &facts).await?;
        let plan = plan(&desired, &observed);
        let report = self.account_report(&plan, (&spec, &facts), (&desired, &observed), record.as_ref()).await;
        let forecast = match owner.as_ref().zip(record.as_ref()) {
            Some(known) => self.forecast(&plan, &spec, (&desired, &observed), known).await?,
            None => None,
        };
        Ok(self.plan_json(&plan, &environment, owner.as_ref().zip(record.as_ref()), forecast, &report))
    }

    /// The differences between the observed resources and the record, field by field.
    pub(crate) async fn drift(&self) -> Result<Value, OperatorError> {
        let Observation { environment, owner, record, spec, desired, observed, .. } = self.observe_recorded().await?;
        let mut all = drift(&desired, &observed);
        if let Some(rollout) = self.observe_rollout(&owner, &record, &environment, &[]).await? {
            let group = spec.names(&self.settings.deployment).group();
            all.extend(instance_drift(&rollout, &recorded_rollout(Some(&record)), &spec.rollout, &group));
        }
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let mut text = match lines.len() {
            0 => format!("{environment} has no drift."),
            1 => format!("{environment} differs in one place:\n  {}", lines.join("")),
            count => format!("{environment} differs in {count} places:\n  {}", lines.join("\n  ")),
        };
        let plan = plan(&desired, &observed);
        if !plan.steps.is_empty() && plan.rejected.is_empty() {
            let repair = self.settings.command("repair", &environment);
            text = format!("{text}\nTo see the calls that correct it, run: {repair}");
        }
        let hold = held_until(&record, self.cloud_factory.now());
        if let Some(until) = hold {
            text = format!("{}\n{text}", hold_line(until));
        }
        let ingress = foreign_ingress(&desired, &observed);
        let ingress: Vec<String> = ingress.iter().map(|(group, rule)| format!("{group}: {rule}")).collect();
        if !ingress.is_empty() {
            text = format!(
                "{text}\nIngress rules of other senders, which Envkeeper leaves alone:\n  {}",
                ingress.join("\n  ")
            );
        }
        text.extend(self.consent_guidance(&plan, &environment, Some(&owner)));
        let drift_json = |it: &Drift| {
            let field = (!it.field.is_empty()).then_some(&it.field);
            json!({ "Resource": it.key.to_string(), "Field": field, "Desired": it.desired, "Observed": it.observed })
        };
        Ok(json!({
            "Environment": environment, "Drift": all.iter().map(drift_json).collect::<Vec<_>>(),
            "ForeignIngress": ingress, "HeldUntil": hold.map(|it| it.to_string()), "Text": text,
        }))
    }

    /// The Delete of an environment whose stack no longer exists, with the effect of that stack's own Delete. If the
    /// record is lost too, the operator names the stack and the resource that the environment belonged to.
    async fn delete(&self) -> Result<StackRequest, OperatorError> {
        let environment = self.environment()?.to_owned();
        let (stack_id, logical_id) = self.former_owner(&environment).await?;
        let now_ms = self.cloud_factory.now().0;
        // The time in the id makes a second delete a separate request.
        let event = json!({
            "RequestType": "Delete", "RequestId": format!("operator-{now_ms}"), "StackId": stack_id,
            "LogicalResourceId": logical_id, "PhysicalResourceId": environment, "ResourceProperties": {},
        });
        // Also checks the ids that the operator named.
        let owner = Request::read(&event, now_ms)?.owner();
        match self.cloud_factory.stack(&stack_id).await {
            Ok(StackState::Deleted) => {}
            Ok(StackState::Active | StackState::Deleting | StackState::RollingBack) => {
                return Err(OperatorError::StackExists { environment, stack_id, logical_id });
            }
            Err(error) => return Err(OperatorError::StackUnknown { stack_id, error: Box::new(error) }),
        }
        let status_command = self.settings.command("status", &environment);
        Ok(StackRequest { kind: RequestType::Delete, event, environment, owner, status_command })
    }

    /// The stack and the resource that the operator names.
    pub(crate) fn named_owner(&self) -> Option<(String, String)> {
        let field = |name: &str| self.event.get(name).and_then(Value::as_str).map(str::to_owned);
        field("StackId").zip(field("LogicalResourceId"))
    }

    /// The stack and the resource that an environment belonged to: from the record, or from the event.
    async fn former_owner(&self, environment: &str) -> Result<(String, String), OperatorError> {
        if let Some((stack, logical)) = self.named_owner() {
            let current_owner = self.records.environment_owner(environment).await?;
            if current_owner.is_some_and(|current_owner| current_owner != Owner::of(&stack, &logical)) {
                return Err(OperatorError::OtherOwner { environment: environment.to_owned() });
            }
            return Ok((stack, logical));
        }
        let found = self.find_environment().await;
        let found = found.map_err(|error| OperatorError::FormerOwnerUnknown { error: Box::new(error) })?;
        let latest = found.record.latest_request.map(|latest| latest.response_address);
        let address = latest.ok_or_else(|| OperatorError::NoStackRecorded { environment: environment.to_owned() })?;
        Ok((address.stack_id, address.logical_id))
    }

    async fn observe_recorded(&self) -> Result<Observation, OperatorError> {
        let KnownEnvironment { environment, owner, record } = self.find_environment().await?;
        let spec = recorded_spec(Some(&record), |it| it.desired.as_ref(), self.settings);
        let spec = spec.ok_or_else(|| OperatorError::RecordUnreadable { environment: environment.clone() })?;
        let (settings, cloud_factory, owner_id) = (self.settings, self.cloud_factory, owner.as_str());
        let facts =
            read_facts(settings, cloud_factory, &spec, owner_id, Some(&record), CheckedFacts::default()).await?;
        let (desired, observed) = self.desired_and_observed(&spec, owner_id, Some(&record), &facts).await?;
        Ok(Observation { environment, owner, record, spec, facts, desired, observed })
    }

    async fn desired_and_observed(
        &self,
        spec: &Spec,
        owner: &str,
        record: Option<&OwnerRecord>,
        facts: &Facts,
    ) -> Result<(DesiredState, Vec<ObservedResource>), OperatorError> {
        let names = spec.names(&self.settings.deployment);
        let resources = desired(spec, &names, owner, facts);
        let retired_tags = retired_tags(record, spec, self.settings);
        let scope = scope(owner, names, record, spec.network.vpc_id.is_none());
        let observed = self.cloud_factory.for_run(owner, "observe", None).observe(&scope).await?;
        let image_is_recorded = recorded_image(record, spec).is_some();
        let recorded_version = recorded_rollout(record).content;
        let desired =
            DesiredState { resources, retired_tags, image_is_recorded, recorded_version, ..DesiredState::default() };
        Ok((desired, observed))
    }

    /// The plan for programs and for operators, after the hold of a known environment.
    fn plan_json(
        &self,
        plan: &Plan,
        environment: &str,
        known: Option<(&Owner, &OwnerRecord)>,
        forecast: Option<Forecast>,
        report: &AccountReport,
    ) -> Value {
        let now = self.cloud_factory.now();
        let hold = known.and_then(|(_, record)| held_until(record, now));
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
        let settled = "Nothing to do: no resource has drift.";
        let has_nothing =
            plan.is_settled() && plan.rollout.is_none() && plan.unproven.is_empty() && plan.fixed_drift.is_empty();
        let mut text = hold.map(|until| format!("{}\n", hold_line(until))).unwrap_or_default();
        text.push_str(&if has_nothing { settled.to_owned() } else { plan.to_string() });
        let (forecast, lines) = forecast.map(|it| (it.json, it.text)).unzip();
        text.extend(lines);
        text.extend(report.text());
        text.extend(self.consent_guidance(plan, environment, known.map(|(owner, _)| owner)));
        let unproven: Vec<String> = plan.unproven.iter().map(ToString::to_string).collect();
        let fixed: Vec<String> = plan.fixed_drift.iter().map(ToString::to_string).collect();
        json!({
            "Text": text, "Steps": steps, "Rejected": plan.rejected, "Unproven": unproven, "FixedDrift": fixed,
            "Rollout": forecast, "Account": report.json(), "HeldUntil": hold.map(|it| it.to_string()),
        })
    }

    /// The command that allows the adoption of the retained buckets that block a plan, as a line of a text.
    fn consent_guidance(&self, plan: &Plan, environment: &str, owner: Option<&Owner>) -> Option<String> {
        let guidance = || match owner {
            Some(owner) => self.settings.adoption_guidance(environment, owner),
            None => String::from("The reason of the refused create has the command that allows the adoption."),
        };
        plan.needs_consent().then(|| format!("\n{}", guidance()))
    }
}
