//! The desired resources, computed from the validated properties.

mod check;
mod compute;
mod facts;
mod identity;
mod monitoring;
mod network;
mod queries;
mod rolling;
mod rollout_alarm;
mod storage;

use crate::input::property::{self, Property};
use crate::input::spec::{Spec, Violation};
use crate::model::key::{Key, Tags};
use crate::model::kind::{Kind, Marking};
use crate::model::mark;
use crate::model::names::Names;
use crate::model::resource::{Fields, Resource};

pub use check::{ROOT_DEVICE, check_facts};
pub use compute::template_version;
pub use facts::{
    CheckedFacts, EndpointServiceFacts, Facts, FactsQuery, ImageFacts, InstanceTypeFacts, KmsKeyFacts, SubnetFacts,
};
pub use network::endpoint_services;
pub use rolling::rolling_inputs;
pub use rollout_alarm::{RolloutAlarm, RolloutAlarmState};

/// The namespace of the functions' own metrics.
const OWN_NAMESPACE: &str = "Envkeeper";

/// The inputs of all parts.
struct DesiredInputs<'a> {
    spec: &'a Spec,
    names: &'a Names,
    owner: &'a str,
    facts: &'a Facts,
}

type Part = Vec<(Key, Fields)>;

/// All desired resources of the environment.
#[must_use]
pub fn desired(spec: &Spec, names: &Names, owner: &str, facts: &Facts) -> Vec<Resource> {
    let inputs = DesiredInputs { spec, names, owner, facts };
    let (network, placement) = network::network(&inputs);
    let parts = [
        network,
        storage::buckets(&inputs),
        identity::identity(&inputs),
        storage::log_groups(&inputs),
        compute::compute(&inputs, placement),
        monitoring::monitoring(&inputs),
    ];
    parts.into_iter().flatten().map(|(key, fields)| inputs.marked(key, fields)).collect()
}

/// The properties that enable a lifecycle hook which this deployment does not handle. Callers skip this check for a spec
/// that has been settled before: a rollback is never rejected.
#[must_use]
pub fn check_hooks_are_handled(spec: &Spec, hooks_are_handled: bool) -> Vec<Violation> {
    let enabled =
        [(&property::LAUNCH_GATE, spec.hooks.launch_gate), (&property::TERMINATE_DRAIN, spec.hooks.terminate_drain)];
    let not_handled = enabled.into_iter().filter(|(_, enabled)| *enabled == Some(true) && !hooks_are_handled);
    let violation = |(property, _): (&Property, _)| {
        let valid = format!(
            "this deployment of Envkeeper does not have the function lifecycle-hook, so the hook of every instance would time out. Omit {}, or deploy the function",
            property.name
        );
        Violation::of(property, &true, valid)
    };
    not_handled.map(violation).collect()
}

impl DesiredInputs<'_> {
    fn marked(&self, key: Key, fields: Fields) -> Resource {
        let Key { kind, name } = key;
        let mut tags = match kind.facts().marking {
            Marking::Tags | Marking::TextAndTags => {
                mark::tags(&self.spec.tags, self.owner, self.names, &self.spec.environment, &name)
            }
            Marking::Text | Marking::Parent => Tags::new(),
        };
        if kind == Kind::Role {
            tags.insert(mark::SUFFIX.to_owned(), self.names.suffix.clone());
        }
        if let Some(on_delete) = self.on_delete(&name) {
            tags.insert(mark::ON_DELETE.to_owned(), on_delete.name().to_owned());
        }
        Resource { name, tags, fields }
    }

    /// The ownership mark as text.
    fn mark(&self) -> String {
        mark::text(self.owner, &self.names.environment_id())
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.facts.partition, self.names.region, self.names.account)
    }
}
