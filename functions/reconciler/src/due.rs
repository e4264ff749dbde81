//! Due passes: passes that no request of CloudFormation asked for.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environment::Timestamp;
use futures_util::FutureExt as _;
use request_pass::{CloudFactory, DuePass, PassError, work_deadline};
use requests::{DueSender, Owner, Records, RequestQueue, due_passes_at_once, send_oldest_due};

use crate::Reconciler;

/// The delay before the next attempt at a due pass that could not run: a minute, the interval of the watchdog.
const DUE_RETRY: Duration = Duration::from_mins(1);

/// When the next due pass of an owner is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextDue {
    At(u64),
    Never,
    /// As recorded: the records are unavailable.
    Unchanged,
}

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Runs the due pass of an owner, records when the next one is due, and requests the oldest due passes of all owners.
    /// The message was received `receives` times.
    ///
    /// The message is never requeued, so it blocks no request of its owner. A due pass that dies, or whose next due time is
    /// not recorded, leaves the due time in the past: the watchdog requests it again.
    pub(crate) async fn handle_due(
        &self,
        request_queue: &impl RequestQueue,
        owner: &Owner,
        receives: u32,
        deadline: Timestamp,
    ) {
        let next = self.due_pass(owner, receives, deadline).await;
        let recorded = match next {
            NextDue::At(due_ms) => self.records.schedule(owner, due_ms).await,
            NextDue::Never => self.records.unschedule(owner).await,
            NextDue::Unchanged => Ok(()),
        };
        match recorded {
            Ok(()) => tracing::info!(%owner, ?next, "due pass ended"),
            Err(error) => tracing::error!(%owner, ?next, %error, "next due pass not recorded"),
        }
        let (at_once, now) = (due_passes_at_once(self.settings.reconcilers_at_once), self.cloud_factory.now());
        let sender = DueSender::DuePass(owner);
        if let Err(error) = send_oldest_due(sender, self.records, request_queue, at_once, now.0).await {
            tracing::warn!(%error, "next due passes not requested");
        }
    }

    async fn due_pass(&self, owner: &Owner, receives: u32, deadline: Timestamp) -> NextDue {
        let retry = NextDue::At((self.cloud_factory.now() + DUE_RETRY).0);
        if receives > 1 {
            // The invocation that received the message before may have died in the pass. A pass that always dies would
            // otherwise keep its place among the oldest, and in the end no other pass would run.
            tracing::error!(%owner, receives, "due pass skipped: the invocation before did not end");
            return retry;
        }
        let pass =
            DuePass { settings: &self.settings.pass, records: self.records, cloud_factory: self.cloud_factory, owner };
        match AssertUnwindSafe(pass.run(work_deadline(deadline))).catch_unwind().await {
            Ok(Ok(outcome)) => outcome.next_due_ms.map_or(NextDue::Never, NextDue::At),
            Ok(Err(PassError::RecordsUnavailable(reason))) => {
                tracing::warn!(%owner, reason, "due pass ended: records unavailable");
                NextDue::Unchanged
            }
            Ok(Err(PassError::Failed(reason))) => {
                tracing::error!(%owner, reason = reason.message(), "due pass failed");
                retry
            }
            Ok(Err(PassError::Requeue(reason))) => {
                tracing::info!(%owner, reason, "due pass continues later");
                retry
            }
            Err(_) => {
                tracing::error!(%owner, "due pass failed: internal error");
                retry
            }
        }
    }
}
