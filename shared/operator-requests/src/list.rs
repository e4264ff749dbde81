//! The operator request `list`: the environments of the deployment, page by page.

use environment::property::form;
use futures_util::future::join_all;
use request_pass::CloudFactory;
use requests::records::{ListedEnvironment, OwnerRecord, PageToken, RecordedState};
use requests::{Records, RecordsError, time_text};
use serde_json::{Value, json};

use crate::error::OperatorError;
use crate::request::OperatorRequest;

/// The environments of one page: 25. A page takes one query of the index, and one read of a record for each environment; a
/// record has at most 400 KB.
const PAGE: usize = 25;

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// One page of the list. The index may lag by a second or so; the state of each environment is that of its record.
    pub(crate) async fn list(&self) -> Result<Value, OperatorError> {
        let after = match self.event.get("After") {
            None => None,
            Some(value) => {
                let token = value.as_str().and_then(|text| PageToken::parse(text).ok());
                Some(token.ok_or_else(|| OperatorError::InvalidPage { value: form(value) })?)
            }
        };
        let page = self.records.environments(after.as_ref(), PAGE).await?;
        let records = join_all(page.environments.iter().map(|it| self.records.owner(&it.owner))).await;
        let mut environments = Vec::with_capacity(page.environments.len());
        for (listed, record) in page.environments.iter().zip(records) {
            environments.push(entry(listed, record)?);
        }
        let mut lines: Vec<String> = environments.iter().map(|it| it.line.clone()).collect();
        if lines.is_empty() {
            lines.push(String::from(if after.is_some() {
                "No more environments."
            } else {
                "There is no environment."
            }));
        }
        if let Some(next) = &page.next {
            let list = self.settings.deployment.command(&["list"]);
            lines.push(format!(
                "There are more. To see the next {PAGE}, add \"After\":\"{next}\" to the request. To see all, run: {list}"
            ));
        }
        let environments: Vec<Value> = environments.into_iter().map(|it| it.json).collect();
        let next = page.next.map(|it| it.to_string());
        Ok(json!({ "Environments": environments, "Next": next, "Text": lines.join("\n") }))
    }
}

/// An environment in the result.
struct Entry {
    json: Value,
    line: String,
}

/// The entry of an environment. A record that cannot be read hides no other entry.
fn entry(
    listed: &ListedEnvironment,
    record: Result<Option<OwnerRecord>, RecordsError>,
) -> Result<Entry, OperatorError> {
    let ListedEnvironment { environment, owner, .. } = listed;
    let record = match record {
        Ok(Some(record)) => record,
        Ok(None) => {
            let json = json!({ "Environment": environment, "Owner": owner.as_str(), "State": "gone" });
            return Ok(Entry { json, line: format!("{environment}: gone, its record has expired") });
        }
        Err(RecordsError::Unreadable { message, .. }) => {
            let json =
                json!({ "Environment": environment, "Owner": owner.as_str(), "State": "unknown", "Reason": message });
            return Ok(Entry { json, line: format!("{environment}: unknown, its record can't be read: {message}") });
        }
        Err(error) => return Err(error.into()),
    };
    let state = RecordedState::of(&record);
    let (mut request, mut since, mut reason, mut deleted) = (None, None, None, None);
    let text = match &state {
        RecordedState::InProgress { kind, since_ms } => {
            (request, since) = (Some(*kind), Some(time_text(*since_ms)));
            format!("{kind} in progress since {}", time_text(*since_ms))
        }
        RecordedState::Settled => String::from(state.name()),
        RecordedState::Failed { reason: failure } => {
            reason = Some(failure.clone());
            format!("{}: {}", state.name(), failure.lines().next().unwrap_or_default())
        }
        RecordedState::Deleted { at_ms } => {
            deleted = at_ms.map(time_text);
            deleted.as_ref().map_or_else(|| String::from(state.name()), |at| format!("{} at {at}", state.name()))
        }
    };
    let address = record.latest_request.as_ref().map(|it| &it.response_address);
    let stack = address.map_or_else(String::new, |it| format!("; {} of {}", it.logical_id, it.stack_id));
    let json = json!({
        "Environment": environment, "Owner": owner.as_str(), "State": state.name(), "Request": request, "Since": since,
        "Reason": reason, "Deleted": deleted, "Stack": address.map(|it| &it.stack_id),
        "LogicalResourceId": address.map(|it| &it.logical_id),
    });
    Ok(Entry { json, line: format!("{environment}: {text}{stack}") })
}
