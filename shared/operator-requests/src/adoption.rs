//! The operator request `allow-adoption`: an operator's consent that one owner adopts the buckets that a deleted
//! environment retained.
//!
//! The consent is a tag on each bucket, so that it is where the objects are, and is lost with no record. The function
//! writes it itself: a retained bucket belongs to no environment, and the owner of the consent may not exist yet.

use environment::{Call, CallKind, Cloud as _, Kind, ObservedResource, Ownership, Setting, mark};
use request_pass::{CloudFactory, scope};
use requests::{Owner, Records};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::OperatorRequest;

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Writes the consent on every bucket that the environment retained. A consent to another owner is replaced. A
    /// repeated request writes nothing.
    pub(crate) async fn allow_adoption(&self) -> Result<Value, OperatorError> {
        let environment = self.environment()?;
        let owner = self.adopting_owner()?;
        let deployment = &self.settings.deployment;
        let unknown = || OperatorError::InvalidEnvironment { value: Value::from(environment) };
        let names = deployment.names(deployment.suffix_of_environment(environment).ok_or_else(unknown)?);
        // Another owner of the id may be about to adopt the buckets. Each change of a bucket's tags writes all of them
        // (PutBucketTagging), so a consent that is written meanwhile could remove the new owner's mark.
        if self.records.environment_owner(environment).await?.is_some_and(|current| current != owner) {
            return Err(OperatorError::AdoptedElsewhere { environment: environment.to_owned() });
        }
        let cloud = self.cloud_factory.for_run(owner.as_str(), "allow-adoption", None);
        let observed = cloud.observe(&scope(owner.as_str(), names, None, false)).await?;
        let retained: Vec<&ObservedResource> =
            observed.iter().filter(|it| is_retained_bucket(it, environment)).collect();
        if retained.is_empty() {
            return Err(OperatorError::NothingRetained { environment: environment.to_owned() });
        }
        let consent = Setting::Tag(mark::ADOPTABLE_BY.to_owned(), owner.as_str().to_owned());
        for bucket in &retained {
            if bucket.resource.tags.get(mark::ADOPTABLE_BY).is_none_or(|it| it != owner.as_str()) {
                let kind = CallKind::Set(vec![consent.clone()]);
                cloud.call(&Call { key: bucket.key(), id: bucket.id.clone(), kind }).await?;
                tracing::info!(bucket = %bucket.resource.name, owner = %owner, "adoption allowed");
            }
        }
        let buckets: Vec<&str> = retained.iter().map(|it| it.resource.name.as_str()).collect();
        let text = format!(
            "{owner} may adopt {} once. Let its stack request the create of {environment} again.",
            buckets.join(" and ")
        );
        Ok(json!({ "AllowedAdoption": environment, "Owner": owner.as_str(), "Buckets": buckets, "Text": text }))
    }

    fn adopting_owner(&self) -> Result<Owner, OperatorError> {
        let value = self.event.get("Owner").unwrap_or(&Value::Null);
        let owner = value.as_str().and_then(Owner::parse);
        owner.ok_or_else(|| OperatorError::InvalidOwner { value: value.clone() })
    }
}

fn is_retained_bucket(observed: &ObservedResource, environment: &str) -> bool {
    let retained = matches!(&observed.ownership, Ownership::Retained(by) if by == environment);
    retained && observed.resource.kind() == Kind::Bucket
}
