//! Tasks in the table and in its index.
//!
//! The index has one range key for both kinds of its items: `response_due_ms` is the time at which a request or a task is
//! due. The hash keys keep them apart.

use super::item::{Item, number, read_number, text};
use super::{DynamoRecords, OWNER_PREFIX, classify};
use crate::Owner;
use crate::records::{DueTask, RecordsError};
use futures_util::future::try_join_all;

/// The index of requests that wait for their response, and of tasks; sparse, since recording the response removes the
/// attribute of the same name.
const INDEX: &str = "pending_response";
pub(super) const PENDING: &str = "yes";

/// The prefix of the keys of tasks.
const TASK_PREFIX: &str = "task#";

/// The number of pages of the index that have tasks. One page takes 1,000 writes a second, as does one key of a table
/// (DynamoDB developer guide, "Designing partition keys to distribute your workload").
const PAGES: u32 = 16;

impl DynamoRecords {
    pub(super) async fn put_task(&self, owner: &Owner, due_ms: u64) -> Result<(), RecordsError> {
        let change = "SET pending_response = :page, response_due_ms = :due";
        let values = [(":page", text(page(page_of(owner)))), (":due", number(due_ms))];
        self.update(task_key(owner), change, None, values).await.map(|_| ())
    }

    /// The owners whose latest request has no response, which was due by `until_ms`.
    pub(super) async fn pending_responses(&self, until_ms: u64) -> Result<Vec<Owner>, RecordsError> {
        let call = self.client.query().table_name(&self.table).index_name(INDEX);
        let call = call.key_condition_expression("pending_response = :yes AND response_due_ms <= :until");
        let call = call.expression_attribute_values(":yes", text(PENDING));
        let call = call.expression_attribute_values(":until", number(until_ms));
        let items: Result<Vec<Item>, _> = call.into_paginator().items().send().collect().await;
        let items = items.map_err(|error| classify::error(&self.table, INDEX, &error))?;
        let owner = |item: &Item| Owner::parse(item.get("pk")?.as_s().ok()?.strip_prefix(OWNER_PREFIX)?);
        Ok(items.iter().filter_map(owner).collect())
    }

    pub(super) async fn delete_task(&self, owner: &Owner) -> Result<(), RecordsError> {
        let key = task_key(owner);
        let call = self.client.delete_item().table_name(&self.table).key("pk", text(&key));
        call.send().await.map(|_| ()).map_err(|error| classify::error(&self.table, &key, &error))
    }

    /// The oldest tasks of all pages, which are read at once. The index itself names the owners whose request waits for its
    /// response; each of them can hide at most one task.
    pub(super) async fn due_tasks(&self, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        let pending = self.pending_responses(u64::MAX).await?;
        let of_page = limit.saturating_add(pending.len());
        let pages = try_join_all((0..PAGES).map(|number| self.due_tasks_of(page(number), now_ms, of_page))).await?;
        let mut due: Vec<DueTask> = pages.into_iter().flatten().filter(|task| !pending.contains(&task.owner)).collect();
        due.sort();
        due.truncate(limit);
        Ok(due)
    }

    /// The oldest tasks of one page. One call: an index item has fewer than 100 bytes, and a call returns 1 MB.
    async fn due_tasks_of(&self, page: String, now_ms: u64, limit: usize) -> Result<Vec<DueTask>, RecordsError> {
        let call = self.client.query().table_name(&self.table).index_name(INDEX);
        let call = call.key_condition_expression("pending_response = :page AND response_due_ms <= :now");
        let call = call.expression_attribute_values(":page", text(page));
        let call = call.expression_attribute_values(":now", number(now_ms));
        let call = call.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = call.send().await.map_err(|error| classify::error(&self.table, INDEX, &error))?;
        Ok(answer.items().iter().filter_map(read_task).collect())
    }
}

fn read_task(item: &Item) -> Option<DueTask> {
    let owner = Owner::parse(item.get("pk")?.as_s().ok()?.strip_prefix(TASK_PREFIX)?)?;
    let due_ms = read_number(item, "response_due_ms").ok()??;
    Some(DueTask { due_ms, owner })
}

fn task_key(owner: &Owner) -> String {
    format!("{TASK_PREFIX}{owner}")
}

/// The page of an owner: by its first hexadecimal digit, so that owners are spread evenly.
fn page_of(owner: &Owner) -> u32 {
    owner.as_str().chars().next().and_then(|digit| digit.to_digit(PAGES)).unwrap_or_default()
}

/// The hash key of a page.
fn page(number: u32) -> String {
    format!("due#{number}")
}
