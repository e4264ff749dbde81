//! Notifications to a hook's own target. EventBridge receives an event whether a hook has a target or not.

use crate::{AccountState, Effect, Hook, LifecycleAction, Timestamp, arn::uuid, json};

/// A message to the queue or topic that a hook names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The queue or topic.
    pub target_arn: String,
    /// The hook's role, in whose name Auto Scaling sends.
    pub role_arn: Option<String>,
    /// The content, in order.
    pub fields: Vec<(&'static str, String)>,
}

impl Notification {
    /// The message: `Key: value` lines for a topic, JSON for a queue (the API reference of PutLifecycleHook).
    #[must_use]
    pub fn body(&self) -> String {
        if self.target_arn.split(':').nth(2) == Some("sns") {
            let lines: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            return lines.join("\n");
        }
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| (*name, json::text(value))).collect();
        json::object(&fields)
    }
}

impl AccountState {
    /// Notifies a hook's target, if it has one, of an instance that waits.
    pub(crate) fn notify(&mut self, group: &str, instance_id: &str, action: &LifecycleAction) {
        let hook = &action.hook;
        let (origin, destination) = action.route.ends();
        let mut fields = vec![
            ("Origin", origin.to_owned()),
            ("LifecycleHookName", hook.name.clone()),
            ("Destination", destination.to_owned()),
            ("AccountId", self.account_id.clone()),
            ("RequestId", uuid(&["request", &action.token])),
            ("LifecycleTransition", hook.transition.as_str().to_owned()),
            ("AutoScalingGroupName", group.to_owned()),
            ("Service", "AWS Auto Scaling".to_owned()),
            ("Time", action.started.with_millis()),
            ("EC2InstanceId", instance_id.to_owned()),
        ];
        fields.extend(hook.metadata.iter().map(|it| ("NotificationMetadata", it.clone())));
        fields.push(("LifecycleActionToken", action.token.clone()));
        self.send(hook, fields);
    }

    /// Sends a test notification to a hook's target, if it has one: each time that a call puts the hook.
    pub(crate) fn send_test_notification(&mut self, group: &str, arn: &str, hook: &Hook, now: Timestamp) {
        self.events += 1;
        let fields = vec![
            ("Service", "AWS Auto Scaling".to_owned()),
            ("Time", now.with_millis()),
            ("RequestId", uuid(&["request", &self.events.to_string()])),
            ("Event", "autoscaling:TEST_NOTIFICATION".to_owned()),
            ("AccountId", self.account_id.clone()),
            ("AutoScalingGroupName", group.to_owned()),
            ("AutoScalingGroupARN", arn.to_owned()),
        ];
        self.send(hook, fields);
    }

    fn send(&mut self, hook: &Hook, fields: Vec<(&'static str, String)>) {
        let target = hook.target_arn.clone();
        let role_arn = hook.role_arn.clone();
        self.outbox.extend(target.map(|target_arn| Effect::Notify(Notification { target_arn, role_arn, fields })));
    }
}
