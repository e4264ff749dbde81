//! The configuration of the function, from its environment variables.

use environment::Deployment;
use lambda_kit::{InvalidSettings, Vars};

/// The configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: the common part of the names of all environments.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records, which hold the desired states of environments.
    pub records_table: String,
    /// `REQUEST_QUEUE_URL`: the FIFO queue of the requests, in which remediation requests are queued in their owner's
    /// group.
    pub queue_url: String,
    /// `EVENT_BUS_NAME`: the event bus to which skipped rules and the states of the user's own alarms are published.
    /// The queue of `LEDGER_QUEUE_URL` receives the events that the bus does not accept, and all events if this
    /// variable is not set.
    pub event_bus: Option<String>,
    /// `LEDGER_QUEUE_URL`: the queue of the ledger. Without it nothing is published, not even to the bus: skipped rules
    /// are in the function's own log only.
    pub ledger_url: Option<String>,
    /// `AUTOMATION_PAUSED`: `true` while the deployment acts on no alarm.
    pub paused: bool,
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
        let queue_url = vars.required_queue_url("REQUEST_QUEUE_URL");
        let event_bus = vars.event_bus();
        let ledger_url = vars.queue_url("LEDGER_QUEUE_URL");
        let paused = vars.flag("AUTOMATION_PAUSED", false);
        vars.checked(Settings { deployment, records_table, queue_url, event_bus, ledger_url, paused })
    }
}
