//! Scaling activities: the record of a group's launches and terminations.

use crate::{AutoScaling, Fault, Group, Subnet, Timestamp, arn::uuid};

/// The longest cause that AWS returns.
const MAX_CAUSE_LENGTH: usize = 1023;

/// One launch or termination, as DescribeScalingActivities returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// An id in the form of a UUID.
    pub id: String,
    /// The name of the group.
    pub group: String,
    /// The ARN of that group.
    pub group_arn: String,
    /// The action: `Launching a new EC2 instance: i-…`.
    pub description: String,
    /// The cause, in up to 1,023 characters.
    pub cause: String,
    /// The start of the activity.
    pub start: Timestamp,
    /// The end of the activity.
    pub end: Option<Timestamp>,
    /// The progress as AWS's status code.
    pub status: ActivityStatus,
    /// Whether the activity is a termination that waited for hooks.
    pub hooked_termination: bool,
    /// The reason of a failure.
    pub status_message: Option<String>,
    /// The progress in percent.
    pub progress: u8,
    /// Zone and subnet, as JSON.
    pub details: String,
    /// Whether the group is deleted.
    pub group_deleted: bool,
}

/// The progress of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityStatus {
    /// An instance launches.
    PreInService,
    /// A terminating instance waits for its target groups to deregister it.
    WaitingForElbConnectionDraining,
    /// A launching instance waits for lifecycle hooks.
    MidLifecycleAction,
    /// A terminating instance waits for lifecycle hooks, or has waited.
    MidTerminatingLifecycleAction,
    /// An instance terminates.
    InProgress,
    /// The activity succeeded.
    Successful,
    /// The activity failed.
    Failed,
    /// The activity was cancelled.
    Cancelled,
}

impl ActivityStatus {
    /// AWS's name of the status code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInService => "PreInService",
            Self::WaitingForElbConnectionDraining => "WaitingForELBConnectionDraining",
            Self::MidLifecycleAction => "MidLifecycleAction",
            Self::MidTerminatingLifecycleAction => "MidTerminatingLifecycleAction",
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The progress in percent. Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native): 40 and 60 for the
    /// waits; the API reference's examples have the others.
    fn progress(self) -> u8 {
        match self {
            Self::PreInService => 30,
            Self::MidLifecycleAction => 40,
            Self::InProgress | Self::WaitingForElbConnectionDraining => 50,
            Self::MidTerminatingLifecycleAction => 60,
            Self::Successful | Self::Failed | Self::Cancelled => 100,
        }
    }
}

/// The description of the activity of a scale-in that protected instances block.
const BLOCKED: &str =
    "Could not scale to desired capacity because all remaining instances are protected from scale-in.";

impl AutoScaling {
    /// A group's activities, the newest first. Activities of deleted groups of that name are included only on request.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, and deleted groups are not requested.
    pub fn activities(&self, group: &str, include_deleted_groups: bool) -> Result<Vec<&Activity>, Fault> {
        if !include_deleted_groups {
            let unknown =
                |_| Fault::validation(format!("AutoScalingGroup name not found - AutoScalingGroup {group} not found"));
            self.group(group).map_err(unknown)?;
        }
        let is_included = |it: &&Activity| it.group == group && (include_deleted_groups || !it.group_deleted);
        Ok(self.account.history.0.iter().rev().filter(is_included).collect())
    }

    /// The activities of all groups, the newest first. Activities of deleted groups are included only on request.
    #[must_use]
    pub fn all_activities(&self, include_deleted_groups: bool) -> Vec<&Activity> {
        self.account.history.0.iter().rev().filter(|it| include_deleted_groups || !it.group_deleted).collect()
    }
}

/// All activities, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Vec<Activity>);

impl History {
    /// Records the start of an activity of an instance in a subnet, or of none. Returns the activity's index.
    pub(crate) fn begin(&mut self, group: &Group, new: NewActivity, subnet: Option<&Subnet>, now: Timestamp) -> usize {
        let index = self.0.len();
        let mut cause = new.cause;
        cause.truncate(cause.floor_char_boundary(MAX_CAUSE_LENGTH));
        self.0.push(Activity {
            id: uuid(&["activity", &group.name, &index.to_string()]),
            group: group.name.clone(),
            group_arn: group.arn.clone(),
            description: new.description,
            cause,
            start: now,
            end: None,
            status: new.status,
            hooked_termination: false,
            status_message: None,
            progress: new.status.progress(),
            details: subnet.map_or_else(|| "{}".to_owned(), details),
            group_deleted: false,
        });
        index
    }

