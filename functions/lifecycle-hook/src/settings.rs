//! The configuration of the function, from its environment variables.

use std::time::Duration;

use environment::Deployment;
use lambda_kit::{InvalidSettings, Vars};

use crate::pace;

/// The configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: the common part of the names of all environments.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records, which say whether an environment is being deleted.
    pub records_table: String,
    /// `HOOK_QUEUE_URL`: the queue that delivers the messages. Without it the function accepts single events only.
    pub queue_url: Option<String>,
    /// `HOOK_POLL_SECONDS`: the interval between observations of an instance in its first five minutes, 1 to 60; 15 s
    /// if it is not set.
    pub poll_interval: Duration,
    /// `HOOK_DEAD_LETTERS_URL`: the queue for messages that are not readable.
    pub dead_letters_url: Option<String>,
    /// `REQUEST_QUEUE_URL`: the queue to which due passes are requested. Without it none is requested.
    pub request_queue_url: Option<String>,
    /// `EVENT_BUS_NAME`: the event bus to which verdicts, drains and Spot notices are published. The queue of `LEDGER_QUEUE_URL`
    /// receives the events that the bus does not accept, and all events if this variable is not set.
    pub event_bus: Option<String>,
    /// `LEDGER_QUEUE_URL`: the queue of the ledger. Without it nothing is published, not even to the bus: verdicts and
    /// drains are in the function's own log only.
    pub ledger_url: Option<String>,
}

impl Settings {
    /// Reads the settings from environment variables, with `read` as the lookup.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let seconds = |text: &str| text.parse().ok().filter(|it| (1..=60).contains(it)).map(Duration::from_secs);
        let poll_interval = vars.parsed("HOOK_POLL_SECONDS", "a number of seconds from 1 to 60", seconds);
        let poll_interval = poll_interval.unwrap_or(pace::INITIAL_INTERVAL);
        let queue_url = vars.queue_url("HOOK_QUEUE_URL");
        let dead_letters_url = vars.queue_url("HOOK_DEAD_LETTERS_URL");
        let request_queue_url = vars.queue_url("REQUEST_QUEUE_URL");
        let event_bus = vars.event_bus();
        let ledger_url = vars.queue_url("LEDGER_QUEUE_URL");
        vars.checked(Settings {
            deployment,
            records_table,
            queue_url,
            poll_interval,
            dead_letters_url,
            request_queue_url,
            event_bus,
            ledger_url,
        })
    }
}
