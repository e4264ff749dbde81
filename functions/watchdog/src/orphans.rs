//! Orphans: resources with an ownership mark whose owner has no record. Copies: resources with the mark of an owner
//! whose record does not know them.

use std::collections::{BTreeMap, BTreeSet};

use aws_cloud::MarkedResource;
use environment::{CallError, Proofs};
use lambda_kit::{Error, Failure, FailureKind};
use requests::{Owner, Records, RequestQueue};
use serde_json::{Value, json};

use crate::Watchdog;

/// Finds the resources with an ownership mark: in AWS, or in a test's list.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bound")]
pub trait OwnershipMarks {
    /// All resources of the account and region with an ownership mark, as far as one call each of EC2 and Auto Scaling
    /// lists them.
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError>;

    /// Those of these resources that exist: a list of marks has deleted resources for a while.
    async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError>;
}

/// Resources with the mark of one owner that the owner's record does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedByOwner {
    /// The owner, from the marks.
    pub owner: String,
    /// The environments in the marks, for operators: the hash of an owner has no meaning for them.
    pub environments: BTreeSet<String>,
    /// The resources.
    pub resources: Vec<String>,
}

/// The resources of each owner.
fn by_owners(marked: Vec<MarkedResource>) -> Vec<MarkedByOwner> {
    let mut all: BTreeMap<String, MarkedByOwner> = BTreeMap::new();
    for MarkedResource { owner, environment, resource, .. } in marked {
        let new = MarkedByOwner { owner: owner.clone(), environments: BTreeSet::new(), resources: Vec::new() };
        let of_owner = all.entry(owner).or_insert(new);
        of_owner.environments.insert(environment);
        of_owner.resources.push(resource);
    }
    all.into_values().collect()
}

impl MarkedByOwner {
    fn log(&self, message: &'static str, hint: &'static str) {
        let MarkedByOwner { owner, environments, resources } = self;
        tracing::warn!(owner, ?environments, ?resources, hint, "{message}");
    }

    pub(crate) fn summary(&self) -> Value {
        json!({ "Owner": self.owner, "Environments": self.environments, "Resources": self.resources })
    }
}

/// The marked resources that no record covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UncoveredResources {
    /// Their owners have no record.
    pub orphans: Vec<MarkedByOwner>,
    /// Their owners' records do not know them: tags can be copied. Envkeeper leaves them alone.
    pub copies: Vec<MarkedByOwner>,
}

/// The coverage of an owner's resources by the records.
enum Coverage {
    /// The owner has no record.
    None,
    /// The owner's record has exactly these ids.
    Ids(BTreeSet<String>),
    /// The record cannot be read, or a request is changing the resources.
    Unknown,
}

impl<R: Records, M: OwnershipMarks, Q: RequestQueue> Watchdog<R, M, Q> {
    /// Finds the existing resources whose owner has no record, or whose ids are not in it, and logs them; the watchdog does not
    /// delete them. The marks of another deployment are left to that deployment's watchdog: its records are not read
    /// here, so all its resources would be orphans.
    pub(crate) async fn uncovered(&self) -> Result<UncoveredResources, Error> {
        let mut by_owner: BTreeMap<String, Vec<MarkedResource>> = BTreeMap::new();
        let is_of_deployment =
            |it: &MarkedResource| self.settings.deployment.suffix_of_environment(&it.environment).is_some();
        let call_failed = |error: CallError| Failure::new(FailureKind::AwsCallFailed, error.to_string());
        for marked in self.marks.marked_resources().await.map_err(call_failed)?.into_iter().filter(is_of_deployment) {
            by_owner.entry(marked.owner.clone()).or_default().push(marked);
        }
        let (mut orphans, mut copies) = (Vec::new(), Vec::new());
        for (owner, marked) in by_owner {
            let coverage = match Owner::parse(&owner) {
                Some(owner) => self.coverage(&owner).await,
                None => Coverage::None,
            };
            match coverage {
                Coverage::None => orphans.extend(marked),
                Coverage::Ids(ids) => {
                    let is_copy = |it: &MarkedResource| it.copyable_id.as_ref().is_some_and(|id| !ids.contains(id));
                    copies.extend(marked.into_iter().filter(is_copy));
                }
                Coverage::Unknown => {}
            }
        }
        let existing = async |marked: Vec<MarkedResource>| {
            if marked.is_empty() { Ok(marked) } else { self.marks.existing(marked).await.map_err(call_failed) }
        };
        let (orphans, copies) = (by_owners(existing(orphans).await?), by_owners(existing(copies).await?));
        for it in &orphans {
            it.log(
                "orphaned resources found",
                "their owner has no record; delete them with the request \"delete\" of the function custom-resource",
            );
        }
        for it in &copies {
            it.log(
                "copied marks found",
                "they carry the mark of an environment whose record does not know them; Envkeeper leaves them alone",
            );
        }
        Ok(UncoveredResources { orphans, copies })
    }

    /// Which resources an owner's record covers. Until a delete is done, the owner has resources. A record that cannot be
    /// read may cover all of them, and so may one whose request is in progress, or whose environment has not settled.
    async fn coverage(&self, owner: &Owner) -> Coverage {
        match self.records.owner(owner).await {
            Ok(None) => Coverage::None,
            Ok(Some(record)) if record.deleted && record.response_due_ms.is_none() => Coverage::None,
            Ok(Some(record)) if record.settled && record.response_due_ms.is_none() => {
                match record.proofs.map(serde_json::from_value::<Proofs>) {
                    Some(Ok(proofs)) if proofs.intents.is_empty() => Coverage::Ids(proofs.ids.into_keys().collect()),
                    _ => Coverage::Unknown,
                }
            }
            Ok(Some(_)) => Coverage::Unknown,
            Err(error) => {
                tracing::warn!(%owner, %error, "orphan check failed");
                Coverage::Unknown
            }
        }
    }
}
