//! What the function that answers lifecycle hooks has to know of an environment. It travels with each hook, in its
//! notification metadata, so that an instance is judged by what its own environment asks for and nothing has to be looked
//! up.

use serde::{Deserialize, Serialize};

/// The tag that an instance's user data sets on its own instance: [`DONE`] at its end, else [`FAILED`] and where.
///
/// It is read by the call that tells the instance's state anyway, needs no agent, and goes with the instance.
pub const USER_DATA: &str = "envkeeper:user-data";

/// The value of [`USER_DATA`] when user data ran to its end.
pub const DONE: &str = "done";

/// What the value of [`USER_DATA`] begins with when user data failed.
pub const FAILED: &str = "failed";

/// The script on the instance that drains it: see [`user_data`](crate::user_data). It was written when the instance
/// started, so it fits the software that runs there.
pub const DRAIN_SCRIPT: &str = "/var/lib/envkeeper/drain";

/// What a hook's notification metadata says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookSettings {
    /// The version of this text, 1; metadata without it is somebody else's.
    pub envkeeper: u32,
    /// Whose environment it is: its requests are found by this.
    pub owner: String,
    /// The environment's id.
    pub environment: String,
    /// The log group of its instances.
    pub log_group: String,
    /// ARNs. Twenty of them, which is the most, and all else are within the 4,000 characters that a hook takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<String>,
    /// Seconds after which Auto Scaling gives up waiting for a sign of life.
    pub heartbeat_seconds: u32,
    /// What the hook waits for. In the text it is a field `gate` or `drain`.
    #[serde(flatten)]
    pub task: HookTask,
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookTask {
    /// A launch is vouched for.
    Gate(Gate),
    /// An instance that ends is drained.
    Drain(Drain),
}

/// How a launch is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Seconds in which an instance has to be healthy.
    pub seconds: u32,
    /// What then becomes of one that nobody could judge.
    pub on_timeout: OnTimeout,
}

/// What becomes of an instance that was neither healthy nor ill when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnTimeout {
    /// It is replaced.
    Abandon,
    /// It goes into service.
    Continue,
}

/// How an instance is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// Seconds that it may take at most.
    pub seconds: u32,
}

impl HookSettings {
    /// Reads a hook's notification metadata; nothing if it is none of ours.
    #[must_use]
    pub fn read(metadata: &str) -> Option<HookSettings> {
        serde_json::from_str(metadata).ok().filter(|it: &HookSettings| it.envkeeper == 1)
    }

    /// As notification metadata: printable ASCII, since no part can hold anything else.
    #[must_use]
    pub fn text(&self) -> String {
        // A struct of texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl OnTimeout {
    /// What the property takes.
    pub const PROPERTY: [&'static str; 2] = ["Abandon", "Continue"];

    pub(crate) fn of(text: &str) -> Self {
        if text == "Continue" { OnTimeout::Continue } else { OnTimeout::Abandon }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_other_metadata_is_somebody_elses() {
        let settings = |task| HookSettings {
            envkeeper: 1,
            owner: "0123456789abcdef0123".into(),
            environment: "scalable-ec2-us-west-2-dev".into(),
            log_group: "/aws/ec2/scalable-ec2-dev".into(),
            target_groups: vec![],
            heartbeat_seconds: 900,
            task,
        };
        let gate = settings(HookTask::Gate(Gate { seconds: 600, on_timeout: OnTimeout::Abandon }));
        let expected = r#"{"envkeeper":1,"owner":"0123456789abcdef0123","environment":"scalable-ec2-us-west-2-dev","logGroup":"/aws/ec2/scalable-ec2-dev","heartbeatSeconds":900,"gate":{"seconds":600,"onTimeout":"Abandon"}}"#;
        assert_eq!(gate.text(), expected);
        for it in [gate.clone(), settings(HookTask::Drain(Drain { seconds: 300 }))] {
            assert_eq!(HookSettings::read(&it.text()), Some(it));
        }
        let newer = gate.text().replace("\"envkeeper\":1", "\"envkeeper\":2");
        for other in ["", "null", "{}", "key=value", r#"{"envkeeper":1}"#, &newer] {
            assert_eq!(HookSettings::read(other), None, "{other}");
        }
    }
}
