//! Delivery of events of `aws.autoscaling`, `aws.ec2` and `aws.cloudwatch` by the deployed rules.
//!
//! Like AWS's, ministack's PutEvents rejects sources that begin with `aws.`. Therefore this module lists ministack's
//! rules, matches the event with TestEventPattern, and delivers the event to the targets as EventBridge does.

use std::sync::Arc;

use auto_scaling::Notification;
use serde_json::{Value, json};

use crate::{
    ministack::Ministack,
    policies::{Policies, Sender},
};

/// Properties of a target that are not simulated.
const NOT_SIMULATED: [&str; 2] = ["InputPath", "InputTransformer"];

/// The default event bus, and the notification targets of hooks.
#[derive(Clone)]
pub struct EventBridge {
    ministack: Ministack,
    policies: Option<Arc<Policies>>,
}

impl EventBridge {
    /// The event bus of this ministack.
    #[must_use]
    pub fn new(ministack: Ministack) -> Self {
        Self { ministack, policies: None }
    }

    /// The same event bus, whose deliveries to queues need the permission of these policies.
    #[must_use]
    pub fn with_policies(self, policies: Option<Arc<Policies>>) -> Self {
        Self { policies, ..self }
    }

    /// The emulator that stores the rules.
    #[must_use]
    pub fn ministack(&self) -> &Ministack {
        &self.ministack
    }

    /// The policies, if they are enforced.
    #[must_use]
    pub fn policies(&self) -> Option<&Policies> {
        self.policies.as_deref()
    }

    /// Delivers an event, a JSON envelope, to every target of every matching rule. A failed delivery does not stop the
    /// others.
    ///
    /// # Errors
    /// The failed calls and deliveries, by rule.
    pub async fn put(&self, event: &str) -> Result<(), String> {
        let mut failed = Vec::new();
        for rule in self.rules().await? {
            if let Err(reason) = self.apply_rule(&rule, event).await {
                failed.push(format!("rule {}: {reason}", text(&rule, "Name")));
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }

    /// Delivers a notification to a hook's own target.
    ///
    /// # Errors
    /// The delivery failed.
    pub async fn notify(&self, notification: &Notification) -> Result<(), String> {
        // Auto Scaling assumes the hook's role.
        let sender = notification.role_arn.clone().map(|arn| Sender::Role { arn });
        self.deliver(sender, &notification.target_arn, notification.body(), None).await
    }

    async fn rules(&self) -> Result<Vec<Value>, String> {
        let mut rules = Vec::new();
        let mut page = json!({});
        loop {
            let response = self.events("ListRules", &page).await?;
            rules.extend(list(&response, "Rules").cloned());
            match response["NextToken"].as_str() {
                Some(token) => page = json!({"NextToken": token}),
                None => break,
            }
        }
        rules.retain(|rule| rule["State"] == "ENABLED" && rule["EventPattern"].is_string());
        Ok(rules)
    }

    async fn apply_rule(&self, rule: &Value, event: &str) -> Result<(), String> {
        let input = json!({"EventPattern": rule["EventPattern"], "Event": event});
        if self.events("TestEventPattern", &input).await?["Result"] != true {
            return Ok(());
        }
        let response = self.events("ListTargetsByRule", &json!({"Rule": rule["Name"]})).await?;
        let mut outcome = Ok(());
        for target in list(&response, "Targets") {
            outcome = outcome.and(self.invoke_target(rule, target, event).await);
        }
        outcome
    }

    async fn invoke_target(&self, rule: &Value, target: &Value, event: &str) -> Result<(), String> {
        if let Some(unknown) = NOT_SIMULATED.iter().find(|name| !target[**name].is_null()) {
            return Err(format!("a target's {unknown} is not simulated"));
        }
        let body = target["Input"].as_str().unwrap_or(event).to_owned();
        let group = target["SqsParameters"]["MessageGroupId"].as_str();
        let sender = match target["RoleArn"].as_str() {
            Some(arn) => Sender::Role { arn: arn.to_owned() },
            None => Sender::Service { name: "events.amazonaws.com".to_owned(), source: text(rule, "Arn").to_owned() },
        };
        self.deliver(Some(sender), text(target, "Arn"), body, group).await
    }

    /// Delivers to a target. Without a sender, the target needs a role that the hook does not have.
    async fn deliver(
        &self,
        sender: Option<Sender>,
        arn: &str,
        body: String,
        message_group: Option<&str>,
    ) -> Result<(), String> {
        // arn:aws:sqs:us-west-2:123456789012:name
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            [_, _, "sqs", _, _, name] => {
                if let Some(policies) = &self.policies {
                    let sender = sender.ok_or("the hook has no RoleARN")?;
                    policies.check_delivery(&sender, arn).await?;
                }
                let queue = self.sqs("GetQueueUrl", &json!({"QueueName": name})).await?;
                let mut message = json!({"QueueUrl": queue["QueueUrl"], "MessageBody": body});
                if let Some(group) = message_group {
                    message["MessageGroupId"] = json!(group);
                }
                self.sqs("SendMessage", &message).await.map(drop)
            }
            [_, _, "sns", ..] => self.ministack.query("sns", "Publish", &[("TopicArn", arn), ("Message", &body)]).await,
            [_, _, "lambda", _, _, name] => self.ministack.invoke(name.trim_start_matches("function:"), body).await,
            _ => Err(format!("{arn}: the local cloud simulates queues, topics and functions as targets only")),
        }
    }

    async fn events(&self, operation: &str, input: &Value) -> Result<Value, String> {
        self.ministack.json("events", &format!("AWSEvents.{operation}"), input).await
    }

    async fn sqs(&self, operation: &str, input: &Value) -> Result<Value, String> {
        self.ministack.json("sqs", &format!("AmazonSQS.{operation}"), input).await
    }
}

fn list<'a>(response: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    response[name].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
