//! Acts on alarms: the rules in an environment's `AlarmActions` turn an alarm into a remediation request in the owner's
//! group of the request queue, from which the reconciler takes and executes it.
//!
//! An alarm reports its state directly, by a topic, or by EventBridge. An alarm that uses all three is acted on once:
//! the name of each remediation request consists of the rule and of the time since when the alarm has been in ALARM,
//! according to CloudWatch itself.
//!
//! The files: `decide` (the verdict on a rule: pure), `evaluate` (an alarm in, outcomes out), `cloud` (the seam), `aws`
//! (behind the seam), `settings`. The shapes of alarms are in the crate `ledger`.

#![warn(missing_docs)]

pub mod aws;
pub mod cloud;
pub mod decide;
mod evaluate;
mod settings;

pub use evaluate::Outcome;
pub use settings::Settings;

use cloud::AlarmApi;
use environment::Deployment;
use lambda_kit::{Error, Failure, FailureKind};
use ledger::Alarm;
use ledger::envelope::{self, PoisonMessage};
use requests::{Records, RequestQueue};
use serde_json::{Value, json};

/// The function with everything that an invocation uses.
#[derive(Debug)]
pub struct Alarms<R, C, L> {
    /// The deployment that owns the environments.
    pub deployment: Deployment,
    /// Whether automation is paused: the deployment acts on no alarm.
    pub paused: bool,
    /// The environments with their owners and their desired states.
    pub records: R,
    /// The alarms of the account.
    pub cloud: C,
    /// The queue for remediation requests.
    pub request_queue: L,
}

impl<R: Records, C: AlarmApi, L: RequestQueue> Alarms<R, C, L> {
    /// Handles one invocation: by an alarm itself, by a topic, or by EventBridge. Other messages of a topic or of
    /// EventBridge than alarm states are acknowledged.
    ///
    /// # Errors
    /// If an event is neither an alarm's nor of a known other kind, or a transient error prevents the decision: Lambda
    /// then retries, and in the end sends the event to the queue of failed events.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let Some(messages) = envelope::topic_messages(&event) else {
            return match self.handle_event(&event, envelope::sent_ms(&event)).await? {
                Some(result) => Ok(result),
                None if event.get("detail-type").is_some() => Ok(ignored()),
                None => Err(Failure::new(FailureKind::InvalidEvent, NOT_AN_ALARM).into()),
            };
        };
        let mut results = Vec::new();
        for (message, sent_ms) in messages.into_iter().zip(envelope::published_ms(&event)) {
            results.push(match envelope::open(message) {
                Ok(event) => self.handle_event(&event, sent_ms).await?.unwrap_or_else(ignored),
                Err(_) => ignored(),
            });
        }
        Ok(if results.len() == 1 { results.remove(0) } else { Value::Array(results) })
    }

    /// Evaluates an alarm that reported its state at `sent_ms`; `None` if the event is not an alarm state.
    async fn handle_event(&self, event: &Value, sent_ms: Option<u64>) -> Result<Option<Value>, Error> {
        if let Some(account) = envelope::foreign_account(event, &self.deployment) {
            return Ok(Some(json!({ "Ignored": format!("the event is from the account {account}") })));
        }
        let invalid = |poison: PoisonMessage| Failure::new(FailureKind::InvalidEvent, poison.to_string());
        let Some(alarm) = Alarm::read(event).map_err(invalid)? else { return Ok(None) };
        Ok(Some(json!({ "Alarm": alarm.name, "Outcomes": self.evaluate(&alarm, sent_ms).await? })))
    }
}

const NOT_AN_ALARM: &str = "the event is not an alarm state: it has neither alarmData (CloudWatch) nor AlarmName (SNS), nor is its detail-type CloudWatch Alarm State Change (EventBridge)";

fn ignored() -> Value {
    json!({ "Ignored": "the event is not an alarm state" })
}
