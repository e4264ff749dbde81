//! The calls: start, describe, cancel, roll back.

use super::{AlarmState, InstanceRefresh, LISTED, RefreshChoices, RefreshStatus, StartRefresh, Wait, WaitKind};
use crate::{AutoScaling, Fault, Group, LaunchTemplate, Timestamp, arn::uuid};

/// Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
const CANCELLED_WITHOUT_WAIT: &str =
    "Cancelled without waiting for ongoing instance launches and terminations due to user request.";
/// The text of AWS's example of DescribeInstanceRefreshes.
const CANCELLED: &str = "Cancelled due to user request.";
/// Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
const ROLLED_BACK_BY_USER: &str = "Rollback triggered due to user request.";

impl AutoScaling {
    /// Starts a refresh, and returns its id. A refresh of an empty group succeeds at once; every other one is pending for
    /// [`Latency::refresh_start`](crate::Latency::refresh_start).
    ///
    /// # Errors
    /// `InstanceRefreshInProgress`: a refresh of the group is active. `ValidationError`: the group does not exist or is
    /// being deleted, a parameter is not valid, or an alarm is missing or not `OK`.
    pub fn start_instance_refresh(
        &mut self,
        group: &str,
        start: StartRefresh,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        start.check(&group.settings)?;
        if group.active_refresh().is_some() {
            return Err(Fault {
                code: "InstanceRefreshInProgress",
                message:
                    "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
                        .to_owned(),
            });
        }
        if start.preferences.auto_rollback && account.parameter_images.contains(&group.settings.launch_template) {
            // The rule is the API reference's, the text a guess.
            return Err(Fault::validation(
                "The AutoRollback parameter cannot be set to true when the launch template of the Auto Scaling group uses \
                 a Systems Manager parameter instead of an AMI ID.",
            ));
        }
        for name in &start.preferences.alarms {
            let state = account.alarms.get(name).map_or("missing", |it| it.as_str());
            if state != AlarmState::Ok.as_str() {
                // That such an alarm blocks the start is the user guide's rule; the text is a guess.
                return Err(Fault::validation(format!(
                    "The CloudWatch alarm {name} in AlarmSpecification is {state}: the instance refresh needs alarms in \
                     the OK state."
                )));
            }
        }
        account.refreshes += 1;
        let id = uuid(&["instance-refresh", &account.refreshes.to_string()]);
        group.refreshes.retain(|it| it.is_listed(now));
        group.refreshes.push(InstanceRefresh {
            id: id.clone(),
            status: RefreshStatus::Pending,
            status_reason: None,
            start: None,
            end: None,
            progress: None,
            preferences: start.preferences.resolved(&group.settings),
            desired_configuration: start.desired_configuration,
            rollback: None,
            requested: now,
            phase: 0,
            deployed: None,
            next_check: now + account.timing.latency.refresh_start,
            begun_with: 0,
            total: 0,
            surge: 0,
            ready: 0,
            failing_since: None,
            blocked_since: None,
            sheds_unready: false,
            checkpoint: 0,
            wait: None,
            terminated: Vec::new(),
        });
        if group.listed().next().is_none() && group.launching.is_empty() {
            // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`): within the same second.
            group.begin_refresh(account, now);
        }
        Ok(id)
    }

    /// A group's refreshes of the last six weeks, the newest first.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist.
    pub fn instance_refreshes(&self, group: &str, now: Timestamp) -> Result<Vec<InstanceRefresh>, Fault> {
        let listed = self.group(group)?.refreshes.iter().rev().filter(|it| it.is_listed(now));
        Ok(listed.map(|it| it.described(now)).collect())
    }

