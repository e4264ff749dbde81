//! Converts the activities of DescribeScalingActivities into the events that should have reported them.

use environment::Transition;
use serde_json::{Value, json};

use crate::time;

/// The `Destination` of an instance that enters a warm pool, in events.
pub(crate) const WARM_POOL: &str = "WarmPool";

/// A scaling activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// `ActivityId`: the same in the list and in the event that reports the end of the activity.
    pub id: String,
    /// `AutoScalingGroupName`.
    pub group: String,
    /// `Launching a new EC2 instance: i-…`
    pub description: String,
    /// `Cause`: the sentences that `cause` parses, 1,023 characters at most (the API reference of `Activity`).
    pub cause: String,
    /// `Successful`, `Failed`, `Cancelled`; with any other status the activity is in progress.
    pub status: String,
    /// `StatusMessage`: the error, in Auto Scaling's words; `None` if Auto Scaling gives none.
    pub status_message: Option<String>,
    /// `Details`: subnet and zone, as JSON.
    pub details: String,
    /// `StartTime`, in ms since the epoch.
    pub start_ms: u64,
    /// `EndTime`, in ms since the epoch; `None` while the activity is in progress.
    pub end_ms: Option<u64>,
}

/// The instance that an activity's description names: "… EC2 instance: i-…", "… from warm pool: i-…". More text may
/// follow, such as " - Waiting For ELB Connection Draining.".
#[must_use]
pub fn instance_of(description: &str) -> Option<&str> {
    let mut words = description.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.find(|word| word.starts_with("i-"))
}

/// The transition of an activity, by the first words of its description: "Launching a new EC2 instance: i-…",
/// "Terminating EC2 instance: i-…" (the Auto Scaling user guide, "Verify a scaling activity"; an activity has no field
/// for its kind), "Scaling in EC2 instance into warm pool: i-…" (recorded on AWS, September 2026: stackd 9dc356f5,
/// `warm_pool_return_abandon_native`), whose event is a termination's. `None` for any other activity.
#[must_use]
pub fn transition_of(description: &str) -> Option<Transition> {
    let begins = [
        ("Launching ", Transition::Launch),
        ("Terminating ", Transition::Terminate),
        ("Scaling in ", Transition::Terminate),
    ];
    begins.into_iter().find(|(words, _)| description.starts_with(words)).map(|(_, transition)| transition)
}

impl Activity {
    /// The event that reports the end of the activity. `None` while the activity is in progress, and for an activity
    /// that is neither a launch nor a termination.
    #[must_use]
    pub fn event(&self) -> Option<Value> {
        let end_ms = self.end_ms?;
        let operation = match transition_of(&self.description)? {
            Transition::Launch => "Launch",
            Transition::Terminate => "Terminate",
        };
        let result = match self.status.as_str() {
            "Successful" => "Successful",
            "Failed" | "Cancelled" => "Unsuccessful",
            _ => return None,
        };
        let instance = instance_of(&self.description).unwrap_or_default();
        let details: Value = serde_json::from_str(&self.details).unwrap_or_default();
        let mut detail = json!({
            "ActivityId": self.id, "AutoScalingGroupName": self.group, "Description": self.description,
            "Cause": self.cause, "StatusCode": self.status, "StatusMessage": self.status_message, "Details": details,
            "EC2InstanceId": instance, "StartTime": time::text(self.start_ms), "EndTime": time::text(end_ms),
        });
        // The list has no field for the destination of an instance.
        if self.description.contains("into warm pool") {
            detail["Destination"] = WARM_POOL.into();
        }
        let detail_type = format!("EC2 Instance {operation} {result}");
        Some(json!({ "detail-type": detail_type, "time": time::text(end_ms), "detail": detail }))
    }
}
