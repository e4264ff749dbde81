//! The limits of a Delete: deletion protection, and stored objects.

use environment::{CallError, Cloud as _, Fields, ObservedResource, Ownership, Scope};
use requests::records::{HistoryEntry, OwnerRecord};
use requests::{Kind, Records};

use crate::cloud_factory::{CloudFactory, StackState};
use crate::pass::{RequestPass, RequestedWork};
use crate::pass_error::PassError;
use crate::recorded::is_protected;

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Decides the work of a Delete. Protection applies to a settled environment, unless an operator unlocked it. A
    /// stack that rolls back is never blocked. The resources that such a stack created or adopted are treated as if the
    /// environment had never settled.
    pub(crate) async fn deletable(&self, record: Option<&OwnerRecord>) -> Result<RequestedWork, PassError> {
        // A record that this version can only read in part still shows that the environment settled.
        if record.is_none_or(|it| it.settled_spec.is_none()) {
            return Ok(RequestedWork::Delete { never_settled: true });
        }
        let stack = self.cloud_factory.stack(&self.request.event.stack_id).await;
        // The pass waits for a transient error to end. A rejected call is a valid result, with which no data is
        // deleted.
        if let Err(transient @ (CallError::Retry { .. } | CallError::Indeterminate { .. })) = stack {
            return Err(transient.into());
        }
        // CloudFormation knows the environment by the id in the last response that reported its success. A Delete with
        // another id from a stack that stands cleans up after something else: a Create that was rejected before an
        // environment existed, or a replacement that CloudFormation made up (aws-cdk #22670). In a rollback, or when the
        // stack goes, every id means the environment: CloudFormation generates one for a Create whose response it did
        // not await.
        let is_create_or_update = |it: &&HistoryEntry| matches!(it.kind, Kind::Create | Kind::Update);
        let reported = record.and_then(|it| it.history.iter().rfind(is_create_or_update)).filter(|it| it.success);
        let names_another = |id: &String| reported.is_some_and(|it| it.physical_id != *id);
        if stack == Ok(StackState::Active) && self.request.event.physical_id.as_ref().is_some_and(names_another) {
            return Ok(RequestedWork::Nothing);
        }
        let unlocked = record.is_some_and(|it| it.unlocked);
        if record.is_some_and(is_protected) && !unlocked && stack != Ok(StackState::RollingBack) {
            let environment = record.and_then(|it| it.environment.clone()).unwrap_or_default();
            return Err(PassError::Failed(self.protected(&environment, &stack).into()));
        }
        // If the stack's status is unknown, no data is deleted on a guess.
        Ok(RequestedWork::Delete { never_settled: stack.is_err() || stack == Ok(StackState::RollingBack) })
    }

    fn protected(&self, environment: &str, stack: &Result<StackState, CallError>) -> String {
        let unlock = self.settings.command("unlock", environment);
        if *stack == Ok(StackState::Deleted) {
            return format!(
                "DeletionProtection is true for {environment}: nothing was deleted. Its stack no longer exists. Run `{unlock}`, and then request the delete again."
            );
        }
        let stack_error = stack
            .as_ref()
            .err()
            .map(|call_error| format!(" (Envkeeper could not read whether the stack rolls back: {call_error})"));
        format!(
            "DeletionProtection is true for {environment}: nothing was deleted. Set it to false by an update of the stack (if the resource is no longer in the template, add it again under the same logical id with DeletionProtection false, update the stack, and then remove the resource). A stack in DELETE_FAILED cannot be updated: run `{unlock}`, and then delete the stack again.{}",
            stack_error.unwrap_or_default()
        )
    }

    /// Rejects a Delete without a record if the Auto Scaling group itself is protected.
    pub(crate) async fn reject_protected_group(&self, scope: &Scope) -> Result<(), PassError> {
        let observed = self.cloud_factory.for_run(&scope.owner, &self.request.hash, None).observe(scope).await?;
        let is_protected = |it: &&ObservedResource| {
            it.ownership == Ownership::Owned
                && matches!(&it.resource.fields, Fields::AutoScalingGroup(group) if group.protected)
        };
        let Some(group) = observed.iter().find(is_protected) else { return Ok(()) };
        if self.cloud_factory.stack(&self.request.event.stack_id).await? == StackState::RollingBack {
            return Ok(());
        }
        let name = &group.resource.name;
        Err(PassError::Failed(format!(
            "The record of this environment is lost, and its Auto Scaling group {name} is protected: nothing was deleted. Run: aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --deletion-protection none and then delete the stack again."
        ).into()))
    }
}
