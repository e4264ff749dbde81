//! The settings of an environment for the function that responds to lifecycle hooks. Each hook carries the settings in
//! its notification metadata. The function reads them from the hook itself, never from a message.

use serde::{Deserialize, Serialize};

/// The tag that the user data sets on its own instance: [`DONE`] at the end, else [`FAILED`] and the place of the
/// failure.
///
/// The call that returns the instance's state returns the tag as well. The tag needs no agent, and is deleted with the
/// instance.
pub const USER_DATA: &str = "envkeeper:user-data";

/// The value of [`USER_DATA`] after the user data has run to the end.
pub const DONE: &str = "done";

/// The prefix of the value of [`USER_DATA`] after the user data has failed.
pub const FAILED: &str = "failed";

/// The script on the instance that drains it: see [`Spec::user_data`](crate::Spec::user_data). The user data wrote it when the
/// instance started, so the script fits the software that runs there.
pub const DRAIN_SCRIPT: &str = "/var/lib/envkeeper/drain";

/// The log stream with the evidence about an instance, in the environment's log group of instances.
#[must_use]
pub fn evidence_stream(instance: &str) -> String {
    format!("{instance}/evidence")
}

/// The content of a hook's notification metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookSettings {
    /// The version of this text, 1; metadata without it belongs to another tool.
    pub envkeeper: u32,
    /// The owner of the environment: the key of the owner's requests.
    pub owner: String,
    /// The environment's id.
    pub environment: String,
    /// The log group of the environment's instances.
    pub log_group: String,
    /// ARNs. The maximum of twenty and all other fields fit into the 4,000 characters that a hook accepts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<String>,
    /// Seconds without a heartbeat after which Auto Scaling ends the wait.
    pub heartbeat_seconds: u32,
    /// The task that the hook waits for. In the text it is a field `gate` or `drain`.
    #[serde(flatten)]
    pub task: HookTask,
}

/// The task of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookTask {
    /// Checks a launch before the instance enters service.
    Gate(Gate),
    /// Drains a terminating instance.
    Drain(Drain),
}

/// The settings of the launch gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Seconds within which an instance must be healthy.
    pub seconds: u32,
    /// The result for an instance without a verdict after that time.
    pub on_timeout: OnTimeout,
}

/// The result for an instance that was neither healthy nor unhealthy when the time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnTimeout {
    /// The instance is replaced.
    Abandon,
    /// The instance enters service.
    Continue,
}

/// The settings of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// The longest time for a drain, in seconds.
    pub seconds: u32,
}

/// The maximum number of target groups of an environment (the property `TargetGroupArns`).
const MAX_TARGET_GROUPS: usize = 20;

/// The shortest and the longest heartbeat of a hook, in seconds (the API reference of `PutLifecycleHook`).
const HEARTBEAT_SECONDS: (u32, u32) = (30, 7_200);

/// The longest wait of any hook, in seconds: 48 hours (the same source).
const MAX_WAIT_SECONDS: u32 = 172_800;

impl HookSettings {
    /// Reads a hook's notification metadata; `None` if it was not written by Envkeeper. A principal that may change the
    /// hook can write any number, so each time is limited to the values that Auto Scaling accepts.
    #[must_use]
    pub fn read(metadata: &str) -> Option<HookSettings> {
        let read: HookSettings = serde_json::from_str(metadata).ok()?;
        let is_own = read.envkeeper == 1 && read.target_groups.len() <= MAX_TARGET_GROUPS;
        is_own.then(|| read.within_bounds())
    }

    fn within_bounds(self) -> HookSettings {
        let (shortest, longest) = HEARTBEAT_SECONDS;
        let task = match self.task {
            HookTask::Gate(gate) => HookTask::Gate(Gate { seconds: gate.seconds.min(MAX_WAIT_SECONDS), ..gate }),
            HookTask::Drain(drain) => HookTask::Drain(Drain { seconds: drain.seconds.min(MAX_WAIT_SECONDS) }),
        };
        HookSettings { heartbeat_seconds: self.heartbeat_seconds.clamp(shortest, longest), task, ..self }
    }

    /// The settings as notification metadata: printable ASCII, since no part can contain other characters.
    #[must_use]
    pub fn text(&self) -> String {
        // The serialization of a struct of texts and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl OnTimeout {
    /// The values that the property accepts.
    pub const PROPERTY: [&'static str; 2] = ["Abandon", "Continue"];

    pub(crate) fn of(text: &str) -> Self {
        if text == "Continue" { OnTimeout::Continue } else { OnTimeout::Abandon }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_metadata_is_read_and_other_metadata_is_ignored() {
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
        let crowded = HookSettings { target_groups: vec!["arn".into(); 21], ..gate.clone() }.text();
        for other in ["", "null", "{}", "key=value", r#"{"envkeeper":1}"#, &newer, &crowded] {
            assert_eq!(HookSettings::read(other), None, "{other}");
        }
        let task = |seconds| HookTask::Gate(Gate { seconds, on_timeout: OnTimeout::Abandon });
        for (seconds, heartbeat, expected) in [(u32::MAX, u32::MAX, (172_800, 7_200)), (0, 0, (0, 30))] {
            let given = HookSettings { heartbeat_seconds: heartbeat, ..settings(task(seconds)) };
            let bounded = HookSettings { heartbeat_seconds: expected.1, ..settings(task(expected.0)) };
            assert_eq!(HookSettings::read(&given.text()), Some(bounded));
        }
    }
}
