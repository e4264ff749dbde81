//! Acts on alarms: what an environment's `AlarmActions` say of an alarm becomes a wish in its owner's line, where the
//! reconciler carries it out.
//!
//! An alarm tells of its state directly, by a topic, or by EventBridge; one that does so in all three ways is acted on once,
//! since each wish is named by the rule and by the time since when the alarm has been in ALARM, as CloudWatch itself says it.
//!
//! The files: `decide` (what a rule comes to: pure), `told` (an alarm in, outcomes out), `cloud` (the seam), `aws` (behind it),
//! `settings`. The shapes of alarms are in the crate `ledger`.

pub mod aws;
pub mod cloud;
pub mod decide;
mod settings;
mod told;

pub use settings::Settings;
pub use told::Outcome;

use cloud::Cloud;
use environment::Place;
use lambda_kit::Error;
use ledger::{Alarm, envelope};
use requests::{Line, Records};
use serde_json::{Value, json};

/// Everything that the function has.
#[derive(Debug)]
pub struct Alarms<R, C, L> {
    /// Where the environments are.
    pub place: Place,
    /// Whether the deployment wants no alarm to be acted on.
    pub paused: bool,
    /// Whose environments there are, and what they want.
    pub records: R,
    /// What the account says of alarms.
    pub cloud: C,
    /// Where wishes stand in line.
    pub line: L,
}

impl<R: Records, C: Cloud, L: Line> Alarms<R, C, L> {
    /// Handles one invocation: an alarm's own, a topic's, or EventBridge's.
    ///
    /// # Errors
    /// If an event is no alarm's, or something in passing keeps it from being decided: Lambda then tries again, and in the end
    /// puts the event into the queue of failed ones.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let events: Vec<Value> = match envelope::of_topic(&event) {
            Some(messages) => messages.into_iter().map(envelope::open).collect::<Result<_, _>>(),
            None => Ok(vec![event]),
        }
        .map_err(|poison| poison.to_string())?;
        let mut told = Vec::new();
        for event in &events {
            let alarm = Alarm::read(event).map_err(|poison| poison.to_string())?;
            let alarm = alarm.ok_or(
                "no alarm: it has neither alarmData (CloudWatch) nor AlarmName (SNS), nor is it a CloudWatch Alarm State Change (EventBridge)",
            )?;
            told.push(json!({ "Alarm": alarm.name, "Outcomes": self.told(&alarm).await? }));
        }
        Ok(if told.len() == 1 { told.remove(0) } else { Value::Array(told) })
    }
}
