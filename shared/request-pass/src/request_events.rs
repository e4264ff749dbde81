//! The progress of requests, for the ledgers of their environments. The ledger informs: a failure is logged, and changes nothing.

use environment::Timestamp;
use ledger::events::{RequestProgress, RequestStep};
use requests::Records;
use requests::records::OwnerRecord;

use crate::cloud_factory::CloudFactory;
use crate::pass::RequestPass;
use crate::settings::Settings;

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Publishes that the first pass of the request began at this time. A pass of a Create creates the log group of the ledger,
    /// so the caller publishes after the pass.
    pub async fn publish_started(&self, began: Timestamp) {
        let Some((group, _)) = self.recorded_group().await else { return };
        self.publish_step(&group, RequestStep::Started, began.0).await;
    }

    /// Publishes the response to the request, if the history of its owner has it: then it was sent. An earlier response to the same
    /// request, which another function recorded, is the one that was sent.
    pub async fn publish_responded(&self) {
        let Some((group, record)) = self.recorded_group().await else { return };
        let Some(entry) = record.history.iter().find(|it| it.request_hash == self.request.hash) else { return };
        let result = if entry.success { Ok(()) } else { Err(entry.reason.as_str()) };
        self.publish_step(&group, RequestStep::Responded(result), entry.responded_ms).await;
    }

    /// The group of the owner's environment, by the record: a request whose environment belongs to another owner is not in that
    /// owner's ledger.
    async fn recorded_group(&self) -> Option<(String, OwnerRecord)> {
        let record = self.records.owner(&self.request.owner()).await.ok().flatten()?;
        let group = group_of(self.settings, record.environment.as_deref()?)?;
        Some((group, record))
    }

    async fn publish_step(&self, group: &str, step: RequestStep<'_>, at_ms: u64) {
        let (request, request_id) =
            (self.request.event.kind.as_str(), self.request.response_address.request_id.as_str());
        publish(self.cloud_factory, &RequestProgress { group, request, request_id, step, at_ms }).await;
    }
}

/// Publishes that an operator's request with this name was accepted, about the environment with this id. `claimed_caller` is who
/// sent it, by its own statement.
pub async fn publish_accepted<C: CloudFactory>(
    settings: &Settings,
    cloud_factory: &C,
    environment: &str,
    request: &str,
    claimed_caller: Option<&str>,
) {
    let Some(group) = group_of(settings, environment) else { return };
    let at_ms = cloud_factory.now().0;
    // The form of the ids of the requests that an operator sends in the name of a stack.
    let (request_id, step) = (format!("operator-{at_ms}"), RequestStep::Accepted { claimed_caller });
    publish(cloud_factory, &RequestProgress { group: &group, request, request_id: &request_id, step, at_ms }).await;
}

fn group_of(settings: &Settings, environment: &str) -> Option<String> {
    let suffix = settings.deployment.suffix_of_environment(environment)?;
    Some(settings.deployment.names(suffix).group().name)
}

async fn publish<C: CloudFactory>(cloud_factory: &C, progress: &RequestProgress<'_>) {
    if let Err(error) = cloud_factory.publish(&progress.event()).await {
        let RequestProgress { group, request, .. } = progress;
        tracing::warn!(group, request, %error, "ledger publish failed");
    }
}
