//! The beginnings and ends of a refresh, each with its event.

use super::{InstanceRefresh, RefreshEvent, RefreshProgress, RefreshStatus, RollbackDetails, Wait, WaitKind};
use crate::{AccountState, Fault, Group, Timestamp, event::Detail};

impl Group {
    /// Begins the replacement of instances.
    pub(crate) fn begin_refresh(&mut self, account: &mut AccountState, now: Timestamp) {
        account.phases += 1;
        let phase = account.phases;
        let Some(refresh) = self.active_refresh_mut() else { return };
        refresh.status = RefreshStatus::InProgress;
        refresh.start = Some(now);
        refresh.phase = phase;
        self.publish_refresh(RefreshEvent::Started, account, now);
        self.count_replacements(account, now);
        if !self.is_refresh_paused() {
            self.check_refresh(account, now);
        }
    }

    /// Ends the way forward: with the bake time, if there is one and an instance was replaced.
    pub(crate) fn finish_replacements(&mut self, account: &mut AccountState, now: Timestamp) {
        let Some(refresh) = self.active_refresh_mut() else { return };
        let bake = refresh.preferences.bake_time.unwrap_or_default();
        if bake.is_zero() || refresh.total == 0 {
            return self.succeed_refresh(account, now);
        }
        refresh.status = RefreshStatus::Baking;
        refresh.wait = Some(Wait { until: now + bake, kind: WaitKind::Bake });
        self.publish_refresh(RefreshEvent::StartedBaking, account, now);
    }

    /// Ends a refresh successfully. Only now the desired configuration becomes the group's own (recorded on AWS, September
    /// 2026: stackd 9dc356f5, `refresh_native`).
    pub(crate) fn succeed_refresh(&mut self, account: &mut AccountState, now: Timestamp) {
        let Some(refresh) = self.active_refresh_mut() else { return };
        if refresh.preferences.checkpoint_percentages.last().is_none_or(|last| *last == 100) {
            refresh.progress = Some(RefreshProgress { percentage: 100, instances_to_update: 0 });
        }
        if let Some(template) = refresh.desired_configuration.clone() {
            self.settings.launch_template = template;
        }
        self.end_refresh(RefreshStatus::Successful, None, account, now);
    }

    /// Ends a rollback successfully.
    pub(crate) fn succeed_rollback(&mut self, account: &mut AccountState, now: Timestamp) {
        if let Some(progress) = self.active_refresh_mut().and_then(|it| it.progress.as_mut()) {
            progress.percentage = 0;
        }
        self.end_refresh(RefreshStatus::RollbackSuccessful, None, account, now);
    }

    /// Ends the current direction with a failure. With AutoRollback the way forward turns into a rollback.
    pub(crate) fn fail_refresh(&mut self, reason: &str, account: &mut AccountState, now: Timestamp) {
        let Some(refresh) = self.active_refresh() else { return };
        if refresh.deployed.is_some() {
            return self.end_refresh(RefreshStatus::RollbackFailed, Some(reason), account, now);
        }
        if refresh.preferences.auto_rollback && self.irreversible_reason(account).is_none() {
            // A guess, after the text for a user's rollback.
            return self.begin_rollback(format!("Rollback triggered due to: {reason}"), account, now);
        }
        self.end_refresh(RefreshStatus::Failed, Some(reason), account, now);
    }

    /// Begins the replacement of the new instances by instances of the group's own configuration, at the next check.
    pub(crate) fn begin_rollback(&mut self, reason: String, account: &mut AccountState, now: Timestamp) {
        account.phases += 1;
        let (phase, check) = (account.phases, account.timing.latency.refresh_check);
        let Some(refresh) = self.active_refresh_mut() else { return };
        refresh.status = RefreshStatus::RollbackInProgress;
        refresh.status_reason = None;
        let progress = refresh.progress.unwrap_or_default();
        refresh.rollback = Some(RollbackDetails { reason, start: now, progress });
        refresh.deployed = Some(refresh.phase);
        refresh.phase = phase;
        refresh.next_check = refresh.check_after(now, check);
        refresh.wait = None;
        (refresh.failing_since, refresh.blocked_since) = (None, None);
        refresh.ready = 0;
        self.publish_refresh(RefreshEvent::RollbackStarted, account, now);
        self.count_replacements(account, now);
    }

