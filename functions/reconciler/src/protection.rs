//! What a delete has to respect: deletion protection, and what somebody stored.

use environment::{CallError, Cloud as _, Fields, ObservedResource, Ownership, Scope};
use requests::records::{OwnerRecord, SentResponse};
use requests::{Kind, PhysicalId, Records};

use crate::cloud_factory::{CloudFactory, Stack};
use crate::pass::{RequestPass, RequestedWork};
use crate::pass_error::PassError;
use crate::recorded::is_protected;

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Whether a delete may go on: protection counts for what has settled, unless somebody lifted it, and a stack that
    /// rolls back is never held up. What such a stack made or adopted is treated as if it had never settled.
    pub(crate) async fn deletable(&self, record: Option<&OwnerRecord>) -> Result<RequestedWork, PassError> {
        // A record that today's version can't read whole still says that it settled.
        if record.is_none_or(|it| it.settled_spec.is_none()) {
            return Ok(RequestedWork::Gone { never_settled: true });
        }
        let stack = self.cloud_factory.stack(&self.request.event.stack_id).await;
        // What passes is waited for; a refusal is an answer, with which nothing is thrown away.
        if let Err(passes @ (CallError::Retry { .. } | CallError::Indeterminate { .. })) = stack {
            return Err(passes.into());
        }
        // What was answered to a create that was refused, before there was an environment. CloudFormation knows the one that
        // stands by another id, if it was told that it stands.
        let of_owner = PhysicalId::of_owner(&self.request.owner());
        let is_of_refused = self.request.event.physical_id.as_deref() == Some(of_owner.as_str());
        let made = |it: &&SentResponse| it.kind != Kind::Delete;
        let was_told = record.and_then(|it| it.responses.iter().rfind(made)).is_some_and(|it| it.success);
        if is_of_refused && was_told && stack == Ok(Stack::Stands) {
            return Ok(RequestedWork::Nothing);
        }
        let unlocked = record.is_some_and(|it| it.unlocked);
        if record.is_some_and(is_protected) && !unlocked && stack != Ok(Stack::RollsBack) {
            let environment = record.and_then(|it| it.environment.clone()).unwrap_or_default();
            return Err(PassError::Failed(self.protected(&environment, &stack)));
        }
        // Where the stack can't be asked, nothing is thrown away on a guess.
        Ok(RequestedWork::Gone { never_settled: !matches!(stack, Ok(Stack::Stands | Stack::Gone)) })
    }

    fn protected(&self, environment: &str, stack: &Result<Stack, CallError>) -> String {
        let unlock = self.settings.command("unlock", environment);
        if *stack == Ok(Stack::Gone) {
            return format!(
                "DeletionProtection is true for {environment}: nothing was deleted. Its stack is gone, so run: {unlock} and ask for the delete again."
            );
        }
        let unasked = stack
            .as_ref()
            .err()
            .map(|call_error| format!(" (Whether the stack rolls back is not known: {call_error})"));
        format!(
            "DeletionProtection is true for {environment}: nothing was deleted. Set it to false by an update of the stack (if the resource has left the template, put it back under the same logical id with DeletionProtection false, update, and remove it then); or, since a stack in DELETE_FAILED cannot be updated, run: {unlock} and delete the stack again.{}",
            unasked.unwrap_or_default()
        )
    }

    /// Where the record was lost, the group itself still says that it is protected.
    pub(crate) async fn is_not_protected_by_itself(&self, scope: &Scope) -> Result<(), PassError> {
        let observed = self.cloud_factory.for_run(&scope.owner, &self.request.hash, None).observe(scope).await?;
        let is_protected = |it: &&ObservedResource| {
            it.ownership == Ownership::Owned
                && matches!(&it.resource.fields, Fields::AutoScalingGroup(group) if group.protected)
        };
        let Some(group) = observed.iter().find(is_protected) else { return Ok(()) };
        if self.cloud_factory.stack(&self.request.event.stack_id).await? == Stack::RollsBack {
            return Ok(());
        }
        let name = &group.resource.name;
        Err(PassError::Failed(format!(
            "The record of this environment is lost, and its Auto Scaling group {name} is protected: nothing was deleted. Run: aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --deletion-protection none and delete the stack again."
        )))
    }
}