    pub(crate) fn get(&self, index: usize) -> Activity {
        self.0[index].clone()
    }

    /// Records the instance that a launch resulted in.
    pub(crate) fn launched(&mut self, index: usize, instance_id: &str) {
        let activity = &mut self.0[index];
        activity.description = format!("{}: {instance_id}", activity.description);
    }

    /// A terminating instance leaves its target groups first; the activity's description keeps saying so.
    pub(crate) fn wait_for_draining(&mut self, index: usize) {
        self.0[index].status = ActivityStatus::WaitingForElbConnectionDraining;
        self.0[index].description.push_str(" - Waiting For ELB Connection Draining.");
    }

    /// Changes the status of an activity that has not ended.
    pub(crate) fn set_status(&mut self, index: usize, status: ActivityStatus) {
        let activity = &mut self.0[index];
        (activity.status, activity.progress) = (status, status.progress());
        activity.hooked_termination |= status == ActivityStatus::MidTerminatingLifecycleAction;
    }

    /// A termination does not wait any more. One that waited for hooks keeps its status to its end (recorded on AWS,
    /// September 2026: stackd 9dc356f5, `retention_intervention`).
    pub(crate) fn finish_waiting(&mut self, index: usize) {
        if !self.0[index].hooked_termination {
            self.set_status(index, ActivityStatus::InProgress);
        }
    }

    /// Records that protected instances block a scale-in: an activity that ends when it starts, with the text recorded
    /// on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
    pub(crate) fn blocked_by_protection(&mut self, group: &Group, cause: String, now: Timestamp) {
        let new = NewActivity { description: BLOCKED.to_owned(), cause, status: ActivityStatus::InProgress };
        let index = self.begin(group, new, None, now);
        self.cancel(index, now);
    }

    /// Cancels a launch whose lifecycle action was abandoned: `Cancelled` is the status in AWS's troubleshooting guide.
    pub(crate) fn abandon(&mut self, index: usize, token: &str, reason: &str, at: Timestamp) {
        self.cancel(index, at);
        let activity = &mut self.0[index];
        let message = format!(
            "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was abandoned: {reason}"
        );
        activity.description = format!("{}.  Status Reason: {message}", activity.description);
        activity.status_message = Some(message);
    }

    /// Cancels a launch whose instance EC2 terminated before it was in service, with the user guide's words ("Troubleshoot
    /// unhealthy instances"). The status is a guess.
    pub(crate) fn cancel_unhealthy(&mut self, index: usize, at: Timestamp) {
        self.cancel(index, at);
        let activity = &mut self.0[index];
        let message = "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                       Client.InstanceInitiatedShutdown: Instance initiated shutdown";
        activity.description = format!("{}.  Status Reason: {message}", activity.description);
        activity.status_message = Some(message.to_owned());
    }

    pub(crate) fn has_ended(&self, index: usize) -> bool {
        self.0[index].end.is_some()
    }

    pub(crate) fn succeed(&mut self, index: usize, at: Timestamp) {
        self.finish(index, ActivityStatus::Successful, at);
    }

    pub(crate) fn cancel(&mut self, index: usize, at: Timestamp) {
        self.finish(index, ActivityStatus::Cancelled, at);
    }

    pub(crate) fn fail(&mut self, index: usize, reason: &str, at: Timestamp) {
        self.finish(index, ActivityStatus::Failed, at);
        let activity = &mut self.0[index];
        let message = format!("{reason}. Launching EC2 instance failed.");
        activity.description = format!("Launching a new EC2 instance.  Status Reason: {message}");
        activity.status_message = Some(message);
    }

    fn finish(&mut self, index: usize, status: ActivityStatus, at: Timestamp) {
        let activity = &mut self.0[index];
        (activity.status, activity.end, activity.progress) = (status, Some(at), status.progress());
    }

    pub(crate) fn mark_group_deleted(&mut self, group: &str) {
        self.0.iter_mut().filter(|it| it.group == group).for_each(|it| it.group_deleted = true);
    }
}

/// The details of an activity in a subnet. The keys and their order are recorded on AWS, September 2026 (stackd 9dc356f5,
/// `activity_filters_native`).
fn details(subnet: &Subnet) -> String {
    format!(
        r#"{{"Availability Zone ID":"{}","Subnet ID":"{}","Availability Zone":"{}"}}"#,
        subnet.zone_id(),
        subnet.id,
        subnet.zone
    )
}

/// The description, cause and first status of an activity.
pub(crate) struct NewActivity {
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) status: ActivityStatus,
}
