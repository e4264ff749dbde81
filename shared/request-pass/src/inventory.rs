//! The inventory of an environment: the resources that exist of it, by an observation of every kind.

use std::fmt;

use environment::{Kind, ObservedResource, Ownership};

/// What an observed resource is to the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belonging {
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
pub struct InventoryEntry {
    /// The kind.
    pub kind: Kind,
    /// The name; for a resource without the name of a known one, the id.
    pub name: String,
    /// The id, where it differs from the name.
    pub id: Option<String>,
    /// What it is to the environment.
    pub belonging: Belonging,
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

/// The resources that exist of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The resources, by kind and name.
    pub entries: Vec<InventoryEntry>,
}

impl Inventory {
    /// The inventory of an observation of every kind.
    #[must_use]
    pub fn of(observed: &[ObservedResource]) -> Inventory {
        let mut entries: Vec<InventoryEntry> = observed.iter().map(entry).collect();
        entries.sort_by(|a, b| (a.kind, &a.name, &a.id).cmp(&(b.kind, &b.name, &b.id)));
        Inventory { entries }
    }

    /// Whether nothing of the environment is left that it owned: retained buckets, and resources of other owners, are not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(|it| matches!(it.belonging, Belonging::Retained | Belonging::Foreign))
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
