//! The records in DynamoDB.

mod classify;
mod item;
mod listing;
mod tasks;

use super::{
    Claim, CreateIntent, DesiredRecord, DueTask, EnvironmentPage, ExecutionClaim, HistoryEntry, LatestRequest,
    ListedEnvironment, OwnerRecord, PageToken, Progress, RULE_EXECUTION_TTL_S, RecordedRequest, Records, RecordsError,
    RuleExecution, TOMBSTONE_TTL_S,
};
use crate::records::listing::place;
use crate::{CfnResponse, Kind, Owner, RolloutRequest};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use item::{
    Item, bool, number, read_holder, read_latest_request, read_record, read_recorded_response, text, write_json,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tasks::PENDING;

/// The latest possible expiry of a record: the end of the year 9999. The value means "not while there is an environment",
/// so that one write can set the expiry of a request without a read of whether there is an environment.
const NEVER_S: u64 = 253_402_300_799;

/// The prefix of the keys of owners' items.
const OWNER_PREFIX: &str = "owner#";

/// Records in one table.
///
/// The client sets time-outs and retries, and should have both (`lambda-kit` sets them).
#[derive(Clone, Debug)]
pub struct DynamoRecords {
    client: Client,
    table: String,
}

/// The outcome of a conditional write.
enum WriteOutcome {
    Applied,
    /// The condition failed, on this item.
    Rejected(Item),
}

impl DynamoRecords {
    /// The records in the table of this name. Makes no call.
    pub fn new(client: Client, table: impl Into<String>) -> DynamoRecords {
        DynamoRecords { client, table: table.into() }
    }

    async fn get(&self, key: String) -> Result<Option<Item>, RecordsError> {
        let call = self.client.get_item().table_name(&self.table).key("pk", text(&key));
        let response = call.consistent_read(true).send().await;
        Ok(response.map_err(|error| classify::error(&self.table, &key, &error))?.item)
    }

    /// One UpdateItem; the expressions name the `values` `:like_this`.
    async fn update<const N: usize>(
        &self,
        key: String,
        expression: &str,
        condition: Option<&str>,
        values: [(&str, AttributeValue); N],
    ) -> Result<WriteOutcome, RecordsError> {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = self.client.update_item().table_name(&self.table).key("pk", text(&key));
        // An empty map is rejected.
        let call = call.update_expression(expression).set_expression_attribute_values((N > 0).then_some(values));
        // The item of a failed condition is requested only with a condition (the API reference: UpdateItem).
        let call =
            call.set_condition_expression(condition.map(str::to_owned)).set_return_values_on_condition_check_failure(
                condition.map(|_| ReturnValuesOnConditionCheckFailure::AllOld),
            );
        match call.send().await {
            Ok(_) => Ok(WriteOutcome::Applied),
            Err(SdkError::ServiceError(failure)) if is_condition(failure.err()) => {
                Ok(WriteOutcome::Rejected(item_of(failure.into_err())))
            }
            Err(error) => Err(classify::error(&self.table, &key, &error)),
        }
    }

    /// Applies a change to the record of an owner that has a desired state.
    async fn update_desired<const N: usize>(
        &self,
        owner: &Owner,
        (change, action): (&str, &str),
        values: [(&str, AttributeValue); N],
    ) -> Result<(), RecordsError> {
        let condition = Some("attribute_exists(desired)");
        match self.update(owner_key(owner), change, condition, values).await? {
            WriteOutcome::Applied => Ok(()),
            WriteOutcome::Rejected(_) => {
                Err(self.unreadable(&format!("owner {owner} has no desired state that could be {action}")))
            }
        }
    }

    fn unreadable(&self, fault: &impl ToString) -> RecordsError {
        RecordsError::Unreadable { table: self.table.clone(), message: fault.to_string() }
    }
}

impl Records for DynamoRecords {
    async fn owner(&self, owner: &Owner) -> Result<Option<OwnerRecord>, RecordsError> {
        let Some(item) = self.get(owner_key(owner)).await? else { return Ok(None) };
        read_record(owner, &item).map(Some).map_err(|fault| self.unreadable(&fault))
    }

    async fn record_request(
        &self,
        owner: &Owner,
        latest_request: LatestRequest,
    ) -> Result<RecordedRequest, RecordsError> {
        // The same rule as LatestRequest::replaces. A Delete needs only one comparison; a value that no expression uses is
        // an error, so each kind has its own values.
        let sent = (":sent", number(latest_request.sent_ms));
        let change = "SET latest_request = :request, expires = if_not_exists(kept_until, :expires), pending_response = :yes, \
                      response_due_ms = :due REMOVE progress, recorded_response, rollout_request";
        let (yes, due) = ((":yes", text(PENDING)), (":due", number(latest_request.deadline_ms)));
        let expires = (":expires", number(latest_request.expires_s()));
        let value = (":request", item::write_latest_request(&latest_request));
        let written = if latest_request.kind == Kind::Delete {
            let condition = "attribute_not_exists(latest_request) OR latest_request.sent_ms <= :sent";
            self.update(owner_key(owner), change, Some(condition), [value, expires, sent, yes, due]).await?
        } else {
            let condition = "attribute_not_exists(latest_request) OR latest_request.sent_ms < :sent OR (latest_request.sent_ms = :sent AND \
                             (latest_request.request_hash = :hash OR latest_request.kind <> :delete))";
            let hash = (":hash", text(latest_request.request_hash));
            let delete = (":delete", text(Kind::Delete.as_str()));
            let values = [value, expires, sent, yes, due, hash, delete];
            self.update(owner_key(owner), change, Some(condition), values).await?
        };
        let WriteOutcome::Rejected(item) = written else { return Ok(RecordedRequest::Latest) };
        match read_latest_request(&item).map_err(|fault| self.unreadable(&fault))? {
            Some(latest) => Ok(RecordedRequest::Superseded { kind: latest.kind, sent_ms: latest.sent_ms }),
            None => Err(self.unreadable(&format!("the latest request of owner {owner} is missing"))),
        }
    }

    async fn record_create_intent(
        &self,
        owner: &Owner,
        request_hash: &str,
        now_ms: Option<u64>,
        proofs: Value,
    ) -> Result<CreateIntent, RecordsError> {
        let (hash, proofs) = ((":hash", text(request_hash)), (":proofs", text(proofs.to_string())));
        let condition = Some("latest_request.request_hash = :hash");
        let key = owner_key(owner);
        let written = match now_ms {
            Some(now_ms) => {
                let values = [hash, proofs, (":now", number(now_ms))];
                self.update(key, "SET proofs = :proofs, create_intent_ms = :now", condition, values).await?
            }
            None => self.update(key, "SET proofs = :proofs", condition, [hash, proofs]).await?,
        };
        let WriteOutcome::Rejected(item) = written else { return Ok(CreateIntent::Recorded) };
        let latest = read_latest_request(&item).map_err(|fault| self.unreadable(&fault))?;
        Ok(latest.map_or(CreateIntent::NoRequest, |latest| CreateIntent::Superseded {
            kind: latest.kind,
            sent_ms: latest.sent_ms,
        }))
    }

    async fn record_proofs(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        let values = [(":proofs", text(proofs.to_string()))];
        let exists = Some("attribute_exists(pk)");
        self.update(owner_key(owner), "SET proofs = :proofs", exists, values).await.map(|_| ())
    }

    async fn rule_execution(&self, owner: &Owner, rule: &str) -> Result<Option<RuleExecution>, RecordsError> {
        let Some(item) = self.get(rule_execution_key(owner, rule)).await? else { return Ok(None) };
        item::read_rule_execution(&item).map(Some).map_err(|fault| self.unreadable(&fault))
    }

    async fn begin_execution(
        &self,
        owner: &Owner,
        rule: &str,
        next: RuleExecution,
        cooldown_ms: u64,
    ) -> Result<ExecutionClaim, RecordsError> {
        // The same rule as RuleExecution::permits.
        let condition =
            Some("attribute_not_exists(since_ms) OR (since_ms < :since AND (done = :no OR at_ms <= :cooled))");
        let change = "SET since_ms = :since, at_ms = :at, remediation = :remediation, done = :done, expires = :expires";
        let values = [
            (":since", number(next.since_ms)),
            (":at", number(next.at_ms)),
            (":cooled", number(next.at_ms.saturating_sub(cooldown_ms))),
            (":remediation", text(next.remediation.to_string())),
            (":done", bool(next.done)),
            (":no", bool(false)),
            (":expires", number(next.at_ms / 1_000 + RULE_EXECUTION_TTL_S)),
        ];
        match self.update(rule_execution_key(owner, rule), change, condition, values).await? {
            WriteOutcome::Applied => Ok(ExecutionClaim::Granted),
            WriteOutcome::Rejected(item) => {
                item::read_rule_execution(&item).map(ExecutionClaim::Denied).map_err(|fault| self.unreadable(&fault))
            }
        }
    }

    async fn finish_execution(&self, owner: &Owner, rule: &str, since_ms: u64) -> Result<(), RecordsError> {
        let values = [(":yes", bool(true)), (":since", number(since_ms))];
        let condition = Some("since_ms = :since");
        self.update(rule_execution_key(owner, rule), "SET done = :yes", condition, values).await.map(|_| ())
    }

    async fn claim(&self, environment: &str, owner: &Owner) -> Result<Claim, RecordsError> {
        let values = [(":owner", text(owner.as_str()))];
        let condition = Some("attribute_not_exists(held_by) OR held_by = :owner");
        let key = environment_key(environment);
        match self.update(key, "SET held_by = :owner", condition, values).await? {
            WriteOutcome::Applied => Ok(Claim::Owned),
            WriteOutcome::Rejected(item) => {
                let owner = read_holder(&item)
                    .map_err(|fault| self.unreadable(&format!("environment {environment}: {fault}")))?;
                Ok(Claim::Taken { owner })
            }
        }
    }

    async fn record_progress(&self, owner: &Owner, request_hash: &str, progress: Progress) -> Result<(), RecordsError> {
        let values = [(":progress", write_json(&progress)), (":hash", text(request_hash))];
        let condition = Some("latest_request.request_hash = :hash");
        self.update(owner_key(owner), "SET progress = :progress", condition, values).await.map(|_| ())
    }

    async fn record_response(
        &self,
        owner: &Owner,
        request_hash: &str,
        response: CfnResponse,
    ) -> Result<CfnResponse, RecordsError> {
        let values = [(":response", write_json(&response)), (":hash", text(request_hash))];
        let condition = Some("latest_request.request_hash = :hash AND attribute_not_exists(recorded_response)");
        let written = self.update(owner_key(owner), "SET recorded_response = :response", condition, values).await?;
        let WriteOutcome::Rejected(item) = written else { return Ok(response) };
        let latest = read_latest_request(&item).ok().flatten().filter(|latest| latest.request_hash == request_hash);
        Ok(latest.and_then(|_| read_recorded_response(&item)).unwrap_or(response))
    }

    async fn record_history(&self, owner: &Owner, history: Vec<HistoryEntry>) -> Result<(), RecordsError> {
        let hash = history.last().map(|last| last.request_hash.clone()).unwrap_or_default();
        let history = (":history", write_json(&history));
        let change = "SET history = :history REMOVE pending_response, response_due_ms, progress, recorded_response";
        let latest = Some("latest_request.request_hash = :hash");
        let values = [history.clone(), (":hash", text(hash))];
        if let WriteOutcome::Rejected(item) = self.update(owner_key(owner), change, latest, values).await?
            && !item.is_empty()
        {
            let exists = Some("attribute_exists(pk)");
            self.update(owner_key(owner), "SET history = :history", exists, [history]).await?;
        }
        Ok(())
    }

    async fn save_rollout(&self, owner: &Owner, rollout: Value) -> Result<(), RecordsError> {
        let values = [(":rollout", text(rollout.to_string()))];
        let exists = Some("attribute_exists(pk)");
        self.update(owner_key(owner), "SET rollout = :rollout", exists, values).await.map(|_| ())
    }

    async fn request_rollout(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        let values = [(":request", text(request.name()))];
        self.update_desired(owner, ("SET rollout_request = :request", "rolled out"), values).await
    }

    async fn remove_rollout_request(&self, owner: &Owner, request: RolloutRequest) -> Result<(), RecordsError> {
        let (values, seen) = ([(":request", text(request.name()))], Some("rollout_request = :request"));
        self.update(owner_key(owner), "REMOVE rollout_request", seen, values).await.map(|_| ())
    }

    async fn request_hold(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        self.update_desired(owner, ("SET hold_request_ms = :until", "held"), [(":until", number(until_ms))]).await
    }

    async fn remove_hold_request(&self, owner: &Owner, until_ms: u64) -> Result<(), RecordsError> {
        let (values, seen) = ([(":until", number(until_ms))], Some("hold_request_ms = :until"));
        self.update(owner_key(owner), "REMOVE hold_request_ms", seen, values).await.map(|_| ())
    }

    async fn schedule(&self, owner: &Owner, due_ms: u64) -> Result<(), RecordsError> {
        self.put_task(owner, due_ms).await
    }

    async fn unschedule(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.delete_task(owner).await
    }

    async fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        self.due_tasks(now_ms, limit).await
    }

    async fn overdue(&self, now_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        self.pending_responses(now_ms).await
    }

    async fn environment_owner(&self, environment: &str) -> Result<Option<Owner>, RecordsError> {
        let Some(item) = self.get(environment_key(environment)).await? else { return Ok(None) };
        read_holder(&item).map(Some).map_err(|fault| self.unreadable(&format!("environment {environment}: {fault}")))
    }

    async fn release(&self, environment: &str, owner: &Owner) -> Result<(), RecordsError> {
        let call = self.client.delete_item().table_name(&self.table);
        let key = environment_key(environment);
        let call = call.key("pk", text(&key));
        let call = call.condition_expression("held_by = :owner");
        let call = call.expression_attribute_values(":owner", text(owner.as_str()));
        match call.send().await {
            Ok(_) => Ok(()),
            // Another owner's, or already released: the requested state is reached.
            Err(SdkError::ServiceError(failure)) if failure.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(classify::error(&self.table, &key, &error)),
        }
    }

    async fn environments(&self, after: Option<&PageToken>, limit: usize) -> Result<EnvironmentPage, RecordsError> {
        self.page(after, limit).await
    }

    async fn environments_named(&self, environment: &str) -> Result<Vec<ListedEnvironment>, RecordsError> {
        self.named(environment).await
    }

    async fn save_desired(&self, owner: &Owner, desired: DesiredRecord) -> Result<(), RecordsError> {
        let values = [
            (":place", text(place(&desired.environment, owner))),
            (":listed", text(listing::LISTED)),
            (":environment", text(desired.environment)),
            (":desired", text(desired.spec.to_string())),
            (":frozen", text(desired.frozen.to_string())),
            (":tags", text(serde_json::Value::from(desired.retired_tags).to_string())),
            (":no", bool(false)),
            (":never", number(NEVER_S)),
        ];
        let change = "SET environment = :environment, desired = :desired, frozen = :frozen, retired_tags = :tags, \
                   settled = :no, kept_until = :never, expires = :never, listed = :listed, listed_as = :place \
                   REMOVE deleted, deleted_ms";
        let change = if desired.keeps_unlock { change.to_owned() } else { format!("{change}, unlocked") };
        self.update(owner_key(owner), &change, None, values).await.map(|_| ())
    }

    async fn unlock(&self, owner: &Owner) -> Result<(), RecordsError> {
        self.update_desired(owner, ("SET unlocked = :yes", "unlocked"), [(":yes", bool(true))]).await
    }

    async fn mark_settled(&self, owner: &Owner, proofs: Value) -> Result<(), RecordsError> {
        let change = "SET settled_spec = desired, settled = :yes, proofs = :proofs";
        let values = [(":yes", bool(true)), (":proofs", text(proofs.to_string()))];
        self.update_desired(owner, (change, "settled"), values).await
    }

    async fn mark_deleted(&self, owner: &Owner, now_ms: u64) -> Result<(), RecordsError> {
        // The task first: a crash between the calls repeats both.
        self.delete_task(owner).await?;
        let expires = number(now_ms / 1_000 + TOMBSTONE_TTL_S);
        let values = [(":yes", bool(true)), (":now", number(now_ms)), (":expires", expires)];
        // A tombstone stays in the list of environments: `listed` and `listed_as` are not removed.
        let change = "SET deleted = :yes, deleted_ms = if_not_exists(deleted_ms, :now), expires = :expires REMOVE environment, desired, frozen, retired_tags, settled_spec, \
                   settled, unlocked, kept_until, proofs, rollout, rollout_request, hold_request_ms";
        self.update(owner_key(owner), change, None, values).await.map(|_| ())
    }
}

fn owner_key(owner: &Owner) -> String {
    format!("{OWNER_PREFIX}{owner}")
}

/// The key contains a hash: the text of a rule may be long, and contain any character.
fn rule_execution_key(owner: &Owner, rule: &str) -> String {
    format!("rule_execution#{owner}#{}", crate::hex::hex(&Sha256::digest(rule)))
}

fn environment_key(environment: &str) -> String {
    format!("environment#{environment}")
}

fn is_condition(error: &UpdateItemError) -> bool {
    error.is_conditional_check_failed_exception()
}

/// The item on which a condition failed; empty if the item does not exist.
fn item_of(error: UpdateItemError) -> Item {
    match error {
        UpdateItemError::ConditionalCheckFailedException(failure) => failure.item.unwrap_or_default(),
        _ => Item::new(),
    }
}
