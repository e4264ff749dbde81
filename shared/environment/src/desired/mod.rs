//! From the checked properties to the resources that are to exist.

mod compute;
mod identity;
mod monitoring;
mod network;
mod queries;
mod storage;

use crate::mark;
use crate::names::Names;
use crate::resource::{Fields, Key, Marking, Resource, Tags};
use crate::spec::Spec;

/// What the account, the region, the deployment and the moment say, and no property does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Availability zones that offer the instance type, by name, in order. May be fewer than are wanted: only a subnet
    /// that is still to be made needs one.
    pub zones: Vec<String>,
    /// `aws`, `aws-cn`, …: the second part of every ARN.
    pub partition: String,
    /// The image that the properties lead to today, if they lead to one. Only a source that is new is resolved with it;
    /// see [`LaunchTemplate`](crate::LaunchTemplate).
    pub image: Option<String>,
    /// Whether the deployment has the function that answers lifecycle hooks: without it every launch would wait until
    /// its hook gives up.
    pub hooks_are_handled: bool,
}

/// What all parts are made from.
struct DesiredInputs<'a> {
    spec: &'a Spec,
    names: &'a Names,
    owner: &'a str,
    facts: &'a Facts,
}

type Part = Vec<(Key, Fields)>;

/// Every resource of the environment.
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

/// That every hook that is asked for has somebody who answers it. Not asked of what has been settled before: a rollback
/// is never refused.
///
/// # Errors
/// The sentence for whoever asked.
pub fn check_hooks_are_handled(spec: &Spec, somebody_answers: bool) -> Result<(), String> {
    let asked = [("LaunchGate", spec.hooks.launch_gate), ("TerminateDrain", spec.hooks.terminate_drain)];
    match asked.into_iter().find(|(_, on)| *on == Some(true) && !somebody_answers) {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "{name} is true: this deployment of Envkeeper has no function that answers lifecycle hooks, and every instance would wait for it in vain. Leave {name} out, or deploy that function."
        )),
    }
}

impl DesiredInputs<'_> {
    fn marked(&self, key: Key, fields: Fields) -> Resource {
        let Key { kind, name } = key;
        let mut tags = match kind.marking() {
            Marking::Tags | Marking::TextAndTags => {
                mark::tags(&self.spec.tags, self.owner, self.names, &self.spec.environment, &name)
            }
            Marking::Text | Marking::Parent => Tags::new(),
        };
        if let Some(on_delete) = self.on_delete(&name) {
            tags.insert(mark::ON_DELETE.to_owned(), on_delete.name().to_owned());
        }
        Resource { name, tags, fields }
    }

    /// The mark of ownership as text.
    fn mark(&self) -> String {
        mark::text(self.owner, &self.names.environment_id())
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.facts.partition, self.names.region, self.names.account)
    }
}