    /// Cancels the active refresh or rollback of a group, and returns its id. What was replaced remains replaced. With
    /// `wait` the refresh is `Cancelling` until its launches and terminations have ended, without for
    /// [`Latency::refresh_cancel`](crate::Latency::refresh_cancel).
    ///
    /// # Errors
    /// `ActiveInstanceRefreshNotFound`: no refresh is active. `ValidationError`: the group does not exist or is being
    /// deleted.
    pub fn cancel_instance_refresh(&mut self, group: &str, wait: bool, now: Timestamp) -> Result<String, Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        let name = group.name.clone();
        let Some(refresh) = group.active_refresh_mut() else {
            return Err(not_found(format!(
                "No in progress, baking, pending, or cancelling Instance Refresh found for Auto Scaling group {name}."
            )));
        };
        let reason = if wait { CANCELLED } else { CANCELLED_WITHOUT_WAIT };
        refresh.status = RefreshStatus::Cancelling;
        refresh.status_reason = Some(reason.to_owned());
        refresh.next_check = now + account.timing.latency.refresh_cancel;
        refresh.wait = (!wait).then_some(Wait { until: refresh.next_check, kind: WaitKind::Cancellation });
        Ok(refresh.id.clone())
    }

    /// Rolls the refresh of a group back to the group's own configuration, and returns its id.
    ///
    /// # Errors
    /// `ActiveInstanceRefreshNotFound`: no refresh is in progress or baking. `IrreversibleInstanceRefresh`: the refresh
    /// has no desired configuration, or the group's launch template has no numbered version or takes its image from a
    /// parameter. `ValidationError`: the group does not exist or is being deleted.
    pub fn rollback_instance_refresh(&mut self, group: &str, now: Timestamp) -> Result<String, Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        let name = &group.name;
        let is_reversible =
            |it: &&InstanceRefresh| matches!(it.status, RefreshStatus::InProgress | RefreshStatus::Baking);
        let Some(refresh) = group.active_refresh().filter(is_reversible) else {
            return Err(not_found(format!(
                "No in progress or baking Instance Refresh found for Auto Scaling group {name}."
            )));
        };
        let id = refresh.id.clone();
        if let Some(reason) = group.irreversible_reason(account) {
            return Err(Fault { code: "IrreversibleInstanceRefresh", message: reason });
        }
        group.begin_rollback(ROLLED_BACK_BY_USER.to_owned(), account, now);
        Ok(id)
    }

    /// Sets the answers to the questions for which no source was found.
    pub fn set_refresh_choices(&mut self, choices: RefreshChoices) {
        self.account.refresh_choices = choices;
    }

    /// Sets the state of a CloudWatch alarm, as far as refreshes are concerned; `None` if the alarm does not exist.
    pub fn set_alarm_state(&mut self, name: &str, state: Option<AlarmState>) {
        match state {
            Some(state) => self.account.alarms.insert(name.to_owned(), state),
            None => self.account.alarms.remove(name),
        };
    }

    /// The state of a CloudWatch alarm, as far as refreshes are concerned; `None` if the alarm does not exist.
    #[must_use]
    pub fn alarm_state(&self, name: &str) -> Option<AlarmState> {
        self.account.alarms.get(name).copied()
    }

    /// The names of the alarms that active refreshes depend on.
    pub fn refresh_alarms(&self) -> impl Iterator<Item = &str> {
        let active = self.groups.values().filter_map(Group::active_refresh);
        active.flat_map(|it| it.preferences.alarms.iter().map(String::as_str))
    }

    /// Records whether the image of a launch template's version comes from a Systems Manager parameter.
    pub fn set_image_from_parameter(&mut self, template: LaunchTemplate, from_parameter: bool) {
        self.account.parameter_images.retain(|it| *it != template);
        if from_parameter {
            self.account.parameter_images.push(template);
        }
    }
}

impl InstanceRefresh {
    fn is_listed(&self, now: Timestamp) -> bool {
        self.status.is_active() || self.requested + LISTED > now
    }

    /// The refresh as a response shows it: the reason of a wait has the seconds that are left.
    fn described(&self, now: Timestamp) -> Self {
        let mut shown = self.clone();
        let left = |wait: Wait| wait.until.since(now).as_secs();
        match self.wait {
            // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
            Some(wait) if wait.kind == WaitKind::Bake => {
                shown.status_reason = Some(format!(
                    "Waiting for bake time to finish before continuing. There are {} seconds left.",
                    left(wait)
                ));
            }
            // A guess, after the text for the bake time.
            Some(wait) if wait.kind == WaitKind::Checkpoint => {
                shown.status_reason = Some(format!(
                    "Waiting for checkpoint delay to finish before continuing. There are {} seconds left.",
                    left(wait)
                ));
            }
            _ => {}
        }
        shown
    }
}

impl Group {
    /// The refresh that has not ended, if there is one.
    #[must_use]
    pub fn active_refresh(&self) -> Option<&InstanceRefresh> {
        self.refreshes.last().filter(|it| it.status.is_active())
    }

    pub(crate) fn active_refresh_mut(&mut self) -> Option<&mut InstanceRefresh> {
        self.refreshes.last_mut().filter(|it| it.status.is_active())
    }

    /// The launch template of new instances: a refresh's while it goes forward, and of a scale-out meanwhile, too (the
    /// user guide); else the group's own, also in a rollback.
    pub(crate) fn launch_template(&self) -> &LaunchTemplate {
        let is_forward = |it: &&InstanceRefresh| matches!(it.status, RefreshStatus::InProgress | RefreshStatus::Baking);
        let desired = self.active_refresh().filter(is_forward).and_then(|it| it.desired_configuration.as_ref());
        desired.unwrap_or(&self.settings.launch_template)
    }

    /// The number of the refresh's direction that a new instance is launched in; 0 without a refresh.
    pub(crate) fn refresh_phase(&self) -> u64 {
        self.active_refresh().map_or(0, |it| it.phase)
    }

    /// By how many instances a refresh may exceed the desired capacity now.
    pub(crate) fn surge(&self) -> usize {
        self.active_refresh().map_or(0, |it| it.surge)
    }

    /// Rejects a changed launch template while a refresh has another one.
    pub(crate) fn check_template_change(&self, template: &LaunchTemplate) -> Result<(), Fault> {
        let has_configuration = self.active_refresh().is_some_and(|it| it.desired_configuration.is_some());
        if !has_configuration || *template == self.settings.launch_template {
            return Ok(());
        }
        // The user guide says so; equal values passed (recorded on AWS, September 2026: stackd 9dc356f5,
        // `refresh_native`).
        Err(Fault::validation(
            "An active instance refresh with a desired configuration exists. All configuration options derived from the \
             desired configuration are not available for update while the instance refresh is active.",
        ))
    }
}

fn not_found(message: String) -> Fault {
    Fault { code: "ActiveInstanceRefreshNotFound", message }
}
