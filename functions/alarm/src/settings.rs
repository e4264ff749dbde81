//! What the function is told by its environment variables.

use environment::Deployment;
use lambda_kit::{BadSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: what the names of all environments have in common.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records, which tell what environments want.
    pub records_table: String,
    /// `REQUEST_QUEUE_URL`: the FIFO queue of the requests, where wishes stand in their owner's line.
    pub queue_url: String,
    /// `LEDGER_QUEUE_URL`: where it is told when nothing was done. Without it that is in the function's own log only.
    pub ledger_url: Option<String>,
    /// `AUTOMATION_PAUSED`: `true` while the deployment wants no alarm to be acted on.
    pub paused: bool,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, BadSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let queue_url = vars.required_queue_url("REQUEST_QUEUE_URL");
        let ledger_url = vars.queue_url("LEDGER_QUEUE_URL");
        let paused = vars.flag("AUTOMATION_PAUSED", false);
        vars.checked(Settings { deployment, records_table, queue_url, ledger_url, paused })
    }
}
