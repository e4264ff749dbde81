//! Acts on alarms: what an environment's `AlarmActions` say of an alarm becomes a wish in its owner's line, where the
//! reconciler carries it out.
//!
//! An alarm tells of its state directly, by a topic, or by EventBridge; one that does so in all three ways is acted on once,
//! since each wish is named by the rule and by the time since when the alarm has been in ALARM, as CloudWatch itself says it.
//!
//! The files: `decide` (what a rule comes to: pure), `told` (an alarm in, outcomes out), `cloud` (the seam), `aws` (behind it),
//! `settings`. The shapes of alarms are in the crate `ledger`.

#![warn(missing_docs)]

pub mod aws;
pub mod cloud;
pub mod decide;
mod evaluate;
mod settings;

pub use evaluate::Outcome;
pub use settings::Settings;

use cloud::Cloud;
use environment::Deployment;
use lambda_kit::Error;
use ledger::{Alarm, envelope};
use requests::{Records, RequestQueue};
use serde_json::{Value, json};

/// Everything that the function has.
#[derive(Debug)]
pub struct Alarms<R, C, L> {
    /// Where the environments are.
    pub deployment: Deployment,
    /// Whether the deployment wants no alarm to be acted on.
    pub paused: bool,
    /// Whose environments there are, and what they want.
    pub records: R,
    /// What the account says of alarms.
    pub cloud: C,
    /// Where wishes stand in line.
    pub request_queue: L,
}

impl<R: Records, C: Cloud, L: RequestQueue> Alarms<R, C, L> {
    /// Handles one invocation: an alarm's own, a topic's, or EventBridge's. What a topic or EventBridge tells beside alarms'
    /// states is acknowledged.
    ///
    /// # Errors
    /// If an event is no alarm's and nobody's that is known, or something in passing keeps it from being decided: Lambda then
    /// tries again, and in the end puts the event into the queue of failed ones.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let Some(messages) = envelope::of_topic(&event) else {
            return match self.one(&event, envelope::sent_ms(&event)).await? {
                Some(told) => Ok(told),
                None if event.get("detail-type").is_some() => Ok(ignored()),
                None => Err(NO_ALARM.into()),
            };
        };
        let mut told = Vec::new();
        for (message, sent_ms) in messages.into_iter().zip(envelope::published_ms(&event)) {
            told.push(match envelope::open(message) {
                Ok(event) => self.one(&event, sent_ms).await?.unwrap_or_else(ignored),
                Err(_) => ignored(),
            });
        }
        Ok(if told.len() == 1 { told.remove(0) } else { Value::Array(told) })
    }

    /// What became of an alarm that told of its state at `sent_ms`; nothing, if it is none.
    async fn one(&self, event: &Value, sent_ms: Option<u64>) -> Result<Option<Value>, Error> {
        if let Some(account) = envelope::other_account(event, &self.deployment) {
            return Ok(Some(json!({ "Ignored": format!("it is of the account {account}") })));
        }
        let Some(alarm) = Alarm::read(event).map_err(|poison| poison.to_string())? else { return Ok(None) };
        Ok(Some(json!({ "Alarm": alarm.name, "Outcomes": self.evaluate(&alarm, sent_ms).await? })))
    }
}

const NO_ALARM: &str = "no alarm: it has neither alarmData (CloudWatch) nor AlarmName (SNS), nor is it a CloudWatch Alarm State Change (EventBridge)";

fn ignored() -> Value {
    json!({ "Ignored": "it tells of no alarm's state" })
}
