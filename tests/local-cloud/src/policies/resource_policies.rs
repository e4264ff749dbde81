//! The policies of queues, tables and event buses, as ministack stores them.

use serde_json::json;

use super::cache::Cache;
use crate::{iam::Policy, ministack::Ministack};

/// A policy as it is stored; `None` if the resource has none.
type Stored = Result<Option<Policy>, String>;

/// The policies of queues, tables and event buses.
pub struct ResourcePolicies {
    ministack: Ministack,
    known: Cache<Stored>,
}

impl ResourcePolicies {
    /// The policies that this ministack stores.
    #[must_use]
    pub fn new(ministack: Ministack) -> Self {
        Self { ministack, known: Cache::default() }
    }

    /// The policy of a queue or of an event bus, or of the table of an index; `None` for resources of other services, without a policy, and
    /// that do not exist.
    ///
    /// # Errors
    /// The policy cannot be evaluated.
    pub async fn of(&self, arn: &str) -> Stored {
        let Some(owner) = owner(arn) else { return Ok(None) };
        if let Some(stored) = self.known.get(&owner) {
            return stored;
        }
        let stored = self.read(&owner).await;
        // The absence of a policy is read again: a queue may just be created.
        if stored != Ok(None) {
            self.known.put(&owner, stored.clone());
        }
        stored
    }

    async fn read(&self, arn: &str) -> Stored {
        let document = if arn.starts_with("arn:aws:sqs:") {
            let queue = arn.rsplit(':').next();
            let input = json!({"QueueUrl": queue, "AttributeNames": ["Policy"]});
            let found = self.ministack.json("sqs", "AmazonSQS.GetQueueAttributes", &input).await;
            found.ok().and_then(|it| it["Attributes"]["Policy"].as_str().map(str::to_owned))
        } else if arn.starts_with("arn:aws:events:") {
            let bus = arn.rsplit('/').next();
            let found = self.ministack.json("events", "AWSEvents.DescribeEventBus", &json!({"Name": bus})).await;
            found.ok().and_then(|it| it["Policy"].as_str().map(str::to_owned))
        } else {
            let input = json!({"ResourceArn": arn});
            let found = self.ministack.json("dynamodb", "DynamoDB_20120810.GetResourcePolicy", &input).await;
            found.ok().and_then(|it| it["Policy"].as_str().map(str::to_owned))
        };
        let policy = document.filter(|it| !it.is_empty()).map(|it| Policy::parse(&it)).transpose();
        policy.map_err(|error| format!("policy of {arn}: {error}"))
    }
}

/// The ARN of the queue, of the event bus or of the table that has the policy for this resource.
fn owner(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        [_, _, "sqs", _, _, queue] if queue != "*" => Some(arn.to_owned()),
        [_, _, "events", _, _, bus] if bus.starts_with("event-bus/") => Some(arn.to_owned()),
        [.., "dynamodb", _, _, resource] => {
            let table = resource.strip_prefix("table/")?.split('/').next()?;
            Some(format!("{}:table/{table}", parts[..5].join(":")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn an_index_has_the_policy_of_its_table() {
        let table = "arn:aws:dynamodb:us-west-2:123456789012:table/records";
        assert_eq!(owner(table).as_deref(), Some(table));
        assert_eq!(owner(&format!("{table}/index/pending")).as_deref(), Some(table));
        let queue = "arn:aws:sqs:us-west-2:123456789012:requests";
        assert_eq!(owner(queue).as_deref(), Some(queue));
        let bus = "arn:aws:events:us-west-2:123456789012:event-bus/own";
        assert_eq!(owner(bus).as_deref(), Some(bus));
        for other in [
            "*",
            "arn:aws:events:us-west-2:123456789012:rule/own/r",
            "arn:aws:s3:::b",
            "arn:aws:sqs:us-west-2:123456789012:*",
            "arn:aws:dynamodb:r:a:backup/x",
        ] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