    /// Why a refresh cannot be rolled back (the API reference of RollbackInstanceRefresh; the texts are guesses).
    pub(crate) fn irreversible_reason(&self, account: &AccountState) -> Option<String> {
        let template = &self.settings.launch_template;
        if self.active_refresh().is_none_or(|it| it.desired_configuration.is_none()) {
            return Some("The instance refresh has no desired configuration.".to_owned());
        }
        if !template.is_numbered() {
            let version = &template.version;
            return Some(format!("The Auto Scaling group uses the {version} version of its launch template."));
        }
        let from_parameter = account.parameter_images.contains(template);
        from_parameter.then(|| {
            "The launch template of the Auto Scaling group uses a Systems Manager parameter instead of an AMI ID."
                .to_owned()
        })
    }

    /// Ends a refresh. The group's own decisions remove or launch what is left.
    pub(crate) fn end_refresh(
        &mut self,
        status: RefreshStatus,
        reason: Option<&str>,
        account: &mut AccountState,
        now: Timestamp,
    ) {
        let sheds_unready = account.refresh_choices.end_sheds_unready;
        let Some(refresh) = self.active_refresh_mut() else { return };
        refresh.sheds_unready = refresh.surge > 0 && sheds_unready;
        if status != RefreshStatus::Cancelled {
            refresh.status_reason = reason.map(str::to_owned);
        }
        let event = match status {
            RefreshStatus::Successful => RefreshEvent::Succeeded,
            RefreshStatus::Cancelled => RefreshEvent::Cancelled,
            RefreshStatus::RollbackSuccessful => RefreshEvent::RollbackSucceeded,
            RefreshStatus::RollbackFailed => RefreshEvent::RollbackFailed,
            _ => RefreshEvent::Failed,
        };
        refresh.end = Some(now);
        refresh.wait = None;
        self.publish_refresh(event, account, now);
        if let Some(InstanceRefresh { status: current, .. }) = self.active_refresh_mut() {
            *current = status;
        }
    }

    /// A launch of the group failed, or a new instance proved unhealthy: the hour of retries begins.
    pub(crate) fn note_failed_replacement(&mut self, phase: u64, now: Timestamp) {
        let Some(refresh) = self.active_refresh_mut() else { return };
        let replaces = matches!(refresh.status, RefreshStatus::InProgress | RefreshStatus::RollbackInProgress);
        if replaces && phase == refresh.phase {
            refresh.failing_since.get_or_insert(now);
        }
    }

    /// Ends the refresh of a group that is being deleted.
    ///
    /// # Errors
    /// `ScalingActivityInProgress`: an active refresh blocks the delete (a guess; whether it does is a choice).
    pub(crate) fn end_refresh_of_deleted(&mut self, account: &mut AccountState, now: Timestamp) -> Result<(), Fault> {
        if self.active_refresh().is_none() {
            return Ok(());
        }
        if !account.refresh_choices.delete_cancels_refresh {
            return Err(Fault::in_progress(
                "You cannot delete an AutoScalingGroup while there is an active instance refresh for that group.",
            ));
        }
        self.end_refresh(RefreshStatus::Cancelled, None, account, now);
        Ok(())
    }

    /// Whether instances that are not in service go first, because a refresh left them above the desired capacity.
    pub(crate) fn sheds_unready(&self) -> bool {
        self.refreshes.last().is_some_and(|it| it.sheds_unready)
    }

    pub(crate) fn publish_refresh(&self, event: RefreshEvent, account: &mut AccountState, now: Timestamp) {
        let Some(refresh) = self.active_refresh() else { return };
        let detail = Detail::InstanceRefresh { group: self.name.clone(), id: refresh.id.clone(), event };
        account.publish(vec![self.arn.clone()], detail, now);
    }
}

impl InstanceRefresh {
    /// The group is at its desired capacity again.
    pub(crate) fn shed_unready(&mut self) {
        self.sheds_unready = false;
    }
}
