//! A deployment as the verbs use it: its functions, environments and log groups.

use std::collections::BTreeSet;

use environment::{Deployment, Names};
use ledger::Entry;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::report::Failure;
use crate::service::{LogEvent, LogQuery, Service, ServiceError};

/// An account in place of the real one, which the command line does not know. Only its length matters: of the names that
/// contain it, none is used.
const SOME_ACCOUNT: &str = "000000000000";

/// The most log events that a verb reads. A ledger with more in the time range is read up to this number.
const MAX_EVENTS: usize = 20_000;

/// A deployment, and the calls to it.
pub struct Session<'a, S> {
    /// The calls to AWS.
    pub service: &'a S,
    /// Project and region.
    pub deployment: Deployment,
    /// The caller as the machine names it, `user@host`. The functions log it, and do not trust it.
    pub caller: String,
}

/// Log events, and whether there are more than were read.
#[derive(Debug)]
pub struct Events<T> {
    /// The events, in the order of time.
    pub all: Vec<T>,
    /// Whether the limit ended the reading.
    pub is_cut: bool,
}

impl<'a, S: Service> Session<'a, S> {
    /// The session of a project in a region.
    pub fn new(service: &'a S, project: &str, region: &str, caller: &str) -> Session<'a, S> {
        let (project, region, account) = (project.to_owned(), region.to_owned(), SOME_ACCOUNT.to_owned());
        Session { service, deployment: Deployment { project, region, account }, caller: caller.to_owned() }
    }

    /// The names of an environment, from its id or its suffix.
    ///
    /// # Errors
    /// [`Exit::Usage`]: the text is neither, or the id is of another region.
    pub fn names(&self, environment: &str) -> Result<Names, Failure> {
        let deployment = &self.deployment;
        let Deployment { project, region, .. } = deployment;
        match deployment.suffix_of(environment) {
            Some(suffix) => Ok(deployment.names(suffix)),
            None => Err(Failure::usage(
                format!(
                    "ENV is {environment:?}: valid is a suffix such as \"dev\", or the id of an environment of this \
                     region and project, such as \"{project}-{region}-dev\""
                ),
                "envkeeper list, or repeat the command with --region or --project",
            )),
        }
    }

    /// The function that answers reading requests.
    #[must_use]
    pub fn reader(&self) -> String {
        format!("{}-operator-read", self.deployment.project)
    }

    /// The function that performs changing requests.
    #[must_use]
    pub fn operator(&self) -> String {
        format!("{}-operator", self.deployment.project)
    }

    /// The result of a reading request.
    ///
    /// # Errors
    /// [`Exit::Error`] if the function answers with an error, else that of the call.
    pub async fn read(&self, request: Value) -> Result<Value, Failure> {
        self.request(&self.reader(), request, Exit::Error, "envkeeper list").await
    }

    /// The result of a changing request.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the function answers with an error, else that of the call.
    pub async fn change(&self, request: Value, next: &str) -> Result<Value, Failure> {
        self.request(&self.operator(), request, Exit::Refused, next).await
    }

    async fn request(&self, function: &str, mut request: Value, exit: Exit, next: &str) -> Result<Value, Failure> {
        request["Caller"] = self.caller.as_str().into();
        let result = self.service.invoke(function, &request).await?;
        match result.get("Error").and_then(Value::as_str) {
            Some(error) => Err(Failure::new(exit, error, next)),
            None => Ok(result),
        }
    }

    /// The environments of the deployment, over all pages.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub async fn environments(&self) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut request = json!({ "Request": "list" });
            if !after.is_null() {
                request["After"] = after;
            }
            let page = self.read(request).await?;
            all.extend(page["Environments"].as_array().cloned().unwrap_or_default());
            after = page["Next"].clone();
            if after.is_null() {
                return Ok(all);
            }
        }
    }

    /// The events of a log group since a time, over all pages.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn log_events(&self, mut query: LogQuery) -> Result<Events<LogEvent>, ServiceError> {
        let mut events = Events { all: Vec::new(), is_cut: false };
        loop {
            let page = self.service.log_events(&query).await?;
            events.all.extend(page.events);
            if events.all.len() >= MAX_EVENTS {
                events.is_cut = true;
                return Ok(events);
            }
            query.token = page.next;
            if query.token.is_none() {
                return Ok(events);
            }
        }
    }

    /// The entries of an environment's ledger since a time, each once, in the order of time; with `instance` only those
    /// of this instance.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn ledger(
        &self,
        names: &Names,
        from_ms: u64,
        instance: Option<&str>,
    ) -> Result<Events<Entry>, ServiceError> {
        let query = LogQuery {
            group: names.scaling_log_group().name,
            stream_prefix: None,
            from_ms,
            filter: instance.map(|it| format!("{{ $.instance = \"{it}\" }}")),
            token: None,
        };
        let Events { all, is_cut } = self.log_events(query).await?;
        let of_instance = |entry: &Entry| instance.is_none_or(|it| entry.instance.as_deref() == Some(it));
        // The same event may be in the ledger twice, with one id.
        let mut ids = BTreeSet::new();
        let mut entries: Vec<Entry> = all.iter().filter_map(|event| Entry::of_line(&event.text)).collect();
        entries.retain(|entry| of_instance(entry) && ids.insert(entry.id.clone()));
        entries.sort_by_key(|it| it.at_ms);
        Ok(Events { all: entries, is_cut })
    }
}
