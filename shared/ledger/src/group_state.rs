//! The observed state of a group: its sizes, and its instances with their states and template versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::envelope::text;
use crate::events::{STATE, envelope};

/// The state of a group at a time. The scheduled run of `scaling-log` writes it, half-hourly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupState {
    /// The minimum number of instances.
    pub min: u32,
    /// The maximum number of instances.
    pub max: u32,
    /// The desired capacity.
    pub desired: u32,
    /// The instances, by id; a group has 1,000 at most (the property `MaxSize`), and a tenth more during a rollout.
    #[serde(default)]
    pub instances: BTreeMap<String, InstanceState>,
}

/// The state of an instance of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceState {
    /// `LifecycleState`, as Auto Scaling names it: `InService`, `Pending:Wait`.
    pub state: String,
    /// The version of the launch template; `None` if Auto Scaling reports none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u64>,
}

/// The `LifecycleState` of an instance that is in service (the Auto Scaling user guide, "Instance lifecycle").
pub(crate) const IN_SERVICE: &str = "InService";

/// The maximum number of instances that are read. A forged event with more is not a group of Envkeeper, and its line
/// would be longer than CloudWatch Logs accepts.
const MAX_INSTANCES: usize = 2_000;

impl GroupState {
    /// The number of instances in service.
    #[must_use]
    pub fn in_service(&self) -> usize {
        self.instances.values().filter(|it| it.state == IN_SERVICE).count()
    }

    /// The event for the ledger: the state of the group with this name, observed at this time, in ms since the epoch.
    /// With 1,100 instances it has 120 KB; EventBridge accepts 256 KB.
    #[must_use]
    pub fn event(&self, group: &str, at_ms: u64) -> Value {
        let instance = |(id, it): (&String, &InstanceState)| {
            let (state, version) = (&it.state, it.template_version);
            json!({ "InstanceId": id, "LifecycleState": state, "LaunchTemplateVersion": version })
        };
        let instances: Vec<Value> = self.instances.iter().map(instance).collect();
        let detail = json!({
            "AutoScalingGroupName": group, "MinSize": self.min, "MaxSize": self.max, "DesiredCapacity": self.desired,
            "Instances": instances,
        });
        envelope(STATE, &format!("{STATE} {group} {at_ms}"), at_ms, detail)
    }

    /// Reads the detail of such an event. Instances with an id or a state that Auto Scaling does not write are left
    /// out.
    ///
    /// # Errors
    /// The name of a size that is missing, or is not a whole number.
    pub(crate) fn read(detail: &Map<String, Value>) -> Result<GroupState, &'static str> {
        let size = |name: &'static str| {
            let size = detail.get(name).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
            size.ok_or(name)
        };
        let word = |value: Option<&Value>| text(value).filter(|it| is_word(it)).map(str::to_owned);
        let instance = |it: &Value| {
            let template_version = it.get("LaunchTemplateVersion").and_then(version);
            let state = word(it.get("LifecycleState"))?;
            Some((word(it.get("InstanceId"))?, InstanceState { state, template_version }))
        };
        let instances = detail.get("Instances").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(GroupState {
            min: size("MinSize")?,
            max: size("MaxSize")?,
            desired: size("DesiredCapacity")?,
            instances: instances.iter().take(MAX_INSTANCES).filter_map(instance).collect(),
        })
    }
}

/// A version of a launch template: a number, or its digits, as Auto Scaling writes them.
pub(crate) fn version(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether a text has the form of an id or a state: letters, digits, `-` and `:`; 32 at most.
fn is_word(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b':')
}
