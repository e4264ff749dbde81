//! What carries an owner's mark although nobody knows that owner.

use std::collections::{BTreeMap, BTreeSet};

use aws_cloud::Marked;
use lambda_kit::Error;
use requests::{Owner, Records};
use serde_json::{Value, json};

use crate::Watchdog;

/// Who looks for marks: AWS, or a test.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Marks {
    /// All resources of the account and region that carry an owner's mark, as far as one call each of EC2 and Auto
    /// Scaling shows them.
    async fn marked(&self) -> Result<Vec<Marked>, String>;
}

/// What an owner left that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Whose it was, as the marks say.
    pub owner: String,
    /// The environments that the marks name, for people: a hash tells them nothing.
    pub environments: BTreeSet<String>,
    /// What there is.
    pub resources: Vec<String>,
}

impl Orphan {
    pub(crate) fn summary(&self) -> Value {
        json!({ "Owner": self.owner, "Environments": self.environments, "Resources": self.resources })
    }
}

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Finds what is owned by nobody that is known, and logs it; nothing is done about it. Another deployment's marks are
    /// its own watchdog's: its records are not read here, so all of them would be orphans.
    pub(crate) async fn orphans(&self) -> Result<Vec<Orphan>, Error> {
        let mut by_owner: BTreeMap<String, Vec<Marked>> = BTreeMap::new();
        let is_mark = |it: &Marked| self.settings.deployment.suffix_of_environment(&it.environment).is_some();
        for marked in self.marks.marked().await?.into_iter().filter(is_mark) {
            by_owner.entry(marked.owner.clone()).or_default().push(marked);
        }
        let mut orphans = Vec::new();
        for (owner, marked) in by_owner {
            if let Some(owner) = Owner::parse(&owner)
                && self.is_known(&owner).await
            {
                continue;
            }
            let environments = marked.iter().map(|it| it.environment.clone()).collect();
            let resources: Vec<String> = marked.into_iter().map(|it| it.resource).collect();
            tracing::warn!(
                owner,
                ?environments,
                ?resources,
                "orphans: their record is gone; delete them by the door's request \"delete\""
            );
            orphans.push(Orphan { owner, environments, resources });
        }
        Ok(orphans)
    }

    /// Whether a record says that the owner has something, or is about to: until a delete is over it has. One that can't
    /// be read says so too.
    async fn is_known(&self, owner: &Owner) -> bool {
        match self.records.owner(owner).await {
            Ok(record) => record.is_some_and(|it| !it.gone || it.response_due_ms.is_some()),
            Err(error) => {
                tracing::warn!(%owner, %error, "whether its resources are orphans is not known");
                true
            }
        }
    }
}
