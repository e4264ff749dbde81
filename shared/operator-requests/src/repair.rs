//! The operator request `repair`: corrects the drift of an environment, by the recorded properties and without its stack.

use environment::property::form;
use request_pass::{CloudFactory, pending_repair, repair_event, repairable};
use requests::{Kind, Records};
use serde_json::Value;

use crate::error::OperatorError;
use crate::request::{Decision, KnownEnvironment, OperatorRequest, StackRequest};

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Plans a repair, and carries it out if the operator confirms it. A repair that would be refused is not planned. A repair
    /// that is in progress is queued once more: the queue drops what it has, and the reconciler what has its response.
    pub(crate) async fn repair(&self) -> Result<Decision, OperatorError> {
        let is_confirmed = self.is_confirmed()?;
        let KnownEnvironment { environment, owner, record } = self.find_environment().await?;
        let pending = pending_repair(&environment, &record).filter(|_| is_confirmed);
        let request = pending.as_ref().map(|(_, hash)| hash.as_str());
        if let Err(refusal) = repairable(self.settings, Some(&record), request) {
            return Err(OperatorError::RepairRefused { environment, refusal });
        }
        if !is_confirmed {
            return self.planned_repair(&environment).await.map(Decision::Planned);
        }
        let latest = record.latest_request.as_ref();
        let latest = latest.ok_or_else(|| OperatorError::NoStackRecorded { environment: environment.clone() })?;
        let new = || repair_event(&environment, latest, self.cloud_factory.now().0);
        let event = pending.map_or_else(new, |(event, _)| event);
        let status_command = self.settings.command("status", &environment);
        Ok(Decision::Stack(StackRequest { kind: Kind::Repair, event, environment, owner, status_command }))
    }

    async fn planned_repair(&self, environment: &str) -> Result<Value, OperatorError> {
        let mut plan = Box::pin(self.plan()).await?;
        let steps = plan["Steps"].as_array().map_or(0, Vec::len);
        if steps > 0 || !plan["Rollout"].is_null() {
            let repair = self.settings.command("repair", environment);
            let text = plan["Text"].as_str().unwrap_or_default();
            plan["Text"] = format!(
                "{text}\nNothing was changed. To carry this plan out, add \"Confirm\":true to the request, or run: {repair}"
            )
            .into();
        }
        plan["Environment"] = environment.into();
        Ok(plan)
    }

    /// Whether the event has `"Confirm": true`.
    fn is_confirmed(&self) -> Result<bool, OperatorError> {
        match self.event.get("Confirm") {
            None | Some(Value::Bool(false)) => Ok(false),
            Some(Value::Bool(true)) => Ok(true),
            Some(other) => Err(OperatorError::InvalidConfirm { value: form(other) }),
        }
    }
}
