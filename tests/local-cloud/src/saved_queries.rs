//! Saved Logs Insights queries: three calls of CloudWatch Logs that neither emulator supports.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{responses, router::Body};

/// The operations that this module implements.
pub const OPERATIONS: [&str; 3] = ["PutQueryDefinition", "DescribeQueryDefinitions", "DeleteQueryDefinition"];

/// AWS's maximum number of queries on a page.
const PAGE: usize = 1000;

/// The saved queries of the local cloud's one region.
#[derive(Default)]
pub struct SavedQueries(Mutex<Queries>);

#[derive(Default)]
struct Queries {
    by_id: BTreeMap<String, Query>,
    /// The id of the query that each client token created.
    by_token: BTreeMap<String, String>,
    created: u64,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(rename = "queryDefinitionId")]
    id: String,
    name: String,
    #[serde(rename = "queryString")]
    text: String,
    log_group_names: Vec<String>,
    last_modified: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PutInput {
    query_definition_id: Option<String>,
    name: String,
    query_string: String,
    log_group_names: Option<Vec<String>>,
    client_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeInput {
    query_definition_name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeleteInput {
    query_definition_id: String,
}

/// An error: AWS's error type and a message.
struct QueryError(&'static str, String);

impl From<serde_json::Error> for QueryError {
    fn from(error: serde_json::Error) -> Self {
        invalid(error.to_string())
    }
}

impl SavedQueries {
    /// The response to one of the operations, from the JSON of the request.
    pub fn response(&self, operation: &str, input: &[u8]) -> Response<Body> {
        let mut queries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let response = match operation {
            "PutQueryDefinition" => parse(input).and_then(|put| queries.put(put, now)),
            "DescribeQueryDefinitions" => parse(input).and_then(|describe| queries.describe(&describe)),
            _ => parse(input).and_then(|delete: DeleteInput| queries.delete(&delete)),
        };
        match response {
            Ok(response) => responses::json(StatusCode::OK, &response),
            Err(QueryError(kind, message)) => {
                responses::json(StatusCode::BAD_REQUEST, &json!({"__type": kind, "message": message}))
            }
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(input: &'a [u8]) -> Result<T, QueryError> {
    Ok(serde_json::from_slice(input)?)
}

impl Queries {
    /// Updates the query with the given id. Without an id, creates a new query, even if a query of the same name
    /// exists.
    fn put(&mut self, put: PutInput, now: u64) -> Result<Value, QueryError> {
        for (field, length, most) in [("name", put.name.len(), 255), ("queryString", put.query_string.len(), 10_000)] {
            if !(1..=most).contains(&length) {
                return Err(invalid(format!("{field} is {length} characters long: expected 1 to {most}")));
            }
        }
        let repeated = put.client_token.as_ref().and_then(|token| self.by_token.get(token));
        let repeated_id = repeated.filter(|id| put.query_definition_id.is_none() && self.by_id.contains_key(*id));
        if let Some(id) = repeated_id {
            return Ok(json!({"queryDefinitionId": id}));
        }
        let id = match put.query_definition_id {
            Some(id) if !self.by_id.contains_key(&id) => return Err(unknown(&id)),
            Some(id) => id,
            None => self.new_id(),
        };
        if let Some(token) = put.client_token {
            self.by_token.insert(token, id.clone());
        }
        let query = Query {
            id: id.clone(),
            name: put.name,
            text: put.query_string,
            log_group_names: put.log_group_names.unwrap_or_default(),
            last_modified: now,
        };
        self.by_id.insert(id.clone(), query);
        Ok(json!({"queryDefinitionId": id}))
    }

    /// A sequential id; AWS's ids are random.
    fn new_id(&mut self) -> String {
        self.created += 1;
        format!("00000000-0000-4000-9000-{:012x}", self.created)
    }

    fn describe(&self, describe: &DescribeInput) -> Result<Value, QueryError> {
        let prefix = describe.query_definition_name_prefix.as_deref().unwrap_or_default();
        let length = describe.max_results.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&length) {
            return Err(invalid(format!("maxResults is {length}: expected 1 to {PAGE}")));
        }
        let token = describe.next_token.as_deref().unwrap_or("0");
        let first: usize =
            token.parse().map_err(|_| invalid(format!("nextToken is {token}: expected a token from a response")))?;
        let mut found = self.by_id.values().filter(|query| query.name.starts_with(prefix)).skip(first);
        let page: Vec<&Query> = found.by_ref().take(length).collect();
        let next = found.next().map(|_| (first + length).to_string());
        Ok(match next {
            Some(next) => json!({"queryDefinitions": page, "nextToken": next}),
            None => json!({"queryDefinitions": page}),
        })
    }

    fn delete(&mut self, delete: &DeleteInput) -> Result<Value, QueryError> {
        let id = &delete.query_definition_id;
        self.by_id.remove(id).map(|_| json!({"success": true})).ok_or_else(|| unknown(id))
    }
}

fn unknown(id: &str) -> QueryError {
    QueryError("ResourceNotFoundException", format!("The query definition {id} does not exist."))
}

fn invalid(message: String) -> QueryError {
    QueryError("InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of an operation, or the type of the error.
    fn call(queries: &mut Queries, operation: &str, input: &Value) -> Result<Value, &'static str> {
        let input = input.to_string();
        let response = match operation {
            "Put" => parse(input.as_bytes()).and_then(|put| queries.put(put, 7)),
            "Describe" => parse(input.as_bytes()).and_then(|it| queries.describe(&it)),
            _ => parse(input.as_bytes()).and_then(|it: DeleteInput| queries.delete(&it)),
        };
        response.map_err(|QueryError(kind, _)| kind)
    }

    fn put(queries: &mut Queries, input: &Value) -> String {
        call(queries, "Put", input).unwrap()["queryDefinitionId"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_put_without_an_id_creates_a_query_unless_the_token_is_known() {
        let queries = &mut Queries::default();
        let plain = json!({"name": "a", "queryString": "fields @message"});
        let (first, second) = (put(queries, &plain), put(queries, &plain));
        assert_ne!(first, second);
        assert_eq!(first.len(), 36);
        let with_token = json!({"name": "a", "queryString": "fields @message", "clientToken": "t"});
        assert_eq!(put(queries, &with_token), put(queries, &with_token));
        assert_eq!(queries.by_id.len(), 3);
    }

    #[test]
    fn a_query_is_found_by_prefix_and_updated_by_id() {
        let queries = &mut Queries::default();
        let groups = ["/aws/ec2/a"];
        let id = put(queries, &json!({"name": "web/errors", "queryString": "q", "logGroupNames": groups}));
        put(queries, &json!({"name": "other", "queryString": "q"}));
        put(queries, &json!({"queryDefinitionId": id, "name": "web/slow", "queryString": "r"}));
        let found = call(queries, "Describe", &json!({"queryDefinitionNamePrefix": "web/"})).unwrap();
        let expected = json!([{"queryDefinitionId": id, "name": "web/slow", "queryString": "r", "logGroupNames": [], "lastModified": 7}]);
        assert_eq!(found, json!({"queryDefinitions": expected}));
        let page = call(queries, "Describe", &json!({"maxResults": 1})).unwrap();
        assert_eq!(page["nextToken"], "1");
        let rest = call(queries, "Describe", &json!({"maxResults": 1, "nextToken": "1"})).unwrap();
        assert_eq!((rest["queryDefinitions"].as_array().unwrap().len(), rest.get("nextToken")), (1, None));
    }

    #[test]
    fn unknown_ids_and_unknown_fields_are_rejected() {
        let queries = &mut Queries::default();
        let put = json!({"queryDefinitionId": "x", "name": "a", "queryString": "q"});
        assert_eq!(call(queries, "Put", &put), Err("ResourceNotFoundException"));
        assert_eq!(call(queries, "Delete", &json!({"queryDefinitionId": "x"})), Err("ResourceNotFoundException"));
        let extra = json!({"name": "a", "queryString": "q", "queryLanguage": "SQL"});
        assert_eq!(call(queries, "Put", &extra), Err("InvalidParameterException"));
        assert_eq!(call(queries, "Put", &json!({"name": "", "queryString": "q"})), Err("InvalidParameterException"));
    }
}
