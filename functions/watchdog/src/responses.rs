//! FAILED responses to requests for which CloudFormation still waits.

use std::time::Duration;

use futures_util::future::join_all;
use lambda_kit::Error;
use requests::records::{LatestRequest, OwnerRecord};
use requests::{
    CfnResponse, DeliveryError, Owner, PhysicalId, Reason, Records, RecordsError, RequestQueue, Responder, Runbook,
    time_text,
};

use crate::{OwnershipMarks, Watchdog};

/// Why a request has no response of the function that should have sent one.
#[derive(Clone)]
pub(crate) struct Cause {
    /// A sentence for the operator.
    pub message: String,
    pub runbook: Runbook,
    /// The function whose log has the cause, without the project.
    pub function: &'static str,
    /// Whether Lambda stopped retrying an invocation of custom-resource.
    pub is_failed_invocation: bool,
}

impl Cause {
    fn overdue(message: String) -> Cause {
        Cause { message, runbook: Runbook::RequestOverdue, function: "reconciler", is_failed_invocation: false }
    }

    /// The name of the Lambda function whose log has the cause.
    pub(crate) fn function_name(&self, project: &str) -> String {
        format!("{project}-{}", self.function)
    }
}

/// Why a request got no response in this invocation; a later invocation retries.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
}

impl<R: Records, M: OwnershipMarks, Q: RequestQueue> Watchdog<R, M, Q> {
    /// Responds to every request that is due by now, and returns their owners. All responses are sent in parallel and
    /// independently: a host that does not respond, or a record that can't be read, does not delay the other requests.
    pub(crate) async fn overdue(&self, now_ms: u64, deadline_ms: u64) -> Result<Vec<String>, Error> {
        let owners = self.records.overdue(now_ms).await?;
        let all = owners.iter().map(async |owner| match self.respond_if_overdue(owner, now_ms, deadline_ms).await {
            Ok(responded) => responded.then(|| owner.to_string()),
            Err(error) => {
                tracing::error!(%owner, %error, "overdue response failed");
                None
            }
        });
        Ok(join_all(all).await.into_iter().flatten().collect())
    }

    /// Returns whether the owner's request was overdue: the index may lag behind the record.
    async fn respond_if_overdue(&self, owner: &Owner, now_ms: u64, deadline_ms: u64) -> Result<bool, ResponseError> {
        let record = self.records.owner(owner).await?;
        let is_overdue = |it: &OwnerRecord| it.response_due_ms.is_some_and(|due| due <= now_ms);
        let Some(record) = record.filter(is_overdue) else { return Ok(false) };
        let Some(latest) = &record.latest_request else { return Ok(false) };
        let reason = format!(
            "No response was sent by {}: the function that processes requests (reconciler, or custom-resource without a request queue) did not start, was killed, or is overloaded.",
            time_text(latest.deadline_ms)
        );
        self.respond_failed(owner, latest, &record, &Cause::overdue(reason), now_ms, deadline_ms).await?;
        Ok(true)
    }

    /// Responds with FAILED to the latest request of `record`, and records the response.
    pub(crate) async fn respond_failed(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        record: &OwnerRecord,
        cause: &Cause,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Result<(), DeliveryError> {
        let response = self.failed_response(owner, latest_request, record, cause);
        let responder = Responder {
            response_sender: &self.response_sender,
            records: &self.records,
            hosts: &self.settings.response_hosts,
        };
        let within = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
        responder.respond(owner, latest_request, &response, now_ms, within).await
    }

    /// Builds the FAILED for a request, with the facts of this record.
    pub(crate) fn failed_response(
        &self,
        owner: &Owner,
        latest_request: &LatestRequest,
        record: &OwnerRecord,
        cause: &Cause,
    ) -> CfnResponse {
        let progress = record.progress.as_ref().filter(|_| record.is_latest(&latest_request.request_hash));
        let waited =
            progress.map(|it| format!(" The request waited for: {}.", it.waiting_for.join("; "))).unwrap_or_default();
        let environment = record.environment.as_deref();
        let ids = [latest_request.physical_id.as_deref(), environment];
        let id = PhysicalId::first_of(ids, PhysicalId::of_owner(owner));
        let reason = format!(
            "{}{waited} Existing resources are unchanged, and carry the tag envkeeper:owner={owner}.",
            cause.message
        );
        let reason = Reason::with_runbook(reason, cause.runbook);
        let function = cause.function_name(&self.settings.deployment.project);
        CfnResponse::failed(&latest_request.response_address, id, reason, &function)
    }
}
