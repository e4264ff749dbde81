//! The response that ends a request, built from the outcome of a pass.

use std::collections::BTreeMap;

use environment::{Condition, Timestamp, mark};
use requests::{CfnResponse, PhysicalId, Reason, Records, Runbook};

use crate::cloud_factory::CloudFactory;
use crate::pass::RequestPass;

/// The reason of a FAILED whose request waited for longer than each of its conditions takes.
pub(crate) fn obstructed_reason(waiting_for: &[Condition]) -> Reason {
    let obstacles: Vec<String> = waiting_for.iter().map(|it| format!("- {it}")).collect();
    let message = format!(
        "Nothing under way ends these waits, so Envkeeper stopped working on the request. Remove the obstacles, then send the same request again.\n{}",
        obstacles.join("\n")
    );
    Reason::with_runbook(message, Runbook::Obstructed)
}

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Builds the response of a success. `id` is the environment's, if the environment exists.
    #[must_use]
    pub fn succeeded(&self, id: Option<&str>, data: BTreeMap<String, String>) -> CfnResponse {
        CfnResponse::success(&self.request.response_address, self.physical_id(id), data)
    }

    /// Builds the response of a failure. `id` is the environment's, if the environment exists.
    #[must_use]
    pub fn failed(&self, id: Option<&str>, reason: Reason) -> CfnResponse {
        // The response has room for a part of a long reason.
        tracing::info!(owner = %self.request.owner(), reason = reason.message(), "request failed");
        let (to, id) = (&self.request.response_address, self.physical_id(id));
        CfnResponse::failed(to, id, reason, &self.settings.function_name)
    }

    fn physical_id(&self, id: Option<&str>) -> PhysicalId {
        let event_id = self.request.event.physical_id.as_deref();
        PhysicalId::first_of([event_id, id], PhysicalId::of_owner(&self.request.owner()))
    }

    /// The reason of a FAILED at the deadline. The conditions that the request waited for are those of this pass, else
    /// those that the previous pass recorded.
    pub(crate) async fn timeout_reason(&self, waiting_for: &[Condition]) -> Reason {
        let owner = self.request.owner();
        let record = self.records.owner(&owner).await.ok().flatten();
        let recorded_progress = record.as_ref().filter(|it| it.is_latest(&self.request.hash));
        let recorded_progress =
            recorded_progress.and_then(|it| it.progress.clone()).map(|it| it.waiting_for).unwrap_or_default();
        let waiting_for: Vec<String> = waiting_for.iter().map(ToString::to_string).collect();
        let waited_for = if waiting_for.is_empty() { recorded_progress } else { waiting_for };
        let waited_for = if waited_for.is_empty() {
            String::from("No reconcile pass completed before.")
        } else {
            format!("It waited for: {}.", waited_for.join("; "))
        };
        let status_command = record
            .and_then(|it| it.environment)
            .map(|environment| format!(" To see its status, run: {}", self.settings.command("status", &environment)));
        let age_seconds = (self.cloud_factory.now() - Timestamp(self.request.event.sent_ms)).as_secs();
        let message = format!(
            "Not finished {age_seconds} s after {} sent the request; Envkeeper stopped working on it. {waited_for} The resources created so far carry the tag {}={owner}. Send the same request again to continue.{}",
            self.request.event.kind.sender(),
            mark::OWNER,
            status_command.unwrap_or_default()
        );
        Reason::with_runbook(message, Runbook::RequestTimedOut)
    }
}
