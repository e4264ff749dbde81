//! Events that Auto Scaling and EC2 send to EventBridge. Real events are best effort. The simulator publishes each
//! event once; a host may lose, repeat or delay it.

use crate::{
    AccountState, Activity, ActivityStatus, Effect, LifecycleAction, RefreshEvent, Route, Timestamp, Transition,
    arn::uuid, json,
};

/// An event on the account's default bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// An id in the form of a UUID, never used twice.
    pub id: String,
    /// The time of the occurrence.
    pub time: Timestamp,
    /// The region of the group.
    pub region: String,
    /// The id of the account.
    pub account: String,
    /// The ARNs that the event concerns: the group's, the instance's.
    pub resources: Vec<String>,
    /// The content, which depends on the type of the event.
    pub detail: Detail,
}

/// The content of an event, by type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// `EC2 Instance-launch Lifecycle Action` or `EC2 Instance-terminate Lifecycle Action`: an instance waits for a
    /// hook.
    LifecycleAction {
        /// The group of the instance.
        group: String,
        /// `i-…`
        instance_id: String,
        /// The action that the instance waits for.
        action: LifecycleAction,
    },
    /// `EC2 Instance Launch Successful` and the like: a launch or a termination has ended.
    ActivityEnded {
        /// The route of the instance.
        route: Route,
        /// Whether the activity succeeded.
        successful: bool,
        /// `i-…`, or empty if no instance was launched.
        instance_id: String,
        /// The activity as DescribeScalingActivities returns it.
        activity: Activity,
    },
    /// `EC2 Auto Scaling Instance Refresh Started` and the like: an instance refresh has changed.
    InstanceRefresh {
        /// The group of the refresh.
        group: String,
        /// The id of the refresh.
        id: String,
        /// The change.
        event: RefreshEvent,
    },
    /// `EC2 Spot Instance Interruption Warning`: EC2 terminates the instance in two minutes.
    SpotInterruption {
        /// `i-…`
        instance_id: String,
    },
    /// `EC2 Instance Rebalance Recommendation`: EC2 may terminate the instance soon.
    RebalanceRecommendation {
        /// `i-…`
        instance_id: String,
    },
}

impl Event {
    /// The source of the event: `aws.autoscaling` or `aws.ec2`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self.detail {
            Detail::LifecycleAction { .. } | Detail::ActivityEnded { .. } | Detail::InstanceRefresh { .. } => {
                "aws.autoscaling"
            }
            Detail::SpotInterruption { .. } | Detail::RebalanceRecommendation { .. } => "aws.ec2",
        }
    }

    /// The event's `detail-type`.
    #[must_use]
    pub fn detail_type(&self) -> &'static str {
        match &self.detail {
            Detail::LifecycleAction { action, .. } => match action.route.transition() {
                Transition::Launching => "EC2 Instance-launch Lifecycle Action",
                Transition::Terminating => "EC2 Instance-terminate Lifecycle Action",
            },
            Detail::ActivityEnded { route, successful, .. } => match (route.transition(), successful) {
                (Transition::Launching, true) => "EC2 Instance Launch Successful",
                (Transition::Launching, false) => "EC2 Instance Launch Unsuccessful",
                (Transition::Terminating, true) => "EC2 Instance Terminate Successful",
                (Transition::Terminating, false) => "EC2 Instance Terminate Unsuccessful",
            },
            Detail::InstanceRefresh { event, .. } => event.detail_type(),
            Detail::SpotInterruption { .. } => "EC2 Spot Instance Interruption Warning",
            Detail::RebalanceRecommendation { .. } => "EC2 Instance Rebalance Recommendation",
        }
    }

    /// The envelope as EventBridge delivers it to a target.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::object(&[
            ("version", json::text("0")),
            ("id", json::text(&self.id)),
            ("detail-type", json::text(self.detail_type())),
            ("source", json::text(self.source())),
            ("account", json::text(&self.account)),
            ("time", json::text(&self.time.to_string())),
            ("region", json::text(&self.region)),
            ("resources", json::list(&self.resources)),
            ("detail", self.detail.to_json()),
        ])
    }
}

