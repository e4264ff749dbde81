//! The list of environments, by the index `environments`.
//!
//! The item of an owner is in the index from its first desired state until its tombstone expires: `listed` is a constant, and
//! `listed_as` has the environment's id and the owner. The index changes with a create and a delete only, so that one hash key
//! takes all of its writes. It shows each change after a fraction of a second (DynamoDB developer guide, "Using global
//! secondary indexes").

use super::item::{Item, read_number, text};
use super::{DynamoRecords, classify};
use crate::records::listing::{listed_at, places_of};
use crate::records::{EnvironmentPage, ListedEnvironment, PageToken, RecordsError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

const INDEX: &str = "environments";
pub(super) const LISTED: &str = "yes";

impl DynamoRecords {
    fn query_listed(&self, condition: &str) -> QueryFluentBuilder {
        let call = self.client.query().table_name(&self.table).index_name(INDEX);
        call.key_condition_expression(condition).expression_attribute_values(":yes", text(LISTED))
    }

    /// One call: an item of the index has fewer than 300 bytes, and a call returns 1 MB.
    pub(super) async fn page(&self, after: Option<&PageToken>, limit: usize) -> Result<EnvironmentPage, RecordsError> {
        let call = match after {
            Some(after) => {
                let call = self.query_listed("listed = :yes AND listed_as > :after");
                call.expression_attribute_values(":after", text(after.to_string()))
            }
            None => self.query_listed("listed = :yes"),
        };
        let one_more = i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX);
        let answer = call.limit(one_more).send().await.map_err(|error| classify::error(&self.table, INDEX, &error))?;
        Ok(EnvironmentPage::of(answer.items().iter().filter_map(read_listed).collect(), limit))
    }

    pub(super) async fn named(&self, environment: &str) -> Result<Vec<ListedEnvironment>, RecordsError> {
        let call = self.query_listed("listed = :yes AND begins_with(listed_as, :places)");
        let call = call.expression_attribute_values(":places", text(places_of(environment)));
        let items: Result<Vec<Item>, _> = call.into_paginator().items().send().collect().await;
        let items = items.map_err(|error| classify::error(&self.table, INDEX, &error))?;
        Ok(items.iter().filter_map(read_listed).collect())
    }
}

fn read_listed(item: &Item) -> Option<ListedEnvironment> {
    listed_at(item.get("listed_as")?.as_s().ok()?, read_number(item, "deleted_ms").ok().flatten())
}
