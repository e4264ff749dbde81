//! The facts that a request needs, and the decision whether it can succeed by them.

use environment::{CallError, CheckedFacts, Defaults, Facts, FactsQuery, Spec, Violation, check_facts};
use requests::records::OwnerRecord;
use requests::{Kind, Owner, Records};

use crate::admitted_spec::old_spec;
use crate::cloud_factory::CloudFactory;
use crate::pass::{RequestPass, describe_violations};
use crate::pass_error::PassError;
use crate::recorded::{recorded_image, recorded_proofs};
use crate::settings::Settings;

/// Reads the facts about a spec, with those that decide about the change from `before` if `checked` says so. The image of
/// the record replaces the current image of the same source.
///
/// # Errors
/// The errors of the calls that read them.
pub async fn read_facts<C: CloudFactory>(
    settings: &Settings,
    cloud_factory: &C,
    spec: &Spec,
    owner: &str,
    record: Option<&OwnerRecord>,
    checked: CheckedFacts,
) -> Result<Facts, CallError> {
    let Settings { deployment, hooks_are_handled, .. } = settings;
    let image = recorded_image(record, spec);
    let vpc = spec.names(deployment).vpc();
    let proofs = record.map(recorded_proofs).unwrap_or_default();
    let vpc = proofs.ids.iter().find(|(_, key)| **key == vpc).map(|(id, _)| id.as_str());
    let query = FactsQuery {
        spec,
        region: &deployment.region,
        hooks_are_handled: *hooks_are_handled,
        owner,
        image: image.as_deref(),
        vpc,
        checked,
    };
    cloud_factory.facts(&query).await
}

/// The reasons why a spec cannot succeed, by the facts and by the allowed owners of its image.
#[must_use]
pub fn violated_facts(settings: &Settings, before: Option<&Spec>, spec: &Spec, facts: &Facts) -> Vec<Violation> {
    let mut violations = check_facts(before, spec, &spec.names(&settings.deployment), facts);
    if settings.allow_lists.needs_image_owner(before, spec)
        && let Some(image) = &facts.image_details
    {
        violations.extend(settings.allow_lists.image_violation(spec, &image.owner));
    }
    violations
}

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// The facts about the spec of a Create or an Update, which the request can succeed by. They are checked before the
    /// desired spec is recorded, so a recorded desired spec was checked by an earlier pass.
    ///
    /// A rollback is never rejected: CloudFormation cannot do more than to request the earlier properties. What
    /// contradicts them is logged.
    ///
    /// # Errors
    /// [`PassError::Failed`] with all violations; else the errors of the calls.
    pub(crate) async fn checked_facts(
        &self,
        owner: &Owner,
        record: Option<&OwnerRecord>,
        spec: &Spec,
        defaults: &Defaults,
    ) -> Result<Facts, PassError> {
        let read =
            async |checked| read_facts(self.settings, self.cloud_factory, spec, owner.as_str(), record, checked).await;
        let attempted = self.attempted_spec(record);
        if attempted.as_ref() == Some(spec) {
            return Ok(read(CheckedFacts::default()).await?);
        }
        let settled = self.settled_spec(record);
        let returns_to_settled = settled.as_ref() == Some(spec);
        let is_recorded = settled.is_some();
        let before = if returns_to_settled { attempted } else { settled.or(attempted) };
        let before = before.or_else(|| old_spec(self.settings, self.request.event.old_properties.as_ref(), defaults));
        let facts = read(CheckedFacts::of(before.as_ref(), spec)).await?;
        let violations = violated_facts(self.settings, before.as_ref(), spec, &facts);
        if violations.is_empty() {
            return Ok(facts);
        }
        let text = describe_violations(&violations);
        if returns_to_settled || (!is_recorded && self.is_rolling_back().await?) {
            tracing::warn!(owner = %owner, violations = text, "facts contradict the properties of a rollback");
            return Ok(facts);
        }
        Err(PassError::Failed(text.into()))
    }

    /// Whether an Update belongs to a rollback, by the status of its stack: for an environment whose record was lost.
    pub(crate) async fn is_rolling_back(&self) -> Result<bool, PassError> {
        Ok(self.request.event.kind == Kind::Update && self.stack_rolls_back().await?)
    }
}
