//! What DescribeScalingActivities lists, as the events that should have told of it.

use serde_json::{Value, json};

use crate::time;

/// Where an instance goes that is kept ready, as events have it.
pub(crate) const WARM_POOL: &str = "WarmPool";

/// A scaling activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// `ActivityId`: the same in the listing and in the event that tells of its end.
    pub id: String,
    /// `AutoScalingGroupName`.
    pub group: String,
    /// `Launching a new EC2 instance: i-…`
    pub description: String,
    /// `Cause`: the sentences that `cause` takes apart, 1,023 characters at most (the API reference of `Activity`).
    pub cause: String,
    /// `Successful`, `Failed`, `Cancelled`; all else is still under way.
    pub status: String,
    /// `StatusMessage`: what went wrong, in Auto Scaling's words; nothing where it says none.
    pub status_message: Option<String>,
    /// Subnet and zone, as JSON.
    pub details: String,
    /// `StartTime`, in ms since the epoch.
    pub start_ms: u64,
    /// `EndTime`, in ms since the epoch; nothing while it is under way.
    pub end_ms: Option<u64>,
}

/// The instance that an activity's description names: "… EC2 instance: i-…", "… from warm pool: i-…", also with more behind it,
/// such as " - Waiting For ELB Connection Draining.".
#[must_use]
pub fn instance_of(description: &str) -> Option<&str> {
    let mut words = description.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.find(|word| word.starts_with("i-"))
}

impl Activity {
    /// The event that tells of its end; nothing while it is under way, and of what is neither a launch nor a termination.
    #[must_use]
    pub fn event(&self) -> Option<Value> {
        let end_ms = self.end_ms?;
        let what = match self.description.split(' ').next() {
            Some("Launching") => "Launch",
            Some("Terminating") => "Terminate",
            _ => return None,
        };
        let how = match self.status.as_str() {
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
        // The list has no field for where an instance went.
        if self.description.contains("into warm pool") {
            detail["Destination"] = WARM_POOL.into();
        }
        Some(
            json!({ "detail-type": format!("EC2 Instance {what} {how}"), "time": time::text(end_ms), "detail": detail }),
        )
    }
}
