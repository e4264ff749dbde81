//! The operator request `inventory`: the resources that exist of an environment, by an observation of every kind. For a deleted
//! environment it proves that nothing is left.

use std::fmt;

use environment::{Cloud as _, Kind, ObservedResource, Ownership};
use request_pass::{CloudFactory, recorded_spec, scope};
use requests::records::OwnerRecord;
use requests::{Owner, Records, time_text};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::{KnownEnvironment, OperatorRequest};

/// What an observed resource is to the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Belonging {
    /// It belongs to the environment.
    Owned,
    /// It has the environment's mark, and nothing proves that it belongs to the environment.
    Unproven,
    /// It is a bucket that a deleted environment of this id retained.
    Retained,
    /// It has a name of the environment, and belongs to another owner.
    Foreign,
    /// It has a name of the environment, and denies read access, for this reason.
    Hidden(String),
}

impl fmt::Display for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Belonging::Owned => "owned",
            Belonging::Unproven => "unproven",
            Belonging::Retained => "retained",
            Belonging::Foreign => "foreign",
            Belonging::Hidden(_) => "hidden",
        })
    }
}

/// A resource of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InventoryEntry {
    /// The kind.
    kind: Kind,
    /// The name; for a resource without the name of a known one, the id.
    name: String,
    /// The id, where it differs from the name.
    id: Option<String>,
    /// What it is to the environment.
    belonging: Belonging,
}

impl fmt::Display for InventoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InventoryEntry { kind, name, id, belonging } = self;
        write!(f, "{} {name}", kind.facts().name)?;
        if let Some(id) = id {
            write!(f, " ({id})")?;
        }
        write!(f, ": {belonging}")?;
        if let Belonging::Hidden(reason) = belonging { write!(f, ", {reason}") } else { Ok(()) }
    }
}

impl InventoryEntry {
    fn json(&self) -> Value {
        let reason = if let Belonging::Hidden(reason) = &self.belonging { Some(reason) } else { None };
        json!({
            "Kind": self.kind.facts().name, "Name": self.name, "Id": self.id, "Ownership": self.belonging.to_string(),
            "Reason": reason,
        })
    }
}

/// The owner whose resources an inventory lists.
struct Owned {
    environment: String,
    owner: Owner,
    record: Option<OwnerRecord>,
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// The resources of an environment, also of a deleted one, or of a former owner that the operator names.
    pub(crate) async fn inventory(&self) -> Result<Value, OperatorError> {
        let Owned { environment, owner, record } = self.inventoried().await?;
        let deployment = &self.settings.deployment;
        let names = deployment.names(deployment.suffix_of_environment(&environment).unwrap_or_default());
        let spec = recorded_spec(record.as_ref(), |it| it.desired.as_ref(), self.settings);
        let network_is_managed = spec.is_none_or(|spec| spec.network.vpc_id.is_none());
        let scope = scope(owner.as_str(), names, record.as_ref(), network_is_managed);
        let observed = self.cloud_factory.for_run(owner.as_str(), "inventory", None).observe(&scope).await?;
        let mut entries: Vec<InventoryEntry> = observed.iter().map(entry).collect();
        entries.sort_by(|a, b| (a.kind, &a.name, &a.id).cmp(&(b.kind, &b.name, &b.id)));
        let is_left = |it: &&InventoryEntry| !matches!(it.belonging, Belonging::Retained | Belonging::Foreign);
        let left = entries.iter().filter(is_left).count();
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.facts().name).collect();
        let deleted = record.filter(|it| it.deleted).and_then(|it| it.deleted_ms).map(time_text);
        let mut lines = vec![match (&deleted, left) {
            (Some(at), 0) => format!("{environment} was deleted at {at}, and nothing of it is left."),
            (Some(at), _) => format!("{environment} was deleted at {at}, and {left} of its resources are left."),
            (None, 0) => format!("Nothing of {environment} exists."),
            (None, _) => format!("{environment} has {left} resources."),
        }];
        lines.extend(entries.iter().map(|it| format!("  {it}")));
        lines.push(format!("Observed: every {}.", kinds.join(", ")));
        let resources: Vec<Value> = entries.iter().map(InventoryEntry::json).collect();
        Ok(json!({
            "Environment": environment, "Owner": owner.as_str(), "Deleted": deleted, "NothingLeft": left == 0,
            "Resources": resources, "ObservedKinds": kinds, "Text": lines.join("\n"),
        }))
    }

    /// The owner that the operator names, else the one of the environment's record, or of its tombstone.
    async fn inventoried(&self) -> Result<Owned, OperatorError> {
        let environment = self.environment()?.to_owned();
        if let Some((stack_id, logical_id)) = self.named_owner() {
            let owner = Owner::of(&stack_id, &logical_id);
            let record = self.records.owner(&owner).await?;
            return Ok(Owned { environment, owner, record });
        }
        let found = self.find_present_or_deleted().await;
        let found = found.map_err(|error| OperatorError::FormerOwnerUnknown { error: Box::new(error) })?;
        let KnownEnvironment { environment, owner, record } = found;
        Ok(Owned { environment, owner, record: Some(record) })
    }
}

fn entry(observed: &ObservedResource) -> InventoryEntry {
    let name = observed.resource.name.clone();
    let belonging = match &observed.ownership {
        Ownership::Owned => Belonging::Owned,
        Ownership::Unproven => Belonging::Unproven,
        Ownership::Retained(_) => Belonging::Retained,
        Ownership::Foreign(_) => Belonging::Foreign,
        Ownership::Hidden(reason) => Belonging::Hidden(reason.clone()),
    };
    let id = observed.id.clone().filter(|id| *id != name);
    InventoryEntry { kind: observed.resource.kind(), name, id, belonging }
}
