//! The operator requests `roll`, `rollback`, `cancel`, `hold` and `release`. A due pass performs them: the reconciler is the only
//! function that changes environments, one pass of an owner at a time.

use std::time::Duration;

use environment::Timestamp;
use environment::rollout::Hold;
use request_pass::{CloudFactory, DuePass, PassError, Settings};
use requests::{DueReason, Owner, Records, RecordsError, RequestQueue, RolloutRequest};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::{KnownEnvironment, OperatorRequest};

/// What an operator asks of a rollout.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Change(RolloutRequest),
    /// No instance is replaced until this time.
    Hold(Timestamp),
    Release,
}

impl Operation {
    /// A hold from now on. `Hours` is a whole number: Auto Scaling knows no end of a hold, and the due pass that ends it comes
    /// within two minutes.
    pub fn hold(event: &Value, now: Timestamp) -> Result<Operation, OperatorError> {
        hold_time(event).map(|time| Operation::Hold(now + time))
    }

    fn name(self) -> &'static str {
        match self {
            Operation::Change(request) => request.name(),
            Operation::Hold(_) => "hold",
            Operation::Release => "release",
        }
    }
}

/// The time of a hold, by `Hours`.
fn hold_time(event: &Value) -> Result<Duration, OperatorError> {
    let Some(value) = event.get("Hours") else { return Ok(Hold::DEFAULT) };
    let time =
        value.as_u64().filter(|hours| *hours > 0).and_then(|hours| hours.checked_mul(3_600)).map(Duration::from_secs);
    let valid = time.filter(|time| *time <= Hold::LONGEST);
    valid.ok_or_else(|| OperatorError::InvalidHours { value: value.clone() })
}

/// A request about the rollout of an environment, which is not refused.
pub(crate) struct RolloutOperation {
    environment: String,
    owner: Owner,
    operation: Operation,
    /// The command that shows the state of the rollout.
    status_command: String,
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Decides whether the request can begin, by the record and by the observed rollout.
    pub(crate) async fn rollout(&self, operation: Operation) -> Result<RolloutOperation, OperatorError> {
        let KnownEnvironment { environment, owner, .. } = self.find_environment().await?;
        let (settings, records, cloud_factory) = (self.settings, self.records, self.cloud_factory);
        let pass = DuePass { settings, records, cloud_factory, owner: &owner };
        let refusal = match operation {
            Operation::Change(request) => pass.refusal(request).await,
            Operation::Hold(until) => pass.hold_refusal(until).await,
            Operation::Release => pass.hold_refusal(Timestamp(0)).await,
        };
        if let Some(reason) = refusal.map_err(|error| unknown(&environment, &error))? {
            return Err(OperatorError::RolloutRefused { request: operation.name(), environment, reason });
        }
        let status_command = self.settings.command("status", &environment);
        Ok(RolloutOperation { environment, owner, operation, status_command })
    }
}

impl RolloutOperation {
    /// Records the request, and wakes a due pass, or runs it where the deployment has no request queue.
    ///
    /// # Errors
    /// [`OperatorError::RolloutUnknown`] if the queue did not confirm the message, or the pass failed.
    pub async fn perform<R: Records, C: CloudFactory>(
        &self,
        queue: Option<&impl RequestQueue>,
        (settings, records, cloud_factory): (&Settings, &R, &C),
        until: Timestamp,
    ) -> Result<Value, OperatorError> {
        let RolloutOperation { environment, owner, operation, status_command } = self;
        let unknown_text = |error: String| OperatorError::RolloutUnknown { environment: environment.clone(), error };
        self.record(records, true).await?;
        match queue {
            Some(queue) => {
                let reason = DueReason::Operator(operation.name(), cloud_factory.now().0);
                if let Err(error) = queue.send_due(owner, reason).await {
                    // Without its message the request would begin with a due pass of another day.
                    self.record(records, false).await?;
                    return Err(unknown_text(error.to_string()));
                }
            }
            None => {
                let pass = DuePass { settings, records, cloud_factory, owner };
                pass.run(until).await.map_err(|error| unknown(environment, &error))?;
            }
        }
        let name = operation.name();
        let (until, end) = match operation {
            Operation::Hold(until) => (Some(until.to_string()), format!(", until {until} at most")),
            _ => (None, String::new()),
        };
        let text =
            format!("The {name} of {environment} begins{end}. To see the state of the rollout, run: {status_command}");
        let mut result = json!({ "Rollout": name, "Environment": environment, "Owner": owner.as_str(), "Text": text });
        if let Some(until) = until {
            result["Until"] = until.into();
        }
        Ok(result)
    }

    /// Records the request, or removes it; another one, which was sent meanwhile, stays.
    async fn record<R: Records>(&self, records: &R, is_asked: bool) -> Result<(), RecordsError> {
        let owner = &self.owner;
        let until_ms = match self.operation {
            Operation::Change(request) if is_asked => return records.request_rollout(owner, request).await,
            Operation::Change(request) => return records.remove_rollout_request(owner, request).await,
            Operation::Hold(until) => until.0,
            // A release is a hold that has ended.
            Operation::Release => 0,
        };
        if is_asked {
            records.request_hold(owner, until_ms).await
        } else {
            records.remove_hold_request(owner, until_ms).await
        }
    }
}

fn unknown(environment: &str, error: &PassError) -> OperatorError {
    OperatorError::RolloutUnknown { environment: environment.to_owned(), error: error.message().to_owned() }
}