impl Detail {
    /// The JSON under `detail`.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::LifecycleAction { group, instance_id, action } => {
                let mut fields = vec![
                    ("LifecycleActionToken", json::text(&action.token)),
                    ("AutoScalingGroupName", json::text(group)),
                    ("LifecycleHookName", json::text(&action.hook.name)),
                    ("EC2InstanceId", json::text(instance_id)),
                    ("LifecycleTransition", json::text(action.hook.transition.as_str())),
                ];
                // Absent, not empty, if the hook has no metadata (observed in aws-node-termination-handler's events).
                fields.extend(action.hook.metadata.iter().map(|it| ("NotificationMetadata", json::text(it))));
                fields.extend(route_fields(action.route));
                json::object(&fields)
            }
            Self::ActivityEnded { route, successful, instance_id, activity } => {
                ended(*route, *successful, instance_id, activity)
            }
            Self::InstanceRefresh { group, id, event } => refresh_detail(group, id, *event),
            Self::SpotInterruption { instance_id } => {
                json::object(&[("instance-id", json::text(instance_id)), ("instance-action", json::text("terminate"))])
            }
            Self::RebalanceRecommendation { instance_id } => json::object(&[("instance-id", json::text(instance_id))]),
        }
    }
}

/// The status of a success is the one before the activity's end: `InProgress` for launches, hooked or not, and
/// `MidTerminatingLifecycleAction` for a termination that waited for hooks. The status of a failure is the activity's.
/// Fields and statuses are recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
fn ended(route: Route, successful: bool, instance_id: &str, activity: &Activity) -> String {
    let status = match (successful, activity.hooked_termination) {
        (true, true) => ActivityStatus::MidTerminatingLifecycleAction,
        (true, false) => ActivityStatus::InProgress,
        (false, _) => activity.status,
    };
    let end = activity.end.unwrap_or(activity.start);
    let mut fields = route_fields(route).to_vec();
    fields.extend([
        ("Description", json::text(&activity.description)),
        ("EndTime", json::text(&end.with_millis())),
        ("RequestId", json::text(&activity.id)),
        ("ActivityId", json::text(&activity.id)),
        ("StartTime", json::text(&activity.start.with_millis())),
        ("EC2InstanceId", json::text(instance_id)),
        ("StatusCode", json::text(status.as_str())),
        ("StatusMessage", json::text(activity.status_message.as_deref().unwrap_or_default())),
        // JSON already, as in the activity.
        ("Details", activity.details.clone()),
        ("Cause", json::text(&activity.cause)),
        ("AutoScalingGroupName", json::text(&activity.group)),
    ]);
    json::object(&fields)
}

/// The fields of the user guide's examples; those of a start are recorded on AWS, September 2026 (stackd 9dc356f5,
/// `refresh_native`).
fn refresh_detail(group: &str, id: &str, event: RefreshEvent) -> String {
    let mut fields = vec![("InstanceRefreshId", json::text(id)), ("AutoScalingGroupName", json::text(group))];
    if let RefreshEvent::CheckpointReached { percentage, delay } = event {
        fields.push(("CheckpointPercentage", json::text(&percentage.to_string())));
        fields.push(("CheckpointDelay", json::text(&delay.as_secs().to_string())));
    }
    json::object(&fields)
}

/// Origin and destination of an instance, and the action.
fn route_fields(route: Route) -> [(&'static str, String); 3] {
    let (origin, destination) = route.ends();
    let action = match route.transition() {
        Transition::Launching => "Launch",
        Transition::Terminating => "Terminate",
    };
    [("Origin", json::text(origin)), ("Destination", json::text(destination)), ("Action", json::text(action))]
}

impl AccountState {
    /// Publishes an event to EventBridge.
    pub(crate) fn publish(&mut self, resources: Vec<String>, detail: Detail, at: Timestamp) {
        self.events += 1;
        let event = Event {
            id: uuid(&["event", &self.events.to_string()]),
            time: at,
            region: self.region.clone(),
            account: self.account_id.clone(),
            resources,
            detail,
        };
        self.outbox.push(Effect::PublishEvent(event));
    }

    /// Publishes the result of a launch or a termination.
    pub(crate) fn publish_activity_ended(&mut self, route: Route, instance_id: &str, activity: usize, at: Timestamp) {
        let activity = self.history.get(activity);
        let successful = activity.status == ActivityStatus::Successful;
        let resources = vec![activity.group_arn.clone(), self.instance_arn(instance_id)];
        let instance_id = instance_id.to_owned();
        self.publish(resources, Detail::ActivityEnded { route, successful, instance_id, activity }, at);
    }
}
