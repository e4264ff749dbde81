//! Orphans: resources with an ownership mark whose owner has no record.

use std::collections::{BTreeMap, BTreeSet};

use aws_cloud::MarkedResource;
use environment::CallError;
use lambda_kit::{Error, Failure, FailureKind};
use requests::{Owner, Records};
use serde_json::{Value, json};

use crate::Watchdog;

/// Finds the resources with an ownership mark: in AWS, or in a test's list.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bound")]
pub trait OwnershipMarks {
    /// All resources of the account and region with an ownership mark, as far as one call each of EC2 and Auto Scaling
    /// lists them.
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError>;
}

/// The resources of one owner without a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrphanedResources {
    /// The former owner, from the marks.
    pub owner: String,
    /// The environments in the marks, for operators: the hash of an owner has no meaning for them.
    pub environments: BTreeSet<String>,
    /// The resources.
    pub resources: Vec<String>,
}

impl OrphanedResources {
    pub(crate) fn summary(&self) -> Value {
        json!({ "Owner": self.owner, "Environments": self.environments, "Resources": self.resources })
    }
}

impl<R: Records, M: OwnershipMarks> Watchdog<R, M> {
    /// Finds the resources whose owner has no record, and logs them; the watchdog does not delete them. The marks of
    /// another deployment are left to that deployment's watchdog: its records are not read here, so all its resources
    /// would be orphans.
    pub(crate) async fn orphans(&self) -> Result<Vec<OrphanedResources>, Error> {
        let mut by_owner: BTreeMap<String, Vec<MarkedResource>> = BTreeMap::new();
        let is_of_deployment =
            |it: &MarkedResource| self.settings.deployment.suffix_of_environment(&it.environment).is_some();
        let call_failed = |error: CallError| Failure::new(FailureKind::AwsCallFailed, error.to_string());
        for marked in self.marks.marked_resources().await.map_err(call_failed)?.into_iter().filter(is_of_deployment) {
            by_owner.entry(marked.owner.clone()).or_default().push(marked);
        }
        let mut orphans = Vec::new();
        for (owner, marked) in by_owner {
            if let Some(owner) = Owner::parse(&owner)
                && self.has_record(&owner).await
            {
                continue;
            }
            let environments = marked.iter().map(|it| it.environment.clone()).collect();
            let resources: Vec<String> = marked.into_iter().map(|it| it.resource).collect();
            tracing::warn!(
                owner,
                ?environments,
                ?resources,
                hint = "their owner has no record; delete them with the request \"delete\" of the function custom-resource",
                "orphaned resources found"
            );
            orphans.push(OrphanedResources { owner, environments, resources });
        }
        Ok(orphans)
    }

    /// Whether a record shows that the owner has resources, or is about to create some: until a delete is done, the owner
    /// has resources. A record that can't be read counts as such a record.
    async fn has_record(&self, owner: &Owner) -> bool {
        match self.records.owner(owner).await {
            Ok(record) => record.is_some_and(|it| !it.deleted || it.response_due_ms.is_some()),
            Err(error) => {
                tracing::warn!(%owner, %error, "orphan check failed");
                true
            }
        }
    }
}
