//! The operator requests `roll`, `rollback` and `cancel`. A due pass performs them: the reconciler is the only function that
//! changes environments, one pass of an owner at a time.

use environment::Timestamp;
use request_pass::{CloudFactory, DuePass, PassError, Settings};
use requests::{DueReason, Owner, Records, RequestQueue, RolloutRequest};
use serde_json::{Value, json};

use crate::operator::{KnownEnvironment, OperatorRequest};
use crate::operator_error::OperatorError;

/// A request about the rollout of an environment, which is not refused.
pub(crate) struct RolloutOperation {
    environment: String,
    owner: Owner,
    request: RolloutRequest,
    /// The command that shows the state of the rollout.
    status_command: String,
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Decides whether the request can begin, by the record and by the observed rollout.
    pub(crate) async fn rollout(&self, request: RolloutRequest) -> Result<RolloutOperation, OperatorError> {
        let KnownEnvironment { environment, owner, .. } = self.find_environment().await?;
        let (settings, records, cloud_factory) = (self.settings, self.records, self.cloud_factory);
        let pass = DuePass { settings, records, cloud_factory, owner: &owner };
        if let Some(reason) = pass.refusal(request).await.map_err(|error| unknown(&environment, error))? {
            return Err(OperatorError::RolloutRefused { request: request.name(), environment, reason });
        }
        let status_command = self.settings.command("status", &environment);
        Ok(RolloutOperation { environment, owner, request, status_command })
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
        let RolloutOperation { environment, owner, request, status_command } = self;
        let unknown_text = |error: String| OperatorError::RolloutUnknown { environment: environment.clone(), error };
        records.request_rollout(owner, Some(*request)).await?;
        match queue {
            Some(queue) => {
                let reason = DueReason::Operator(*request, cloud_factory.now().0);
                if let Err(error) = queue.send_due(owner, reason).await {
                    // Without its message the request would begin with a due pass of another day.
                    records.request_rollout(owner, None).await?;
                    return Err(unknown_text(error.to_string()));
                }
            }
            None => {
                let pass = DuePass { settings, records, cloud_factory, owner };
                pass.run(until).await.map_err(|error| unknown(environment, error))?;
            }
        }
        let name = request.name();
        let text =
            format!("The {name} of {environment} begins. To see the state of the rollout, run: {status_command}");
        Ok(json!({ "Rollout": name, "Environment": environment, "Owner": owner.as_str(), "Text": text }))
    }
}

fn unknown(environment: &str, error: PassError) -> OperatorError {
    let error = match error {
        PassError::Failed(reason) => reason.message().to_owned(),
        PassError::Requeue(reason) | PassError::RecordsUnavailable(reason) => reason,
    };
    OperatorError::RolloutUnknown { environment: environment.to_owned(), error }
}
