//! EC2's notices about Spot instances: an interruption warning drains the instance, and each notice about an instance of this
//! deployment is published to the ledger. EC2's own events name no group.

use std::time::Duration;

use environment::Transition;
use ledger::events::{Interruption, InterruptionNotice};

use crate::LifecycleHook;
use crate::action_handler::{Outcome, RETRY_DELAY};
use crate::cloud::{HookApi, Queue};
use crate::drain::SPOT_NOTICE_MS;
use crate::lookup::Lookup;

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles a notice that EC2 sent at `at_ms`.
    pub(crate) async fn handle_interruption(
        &self,
        instance: &str,
        notice: InterruptionNotice,
        at_ms: u64,
        lookup: &Lookup,
    ) -> Outcome {
        let age = Duration::from_millis(self.cloud.now_ms().saturating_sub(at_ms));
        match notice {
            InterruptionNotice::Warning if age >= Duration::from_millis(SPOT_NOTICE_MS) => {
                Outcome::Done(format!("the two minutes' notice of the Spot instance {instance} has expired"))
            }
            InterruptionNotice::Warning => {
                let group = match self.spot_group(lookup, instance) {
                    Ok(group) => group,
                    Err(outcome) => return outcome,
                };
                let outcome = self.drain_interrupted(group, instance, at_ms, lookup).await;
                // With the first delivery, and after the drain in case that one was late. Both have the same id.
                if age < RETRY_DELAY || !matches!(outcome, Outcome::Requeued { .. }) {
                    self.publish_notice(&Interruption { group, instance, notice, at_ms }).await;
                }
                outcome
            }
            InterruptionNotice::Rebalance => match self.spot_group(lookup, instance) {
                Ok(group) => {
                    self.publish_notice(&Interruption { group, instance, notice, at_ms }).await;
                    Outcome::Done(format!("the recommendation about {instance} is published"))
                }
                // The ledger informs: a recommendation is not worth another delivery.
                Err(Outcome::Requeued { waiting_for, .. }) => Outcome::Ignored(waiting_for.join("; ")),
                Err(outcome) => outcome,
            },
        }
    }

    /// The drain hook of the instance's group holds the settings of the drain.
    async fn drain_interrupted(&self, group: &str, instance: &str, warned_ms: u64, lookup: &Lookup) -> Outcome {
        let (action, settings) = match self.owned_hook(lookup, group, instance, Transition::Terminate) {
            Ok(owned) => owned,
            Err(outcome) => return outcome,
        };
        let handler = self.action_handler(&action, &settings, &lookup.observations, Some(warned_ms));
        handler.drain_interrupted(&self.cloud).await
    }

    /// Publishes a notice to the ledger. A failure delays nothing.
    async fn publish_notice(&self, notice: &Interruption<'_>) {
        if let Err(error) = self.cloud.publish(&notice.event()).await {
            let Interruption { instance, .. } = notice;
            tracing::warn!(instance, %error, "ledger publish failed");
        }
    }
}

/// The time of EC2's notice: the time in the event if plausible, else the time at which the message was sent. EC2 warns two
/// minutes before the interruption, and some events say 1970.
pub(crate) fn notice_ms(at_ms: Option<u64>, sent_ms: u64) -> u64 {
    let is_plausible = |at_ms: &u64| sent_ms.checked_sub(*at_ms).is_some_and(|before| before <= SPOT_NOTICE_MS);
    at_ms.filter(is_plausible).unwrap_or(sent_ms)
}
